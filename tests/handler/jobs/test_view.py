"""The view of a job for callers, built from its records."""

from __future__ import annotations

import json
from typing import Any

from handler.caller import Rights
from handler.invocation.time_left import TimeLeft
from handler.invocation.timestamps import iso
from handler.jobs.view import job_view, variables_after
from infra.jobs.records import JobKey, JobRecord, StepRecord


def record(index: int, **fields: Any) -> StepRecord:
    given = {
        "step_id": str(index + 1),
        "path": str(index + 1),
        "action": "A",
        "status": "DONE",
        "status_value": 0,
        "result": "null",
    }
    times = {"started_at": 1.0, "finished_at": 2.0, "duration_ms": 1000.0}
    other = {"key": JobKey("t", "j"), "lease": "1-a", "error": None, "attempts": 1, "variables": None, "expires_at": 9}
    return StepRecord(**{"index": index, **given, **times, **other, **fields})


def changed(set_: dict[str, Any], deleted: list[str]) -> str:
    return json.dumps({"set": set_, "deleted": deleted})


def test_variables_are_the_initial_ones_with_the_changes_of_each_step() -> None:
    payload = {"variables": {"kept": 1, "changed": [1], "deleted": 2, "again": 3}}
    records = [
        record(0, variables=changed({"changed": [1, 2], "new": None}, ["again"])),
        record(1, variables=None),
        record(2, variables=changed({"again": 4}, ["deleted"])),
    ]
    assert variables_after(payload, records) == {"kept": 1, "changed": [1, 2], "new": None, "again": 4}
    assert payload["variables"]["changed"] == [1], "the accepted payload never changes"


def test_steps_that_have_not_run_are_shown_as_the_payload_has_them() -> None:
    job = JobRecord(
        key=JobKey("t", "j"),
        name=None,
        status="RUNNING",
        payload="p",
        payload_hash="h",
        created_at=0.0,
        expires_at=9,
        cursor=1,
    )
    payload = {"steps": [{"action": "A"}, {"action": "B", "id": "b"}, {"action": "C"}]}
    view = job_view(job, payload, [record(0)])
    assert [(step["id"], step["action"], step["status"]) for step in view["steps"]] == [
        ("1", "A", {"name": "DONE", "value": 0}),
        ("b", "B", {"name": "NONE", "value": -1}),
        ("3", "C", {"name": "NONE", "value": -1}),
    ]
    assert (view["success"], view["finished_at"]) == (None, None)


def test_rights_include_others_if_they_have_every_tag_and_allow_as_many_steps() -> None:
    few, many = Rights(frozenset("a"), 10), Rights(frozenset("ab"), None)
    assert many.include(few)
    assert few.include(few)
    assert not few.include(many)
    assert not Rights(frozenset("ab"), 9).include(few)
    assert Rights.decode(many.encode()) == many


def test_a_time_is_iso_8601_in_utc_to_the_millisecond() -> None:
    assert iso(1_800_000_000.0) == "2027-01-15T08:00:00.000Z"
    assert iso(1_799_999_999.9996) == "2027-01-15T08:00:00.000Z"


def test_a_remaining_time_below_zero_counts_as_zero() -> None:
    assert TimeLeft.starting(100.0, -5) == TimeLeft(100.0, 0.0)
    assert not TimeLeft.starting(100.0, 0).has_time(100.0, 0)


def test_steps_have_the_time_left_less_the_reserve_and_at_most_the_senders_wait() -> None:
    lifetime = TimeLeft(130.0, 30.0)
    assert lifetime.for_steps(2.0).ends_at == 128.0
    assert lifetime.for_steps(2.0).fresh == 28.0
    assert lifetime.for_steps(2.0, until=110.0).ends_at == 110.0
