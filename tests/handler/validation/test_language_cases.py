"""Validation and the schema against the cases of the language: they report no error in a job that a run accepts."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from blocks.block import REGISTRY
from handler.caller import Rights
from handler.payload.parse import parse
from handler.validation.schema import job_schema
from handler.validation.validate import find_problems

CASES = [
    json.loads(line)
    for line in (Path(__file__).parents[2] / "compat" / "language_cases.jsonl").read_text().splitlines()
]
NAMES = [case["name"] for case in CASES]
SCHEMA = Draft202012Validator(job_schema([block for block in REGISTRY if block.category != "PROBE"]))


def ended(case: dict[str, Any]) -> dict[str, set[str]]:
    """The statuses of each step of the payload, by its path with ``*`` instead of the indexes of items."""
    statuses: dict[str, set[str]] = {}
    for step in case["expect"]["steps"]:
        statuses.setdefault(re.sub(r"(?<=\.)\d+(?=\.|$)", "*", step["path"]), set()).add(step["status"])
    return statuses


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_an_error_before_the_run_is_the_status_of_the_step(case: dict[str, Any]) -> None:
    statuses = ended(case)
    for problem in find_problems(parse(case["payload"]), Rights(frozenset(), 1000)):
        if problem.severity == "error":
            assert problem.code in statuses[problem.path or ""], problem


@pytest.mark.parametrize("case", [case for case in CASES if case["expect"]["success"]], ids=lambda case: case["name"])
def test_the_schema_takes_every_job_that_ran_well(case: dict[str, Any]) -> None:
    assert [error.message for error in SCHEMA.iter_errors(case["payload"])] == []


def test_most_failures_that_the_payload_causes_are_found_before_the_run() -> None:
    failed = [(case, path) for case in CASES for path, found in ended(case).items() if "INVALID_ARGUMENT" in found]
    unseen = [
        (case["name"], path)
        for case, path in failed
        if path not in {problem.path for problem in find_problems(parse(case["payload"]), Rights(frozenset(), 1000))}
    ]
    assert len(failed) > 20
    assert len(unseen) < 5, unseen
