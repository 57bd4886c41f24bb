"""Trying a step again.

See docs/decisions/003-time-and-retries.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from handler.engine.status import ConduitStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """When and how often a step is tried again.

    Attributes:
        attempts: tries in all, the first included.
        delay: seconds before the second try.
        backoff: each further delay is this many times the one before.
        max_delay: the longest delay, in seconds.
        jitter: wait a random share of the delay, between a half and the whole, so that many jobs do not knock at once.
        on: the statuses after which another try may help.
    """

    attempts: int = 3
    delay: float = 1.0
    backoff: float = 2.0
    max_delay: float = 30.0
    jitter: bool = True
    on: frozenset[ConduitStatus] = frozenset({ConduitStatus.UNHANDLED_EXCEPTION})

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Retry:
        """Make one of its JSON form; what is left out has the default.

        Raises:
            ValueError: a key or a status that does not exist.
        """
        known = {"attempts", "delay", "backoff", "max_delay", "jitter", "on"}
        if unknown := sorted(set(data) - known):
            raise ValueError(f"retry has no {', '.join(unknown)}; it knows {', '.join(sorted(known))}")
        values = dict(data)
        if "on" in values:
            try:
                values["on"] = frozenset(ConduitStatus[name] for name in values["on"])
            except KeyError as error:
                raise ValueError(f"retry.on names {error}, which is no status") from None
        return cls(**values)

    def wait_after(self, tries: int, random: Callable[[], float]) -> float:
        """Seconds between try number `tries` and the next.

        Args:
            tries: how many there were; 1 after the first.
            random: a float in [0, 1).
        """
        try:
            delay: float = min(self.max_delay, self.delay * self.backoff ** (tries - 1))
        except OverflowError:  # growing since long ago
            delay = self.max_delay
        return delay * (0.5 + random() / 2) if self.jitter else delay
