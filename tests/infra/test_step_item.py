"""The item of a finished step is encoded in one go, and stands in the table as any other item would."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.attributes import decode_item, encode_and_weigh, weight
from infra.errors import GiveUpError, TooLargeError
from infra.job_items import step_record
from infra.records import JobKey, StepRecord
from infra.step_item import step_items

KEY = JobKey("tenant#1", "job-1")
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
times = st.none() | st.integers(0, 5 * 10**15).map(lambda micros: micros / 1_000_000)
records = st.builds(
    StepRecord,
    key=st.just(KEY),
    index=st.integers(0, 99_999 - 1),
    lease=st.just("1-0123456789abcdef"),
    step_id=texts,
    action=texts,
    status=st.sampled_from(["DONE", "SKIPPED"]),
    status_value=st.integers(-1, 114),
    result=st.none() | texts,
    error=st.none() | texts,
    attempts=st.integers(0, 10),
    started_at=times,
    finished_at=times,
    duration_ms=st.none() | st.integers(0, 10**9).map(lambda micros: micros / 1000),
    variables=st.none() | texts,
    expires_at=st.integers(1_700_000_000, 2_000_000_000),
)


def record(**fields: Any) -> StepRecord:
    plain = StepRecord(KEY, 0, "1-a", "a", "A.B", "DONE", 0, '"x"', None, 1, 1.8e9, 1.8e9, 0.5, None, 1_900_000_000)
    return plain._replace(**fields)


@given(records)
def test_a_steps_item_is_encoded_as_any_item_and_read_back_as_the_step(some: StepRecord) -> None:
    (item,) = step_items([some])
    encoded, at_most = item.encode_and_weigh()
    assert encoded == encode_and_weigh(item)[0]
    assert weight(encoded) <= at_most
    read = decode_item(encoded)
    assert read is not None
    assert step_record(KEY, read) == some


@pytest.mark.parametrize("moment", [math.nan, math.inf, -1.0, 0.0, 1e15])
def test_a_moment_that_is_none_is_encoded_or_refused_as_any_number(moment: float) -> None:
    (item,) = step_items([record(started_at=moment, finished_at=moment)])
    if math.isfinite(moment):
        assert item.encode_and_weigh() == encode_and_weigh(item)
    else:
        with pytest.raises(GiveUpError, match="finite"):
            item.encode_and_weigh()


def test_steps_of_one_call_have_keys_of_their_own() -> None:
    items = step_items([record(index=0), record(index=11), record(index=0, lease="2-b")])
    keys = [(item["pk"], item["sk"]) for item in items]
    assert keys == [("tenant#1#job-1", sk) for sk in ("STEP#00001#1-a", "STEP#00012#1-a", "STEP#00001#2-b")]
    assert [encoded["sk"]["S"] for encoded, _ in (item.encode_and_weigh() for item in items)] == [sk for _, sk in keys]
    assert step_items([]) == []


@pytest.mark.parametrize("letter", ["x", "é"])
def test_a_step_of_more_than_400_kb_is_refused_and_one_of_less_is_not(letter: str) -> None:
    (bare,) = step_items([record(result="")])
    room = 400 * 1024 - weight(encode_and_weigh(bare)[0])
    fitting = letter * (room // len(letter.encode()))
    (item,) = step_items([record(result=fitting)])
    assert item.encode_and_weigh()[1] == pytest.approx(400 * 1024, abs=1)
    (item,) = step_items([record(result=fitting + letter)])
    with pytest.raises(TooLargeError, match="STEP#00001"):
        item.encode_and_weigh()


def test_a_step_with_half_a_character_is_refused() -> None:
    (item,) = step_items([record(result='"\ud800"')])
    with pytest.raises(GiveUpError, match="half a character"):
        item.encode_and_weigh()
