"""Runs the page about the language: its first job, and each line of its table of tasks as a step of that job."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest

from handler.caller import Rights
from handler.engine import Conduit, Limits
from handler.payload import values
from handler.payload.parse import PayloadLimits, parse
from handler.payload.shape import MAX_DEPTH
from handler.settings import Settings
from handler.validation.validate import find_problems

PAGE = (Path(__file__).parents[2] / "docs" / "language.md").read_text()
JOBS = [json.loads(job) for job in re.findall(r"^```json job\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)]
TASKS = re.findall(
    r"^\| (?P<task>[^|`]+) \| `(?P<step>\{.*\})` \| (?P<status>[A-Z_]+) \| `(?P<result>.+)` \|$", PAGE, re.MULTILINE
)


def run(payload: dict[str, Any]) -> Conduit:
    job = parse(payload)
    errors = [p for p in find_problems(job, Rights(frozenset(), 1000)) if p.severity == "error" and p.path != "broken"]
    assert errors == []
    made = Conduit.from_dict(job.as_job())
    asyncio.run(made.run())
    return made


def test_the_first_job_has_five_lines_and_gives_what_the_page_says() -> None:
    text = PAGE.split("```json job\n")[1].split("```")[0]
    assert len(text.splitlines()) == 5
    assert json.dumps(run(JOBS[0]).output) in PAGE


def test_the_table_answers_many_questions() -> None:
    assert len(TASKS) >= 25


@pytest.mark.parametrize(("task", "step", "status", "result"), TASKS, ids=[task for task, *_ in TASKS])
def test_each_answer_does_what_the_table_says(task: str, step: str, status: str, result: str) -> None:
    written = json.loads(step)
    job = run({**JOBS[1], "steps": [*JOBS[1]["steps"], {"id": "here", **written}]})
    ended = job[written.get("id", "here")]
    given = ended.view["result"]
    assert (ended.status.name, json.loads(json.dumps(given))) == (status, json.loads(result)), task


def test_the_limits_of_the_page_are_those_of_the_door() -> None:
    limits = dict(re.findall(r"^\| ([^|]+) \| ([0-9,]+) \|$", PAGE, re.MULTILINE))
    assert limits["steps in one `do`"] == str(values.MAX_INNER_STEPS)
    assert limits["levels of nested loops and choices"] == str(MAX_DEPTH)
    items = limits["items of a loop (`ITEMS_LIMIT`)"]
    assert items == f"{Limits().items:,}" == f"{Settings.model_fields['items_limit'].default:,}"
    records = limits["records of steps inside all loops together (`RECORDS_LIMIT`)"]
    assert records == f"{Limits().loop_records:,}" == f"{Settings.model_fields['records_limit'].default:,}"
    assert limits["steps of a job as written, inner steps and `output` included"] == f"{PayloadLimits().steps:,}"
