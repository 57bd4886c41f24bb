"""The events on the bus."""

from __future__ import annotations

import json
from typing import Any

import pytest

from handler.recording.events import GROUP_BYTES, StepUpdates, job_finished, job_waiting
from infra.jobs.records import JobKey, JobRecord, StepRecord


def job(**fields: Any) -> JobRecord:
    key = fields.pop("key", JobKey('te"nant', "order-42"))
    given = {"name": "My \u00fc job", "status": "SUCCEEDED", "cursor": 1, "payload": "p", "payload_hash": "h"}
    return JobRecord(**{"key": key, **given, "created_at": 0.0004, "expires_at": 9, "finished_at": 1.5, **fields})


def step(**fields: Any) -> StepRecord:
    given = {
        "step_id": "a",
        "path": "a",
        "action": "TEXT.JOIN",
        "status": "DONE",
        "status_value": 0,
        "result": '"Hello"',
    }
    times = {"started_at": 1.0, "finished_at": 1.0004, "duration_ms": 0.4}
    other = {"error": None, "attempts": 1, "variables": None, "expires_at": 9}
    return StepRecord(
        **{"key": JobKey('te"nant', "order-42"), "index": 0, "lease": "1-a", **given, **times, **other} | fields
    )


def update(limit: int = 240 * 1024, **fields: Any) -> dict[str, Any]:
    entry = StepUpdates(job(), (), limit=limit).entry(step(**fields))
    assert (entry.detail_type, entry.size <= max(limit, 600)) == ("Step Updated", True)
    detail: dict[str, Any] = json.loads(entry.detail)
    return detail


def test_a_step_update_has_the_shape_that_consumers_were_promised() -> None:
    assert update() == {
        "version": 1,
        "event_id": 'te"nant/order-42/1/1',
        "tenant": 'te"nant',
        "job": {"id": "order-42", "name": "My \u00fc job"},
        "step": {
            "id": "a",
            "path": "a",
            "position": 1,
            "action": "TEXT.JOIN",
            "status": {"name": "DONE", "value": 0},
            "attempts": 1,
            "started_at": "1970-01-01T00:00:01.000Z",
            "finished_at": "1970-01-01T00:00:01.000Z",
            "duration_ms": 0.4,
            "result": "Hello",
            "error": None,
        },
    }


def test_the_end_of_a_job_has_no_step_and_says_how_it_went() -> None:
    ended = job(status="FAILED", cursor=3, run=2, name=None, failed_step='{"id":"a","position":1}')
    entry = job_finished(ended, [step()], limit=10_000)
    assert entry.detail_type == "Job Finished"
    assert json.loads(entry.detail) == {
        "version": 1,
        "event_id": 'te"nant/order-42/2/end',
        "tenant": 'te"nant',
        "job": {
            "id": "order-42",
            "name": None,
            "status": "FAILED",
            "success": False,
            "created_at": "1970-01-01T00:00:00.000Z",
            "finished_at": "1970-01-01T00:00:01.500Z",
            "steps": 3,
            "failed_step": {"id": "a", "position": 1},
            "output": None,
        },
    }


@pytest.mark.parametrize("letter", ["x", "𝄞"])
@pytest.mark.parametrize(("more", "omitted"), [(-1, False), (0, False), (1, True)])
def test_a_result_that_would_not_fit_is_left_out_and_said_to_be(more: int, omitted: bool, letter: str) -> None:
    limit = 2000
    room = limit - StepUpdates(job(), (), limit=limit).entry(step(result='""')).size
    text = letter * (room // 4) + "x" * (room % 4 + more) if letter == "𝄞" else letter * (room + more)
    detail = update(limit, result=f'"{text}"')["step"]
    assert detail.get("result_omitted", False) is omitted
    assert (detail["result"] is None) is omitted


def test_an_error_that_would_not_fit_is_left_out_too() -> None:
    detail = update(1024, result=None, error=json.dumps({"type": "E", "message": "x" * 2000}))["step"]
    assert (detail["error"], detail["error_omitted"]) == (None, True)


@pytest.mark.parametrize(
    ("result", "omitted"),
    [
        ("9223372036854775807", False),
        ("9223372036854775808", True),
        ('{"a":[-123456789012345678901234567890]}', True),
        ('"123456789012345678901234567890"', False),
        ("0.12345678901234567890123", False),
    ],
)
def test_an_integer_that_eventbridge_would_refuse_costs_the_result_not_the_event(result: str, omitted: bool) -> None:
    assert update(result=result)["step"].get("result_omitted", False) is omitted


def test_a_step_that_did_not_run_has_no_times() -> None:
    detail = update(started_at=None, finished_at=None, duration_ms=None, result=None)["step"]
    assert [detail[name] for name in ("started_at", "finished_at", "duration_ms", "result")] == [None] * 4


def test_each_step_of_a_job_has_its_own_times() -> None:
    updates = StepUpdates(job(), (), limit=10_000)
    spans = [(1.0, 1.0004), (1.0004, 1.25), (1.25, 2.0), (1.0, 1.0)]
    told = [json.loads(updates.entry(step(started_at=a, finished_at=b)).detail)["step"] for a, b in spans]
    assert [(one["started_at"][-5:], one["finished_at"][-8:]) for one in told] == [
        (".000Z", ":01.000Z"),
        (".000Z", ":01.250Z"),
        (".250Z", ":02.000Z"),
        (".000Z", ":01.000Z"),
    ]


def test_updates_that_are_published_together_are_one_event_each_step_with_its_own_id() -> None:
    steps = [step(index=index, step_id=name, path=name) for index, name in enumerate("abc")]
    ((first, entry),) = StepUpdates(job(), steps, limit=240 * 1024).groups(steps[1:])
    detail = json.loads(entry.detail)
    assert (first, entry.detail_type) == (1, "Steps Updated")
    assert set(detail) == {"version", "tenant", "job", "steps"}
    assert [(one["event_id"][-4:], one["id"]) for one in detail["steps"]] == [("/1/2", "b"), ("/1/3", "c")]
    alone = json.loads(StepUpdates(job(), steps, limit=240 * 1024).entry(steps[1]).detail)
    assert detail["steps"][0] == {"event_id": alone["event_id"], **alone["step"]}, "as if it had been published alone"


def test_a_group_has_at_most_60_kb_unless_one_step_alone_has_more() -> None:
    sizes = [25_000, 25_000, 25_000, 100_000, 10]
    steps = [step(index=index, result=f'"{"x" * size}"') for index, size in enumerate(sizes)]
    groups = list(StepUpdates(job(), steps, limit=240 * 1024).groups(steps))
    assert [first for first, _ in groups] == [0, 2, 3, 4]
    assert [entry.size > GROUP_BYTES for _, entry in groups] == [False, False, True, False]


def test_the_close_of_a_loop_has_the_position_of_its_open_and_an_id_of_its_own() -> None:
    steps = [
        step(phase="open", path="l", step_id="l"),
        step(index=1, path="l.0.a"),
        step(index=2, path="l", phase="close"),
    ]
    detail = json.loads(StepUpdates(job(), steps, limit=10_000).entry(steps[2]).detail)
    assert (detail["event_id"][-4:], detail["step"]["position"], detail["step"]["path"]) == ("/1/3", 1, "l")


@pytest.mark.parametrize(
    ("status", "size", "shown"), [("SUCCEEDED", 9, True), ("FAILED", 9, False), ("SUCCEEDED", 65_536, False)]
)
def test_the_end_of_a_job_has_its_output_unless_that_is_large(status: str, size: int, shown: bool) -> None:
    last = step(index=1, path="output", action="OUTPUT", result=f'"{"x" * size}"')
    detail = json.loads(job_finished(job(status=status, cursor=2), [step(), last], limit=240 * 1024).detail)["job"]
    assert detail["output"] == ("x" * size if shown else None)
    assert detail.get("output_omitted", False) is (size > 60_000)


def test_a_job_that_waits_for_an_answer_names_its_step_its_deadline_and_its_form() -> None:
    waiting = {"for": "answer", "path": "ok", "until": 2.0, "since": 1.0, "woken": 0, "message": "Raise the limit?"}
    entry = job_waiting(job(status="QUEUED", run=3), waiting)
    assert entry.detail_type == "Job Waiting"
    detail = json.loads(entry.detail)
    assert detail["event_id"] == 'te"nant/order-42/3/waiting/ok'
    assert detail["waiting"] == {"for": "answer", "path": "ok", "until": "1970-01-01T00:00:02.000Z"}
    assert detail["message"] == "Raise the limit?"
