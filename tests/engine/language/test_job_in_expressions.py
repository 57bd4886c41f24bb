"""The values of a job in expressions and tags: its first failure, errors of steps, its clock and its time limits."""

from __future__ import annotations

import asyncio
from enum import StrEnum
from typing import Any, NamedTuple

import pytest

from handler.engine import Conduit, ConduitStatus, Runtime
from handler.engine.alarm.alarm import StepTimeout
from handler.engine.language.contexts import ScopedObject
from handler.engine.limits import InvocationTime


def copy(value: Any, **more: Any) -> dict[str, Any]:
    return {"action": "OBJECT.COPY", "parameters": {"value": value}, **more}


FAIL = {"id": "f", "action": "LOGIC.ASSERT", "parameters": {"value": False}}
SEEN = {
    "id": "{% job.failed_step.id %}",
    "path": "{= job.failed_step.path =}",
    "action": "{% job.failed_step.action %}",
    "status": "{= job.failed_step.status.name =}",
    "message": "{= job.failed_step.error.message =}",
}


def test_the_first_failure_can_be_read_by_forced_steps(run: Any) -> None:
    job = run({"steps": [copy(SEEN), FAIL, copy(SEEN, forced=True)]})
    assert job[1].return_value == dict.fromkeys(SEEN)
    assert job[3].return_value == {
        "id": "f",
        "path": "f",
        "action": "LOGIC.ASSERT",
        "status": "ASSERTION_ERROR",
        "message": job[2].error["message"],
    }


def test_the_fields_of_an_error_are_null_where_there_is_none(run: Any, statuses: Any) -> None:
    values = ["{% steps.f.error.message %}", "{= steps.f.error.type =}", "{= steps['f'].error.details.status =}"]
    job = run({"steps": [copy(values), copy("{= steps.f.error =}"), {**FAIL, "allow_failure": True}, copy(values[:2])]})
    assert (job[1].return_value, job[2].return_value) == ([None, None, None], None)
    assert job[4].return_value == [job[3].error["message"], "AssertionError"]
    wrong = run({"steps": [copy("{% steps.f.error.mesage %}"), FAIL]})
    assert statuses(wrong)[0] == "INVALID_ARGUMENT"


def test_the_time_of_acceptance_can_be_read() -> None:
    job = Conduit.from_dict({"steps": [copy(["{% job.created_at %}", "{= job.created_at =}"])]})
    job.created_at = "2026-11-26T19:00:00.000Z"
    asyncio.run(job.run())
    assert job[1].return_value == ["2026-11-26T19:00:00.000Z"] * 2


def test_now_is_the_clock_of_the_run(run: Any) -> None:
    job = run({"steps": [copy("{= now() =}", **{"if": "{= epoch(now()) == 60 =}"})]}, Runtime(now=lambda: 60.0))
    assert job[1].return_value == "1970-01-01T00:01:00.000Z"


class Ticking:
    """A clock that advances by a second each time it is read."""

    def __init__(self) -> None:
        self.time = 0.0

    def __call__(self) -> float:
        self.time += 1.0
        return self.time


SLOW = "{= sum(range(9000)) =}"


def test_the_time_limit_of_a_step_covers_its_arguments(run: Any, statuses: Any) -> None:
    job = run({"steps": [copy([SLOW] * 10, timeout=5)]}, Runtime(now=Ticking()))
    assert statuses(job) == ["TIME_LIMIT_EXCEED"]
    assert "step's own time limit" in job[1].error["message"]


def test_the_time_limit_of_a_step_covers_its_condition(run: Any, statuses: Any) -> None:
    assert statuses(run({"steps": [copy(1, timeout=5, **{"if": [SLOW] * 10})]}, Runtime(now=Ticking()))) == [
        "TIME_LIMIT_EXCEED"
    ]


def test_a_step_whose_expressions_outlast_the_invocation_waits_for_the_next() -> None:
    job = Conduit.from_dict({"steps": [copy([SLOW] * 10)]})
    outcome = asyncio.run(job.run(Runtime(now=Ticking(), invocation=InvocationTime(ends_at=8.0))))
    assert (outcome.name, job.paused.position if job.paused else None, job[1].attempts) == ("PAUSED", 1, 0)


class Impatient:
    """An alarm that rings at once."""

    def call(self, _function: Any, _args: Any, _kwargs: Any, seconds: float) -> Any:
        raise StepTimeout(seconds)

    wait = call


def test_a_regular_expression_runs_under_the_alarm(run: Any, statuses: Any) -> None:
    patterns = {"id": "p", "action": "OBJECT.COPY", "parameters": {"value": "{= try(matches('aa', '(a+)+b'), 1) =}"}}
    job = run({"steps": [{**patterns, "timeout": 3}]}, Runtime(alarm=Impatient()))
    assert statuses(job) == ["TIME_LIMIT_EXCEED"]
    job = run({"steps": [patterns]}, Runtime(alarm=Impatient()))
    assert "more than 1.5 s together" in job[1].error["message"]


class Colour(StrEnum):
    RED = "red"


class Pair(NamedTuple):
    left: int
    right: int


def test_values_that_code_puts_into_a_job_become_json(run: Any) -> None:
    text = "{= [variables.e + '!', variables.t + variables.p, variables.v.left, variables.v] =}"
    values = {"e": Colour.RED, "t": (1, 2), "p": Pair(3, 4), "v": ScopedObject(Pair(5, 6), ["left"])}
    job = run({"variables": values, "steps": [copy(text)]})
    assert job[1].return_value == ["red!", [1, 2, 3, 4], 5, {"left": 5}]


@pytest.mark.parametrize("text", ["{= variables.s =}", "{= [variables.o] =}", "a {= variables.o =}"])
def test_a_value_that_code_put_into_a_job_and_that_is_not_json_is_refused(run: Any, text: str) -> None:
    step = run({"variables": {"s": {1}, "o": {"k": object()}}, "steps": [copy(text)]})[1]
    assert step.status is ConduitStatus.INVALID_ARGUMENT
    assert "not JSON" in step.error["message"] or "not a JSON value" in step.error["message"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("keys(loop)", ["index", "count", "failed_step"]),
        ("len(loop)", 3),
        ("'outer' in loop", False),
        ("keys(steps)", ["x", "a", "l"]),
        ("len(steps)", 3),
        ("len(steps.a)", 8),
        ("keys(job.failed_step)", ["id", "path", "position", "action", "status", "error"]),
        ("len(loop.failed_step)", 6),
    ],
)
def test_the_loop_its_steps_and_its_first_failure_are_objects_inside_a_loop(run: Any, text: str, value: Any) -> None:
    loop = {"id": "l", "for_each": [1], "do": [copy(f"{{= {text} =}}", id="x")]}
    assert run({"steps": [copy(1, id="a"), loop]})["l"].return_value == [value]


def test_a_while_loop_has_no_count(run: Any) -> None:
    loop = {"id": "w", "while": "{= loop.index < 1 =}", "max": 2, "do": [copy("{= keys(loop) =}", id="x")]}
    job = run({"steps": [loop | {"do": [*loop["do"], {"id": "s", "set": {"seen": "{: x :}"}}]}]})
    assert job.variables["seen"] == ["index", "failed_step"]


@pytest.mark.parametrize("text", ["{= job.failed_step.result =}", "{% loop.failed_step.result %}", "{= loop.nope =}"])
def test_a_view_has_no_key_beside_its_own(run: Any, text: str) -> None:
    heard = list[Any]()
    job = Conduit.from_dict({"steps": [{"id": "l", "for_each": [1], "do": [copy(text, id="x")]}]})
    job.on_step_update = lambda _, step: heard.append(step.status.name)
    run(job)
    assert heard == ["INVALID_ARGUMENT", "ITEMS_FAILED"]
