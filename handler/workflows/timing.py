"""The times of a schedule: by a cron expression, at a fixed interval, or once.

The times follow EventBridge Scheduler's rules; answers of the API and a developer's machine use them. A local time that
the clock skips does not fire, a local time that occurs twice fires the first time, and a day of an interval has 24
hours (https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from itertools import islice
from typing import Final, Protocol
from zoneinfo import ZoneInfo

from handler.workflows.cron import Cron

UNITS: Final = {"minute": 60, "hour": 3600, "day": 86_400}
"""The seconds of each unit of an interval, by its singular."""
LONGEST_INTERVAL: Final = 366 * 86_400
_INTERVAL: Final = re.compile(r"([1-9]\d{0,5}) (minute|hour|day)s?")
_LAST: Final = datetime(9000, 1, 1, tzinfo=UTC).timestamp()


class InvalidTimingError(ValueError):
    """A time, an interval or a zone is not valid. The message gives the reason."""


class Timing(Protocol):
    """The times at which a schedule fires."""

    @property
    def expression(self) -> str:
        """The expression for EventBridge Scheduler."""
        ...

    def times_after(self, now: float) -> Iterator[float]:
        """The instants after `now`, in seconds since 1970, in order."""
        ...


@dataclass(frozen=True, slots=True)
class CronTiming:
    """The times of a cron expression in a time zone."""

    cron: Cron
    zone: tzinfo

    @property
    def expression(self) -> str:
        return self.cron.eventbridge

    def times_after(self, now: float) -> Iterator[float]:
        since = datetime.fromtimestamp(now, self.zone).date()
        last = now
        for local in self.cron.local_times(since):
            instant = _first_instant(local, self.zone)
            if instant is not None and instant > last:  # a zone that skips a day must not yield an instant twice
                last = instant
                yield instant


@dataclass(frozen=True, slots=True)
class Interval:
    """Times at a fixed interval, the first at `start`."""

    count: int
    unit: str
    start: float

    @property
    def seconds(self) -> int:
        return self.count * UNITS[self.unit]

    @property
    def expression(self) -> str:
        return f"rate({self.count} {self.unit}{'' if self.count == 1 else 's'})"

    def times_after(self, now: float) -> Iterator[float]:
        passed = max(0, math.floor((now - self.start) / self.seconds) + 1)
        while (instant := self.start + passed * self.seconds) < _LAST:
            yield instant
            passed += 1


@dataclass(frozen=True, slots=True)
class Once:
    """A single instant."""

    at: float

    @property
    def expression(self) -> str:
        """The expression, always in UTC."""
        return f"at({datetime.fromtimestamp(self.at, UTC):%Y-%m-%dT%H:%M:%S})"

    def times_after(self, now: float) -> Iterator[float]:
        if self.at > now:
            yield self.at


def next_times(timing: Timing, now: float, count: int) -> list[float]:
    """The next `count` instants, or fewer if there are no more."""
    return list(islice(timing.times_after(now), count))


@lru_cache(maxsize=64)
def zone_of(name: str) -> tzinfo:
    """A time zone by its IANA name.

    Raises:
        InvalidTimingError: the zone does not exist.
    """
    if re.fullmatch(r"[A-Za-z0-9_+-]{1,30}(/[A-Za-z0-9_+-]{1,30}){0,3}", name):
        try:
            return ZoneInfo(name)
        except (KeyError, ValueError, OSError):  # OSError: the name is a directory of the database
            pass
    raise InvalidTimingError(f"There is no time zone {name[:64]!r}; use an IANA name such as Europe/Berlin.")


def parse_interval(text: str, start: float) -> Interval:
    """Parse ``N minutes``, ``N hours`` or ``N days``.

    Args:
        text: the interval.
        start: the first firing.

    Raises:
        InvalidTimingError: the string is not such an interval, or it is longer than 366 days.
    """
    match = _INTERVAL.fullmatch(text)
    interval = Interval(int(match[1]), match[2], start) if match else None
    if interval is None or interval.seconds > LONGEST_INTERVAL:
        raise InvalidTimingError("An interval is N minutes, N hours or N days, such as 15 minutes; at most 366 days.")
    return interval


def parse_instant(text: str, zone: tzinfo) -> float:
    """Parse a date and time (RFC 3339, the offset may be missing).

    Args:
        text: the time; its own offset takes precedence over `zone`.
        zone: the zone of a time without an offset.

    Returns:
        Seconds since 1970, without a fraction: EventBridge does not support fractions.

    Raises:
        InvalidTimingError: the string is not a time, or the clock of the zone skips this time.
    """
    form = re.match(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}", text)  # ISO 8601 has more forms, such as weeks
    try:
        moment = datetime.fromisoformat(text.upper() if form else "")
        instant = _first_instant(moment, zone) if moment.tzinfo is None else moment.timestamp()
    except (ValueError, OverflowError):
        raise InvalidTimingError("A time must look like 2026-11-26T09:00:00 or 2026-11-26T09:00:00+01:00.") from None
    if instant is None:
        raise InvalidTimingError(f"The clock skips {text} in this time zone; choose another time.")
    return float(math.floor(instant))


def _first_instant(local: datetime, zone: tzinfo) -> float | None:
    """The instant at which the clock first shows this time, or ``None`` if it skips it."""
    moment = local.replace(tzinfo=zone, fold=0)
    there = moment.astimezone(UTC)
    return there.timestamp() if there.astimezone(zone).replace(tzinfo=None, fold=0) == local.replace(fold=0) else None
