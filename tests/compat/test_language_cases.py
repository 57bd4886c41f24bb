"""The job language's cases: 60 jobs with the outcome that is right for them."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from handler.engine import Conduit

CASES = [json.loads(line) for line in Path(__file__).with_name("language_cases.jsonl").read_text("utf-8").splitlines()]
STRAIGHT = [case for case in CASES if case["area"] in {"expr", "tags", "if"}]


def as_json(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


@pytest.mark.parametrize("case", STRAIGHT, ids=[case["name"] for case in STRAIGHT])
def test_a_straight_job_with_expressions_ends_as_the_language_says(case: dict[str, Any]) -> None:
    job = Conduit.from_dict(case["payload"])

    asyncio.run(job.run())

    assert job.success == case["expect"]["success"]
    for step, wanted in zip(job, case["expect"]["steps"], strict=True):
        assert (step.id, step.status.name) == (wanted["path"], wanted["status"]), step.error
        if "result" in wanted:
            assert as_json(step.return_value) == as_json(wanted["result"]), step.parameters
