"""The retries of steps.

See docs/decisions/003-time-and-retries.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from handler.engine.status import ConduitStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """The rules for trying a step again.

    Attributes:
        attempts: the number of tries, including the first.
        delay: seconds before the second try.
        backoff: the factor from one delay to the next.
        max_delay: the longest delay, in seconds. A longer delay that a service asks for takes precedence.
        jitter: wait a random share of the delay, between a half and the whole, so that many jobs do not call at once.
        on: the statuses after which another try may help.
        http: HTTP statuses in an error's details after which another try may help.
        codes: codes in an error's details after which another try may help.
    """

    attempts: int = 3
    delay: float = 1.0
    backoff: float = 2.0
    max_delay: float = 30.0
    jitter: bool = True
    on: frozenset[ConduitStatus] = frozenset({ConduitStatus.UNHANDLED_EXCEPTION, ConduitStatus.CALL_FAILED})
    http: frozenset[int] = frozenset()
    codes: frozenset[str] = frozenset()

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Retry:
        """Parse the JSON form of a retry; missing keys have their defaults.

        Raises:
            ValueError: a key or a status does not exist, or an entry of `on` is not valid.
        """
        known = {"attempts", "delay", "backoff", "max_delay", "jitter", "on"}
        if unknown := sorted(set(data) - known):
            raise ValueError(f"retry has no {', '.join(unknown)}; it knows {', '.join(sorted(known))}")
        values = dict(data)
        if "on" in values:
            values |= _entries(values["on"])
        return cls(**values)

    def covers(self, status: ConduitStatus, details: Any) -> bool:
        """Return whether another try may help after a failure with this status and these details."""
        if status in self.on:
            return True
        if not isinstance(details, Mapping):
            return False
        answered, code = details.get("status"), details.get("code")
        return (type(answered) is int and answered in self.http) or (type(code) is str and code in self.codes)

    def wait_after(self, tries: int, random: Callable[[], float], at_least: float = 0.0) -> float:
        """Return the seconds between try number `tries` and the next.

        Args:
            tries: how many tries have ended; 1 after the first.
            random: a float in [0, 1).
            at_least: the delay that the service asked for. `max_delay` does not limit it, since an earlier call would
                not help.
        """
        try:
            delay: float = min(self.max_delay, self.delay * self.backoff ** (tries - 1))
        except OverflowError:  # the delay reached `max_delay` many tries ago
            delay = self.max_delay
        return max(at_least, delay * (0.5 + random() / 2) if self.jitter else delay)


ONCE: Final = Retry(attempts=1)
"""A single try."""


def _entries(written: Any) -> dict[str, Any]:
    """Return the entries of ``on`` by kind: statuses, HTTP statuses, codes."""
    names: set[ConduitStatus] = set()
    http: set[int] = set()
    codes: set[str] = set()
    for entry in written:
        match entry:
            case str():
                try:
                    names.add(ConduitStatus[entry])
                except KeyError as error:
                    raise ValueError(f"retry.on names {error}, which is not a status") from None
            case {"http": list(statuses), **more} if not more:
                http.update(statuses)
            case {"code": list(found), **more} if not more:
                codes.update(found)
            case _:
                raise ValueError('retry.on lists statuses, {"http": [409]} and {"code": ["Throttling"]}')
    return {"on": frozenset(names), "http": frozenset(http), "codes": frozenset(codes)}
