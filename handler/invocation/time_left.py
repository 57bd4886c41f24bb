"""The time of an invocation, less a reserve for writing records and events."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from handler.engine.limits import InvocationTime


@dataclass(frozen=True, slots=True)
class TimeLeft:
    """The time of one invocation.

    Attributes:
        ends_at: when Lambda ends it, in seconds since the epoch.
        length: seconds from its start to its end; the next invocation would have the same number.
        used: whether other messages of the batch have used a part of the time: then a step is begun only if it fits.
        shared: returns whether other jobs of the batch have used a part of it since; ``None`` if no others run.
    """

    ends_at: float
    length: float
    used: bool = False
    shared: Callable[[], bool] | None = None

    @property
    def is_used(self) -> bool:
        """Whether other jobs have used a part of the time by now."""
        return self.used or (self.shared is not None and self.shared())

    @classmethod
    def starting(cls, now: float, remaining_ms: float) -> TimeLeft:
        """The time of an invocation that starts at `now`. Lambda may report 0 ms or less just before it kills."""
        remaining = max(0.0, remaining_ms / 1000)
        return cls(now + remaining, remaining)

    def has_time(self, now: float, reserve: float) -> bool:
        """Whether there is time to begin anything."""
        return self.ends_at - now > reserve

    def for_steps(self, reserve: float, until: float | None = None) -> InvocationTime:
        """The time that steps may use: it ends at the reserve, or at `until` if that is earlier."""
        ends_at = self.ends_at - reserve
        return InvocationTime(
            ends_at=ends_at if until is None else min(ends_at, until),
            fresh=max(0.0, self.length - reserve),
            used=self.used,
            shared=self.shared,
        )
