"""TIME: blocks that calculate with times, time zones and calendars.

A time is a string in the form of RFC 3339: `2026-11-26T19:00:00Z`, or with an offset instead of the `Z`. Results are
in UTC with milliseconds, `2026-11-26T19:00:00.000Z`, so that they sort as strings. A zone is a name such as
`Europe/Berlin`. An invalid time or zone, or a year outside 1 to 9999, is INVALID_ARGUMENT.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from datetime import time as time_of_day
from typing import Final, Literal

from blocks.block import Category
from blocks.messages import shown

category = Category("TIME", effect="none")

Clock = Callable[[], float]
"""Seconds since the epoch."""

RFC_3339: Final = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(\.\d+)?([Zz]|[+-]\d\d:\d\d)?", re.ASCII)
TIME_OF_DAY: Final = re.compile(r"(\d\d?):(\d\d)(?::(\d\d))?", re.ASCII)
DIRECTIVES: Final = {sign: f"%{sign}" for sign in "aAbBcdfGHIjmMpSuUVwWxXyYzZ%"}
DIRECTIVES.update(D="%m/%d/%y", e="%d", F="%Y-%m-%d", h="%b", n="\n", R="%H:%M", t="\t", T="%H:%M:%S")
"""The directives of a format, by the character after the percent sign, as Python understands them on any machine."""
UNPADDED: Final = frozenset("dHIjmMSUVWy")
"""Characters that may follow `%-`: numbers without leading zeros."""
LONGEST_FORMAT: Final = 1000
WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
DAYS_TO_TRY: Final = 15
"""Two weeks and a day: a zone may skip a day as a whole, as Samoa did."""
MONTHS: Final = 12
UNITS: Final = {
    "milliseconds": timedelta(milliseconds=1),
    "seconds": timedelta(seconds=1),
    "minutes": timedelta(minutes=1),
    "hours": timedelta(hours=1),
    "days": timedelta(days=1),
    "weeks": timedelta(weeks=1),
}

Number = int | float
Unit = Literal["milliseconds", "seconds", "minutes", "hours", "days", "weeks"]


@category.block
def now(clock__: Clock, /, *, zone: str = "UTC") -> str:
    """Return the time of the run's clock; in a zone other than UTC, with the zone's offset.

    `{"zone": "Asia/Tokyo"}` gives something like `"2026-11-27T04:00:00.000+09:00"`.
    """
    place = _zone(zone)
    moment = datetime.fromtimestamp(clock__(), UTC)
    return _write(moment) if zone == "UTC" else moment.astimezone(place).isoformat(timespec="milliseconds")


@category.block
def parse(*, text: str, format: str | None = None, zone: str | None = None) -> str:
    """Read a time in a format of strftime, or in the form of ISO 8601.

    A time without an offset is in the zone, by default UTC.
    `{"text": "26.11.2026 20:00", "format": "%d.%m.%Y %H:%M", "zone": "Europe/Berlin"}` gives
    `"2026-11-26T19:00:00.000Z"`.
    """
    place = UTC if zone is None else _zone(zone)
    if format is not None:
        try:
            moment = datetime.strptime(text, _portable(format).replace("%-", "%"))  # noqa: DTZ007  # it gets one below
        except (ValueError, re.error) as error:  # re.error: a directive occurs twice
            raise ValueError(f"`text` is not a time in that format: {error}") from None
    elif (written := RFC_3339.fullmatch(text)) and written[4]:
        return _write(_read(text))
    else:
        try:
            moment = datetime.fromisoformat(text[:LONGEST_FORMAT])
        except ValueError:
            raise ValueError(
                f"`text` is not a time such as 2026-11-26T19:00:00Z; give its `format`: {shown(text)}"
            ) from None
    return _write(moment if moment.tzinfo else moment.replace(tzinfo=place))


@category.block(name="format")
def format_(*, time: str, format: str, zone: str | None = None) -> str:
    """Write a time in a format of strftime, in the zone; without a zone, with the time's own offset.

    `%-d` is the day without a leading zero; other numbers likewise.
    `{"time": "2026-11-26T19:00:00Z", "format": "%A, %-d %B %Y, %H:%M", "zone": "Europe/Berlin"}` gives
    `"Thursday, 26 November 2026, 20:00"`.
    """
    moment = _read(time)
    with _within_calendar():
        return _formatted(moment if zone is None else moment.astimezone(_zone(zone)), _portable(format))


@category.block
def add(
    *,
    time: str,
    years: int = 0,
    months: int = 0,
    days: int = 0,
    hours: Number = 0,
    minutes: Number = 0,
    seconds: Number = 0,
    zone: str | None = None,
) -> str:
    """Add a duration to a time; negative numbers give an earlier time.

    Years, months and days are added in the calendar of the zone (without a zone, of the time's own offset): the hour
    stays the same across a clock change, and a day that the month does not have becomes its last day. An hour that a
    clock change skips becomes the next one; of an hour that occurs twice, the first counts. Then hours, minutes and
    seconds are added as elapsed time. `{"time": "2027-01-31T12:00:00Z", "months": 1}` gives
    `"2027-02-28T12:00:00.000Z"`; `{"time": "2027-03-27T12:00:00Z", "days": 1, "zone": "Europe/Berlin"}` gives
    `"2027-03-28T11:00:00.000Z"`.
    """
    moment = _read(time)
    place = moment.tzinfo if zone is None else _zone(zone)
    with _within_calendar():
        if years or months or days:
            local = moment.astimezone(place)
            year, month = divmod(local.year * MONTHS + local.month - 1 + years * MONTHS + months, MONTHS)
            day = min(local.day, _days_of(year, month + 1))
            shifted = local.replace(year=year, month=month + 1, day=day, fold=0, tzinfo=None) + timedelta(days=days)
            moment = shifted.replace(tzinfo=place)
        return _write(moment.astimezone(UTC) + timedelta(hours=hours, minutes=minutes, seconds=seconds))


@category.block
def diff(*, start: str, end: str, unit: Unit = "seconds") -> float:
    """Return the duration from `start` to `end`, with fractions; it is negative if `end` is earlier.

    `{"start": "2026-11-26T19:00:00Z", "end": "2026-11-26T20:30:00Z", "unit": "hours"}` gives `1.5`.
    """
    return (_read(end) - _read(start)) / UNITS[unit]


@category.block(name="next")
def next_(clock__: Clock, /, *, at: str, weekday: str | None = None, after: str | None = None, zone: str) -> str:
    """Return the next time after `after` (or now) at which the zone's clocks show `at`, on the weekday or on any day.

    An hour that a clock change skips becomes the next one; of an hour that occurs twice, the first counts. The weekday
    is in English, in full or at least its first three letters.
    `{"at": "06:00", "weekday": "monday", "after": "2026-11-26T19:00:00Z", "zone": "Europe/Berlin"}` gives
    `"2026-11-30T05:00:00.000Z"`.
    """
    place, clock_time, wanted = _zone(zone), _time_of_day(at), _weekday(weekday)
    begin = datetime.fromtimestamp(clock__(), UTC) if after is None else _read(after)
    with _within_calendar():
        today = begin.astimezone(place).date()
        for days in range(DAYS_TO_TRY):
            moment = datetime.combine(today + timedelta(days=days), clock_time, place).astimezone(UTC)
            if moment > begin and wanted in {None, moment.astimezone(place).weekday()}:
                return _write(moment)
    raise ValueError(f"{zone} has no such time within two weeks")


@category.block
def start_of(*, time: str, unit: Literal["day", "week", "month", "year"], zone: str) -> str:
    """Return the first moment of the time's day, week, month or year in the zone. Weeks begin on Monday.

    `{"time": "2026-11-26T23:30:00Z", "unit": "day", "zone": "Europe/Berlin"}` gives `"2026-11-26T23:00:00.000Z"`.
    """
    place = _zone(zone)
    with _within_calendar():
        day = _read(time).astimezone(place).date()
        first = {
            "day": day,
            "week": day - timedelta(days=day.weekday() if unit == "week" else 0),
            "month": day.replace(day=1),
            "year": day.replace(month=1, day=1),
        }[unit]
        return _write(datetime.combine(first, time_of_day(), place))


def _read(text: str) -> datetime:
    written = RFC_3339.fullmatch(text)
    if written is None or written[4] is None:
        raise ValueError(
            f"a time is written as 2026-11-26T19:00:00Z or with an offset such as +01:00, not {shown(text)}"
        )
    day, clock_time, fraction, offset = written.groups()
    leap = clock_time.endswith(":60")
    try:
        moment = datetime.fromisoformat(f"{day}T{clock_time[:-2]}59" if leap else f"{day}T{clock_time}")
        zone = UTC if offset in "Zz" else timezone((1 if offset[0] == "+" else -1) * _offset(offset))
    except ValueError as error:
        raise ValueError(f"{shown(text)} is not a time: {error}") from None
    moment = moment.replace(microsecond=int((fraction or ".0")[1:7].ljust(6, "0")), tzinfo=zone)
    with _within_calendar():
        return moment + timedelta(seconds=1) if leap else moment


def _offset(text: str) -> timedelta:
    hours, minutes = int(text[1:3]), int(text[4:])
    if minutes >= 60:  # noqa: PLR2004  # minutes of an hour
        raise ValueError("an offset has less than 60 minutes")
    return timedelta(hours=hours, minutes=minutes)


def _write(moment: datetime) -> str:
    with _within_calendar():
        return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@contextmanager
def _within_calendar() -> Iterator[None]:
    """Turn the errors of times outside the calendar into a ValueError."""
    try:
        yield
    except OverflowError:
        raise ValueError("the time is past the years 1 to 9999") from None


def _zone(name: str) -> tzinfo:
    if name == "UTC":
        return UTC
    from zoneinfo import ZoneInfo  # noqa: PLC0415  # few jobs need it

    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # an unknown name, not a name, or the name of a folder
        raise ValueError(f"{shown(name)} is not a time zone; write a name such as Europe/Berlin, or UTC") from None


def _portable(format: str) -> str:
    if len(format) > LONGEST_FORMAT:
        raise ValueError(f"a format has at most {LONGEST_FORMAT:,} characters")

    def directive(written: re.Match[str]) -> str:
        flag, sign = written.groups()
        if sign not in DIRECTIVES or (flag and sign not in UNPADDED):
            raise ValueError(f"a format has no {written[0]!r}; write %% for a percent sign")
        return f"%-{sign}" if flag else DIRECTIVES[sign]

    return re.sub(r"%(-?)(.?)", directive, format, flags=re.DOTALL)


def _formatted(moment: datetime, format: str) -> str:
    """One directive at a time: the C library ends a string at a NUL, and writes the year 800 without its zero."""

    def directive(written: re.Match[str]) -> str:
        return f"{moment.year:04}" if written[0] == "%Y" else moment.strftime(written[0])

    return re.sub("%-?.", directive, format)


def _days_of(year: int, month: int) -> int:
    following = date(year + month // MONTHS, month % MONTHS + 1, 1)
    return (following - timedelta(days=1)).day


def _time_of_day(text: str) -> time_of_day:
    written = TIME_OF_DAY.fullmatch(text)
    try:
        if written is not None:
            hour, minute, second = (int(part or 0) for part in written.groups())
            return time_of_day(hour, minute, second)
    except ValueError:
        pass
    raise ValueError(f"`at` is a time of day such as 06:00, not {shown(text)}")


def _weekday(name: str | None) -> int | None:
    if name is None:
        return None
    for number, weekday in enumerate(WEEKDAYS):
        if len(name) >= 3 and weekday.startswith(name.lower()):  # noqa: PLR2004  # enough to distinguish them
            return number
    raise ValueError(f"`weekday` is one of {', '.join(WEEKDAYS)}, not {shown(name)}")
