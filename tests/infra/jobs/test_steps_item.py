"""The records of a commit are one item of JSON text, and are read back unchanged."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.jobs.job_items import partition
from infra.jobs.records import JobKey, JobRecord, StepRecord
from infra.jobs.steps_item import ITEM_BYTES, counting, step_records, steps_items
from infra.table.attributes import ITEM_LIMIT, encode_item, weight

KEY = JobKey("tenant#1", "job-1")
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
json_texts = st.builds(lambda value, ascii_: json.dumps(value, ensure_ascii=ascii_), values, st.booleans())
moments = st.integers(10**15, 4 * 10**15)


@st.composite
def records(draw: st.DrawFn) -> StepRecord:
    times = draw(st.none() | st.tuples(moments, st.integers(0, 10**9)))
    began, ended, took = None, None, None
    if times is not None:
        began, ended, took = times[0] / 10**6, (times[0] + times[1]) / 10**6, times[1] / 1000
    return StepRecord(
        key=KEY,
        index=0,
        lease="1-0123456789abcdef",
        step_id=draw(texts),
        path=draw(texts),
        action=draw(texts),
        status=draw(st.sampled_from(["DONE", "SKIPPED"])),
        status_value=draw(st.integers(-1, 118)),
        result=draw(st.none() | json_texts),
        error=draw(st.none() | json_texts),
        attempts=draw(st.integers(0, 10)),
        started_at=began,
        finished_at=ended,
        duration_ms=took,
        variables=draw(st.none() | json_texts),
        expires_at=1_900_000_000,
        phase=draw(st.sampled_from(["step", "open", "close"])),
        opened=draw(st.none() | json_texts),
    )


def record(index: int = 0, **fields: Any) -> StepRecord:
    plain = StepRecord(
        KEY, index, "1-a", "a", "a", "A.B", "DONE", 0, '"x"', None, 1, 1.8e9, 1.8e9, 0.0, None, 1_900_000_000
    )
    return plain._replace(**fields)


@given(st.lists(records(), min_size=1, max_size=4))
def test_records_come_back_as_they_were_written(some: list[StepRecord]) -> None:
    numbered = [one._replace(index=index) for index, one in enumerate(some, start=7)]
    (item,) = steps_items(numbered)
    assert (item["pk"], item["sk"]) == ("tenant#1#job-1", "STEPS#00008#1-0123456789abcdef")
    assert step_records(KEY, item) == numbered


def test_a_person_can_read_the_records_in_the_table() -> None:
    (item,) = steps_items(
        [record(), record(1, step_id="b", path="l.0.b", status="SKIPPED", status_value=100, result=None)]
    )
    assert json.loads(str(item["records"])) == [
        {"id": "a", "action": "A.B", "started_at": 1.8e9, "duration_ms": 0.0, "result": "x"},
        {
            "id": "b",
            "path": "l.0.b",
            "action": "A.B",
            "status": "SKIPPED",
            "value": 100,
            "started_at": 1.8e9,
            "duration_ms": 0.0,
        },
    ]


def test_a_time_without_a_duration_is_kept_itself() -> None:
    some = [
        record(started_at=None, duration_ms=None, attempts=0),
        record(1, finished_at=None, duration_ms=None),
        record(2, duration_ms=None),
    ]
    (item,) = steps_items(some)
    assert step_records(KEY, item) == some


def test_fields_of_a_later_release_are_ignored() -> None:
    (item,) = steps_items([record()])
    item["records"] = str(item["records"]).replace('{"id"', '{"colour":["blue"],"id"')
    item["more"] = "x"
    assert step_records(KEY, item) == [record()]


def test_without_steps_there_are_no_items() -> None:
    assert steps_items([]) == []


@pytest.mark.parametrize("letter", ["x", "\u20ac"])
def test_an_item_holds_100_kb_and_a_larger_record_is_alone(letter: str) -> None:
    def of(size: int, index: int) -> StepRecord:
        return record(index, result=f'"{letter * (size // len(letter.encode()))}"')

    some = [of(size, index) for index, size in enumerate((40_000, 40_000, 40_000, 250_000, 10, 10))]
    items = steps_items(some)
    assert [str(item["sk"])[6:11] for item in items] == ["00001", "00003", "00004", "00005"]
    assert max(weight(encode_item(item)) for item in items) < ITEM_LIMIT
    assert [one for item in items for one in step_records(KEY, item)] == some
    small = [of(90, index) for index in range(10)]
    assert len(steps_items(small)) == 1
    assert len(str(steps_items(some)[0]["records"]).encode()) < ITEM_BYTES


def test_each_record_of_an_item_is_judged() -> None:
    """After a redrive from the middle of an item, its first records count and the others do not."""
    (item,) = steps_items([record(index) for index in range(5)])
    (other,) = steps_items([record(index, lease="2-b") for index in range(2, 4)])
    job = JobRecord(KEY, None, "RUNNING", "p", "h", 1.0, 2, cursor=4, leases=((0, "1-a"), (2, "2-b")))
    found = [one for each in (item, other) for one in counting(job, step_records(KEY, each))]
    assert [(one.index, one.lease) for one in found] == [(0, "1-a"), (1, "1-a"), (2, "2-b"), (3, "2-b")]
    assert partition(KEY) == item["pk"]


def test_ten_small_steps_are_three_write_units() -> None:
    """Steps of 250 bytes each in the table."""
    some = [record(index, step_id=f"step{index}", path=f"step{index}", result=f'"{"x" * 120}"') for index in range(10)]
    (item,) = steps_items(some)
    assert weight(encode_item(item)) <= 3 * 1024
