"""How long an invocation lives: what Lambda gives it, less what it keeps back to write what happened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from handler.engine.limits import InvocationTime


@dataclass(frozen=True, slots=True)
class TimeLeft:
    """The time of one invocation.

    Attributes:
        ends_at: when Lambda ends it, in seconds since the epoch.
        length: seconds from its start to its end, which another invocation would have as well.
        used: whether other messages of its batch had a part of it: then what is begun has to fit.
        shared: says whether others have had a part of it since; of a message that others run beside.
    """

    ends_at: float
    length: float
    used: bool = False
    shared: Callable[[], bool] | None = None

    @property
    def is_used(self) -> bool:
        """Whether others have had a part of it by now."""
        return self.used or (self.shared is not None and self.shared())

    @classmethod
    def starting(cls, now: float, remaining_ms: float) -> TimeLeft:
        """The lifetime of an invocation that starts at `now`. 0 or less is a value: Lambda says so before it kills."""
        remaining = max(0.0, remaining_ms / 1000)
        return cls(now + remaining, remaining)

    def has_time(self, now: float, reserve: float) -> bool:
        """Whether anything can be begun."""
        return self.ends_at - now > reserve

    def for_steps(self, reserve: float, until: float | None = None) -> InvocationTime:
        """What steps have of it; where someone waits for an answer, no longer than `until`."""
        ends_at = self.ends_at - reserve
        return InvocationTime(
            ends_at=ends_at if until is None else min(ends_at, until),
            fresh=max(0.0, self.length - reserve),
            used=self.is_used,
        )
