"""Loops, choices, tries and early ends: the order of steps and the outcome of the job."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from handler.engine import Conduit, ConduitStep, Limits, Runtime

FAIL = "{= nope =}"


def copy(value: Any = 1, **fields: Any) -> dict[str, Any]:
    return {"action": "OBJECT.COPY", "parameters": {"value": value}, **fields}


def run(*steps: dict[str, Any], **job: Any) -> tuple[Conduit, list[tuple[str, str]]]:
    """The job after its run, and its steps in the order of their positions, each with its status."""
    ended = list[ConduitStep]()
    conduit = Conduit.from_dict({"steps": steps, **job}, on_step_update=lambda _, step: ended.append(step))
    asyncio.run(conduit.run())
    ended.sort(key=lambda step: step.position)
    return conduit, [(step.path, step.status.name) for step in ended]


@pytest.mark.parametrize(
    "around",
    [
        lambda end: end,
        lambda end: {"id": "o", "choose": [{"if": True, "do": [end]}]},
        lambda end: {"id": "o", "try": [end, copy(id="z")], "catch": [copy(id="c")]},
        lambda end: {"id": "o", "for_each": [1, 2], "do": [end, copy(id="z")]},
        lambda end: {"id": "o", "while": True, "max": 9, "do": [{"id": "i", "for_each": [1], "do": [end]}]},
    ],
)
def test_a_job_that_ends_early_evaluates_its_output(around: Any) -> None:
    job, steps = run(
        around({"id": "e", "end": "job", "message": "enough"}),
        copy(id="b"),
        copy(id="f", forced=True),
        output="{# v #}",
        variables={"v": 7},
    )
    assert steps[-3:] == [("b", "SKIPPED"), ("f", "DONE"), ("output", "DONE")]
    assert (job.success, job.output) == (True, 7)


def test_a_job_that_ends_early_after_a_failure_has_no_output() -> None:
    job, steps = run(copy(FAIL, id="a"), {"id": "e", "end": "job", "forced": True}, output=1)
    assert steps == [("a", "INVALID_ARGUMENT"), ("e", "DONE"), ("output", "SKIPPED")]
    assert (job.success, job.output) == (False, None)


def test_a_forced_step_that_fails_after_an_early_end_leaves_no_output() -> None:
    job, steps = run({"id": "e", "end": "job"}, copy(FAIL, id="f", forced=True), output=1)
    assert steps == [("e", "DONE"), ("f", "INVALID_ARGUMENT"), ("output", "SKIPPED")]
    assert (job.success, job.output) == (False, None)


@pytest.mark.parametrize(
    ("items", "what"),
    [(None, "null"), (5, "a number"), (1.5, "a number"), ("abc", "a string"), (True, "a boolean")],
)
@pytest.mark.parametrize("form", ["do", "short"])
def test_a_loop_over_neither_a_list_nor_an_object_shows_the_value(items: Any, what: str, form: str) -> None:
    body = {"do": [copy(id="x")]} if form == "do" else copy()
    job, steps = run({"id": "l", "for_each": items, **body})
    assert steps == [("l", "INVALID_TYPE")]
    assert (job["l"].error or {})["message"] == f"`for_each` goes over a list or an object; this is {what}"


@pytest.mark.parametrize(
    ("loop", "status"),
    [
        ({"for_each": [], "do": [copy(id="y")]}, "DONE"),
        ({"while": False, "max": 1, "do": [copy(id="y")]}, "DONE"),
        ({"while": True, "max": 1, "do": [copy(id="y")]}, "STEP_LIMIT_EXCEED"),
        ({"for_each": [1], "do": [copy(id="y")]}, "STEP_LIMIT_EXCEED"),
        ({"for_each": [1], "allow_failure": True, "action": "LOGIC.TRUE"}, "STEP_LIMIT_EXCEED"),
    ],
)
def test_a_loop_needs_room_only_for_an_item_or_a_round_that_begins(loop: dict[str, Any], status: str) -> None:
    job = Conduit.from_dict(
        {"steps": [{"id": "l", "for_each": [1, 2, 3], "do": [copy(id="x")]}, {"id": "m", **loop}, copy(id="z")]}
    )
    asyncio.run(job.run(Runtime(limits=Limits(loop_records=3))))
    goes_on = status == "DONE" or "allow_failure" in loop
    assert [step.status.name for step in job] == ["DONE", status, "DONE" if goes_on else "SKIPPED"]
