"""The library's documented behaviour: 300 jobs with their expected outcomes."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from handler.engine import Conduit

CASES = [json.loads(line) for line in Path(__file__).with_name("cases.jsonl").read_text().splitlines()]


def as_json(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


@pytest.mark.parametrize("case", CASES, ids=[f"line-{number}" for number in range(1, len(CASES) + 1)])
def test_a_job_of_the_library_ends_as_it_always_did(case: dict[str, Any]) -> None:
    job = Conduit.from_dict(case["payload"])

    asyncio.run(job.run())

    expected = case["expect"]
    assert job.success == expected["success"]
    assert [(step.id, step.status.name) for step in job] == [(step["id"], step["status"]) for step in expected["steps"]]
    for step, wanted in zip(job, expected["steps"], strict=True):
        if "result" in wanted:
            assert as_json(step.return_value) == as_json(wanted["result"]), step.action
    assert as_json(job.variables) == as_json(expected["variables"])
