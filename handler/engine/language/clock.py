"""Times in the product's form: RFC 3339, in UTC, with milliseconds."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final

_TIME: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}:[0-9]{2}:[0-9]{2})(\.[0-9]{1,20})?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_FIRST: Final = -62_135_596_800
_LAST: Final = 253_402_300_800
"""Seconds since 1970 of the first instant of the year 1 and of the first instant after the year 9999."""


def parse_time(text: str) -> float:
    """Seconds since 1970 of an RFC 3339 time, fractions kept.

    Raises:
        ValueError: it is not a time, or has no offset.
    """
    found = _TIME.fullmatch(text)
    if found is None:
        raise ValueError(
            "a time must have the form 2026-11-26T19:00:00Z or 2026-11-26T20:00:00.5+01:00, with an offset"
        )
    date, time, fraction, offset = found.groups()
    try:
        moment = datetime.fromisoformat(f"{date}T{time}{'+00:00' if offset in 'Zz' else offset}")
        whole = moment - datetime(1970, 1, 1, tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"there is no such time: {error}") from None
    return whole.days * 86_400.0 + whole.seconds + float(fraction or 0)


def format_time(seconds: float) -> str:
    """The time `seconds` after 1970, as ``2026-11-26T19:00:00.000Z``.

    Raises:
        ValueError: it lies outside of the years 1 to 9999.
    """
    if not _FIRST <= seconds < _LAST:
        raise ValueError("a time must be between the years 1 and 9999")
    milliseconds = round(seconds * 1000)
    moment = datetime(1970, 1, 1) + timedelta(milliseconds=milliseconds)  # noqa: DTZ001  # UTC throughout
    return f"{moment.isoformat(timespec='milliseconds')}Z"


def reads_clock(condition: Any) -> bool:
    """Whether a condition may call `now()`: every condition that does contains the word `now`."""
    texts = condition if isinstance(condition, list) else [condition]
    return any(isinstance(text, str) and "now" in text for text in texts)
