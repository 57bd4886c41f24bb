"""Calls that cannot be interrupted, in a time that can be bounded."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final, TypeVar

R = TypeVar("R")

MOST_STUCK: Final = 32
"""Calls that may be left running. Each holds a thread until it gives up by itself."""


class StuckError(Exception):
    """No thread is free for another call, because too many are still running."""


class TimeIsUpError(Exception):
    """The call takes longer than it may. It may still be done."""


class Aside:
    """Runs calls in threads that are left to themselves when the time is up.

    Args:
        name: of the threads.
        most: calls that may run at once, those that were left included.
    """

    def __init__(self, name: str, most: int = MOST_STUCK) -> None:
        self._name = name
        self._most = most
        self._running = 0
        self._counting = threading.Lock()

    def run(self, function: Callable[[], R], seconds: float) -> R:
        """What the function returns or raises.

        Raises:
            TimeIsUpError: it takes longer than `seconds`.
            StuckError: see there.
        """
        with self._counting:
            if self._running >= self._most:
                raise StuckError(f"{self._most} calls are stuck")
            self._running += 1
        results: list[R] = []
        errors: list[Exception] = []
        done = threading.Event()

        def call() -> None:
            try:
                results.append(function())
            except Exception as error:  # noqa: BLE001  # raised again where somebody waits for it
                errors.append(error)
            finally:
                with self._counting:
                    self._running -= 1
                done.set()

        threading.Thread(target=call, name=self._name, daemon=True).start()
        if not done.wait(max(0.0, seconds)):
            raise TimeIsUpError
        if errors:
            raise errors[0]
        return results[0]
