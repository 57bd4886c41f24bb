from __future__ import annotations

from datetime import UTC, datetime

import pytest

from handler.workflows.cron import parse_cron
from handler.workflows.timing import (
    CronTiming,
    InvalidTimingError,
    Once,
    next_times,
    parse_instant,
    parse_interval,
    zone_of,
)


def _instant(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _next(cron: str, zone: str, now: str, count: int = 5) -> list[str]:
    times = next_times(CronTiming(parse_cron(cron), zone_of(zone)), _instant(now), count)
    return [datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%MZ") for time in times]


def test_a_time_of_day_follows_the_clock_of_its_zone_over_both_changes() -> None:
    spring = _next("0 9 * * *", "Europe/Berlin", "2027-03-26T12:00:00Z", 3)
    assert spring == ["2027-03-27T08:00Z", "2027-03-28T07:00Z", "2027-03-29T07:00Z"]
    autumn = _next("0 9 * * *", "Europe/Berlin", "2027-10-29T12:00:00Z", 3)
    assert autumn == ["2027-10-30T07:00Z", "2027-10-31T08:00Z", "2027-11-01T08:00Z"]


def test_a_time_in_the_skipped_hour_does_not_fire_that_day() -> None:
    times = _next("30 2 * * *", "Europe/Berlin", "2027-03-26T12:00:00Z", 3)
    assert times == ["2027-03-27T01:30Z", "2027-03-29T00:30Z", "2027-03-30T00:30Z"]


def test_a_time_in_the_doubled_hour_fires_once_and_the_first_time() -> None:
    times = _next("30 2 * * *", "Europe/Berlin", "2027-10-29T12:00:00Z", 3)
    assert times == ["2027-10-30T00:30Z", "2027-10-31T00:30Z", "2027-11-01T01:30Z"]


def test_a_time_of_the_doubled_hour_that_was_is_over_in_its_second_pass() -> None:
    assert _next("30 2 * * *", "Europe/Berlin", "2027-10-31T01:10:00Z", 1) == ["2027-11-01T01:30Z"]


def test_the_other_half_of_the_earth_changes_the_other_way_round() -> None:
    times = _next("0 9 * * *", "Australia/Sydney", "2027-04-02T00:00:00Z", 3)
    assert times == ["2027-04-02T22:00Z", "2027-04-03T23:00Z", "2027-04-04T23:00Z"]


def test_a_zone_with_half_an_hour_and_one_that_skipped_a_whole_day() -> None:
    assert _next("0 9 * * *", "Asia/Kolkata", "2027-01-01T00:00:00Z", 1) == ["2027-01-01T03:30Z"]
    times = _next("0 9 * * *", "Pacific/Apia", "2011-12-29T00:00:00Z", 2)  # there was no 30 December in Samoa
    assert times == ["2011-12-29T19:00Z", "2011-12-30T19:00Z"]


def test_the_next_times_lie_after_now_and_not_at_it() -> None:
    assert _next("0 9 * * *", "UTC", "2027-01-01T09:00:00Z", 1) == ["2027-01-02T09:00Z"]


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("15 minutes", "rate(15 minutes)"),
        ("1 minute", "rate(1 minute)"),
        ("1 minutes", "rate(1 minute)"),
        ("2 hours", "rate(2 hours)"),
        ("1 days", "rate(1 day)"),
        ("366 days", "rate(366 days)"),
    ],
)
def test_an_interval_becomes_a_rate(text: str, expression: str) -> None:
    assert parse_interval(text, 0.0).expression == expression


@pytest.mark.parametrize(
    "text",
    ["", "0 minutes", "-1 hours", "1.5 hours", "15", "minutes", "15minutes", "1 week", "367 days", "9999999 days"],
)
def test_an_invalid_interval_is_refused(text: str) -> None:
    with pytest.raises(InvalidTimingError, match="N minutes"):
        parse_interval(text, 0.0)


def test_an_interval_fires_at_its_start_and_steadily_from_there() -> None:
    interval = parse_interval("15 minutes", 1000.0)
    assert next_times(interval, 0.0, 3) == [1000.0, 1900.0, 2800.0]
    assert next_times(interval, 1000.0, 2) == [1900.0, 2800.0]
    assert next_times(interval, 2700.0, 1) == [2800.0]


def test_a_day_of_an_interval_has_24_hours_even_when_clocks_change() -> None:
    start = _instant("2027-03-27T08:00:00Z")
    assert next_times(parse_interval("1 day", start), start, 1) == [start + 86_400]


@pytest.mark.parametrize(
    ("text", "zone", "instant"),
    [
        ("2027-07-01T09:00:00", "Europe/Berlin", "2027-07-01T07:00:00Z"),
        ("2027-07-01T09:00", "Europe/Berlin", "2027-07-01T07:00:00Z"),
        ("2027-07-01T09:00:00Z", "Europe/Berlin", "2027-07-01T09:00:00Z"),
        ("2027-07-01T09:00:00-05:00", "Europe/Berlin", "2027-07-01T14:00:00Z"),
        ("2027-07-01T09:00:00.900Z", "UTC", "2027-07-01T09:00:00Z"),
        ("2027-10-31T02:30:00", "Europe/Berlin", "2027-10-31T00:30:00Z"),
    ],
)
def test_an_offset_in_a_time_wins_over_the_zone(text: str, zone: str, instant: str) -> None:
    assert parse_instant(text, zone_of(zone)) == _instant(instant)


@pytest.mark.parametrize(
    "text", ["", "tomorrow", "2027-07-01", "2027-13-01T00:00:00", "20270701T090000Z", "1e5", "09:00"]
)
def test_a_malformed_time_is_refused(text: str) -> None:
    with pytest.raises(InvalidTimingError, match="A time must look"):
        parse_instant(text, UTC)


def test_a_time_that_the_clock_skips_is_refused() -> None:
    with pytest.raises(InvalidTimingError, match="skips"):
        parse_instant("2027-03-28T02:30:00", zone_of("Europe/Berlin"))


def test_one_time_is_written_in_utc_and_fires_once() -> None:
    once = Once(parse_instant("2027-07-01T09:00:00", zone_of("Europe/Berlin")))
    assert once.expression == "at(2027-07-01T07:00:00)"
    assert next_times(once, once.at - 1, 5) == [once.at]
    assert next_times(once, once.at, 5) == []


@pytest.mark.parametrize(
    "name", ["", "Berlin", "Europe/Atlantis", "../../etc/passwd", "/etc/passwd", "Europe", "a" * 300]
)
def test_an_invalid_zone_is_refused(name: str) -> None:
    with pytest.raises(InvalidTimingError, match="time zone"):
        zone_of(name)
