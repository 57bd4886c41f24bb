"""Waits between the tries of a call that AWS accepted only partly."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """A bounded number of tries with full jitter between them.

    AWS recommends full jitter: each wait is random, from zero to a bound that doubles. So callers that were throttled
    at the same time do not retry at the same time.

    Attributes:
        sleep: waits for a number of seconds.
        random: returns a float in [0, 1).
        tries: the number of tries, the first included.
        base: the bound of the first wait, in seconds.
        longest: the greatest bound, in seconds.
    """

    sleep: Callable[[float], Awaitable[None]]
    random: Callable[[], float]
    tries: int = 6
    base: float = 0.05
    longest: float = 1.0

    def attempts(self) -> AsyncIterator[int]:
        """Count the tries from 0, and wait before each except the first."""
        return _Attempts(self)


class _Attempts:
    """Not a generator: the event loop would have to close each one that is left early, which every success does."""

    def __init__(self, backoff: Backoff) -> None:
        self._backoff = backoff
        self._next = 0

    def __aiter__(self) -> AsyncIterator[int]:
        return self

    async def __anext__(self) -> int:
        backoff, number = self._backoff, self._next
        if number >= backoff.tries:
            raise StopAsyncIteration
        if number:
            await backoff.sleep(backoff.random() * min(backoff.longest, backoff.base * 2 ** (number - 1)))
        self._next += 1
        return number
