"""The record of a step, and the metrics of many."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from handler.engine import Conduit, ConduitStatus, Runtime
from handler.invocation.metrics import Metrics
from handler.recording.step_metrics import StepMetrics
from handler.recording.step_record import failed_step, step_record
from infra.jobs.records import JobKey, JobRecord

JOB = JobRecord(
    key=JobKey("t", "j"),
    name=None,
    status="RUNNING",
    payload="p",
    payload_hash="h",
    created_at=1.0,
    expires_at=1_900_000_000,
)


def ran(*moments: float) -> Conduit:
    """A job with a sum and a step without an existing block, run with these clock readings."""
    clock = iter(moments)
    job = Conduit.from_dict(
        {"steps": [{"action": "MATH.SUM", "id": "a", "parameters": {"value1": 1, "value2": 2}}, {"action": "N.O"}]}
    )
    asyncio.run(job.run(Runtime(now=lambda: next(clock))))
    return job


def test_each_field_of_a_record_describes_the_outcome_of_the_step() -> None:
    job = ran(1_800_000_000.25, 1_800_000_000.5)
    record = step_record(job["a"], 0, JOB, "1-lease")
    assert record._asdict() == {
        "key": JOB.key,
        "index": 0,
        "lease": "1-lease",
        "step_id": "a",
        "path": "a",
        "action": "MATH.SUM",
        "status": "DONE",
        "status_value": 0,
        "result": "3",
        "error": None,
        "attempts": 1,
        "started_at": 1_800_000_000.25,
        "finished_at": 1_800_000_000.5,
        "duration_ms": 250.0,
        "variables": None,
        "expires_at": 1_900_000_000,
        "phase": "step",
        "opened": None,
    }
    missing = step_record(job["2"], 1, JOB, "1-lease")
    assert (missing.index, missing.status, missing.status_value) == (1, "BLOCK_NOT_FOUND", 102)
    assert (missing.result, missing.attempts, missing.started_at, missing.finished_at) == (None, 0, None, None)
    assert missing.duration_ms is None
    assert json.loads(missing.error or "")["type"] == "BLOCK_NOT_FOUND"


def test_a_records_times_are_whole_microseconds_and_its_duration_is_their_difference() -> None:
    record = step_record(ran(1_800_000_000.1234567, 1_800_000_000.2000004)["a"], 0, JOB, "1-lease")
    assert (record.started_at, record.finished_at) == (1_800_000_000.123457, 1_800_000_000.2)
    assert record.duration_ms == 76.543


def test_a_job_says_which_step_failed_it() -> None:
    told = json.loads(failed_step(ran(1.0, 2.0)["2"]))
    status = {"name": "BLOCK_NOT_FOUND", "value": ConduitStatus.BLOCK_NOT_FOUND.value}
    assert told == {"id": "2", "path": "2", "position": 2, "action": "N.O", "status": status}


def test_a_tally_counts_steps_by_block_and_status_once(capsys: pytest.CaptureFixture[str]) -> None:
    metrics, tally = Metrics(), StepMetrics(by_block=True)
    for block, status, duration in (("A", "DONE", 1.5), ("A", "DONE", 2.5), ("A", "SKIPPED", None), ("B", "DONE", 0.0)):
        tally.add(block, status, duration)
    tally.emit(metrics)
    tally.emit(metrics)
    metrics.flush()
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    counts = {(line["Block"], line["Status"]): sum(line["Steps"]) for line in lines if "Steps" in line}
    assert counts == {("A", "DONE"): 2, ("A", "SKIPPED"): 1, ("B", "DONE"): 1}
    assert {line["Block"]: line["StepDuration"] for line in lines if "StepDuration" in line} == {
        "A": [1.5, 2.5],
        "B": [0.0],
    }


@pytest.mark.parametrize("by_block", [False, True])
def test_metrics_distinguish_blocks_only_where_the_deployment_asks_for_it(
    world: Any, capsys: pytest.CaptureFixture[str], by_block: bool
) -> None:
    """AWS bills each combination of block and status as a separate metric."""
    world.set(block_metrics=by_block)
    world.submit({"action": "PROBE.WORK"}, {"action": "PROBE.CHARGE"}, id="j")
    world.metrics.flush()
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "CloudWatchMetrics" in line]
    blocks = [line.get("Block") for line in lines if "Steps" in line]
    assert sorted(map(str, blocks)) == (["PROBE.CHARGE", "PROBE.WORK"] if by_block else ["None"])
