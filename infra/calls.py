"""Who makes the calls of AWS, and what several jobs may put into one of them.

An adapter says what is to be called; whether its caller waits for the answer in place, or another job goes on
meanwhile, is up to the `Calls` that it was handed.

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
        """What a call returns or raises."""
        ...

    async def make_all(self, calls: Sequence[Callable[[], R]]) -> list[R]:
        """What calls return that are made at the same time, in their order; the first error once all have ended."""
        ...


class Sharing(Protocol):
    """Brings together what several jobs ask for at about the same time."""

    async def join(
        self, what: str, part: Part, work: Callable[[Sequence[Part]], Awaitable[Sequence[R | Exception]]]
    ) -> R:
        """Have one's part of a shared call done.

        Args:
            what: the kind of call; parts of one kind go together.
            part: what this job asks for.
            work: makes the call for all parts; gives what came of each, in their order. An error is raised to the job
                whose part it is; one that `work` itself raises, to all.
        """
        ...


class InPlace:
    """Makes each call in the thread that asks, which waits for it."""

    async def make(self, call: Callable[[], R]) -> R:
        return call()

    async def make_all(self, calls: Sequence[Callable[[], R]]) -> list[R]:
        return at_once(calls)


IN_PLACE: Final = InPlace()


def at_once(calls: Sequence[Callable[[], R]]) -> list[R]:
    """Make all calls at the same time, the first of them in this thread; gives what they return, in their order.

    All have ended when it returns, or raises the first error that there was. One call takes no thread.
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
