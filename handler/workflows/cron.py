"""Cron expressions with the five fields of Unix: their times, and the same expressions in EventBridge's six fields.

The fields are minute, hour, day of the month, month and day of the week. Each is ``*``, a number, a range ``a-b``, a
step ``*/n`` or ``a-b/n``, or a list of these; months and days of the week may be named by three letters; 0 and 7 are
Sunday. EventBridge requires that one of the two day fields is ``?``, so an expression may restrict only one of them
(Unix would use the days that match either one).
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Final

LAST_YEAR: Final = 2199
"""The last year that EventBridge accepts in a cron expression."""

_MONTHS: Final = {
    "JAN": 1,
    "FEB": 2,
    "MAR": 3,
    "APR": 4,
    "MAY": 5,
    "JUN": 6,
    "JUL": 7,
    "AUG": 8,
    "SEP": 9,
    "OCT": 10,
    "NOV": 11,
    "DEC": 12,
}
_DAYS: Final = {"SUN": 0, "MON": 1, "TUE": 2, "WED": 3, "THU": 4, "FRI": 5, "SAT": 6}
_PART: Final = re.compile(r"(?:\*|(\w{1,3})(?:-(\w{1,3}))?)(?:/(\d{1,3}))?", re.ASCII)
_SUNDAY_AGAIN: Final = 7


class InvalidCronError(ValueError):
    """The string is not a cron expression that EventBridge Scheduler accepts. The message gives the reason."""


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    first: int
    last: int
    names: dict[str, int]


_FIELDS: Final = (
    _Field("minute", 0, 59, {}),
    _Field("hour", 0, 23, {}),
    _Field("day of the month", 1, 31, {}),
    _Field("month", 1, 12, _MONTHS),
    _Field("day of the week", 0, 7, _DAYS),
)


@dataclass(frozen=True, slots=True)
class Cron:
    """A cron expression, with the sorted values that each field matches.

    Attributes:
        minutes, hours, days, months: the matching values.
        weekdays: 0 (Sunday) to 6 (Saturday).
    """

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: tuple[int, ...]
    months: tuple[int, ...]
    weekdays: tuple[int, ...]

    @property
    def eventbridge(self) -> str:
        """The expression for EventBridge Scheduler: ``cron(minutes hours days months weekdays years)``.

        It has at most 235 characters; EventBridge allows 256.
        """
        restricted = len(self.weekdays) < len(_DAYS)
        names = list(_DAYS)
        weekdays = ",".join(names[day] for day in self.weekdays) if restricted else "?"
        days = "?" if restricted else _written(self.days, _FIELDS[2])
        minutes, hours = _written(self.minutes, _FIELDS[0]), _written(self.hours, _FIELDS[1])
        return f"cron({minutes} {hours} {days} {_written(self.months, _FIELDS[3])} {weekdays} *)"

    def local_times(self, since: date) -> Iterator[datetime]:
        """The matching times, without a zone, from the beginning of the day `since`."""
        year, month = since.year, since.month
        while year <= LAST_YEAR:
            if month in self.months:
                yield from self._times_of_month(year, month, since)
            year, month = (year, month + 1) if month < 12 else (year + 1, 1)  # noqa: PLR2004  # months of a year

    def _times_of_month(self, year: int, month: int, since: date) -> Iterator[datetime]:
        _, length = calendar.monthrange(year, month)
        for number in self.days:
            if number > length:
                return
            day = date(year, month, number)
            if day >= since and day.isoweekday() % 7 in self.weekdays:
                for hour in self.hours:
                    for minute in self.minutes:
                        yield datetime.combine(day, time(hour, minute))


def parse_cron(text: str) -> Cron:
    """Parse a cron expression of five fields.

    Raises:
        InvalidCronError: the expression is not valid, restricts both day fields, or never matches.
    """
    parts = text.split()
    if len(parts) != len(_FIELDS):
        raise InvalidCronError(
            "A cron expression has five fields: minute, hour, day of the month, month and day of the week; "
            f"this one has {len(parts)}."
        )
    minutes, hours, days, months, weekdays = (_values(part, field) for part, field in zip(parts, _FIELDS, strict=True))
    cron = Cron(minutes, hours, days, months, tuple(sorted({day % _SUNDAY_AGAIN for day in weekdays})))
    if len(days) < _FIELDS[2].last and len(cron.weekdays) < len(_DAYS):
        raise InvalidCronError(
            "Only one of the two day fields may be restricted; make the day of the month or the day of the week *."
        )
    leap_year = date(2024, 1, 1)
    if next(cron.local_times(leap_year), None) is None:
        raise InvalidCronError("No date matches this expression.")
    return cron


def _values(text: str, field: _Field) -> tuple[int, ...]:
    return tuple(sorted({value for part in text.split(",") for value in _part(part, field)}))


def _part(text: str, field: _Field) -> Sequence[int]:
    match = _PART.fullmatch(text)
    if match is None:
        raise InvalidCronError(f"{text!r} is not a {field.name}; write *, 5, 1-5, */10 or a list of these.")
    low, high, step = match.groups()
    every = int(step) if step is not None else 1
    if every == 0:
        raise InvalidCronError(f"The step of {text!r} is 0; it must be at least 1.")
    if low is None:
        last = 6 if field.last == _SUNDAY_AGAIN else field.last  # 7 is Sunday, like 0: */2 must not count it twice
        return range(field.first, last + 1, every)
    if high is None:
        if step is not None:
            raise InvalidCronError(f"{text!r} has a step but no range; write {low}-{field.last}/{step}.")
        return (_number(low, field),)
    first, last = _number(low, field), _number(high, field)
    if last == 0 and field.last == _SUNDAY_AGAIN and first > 0:
        last = _SUNDAY_AGAIN  # FRI-SUN
    if first > last:
        raise InvalidCronError(f"The range {text!r} of the {field.name} ends before it begins.")
    return range(first, last + 1, every)


def _number(text: str, field: _Field) -> int:
    value = field.names.get(text.upper())
    if value is None and text.isdigit():
        value = int(text)
    if value is None or not field.first <= value <= field.last:
        raise InvalidCronError(f"{text!r} is not a {field.name}; it is a number from {field.first} to {field.last}.")
    return value


def _written(values: tuple[int, ...], field: _Field) -> str:
    """The values of a field as ``*``, or as a list of numbers and ranges."""
    if len(values) == field.last - field.first + 1:
        return "*"
    runs: list[list[int]] = []
    for value in values:
        if runs and value == runs[-1][-1] + 1:
            runs[-1].append(value)
        else:
            runs.append([value])
    return ",".join(_run(run) for run in runs)


def _run(values: list[int]) -> str:
    ends = 2
    return f"{values[0]}-{values[-1]}" if len(values) > ends else ",".join(map(str, values))
