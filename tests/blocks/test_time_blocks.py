from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., Any]

same_fixture = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
BERLIN = "Europe/Berlin"
MOMENTS = st.datetimes(datetime(1950, 1, 1), datetime(2100, 1, 1)).map(  # noqa: DTZ001  # bounds have no zone
    lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000, tzinfo=UTC)
)
ZONES = st.sampled_from([BERLIN, "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia", "UTC"])


def written(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def read(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("action", "parameters", "result"),
    [
        ("TIME.NOW", {}, "2026-11-26T19:00:00.000Z"),
        ("TIME.NOW", {"zone": BERLIN}, "2026-11-26T20:00:00.000+01:00"),
        ("TIME.PARSE", {"text": "2026-11-26T20:00:00+01:00"}, "2026-11-26T19:00:00.000Z"),
        ("TIME.PARSE", {"text": "2026-11-26T19:00:00.123456789z"}, "2026-11-26T19:00:00.123Z"),
        ("TIME.PARSE", {"text": "2016-12-31T23:59:60Z"}, "2017-01-01T00:00:00.000Z"),
        ("TIME.PARSE", {"text": "2026-11-26"}, "2026-11-26T00:00:00.000Z"),
        ("TIME.PARSE", {"text": "2026-11-26", "zone": BERLIN}, "2026-11-25T23:00:00.000Z"),
        ("TIME.PARSE", {"text": "2026-11-26T19:00:00Z", "zone": BERLIN}, "2026-11-26T19:00:00.000Z"),
        ("TIME.PARSE", {"text": "2026-11-26T20:00:00", "zone": BERLIN}, "2026-11-26T19:00:00.000Z"),
        ("TIME.PARSE", {"text": "2026-11-26 20:00:00.25"}, "2026-11-26T20:00:00.250Z"),
        ("TIME.PARSE", {"text": "26.11.26", "format": "%d.%m.%y"}, "2026-11-26T00:00:00.000Z"),
        ("TIME.PARSE", {"text": "5 Nov 2026", "format": "%-d %b %Y", "zone": BERLIN}, "2026-11-04T23:00:00.000Z"),
        ("TIME.PARSE", {"text": "2026-11-26 20:00 +0100", "format": "%F %R %z"}, "2026-11-26T19:00:00.000Z"),
        ("TIME.FORMAT", {"time": "2026-11-26T19:00:00Z", "format": "%d.%m.%Y %H:%M"}, "26.11.2026 19:00"),
        ("TIME.FORMAT", {"time": "2026-11-26T19:00:00Z", "format": "%H:%M %Z", "zone": BERLIN}, "20:00 CET"),
        ("TIME.FORMAT", {"time": "2026-07-01T19:00:00Z", "format": "%H:%M %z", "zone": BERLIN}, "21:00 +0200"),
        ("TIME.FORMAT", {"time": "0800-12-25T00:00:00Z", "format": "a\0%Y"}, "a\x000800"),
        ("TIME.FORMAT", {"time": "2026-11-05T04:05:00+02:00", "format": "%-d %-H %% %A"}, "5 4 % Thursday"),
        ("TIME.ADD", {"time": "2026-11-26T19:00:00Z", "hours": 1.5}, "2026-11-26T20:30:00.000Z"),
        ("TIME.ADD", {"time": "2024-02-29T12:00:00Z", "years": 1}, "2025-02-28T12:00:00.000Z"),
        ("TIME.ADD", {"time": "2024-02-29T12:00:00Z", "years": 4}, "2028-02-29T12:00:00.000Z"),
        ("TIME.ADD", {"time": "2026-03-31T12:00:00Z", "months": -1}, "2026-02-28T12:00:00.000Z"),
        ("TIME.ADD", {"time": "2026-12-31T12:00:00Z", "months": 2}, "2027-02-28T12:00:00.000Z"),
        ("TIME.ADD", {"time": "2026-01-31T12:00:00Z", "months": 1, "days": 1}, "2026-03-01T12:00:00.000Z"),
        ("TIME.ADD", {"time": "2026-03-28T12:00:00Z", "days": 1}, "2026-03-29T12:00:00.000Z"),
        ("TIME.ADD", {"time": "2026-03-28T12:00:00Z", "days": 1, "zone": BERLIN}, "2026-03-29T11:00:00.000Z"),
        ("TIME.ADD", {"time": "2026-03-28T12:00:00Z", "hours": 24, "zone": BERLIN}, "2026-03-29T12:00:00.000Z"),
        # In Berlin, 02:30 does not exist on March 29 and occurs twice on October 25.
        ("TIME.ADD", {"time": "2026-03-28T01:30:00Z", "days": 1, "zone": BERLIN}, "2026-03-29T01:30:00.000Z"),
        ("TIME.ADD", {"time": "2026-10-24T00:30:00Z", "days": 1, "zone": BERLIN}, "2026-10-25T00:30:00.000Z"),
        ("TIME.ADD", {"time": "2026-10-25T01:30:00Z", "days": 371, "zone": BERLIN}, "2027-10-31T00:30:00.000Z"),
        # Without a zone, the calendar follows the offset.
        ("TIME.ADD", {"time": "2026-03-01T00:30:00+02:00", "months": 1}, "2026-03-31T22:30:00.000Z"),
        ("TIME.DIFF", {"start": "2026-11-26T19:00:00Z", "end": "2026-11-26T19:00:01.250Z"}, 1.25),
        ("TIME.DIFF", {"start": "2026-11-26T19:00:00Z", "end": "2026-11-26T19:00:00+01:00"}, -3600),
        ("TIME.DIFF", {"start": "2026-03-01T00:00:00Z", "end": "2026-03-02T12:00:00Z", "unit": "days"}, 1.5),
        ("TIME.NEXT", {"at": "21:00", "zone": BERLIN}, "2026-11-26T20:00:00.000Z"),
        ("TIME.NEXT", {"at": "20:00", "zone": BERLIN}, "2026-11-27T19:00:00.000Z"),
        ("TIME.NEXT", {"at": "06:00", "weekday": "Mon", "zone": BERLIN}, "2026-11-30T05:00:00.000Z"),
        ("TIME.NEXT", {"at": "6:00:30", "weekday": "thursday", "zone": "UTC"}, "2026-12-03T06:00:30.000Z"),
        ("TIME.NEXT", {"at": "02:30", "after": "2026-03-29T00:00:00Z", "zone": BERLIN}, "2026-03-29T01:30:00.000Z"),
        ("TIME.NEXT", {"at": "02:30", "after": "2026-10-24T22:00:00Z", "zone": BERLIN}, "2026-10-25T00:30:00.000Z"),
        ("TIME.NEXT", {"at": "02:30", "after": "2026-10-25T00:30:00Z", "zone": BERLIN}, "2026-10-26T01:30:00.000Z"),
        (  # Samoa had no Friday, December 30, 2011
            "TIME.NEXT",
            {"at": "06:00", "weekday": "friday", "after": "2011-12-29T00:00:00Z", "zone": "Pacific/Apia"},
            "2012-01-05T16:00:00.000Z",
        ),
        ("TIME.START_OF", {"time": "2026-11-26T23:30:00Z", "unit": "day", "zone": "UTC"}, "2026-11-26T00:00:00.000Z"),
        ("TIME.START_OF", {"time": "2026-11-26T23:30:00Z", "unit": "day", "zone": BERLIN}, "2026-11-26T23:00:00.000Z"),
        ("TIME.START_OF", {"time": "2026-11-26T12:00:00Z", "unit": "week", "zone": "UTC"}, "2026-11-23T00:00:00.000Z"),
        ("TIME.START_OF", {"time": "2026-11-29T12:00:00Z", "unit": "week", "zone": "UTC"}, "2026-11-23T00:00:00.000Z"),
        (
            "TIME.START_OF",
            {"time": "2026-11-26T12:00:00Z", "unit": "month", "zone": BERLIN},
            "2026-10-31T23:00:00.000Z",
        ),
        ("TIME.START_OF", {"time": "2026-07-01T12:00:00Z", "unit": "year", "zone": BERLIN}, "2025-12-31T23:00:00.000Z"),
        (  # a day without midnight begins at one
            "TIME.START_OF",
            {"time": "2018-11-04T12:00:00Z", "unit": "day", "zone": "America/Sao_Paulo"},
            "2018-11-04T03:00:00.000Z",
        ),
    ],
)
def test_a_time_block_gives(run: Run, action: str, parameters: dict[str, Any], result: Any) -> None:
    assert run(action, **parameters) == result


@pytest.mark.parametrize(
    ("action", "parameters", "message"),
    [
        ("TIME.NOW", {"zone": "Europe/Atlantis"}, "not a time zone"),
        ("TIME.NOW", {"zone": "../../etc/passwd"}, "not a time zone"),
        ("TIME.NOW", {"zone": "America"}, "not a time zone"),
        ("TIME.NOW", {"zone": ""}, "not a time zone"),
        ("TIME.NOW", {"zone": "a" * 5000}, "not a time zone"),
        ("TIME.PARSE", {"text": "tomorrow"}, "not a time such as"),
        ("TIME.PARSE", {"text": "2026-02-29T00:00:00Z"}, "not a time"),
        ("TIME.PARSE", {"text": "31.02.2026", "format": "%d.%m.%Y"}, "that format"),
        ("TIME.PARSE", {"text": "1 1 2026", "format": "%d %d %Y"}, "that format"),
        ("TIME.PARSE", {"text": "1", "format": "%Q"}, "'%Q'"),
        ("TIME.FORMAT", {"time": "2026-11-26T19:00:00Z", "format": "%"}, "'%'"),
        ("TIME.FORMAT", {"time": "2026-11-26T19:00:00Z", "format": "%s"}, "'%s'"),
        ("TIME.FORMAT", {"time": "2026-11-26T19:00:00Z", "format": "%99999Y"}, "'%9'"),
        ("TIME.FORMAT", {"time": "2026-11-26T19:00:00Z", "format": "x" * 1001}, "1,000 characters"),
        ("TIME.FORMAT", {"time": "2026-11-26T19:00:00", "format": "%Y"}, "with an offset"),
        ("TIME.FORMAT", {"time": "26.11.2026", "format": "%Y"}, "is written as"),
        ("TIME.ADD", {"time": "2026-11-26T25:00:00Z"}, "not a time"),
        ("TIME.ADD", {"time": "2026-11-26T19:00:00+01:60"}, "not a time"),
        ("TIME.ADD", {"time": "2026-11-26T19:00:00Z", "years": 10_000}, "year"),
        ("TIME.ADD", {"time": "2026-11-26T19:00:00Z", "months": -(10**30)}, "year|range"),
        ("TIME.ADD", {"time": "2026-11-26T19:00:00Z", "days": 10**9}, "1 to 9999"),
        ("TIME.ADD", {"time": "2026-11-26T19:00:00Z", "hours": 1e300}, "1 to 9999"),
        ("TIME.ADD", {"time": "9999-12-31T23:59:59Z", "seconds": 1}, "1 to 9999"),
        ("TIME.ADD", {"time": "0001-01-01T00:00:00+01:00"}, "1 to 9999"),
        ("TIME.NEXT", {"at": "25:00", "zone": "UTC"}, "time of day"),
        ("TIME.NEXT", {"at": "noon", "zone": "UTC"}, "time of day"),
        ("TIME.NEXT", {"at": "06:00", "weekday": "mo", "zone": "UTC"}, "weekday"),
    ],
)
def test_a_malformed_time_is_refused(run: Run, action: str, parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        run(action, **parameters)


@same_fixture
@given(moment=MOMENTS, seconds=st.integers(-(10**8), 10**8), zone=st.none() | ZONES)
def test_seconds_pass_as_on_a_stopwatch(run: Run, moment: datetime, seconds: int, zone: str | None) -> None:
    later = run("TIME.ADD", time=written(moment), seconds=seconds, zone=zone)

    assert later == written(moment + timedelta(seconds=seconds))
    assert run("TIME.DIFF", start=written(moment), end=later) == seconds


@same_fixture
@given(moment=MOMENTS, days=st.integers(-500, 500), zone=ZONES)
def test_days_keep_the_hour_of_the_zone_where_there_is_one(run: Run, moment: datetime, days: int, zone: str) -> None:
    local = moment.astimezone(ZoneInfo(zone))
    later = read(run("TIME.ADD", time=written(moment), days=days, zone=zone)).astimezone(ZoneInfo(zone))
    wanted = local.replace(tzinfo=None) + timedelta(days=days)
    shown = later.replace(tzinfo=None)

    if days and shown != wanted:
        assert shown > wanted  # the hour (or the day) was skipped
        assert (shown - wanted) <= timedelta(days=1)
    if not days:
        assert later == moment


@same_fixture
@given(moment=MOMENTS, months=st.integers(-600, 600))
def test_months_keep_the_day_or_end_with_the_month(run: Run, moment: datetime, months: int) -> None:
    later = read(run("TIME.ADD", time=written(moment), months=months))

    assert (later.year * 12 + later.month) - (moment.year * 12 + moment.month) == months
    assert later.day == moment.day or (later.day < moment.day and (later + timedelta(days=1)).day == 1)
    assert later.timetz() == moment.timetz()


@same_fixture
@given(moment=MOMENTS, zone=ZONES, hour=st.integers(0, 23), weekday=st.sampled_from([None, "monday", "sunday"]))
def test_the_next_time_comes_later_on_its_weekday_and_soon(
    run: Run, moment: datetime, zone: str, hour: int, weekday: str | None
) -> None:
    found = read(run("TIME.NEXT", at=f"{hour}:00", after=written(moment), zone=zone, weekday=weekday))
    local = found.astimezone(ZoneInfo(zone))

    assert moment < found <= moment + timedelta(days=15 if weekday else 2.1)
    assert weekday is None or local.strftime("%A").lower() == weekday


@same_fixture
@given(moment=MOMENTS, zone=ZONES, unit=st.sampled_from(["day", "week", "month", "year"]))
def test_a_start_is_not_later_and_starts_itself(run: Run, moment: datetime, zone: str, unit: str) -> None:
    start = run("TIME.START_OF", time=written(moment), unit=unit, zone=zone)

    assert read(start) <= moment
    assert moment - read(start) <= timedelta(days={"day": 2, "week": 8, "month": 32, "year": 367}[unit])
    assert run("TIME.START_OF", time=start, unit=unit, zone=zone) == start


@same_fixture
@given(moment=MOMENTS, zone=ZONES)
def test_a_formatted_time_is_parsed_again(run: Run, moment: datetime, zone: str) -> None:
    format_ = "%Y-%m-%d %H:%M:%S.%f %z"
    text = run("TIME.FORMAT", time=written(moment), format=format_, zone=zone)

    assert run("TIME.PARSE", text=text, format=format_) == written(moment)


def test_zones_are_known_on_a_machine_that_has_none() -> None:
    """Lambda's image has no time zone database: the artifact contains one."""
    program = "from blocks.time import next_; print(next_.function(lambda: 0.0, at='06:00', zone='Europe/Berlin'))"
    root = Path(__file__).parents[2]
    ended = subprocess.run(  # noqa: S603  # our own program
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONTZPATH": "", "PYTHONPATH": str(root)},
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.stdout.strip() == "1970-01-01T05:00:00.000Z", ended.stderr
