"""Waiting between the tries of a call that AWS took only in part."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """A bounded number of tries with full jitter between them.

    Full jitter, a wait drawn evenly from zero to a bound that doubles, is what AWS recommends: callers that were
    throttled together do not come back together.

    Attributes:
        sleep: waits that many seconds.
        random: a float in [0, 1).
        tries: in all, the first included.
        base: the bound of the first wait, in seconds.
        longest: what the bound never passes, in seconds.
    """

    sleep: Callable[[float], Awaitable[None]]
    random: Callable[[], float]
    tries: int = 6
    base: float = 0.05
    longest: float = 1.0

    async def attempts(self) -> AsyncIterator[int]:
        """Count the tries from 0, waiting before each but the first."""
        yield 0
        for number in range(1, self.tries):
            await self.sleep(self.random() * min(self.longest, self.base * 2 ** (number - 1)))
            yield number
