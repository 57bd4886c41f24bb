"""The job language: 60 jobs with the outcomes of the contract, run without interruption and resumed at every record."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from handler.engine import Conduit, ConduitStep
from tests.engine.resuming import outline, record_of

CASES = [json.loads(line) for line in Path(__file__).with_name("language_cases.jsonl").read_text().splitlines()]


def ended_steps(payload: dict[str, Any]) -> tuple[Conduit, list[ConduitStep]]:
    """The job after its run, and its steps in the order of their positions."""
    steps = list[ConduitStep]()
    job = Conduit.from_dict(payload, on_step_update=lambda _, step: steps.append(step))
    asyncio.run(job.run())
    return job, sorted(steps, key=lambda step: step.position)


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_a_job_ends_as_the_language_says(case: dict[str, Any]) -> None:
    job, steps = ended_steps(case["payload"])

    expected = case["expect"]
    assert job.success == expected["success"]
    assert [(step.path, step.status.name) for step in steps] == [(s["path"], s["status"]) for s in expected["steps"]]
    for step, wanted in zip(steps, expected["steps"], strict=True):
        if "result" in wanted:
            assert json.dumps(step.return_value) == json.dumps(wanted["result"]), step.path
        if "position" in wanted:
            assert step.position == wanted["position"]
    assert (job.failed_step.path if job.failed_step else None) == expected["failed_step"]
    for name in ("output", "variables"):
        if name in expected:
            assert json.dumps(getattr(job, name)) == json.dumps(expected[name])


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_a_job_that_is_resumed_at_any_record_ends_with_the_same_records(case: dict[str, Any]) -> None:
    whole, job = record_of(case["payload"])
    timeless = "wait" not in case["area"]
    for records in range(len(whole.records) + 1):
        again = whole.cut(records)
        resumed = again.listen(again.restored(records))
        asyncio.run(resumed.run())

        if timeless:
            assert outline(again) == outline(whole), records
        else:
            assert [line[:3] for line in outline(again)] == [line[:3] for line in outline(whole)], records
        assert resumed.success == job.success
        assert json.dumps(resumed.variables) == json.dumps(job.variables)
        assert str(resumed.failed_step and resumed.failed_step.path) == str(job.failed_step and job.failed_step.path)
        assert json.dumps(resumed.output) == json.dumps(job.output) or not timeless
