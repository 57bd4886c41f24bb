"""Runs uninterruptible calls for a limited time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final, TypeVar

R = TypeVar("R")

MOST_STUCK: Final = 32
"""How many abandoned calls may still run. Each holds a thread until it ends by itself."""


class StuckError(Exception):
    """No thread is free for another call: too many are still running."""


class TimeIsUpError(Exception):
    """The call took longer than allowed. It may still take effect."""


class Aside:
    """Runs calls in threads, and abandons a thread when its time is up.

    Args:
        name: the name of the threads.
        most: the most calls that run at once, abandoned ones included.
    """

    def __init__(self, name: str, most: int = MOST_STUCK) -> None:
        self._name = name
        self._most = most
        self._running = 0
        self._counting = threading.Lock()

    def run(self, function: Callable[[], R], seconds: float) -> R:
        """Run a function; return its result or raise its error.

        Raises:
            TimeIsUpError: it takes longer than `seconds`.
            StuckError: no thread is free.
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
            except Exception as error:  # noqa: BLE001  # raised again in the thread that waits for it
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
