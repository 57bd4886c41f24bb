from __future__ import annotations

from datetime import date, datetime, timedelta
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler.workflows.cron import InvalidCronError, parse_cron


@pytest.mark.parametrize(
    ("unix", "eventbridge"),
    [
        ("0 9 * * 1-5", "cron(0 9 ? * MON,TUE,WED,THU,FRI *)"),
        ("30 2 * * *", "cron(30 2 * * ? *)"),
        ("* * * * *", "cron(* * * * ? *)"),
        ("*/15 * * * *", "cron(0,15,30,45 * * * ? *)"),
        ("0 0 1 * *", "cron(0 0 1 * ? *)"),
        ("0 0 1-7,15 1,6 *", "cron(0 0 1-7,15 1,6 ? *)"),
        ("5-59/20 8-17 * * *", "cron(5,25,45 8-17 * * ? *)"),
        ("0 0 * JAN-mar *", "cron(0 0 * 1-3 ? *)"),
        ("0 12 * * */2", "cron(0 12 ? * SUN,TUE,THU,SAT *)"),
        ("0 0 * * 0-6", "cron(0 0 * * ? *)"),
    ],
)
def test_a_unix_expression_becomes_an_expression_of_eventbridge(unix: str, eventbridge: str) -> None:
    assert parse_cron(unix).eventbridge == eventbridge


@pytest.mark.parametrize("sunday", ["0", "7", "sun", "SUN"])
def test_zero_and_seven_are_sunday(sunday: str) -> None:
    assert parse_cron(f"0 9 * * {sunday}").eventbridge == "cron(0 9 ? * SUN *)"


@pytest.mark.parametrize("days", ["5-7", "FRI-SUN", "fri,sat,0", "5-0"])
def test_a_range_of_weekdays_may_end_with_sunday(days: str) -> None:
    assert parse_cron(f"0 9 * * {days}").weekdays == (0, 5, 6)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("0 9 * *", "five fields"),
        ("0 9 * * 1-5 *", "five fields"),
        ("@daily", "five fields"),
        ("", "five fields"),
        ("60 9 * * *", "minute"),
        ("0 24 * * *", "hour"),
        ("0 9 0 * *", "day of the month"),
        ("0 9 * 13 *", "month"),
        ("0 9 * * 8", "day of the week"),
        ("0 9 * * MONDAY", "day of the week"),
        ("0 9 L * *", "day of the month"),
        ("0 9 ? * 1", "day of the month"),
        ("0 9 * * 2#1", "day of the week"),
        ("*/0 9 * * *", "step"),
        ("5/15 9 * * *", "write 5-59/15"),
        ("9-5 9 * * *", "ends before it begins"),
        ("0 9,, * * *", "hour"),
        ("-1 9 * * *", "minute"),
        ("0 9 1 * 1", "Only one of the two day fields"),
        ("0 9 */2 * 1-5", "Only one of the two day fields"),
        ("0 0 30 2 *", "No date"),
        ("0 0 31 4,6,9,11 *", "No date"),
        ("٣ 9 * * *", "minute"),
    ],
)
def test_an_expression_that_cannot_be_kept_is_refused_with_its_reason(text: str, reason: str) -> None:
    with pytest.raises(InvalidCronError, match=reason.replace("*", r"\*")):
        parse_cron(text)


def test_the_longest_expression_fits_into_the_limit_of_eventbridge() -> None:
    """Pairs of values with gaps between them take the most characters: three in a row would be a range."""
    minutes = ",".join(f"{n},{n + 1}" for n in range(0, 59, 3))
    hours = ",".join(f"{n},{n + 1}" for n in range(0, 23, 3))
    days = ",".join(f"{n},{n + 1}" for n in range(1, 31, 3))
    assert len(parse_cron(f"{minutes} {hours} {days} 1,2,4,5,7,8,10,11 *").eventbridge) <= 256


def test_a_leap_day_comes_every_four_years() -> None:
    times = list(islice(parse_cron("0 0 29 2 *").local_times(date(2026, 1, 1)), 3))
    assert [time.year for time in times] == [2028, 2032, 2036]


def _field(first: int, last: int) -> st.SearchStrategy[str]:
    number = st.integers(first, last)
    span = st.tuples(number, number).map(lambda pair: f"{min(pair)}-{max(pair)}")
    stepped = st.tuples(span, st.integers(1, 9)).map(lambda pair: f"{pair[0]}/{pair[1]}")
    part = st.one_of(number.map(str), span, stepped, st.integers(1, 9).map(lambda step: f"*/{step}"))
    return st.one_of(st.just("*"), st.lists(part, min_size=1, max_size=2).map(",".join))


def _allows(field: str, value: int, first: int, last: int) -> bool:
    """A simple implementation of one field, for comparison."""
    for part in field.split(","):
        span, _, step = part.partition("/")
        low, _, high = span.partition("-")
        start, end = (first, last) if span == "*" else (int(low), int(high or low))
        if start <= value <= end and (value - start) % int(step or 1) == 0:
            return True
    return False


@given(_field(0, 59), _field(0, 23), _field(1, 12), _field(0, 6), st.dates(date(2026, 1, 1), date(2030, 12, 31)))
def test_the_times_are_those_that_a_plain_reading_of_the_fields_lets_through(
    minute: str, hour: str, month: str, weekday: str, since: date
) -> None:
    cron = parse_cron(f"{minute} {hour} * {month} {weekday}")
    day = datetime(since.year, since.month, since.day)  # noqa: DTZ001  # a local day
    expected = [
        at
        for number in range(24 * 60)
        if _allows(minute, (at := day + timedelta(minutes=number)).minute, 0, 59)
        and _allows(hour, at.hour, 0, 23)
        and _allows(month, at.month, 1, 12)
        and _allows(weekday, at.isoweekday() % 7, 0, 6)
    ]
    found = [at for at in islice(cron.local_times(since), len(expected) + 1) if at.date() == since]
    assert found == expected
