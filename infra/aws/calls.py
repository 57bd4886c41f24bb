"""Makes calls of AWS, and lets several jobs share one call.

An adapter describes the call. Its `Calls` decide whether the caller blocks or another job continues meanwhile.

See docs/decisions/022-batches.md.
"""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol, TypeVar

R = TypeVar("R")
Part = TypeVar("Part")


class Calls(Protocol):
    """Makes calls of AWS."""

    async def make(self, call: Callable[[], R]) -> R:
        """Make a call; return its result or raise its error."""
        ...

    async def make_all(self, calls: Sequence[Callable[[], R]]) -> list[R]:
        """Make several calls at once; return their results in order, or raise the first error once all have ended."""
        ...


class Sharing(Protocol):
    """Combines the requests that several jobs make at about the same time."""

    async def join(
        self, what: str, part: Part, work: Callable[[Sequence[Part]], Awaitable[Sequence[R | Exception]]]
    ) -> R:
        """Take part in a shared call.

        Args:
            what: the kind of call; parts of one kind are combined.
            part: the request of this job.
            work: makes the call for all parts; returns a result or an error for each, in order. The
                error of a part is raised in its job; an error that `work` itself raises is raised in all jobs.
        """
        ...


class InPlace:
    """Makes each call in the thread of the caller, which waits for it."""

    async def make(self, call: Callable[[], R]) -> R:
        return call()

    async def make_all(self, calls: Sequence[Callable[[], R]]) -> list[R]:
        return at_once(calls)


IN_PLACE: Final = InPlace()


def at_once(calls: Sequence[Callable[[], R]]) -> list[R]:
    """Make all calls at once, the first one in this thread; return their results in order.

    When it returns or raises the first error, all calls have ended. A single call needs no other thread.
    """
    if len(calls) == 1:
        return [calls[0]()]
    results: dict[int, R] = {}
    errors: dict[int, BaseException] = {}

    def run(number: int) -> None:
        try:
            results[number] = calls[number]()
        except BaseException as error:  # noqa: BLE001  # handed to the caller's thread
            errors[number] = error

    threads = [
        threading.Thread(target=run, args=(number,), name="conduit-call", daemon=True)
        for number in range(1, len(calls))
    ]
    for thread in threads:
        thread.start()
    try:
        results[0] = calls[0]()
    except Exception as error:  # noqa: BLE001  # raised when the others have ended
        errors[0] = error
    for thread in threads:
        thread.join()
    if errors:
        raise errors[min(errors)]
    return [results[number] for number in range(len(calls))]
