"""A job's record is an item of the table, and comes back as it was."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.jobs.job_items import FIRST_SHARDS, changes, job_item, job_record
from infra.jobs.records import JOB_STATUSES, JobKey, JobRecord

texts = st.text(max_size=5)
counts = st.integers(0, 3)
moments = st.sampled_from([0.0, 0.5, 1.8e9])
some = {
    "name": st.none() | texts,
    "status": st.sampled_from(JOB_STATUSES),
    "workflow": st.none() | texts,
    "cursor": counts,
    "published": counts,
    "fence": counts,
    "lease": st.none() | texts,
    "lease_until": moments,
    "leases": st.lists(st.tuples(counts, texts), max_size=2).map(tuple),
    "attempts": counts,
    "started": st.booleans(),
    "tries": counts,
    "last_error": st.none() | texts,
    "hand_overs": counts,
    "run": st.integers(1, 3),
    "cancel": st.booleans(),
    "woken": counts,
    "waiting": st.none() | texts,
    "idle": st.lists(st.tuples(moments, moments), max_size=2).map(tuple),
    "signals": st.dictionaries(st.sampled_from(["a", "b.0.c"]), texts).map(lambda given: tuple(sorted(given.items()))),
    "sender": st.none() | texts,
    "redriven_by": st.none() | texts,
    "secret": st.none() | texts,
    "due": st.none() | moments,
    "sweeps": counts,
    "started_at": st.none() | moments,
    "finished_at": st.none() | moments,
    "ends_at": st.just(math.inf) | moments,
    "timeout_at": st.none() | moments,
    "resume_at": st.none() | moments,
    "failed_step": st.none() | texts,
}


def record(**fields: Any) -> JobRecord:
    given = {"status": "RUNNING", **fields}
    return JobRecord(
        key=JobKey("t#1", "j"),
        **{"name": None, "payload": "p", "payload_hash": "h", "created_at": 1.5, "expires_at": 2} | given,
    )


@given(st.fixed_dictionaries({}, optional=some))
def test_a_record_comes_back_as_it_was_written(fields: dict[str, Any]) -> None:
    job = record(**fields)
    item = job_item(job)
    assert job_record(item) == job
    assert None not in item.values()
    assert ("shard" in item) == (job.due is not None)


def test_what_is_empty_takes_no_attribute_and_a_count_of_records_does() -> None:
    assert job_item(record()) == {
        "pk": "t#1#j",
        "sk": "JOB",
        "tenant": "t#1",
        "job_id": "j",
        "status": "RUNNING",
        "payload": "p",
        "payload_hash": "h",
        "created_at": 1.5,
        "expires_at": 2,
        "cursor": 0,
        "published": 0,
        "fence": 0,
        "attempts": 0,
        "run": 1,
        "version": 1,
    }


def test_each_answer_has_an_attribute_of_its_own() -> None:
    assert job_item(record(signals=(("ask", "r1"),)))["signal:ask"] == "r1"


def test_a_write_has_the_changed_attributes_only() -> None:
    before, after = record(lease="1-a", due=5.0), record(cursor=2)
    assert changes(before, after) == ({"cursor": 2}, ["lease", "due", "shard"])
    assert job_item(before)["shard"] in FIRST_SHARDS


def test_a_copy_differs_in_the_given_fields_only() -> None:
    job = record(lease="1-a")
    copy = job._replace(lease=None, cursor=3)
    assert type(copy) is JobRecord
    assert copy._asdict() == job._asdict() | {"lease": None, "cursor": 3}
    assert job.lease == "1-a"


def test_a_copy_with_a_field_that_no_record_has_is_refused() -> None:
    with pytest.raises(KeyError, match="leese"):
        record()._replace(leese="1-a")  # type: ignore[call-arg]
