"""A job that is too large for one answer: which parts are omitted, and in which order."""

from __future__ import annotations

import json
from typing import Any

import pytest

from handler.http.job_answer import encode_job
from handler.http.reply import ANSWER_LIMIT, fits
from handler.http.request import FrontDoor

DOORS: list[FrontDoor] = ["http", "rest", "balancer"]


def job_of(*results: Any, **more: Any) -> dict[str, Any]:
    steps = [{"id": str(number), "result": result, "parameters": None} for number, result in enumerate(results)]
    return {"id": "j", "steps": steps, **more}


def text(part: float, front_door: FrontDoor) -> str:
    """A string that takes this part of the front door's limit."""
    return "x" * int(ANSWER_LIMIT[front_door] * part)


@pytest.mark.parametrize("front_door", DOORS)
def test_a_job_that_fits_is_answered_whole(front_door: FrontDoor) -> None:
    job = job_of(text(0.9, front_door), 1)
    assert json.loads(encode_job(job, front_door)) == job


@pytest.mark.parametrize("front_door", DOORS)
def test_the_largest_results_are_left_out_until_the_job_fits(front_door: FrontDoor) -> None:
    body = encode_job(job_of(text(0.3, front_door), text(0.6, front_door), text(0.4, front_door), 1), front_door)
    steps = json.loads(body)["steps"]
    assert fits(body, front_door)
    assert [step.get("result_omitted", False) for step in steps] == [False, True, False, False]
    assert steps[1]["result"] is None
    assert steps[3]["result"] == 1


@pytest.mark.parametrize("front_door", DOORS)
def test_letters_count_as_the_bytes_that_the_door_counts(front_door: FrontDoor) -> None:
    body = encode_job(
        job_of("\U0001d11e" * (ANSWER_LIMIT[front_door] // 5), "\x00" * (ANSWER_LIMIT[front_door] // 5)), front_door
    )
    assert fits(body, front_door)
    assert any(step.get("result_omitted") for step in json.loads(body)["steps"])


@pytest.mark.parametrize("front_door", DOORS)
def test_parameters_go_when_leaving_results_out_does_not_suffice(front_door: FrontDoor) -> None:
    job = job_of(text(0.6, front_door), 1, payload={"steps": []})
    job["steps"] = [{**step, "parameters": text(0.6, front_door)} for step in job["steps"]]
    answer = json.loads(encode_job(job, front_door))
    assert fits(json.dumps(answer), front_door)
    assert [(step["result"], step["parameters"]) for step in answer["steps"]] == [(None, None), (None, None)]
    assert "steps_omitted" not in answer


@pytest.mark.parametrize("front_door", DOORS)
@pytest.mark.parametrize("asked", [{}, {"payload": None}])
def test_all_steps_are_left_out_when_there_are_too_many(front_door: FrontDoor, asked: dict[str, Any]) -> None:
    job = job_of(*[0] * (ANSWER_LIMIT[front_door] // 2_000), **asked)
    job["steps"] = [{**step, "path": "x" * 2_000} for step in job["steps"]]
    body = encode_job(job, front_door)
    answer = json.loads(body)
    assert fits(body, front_door)
    assert (answer["id"], answer["steps"], answer["steps_omitted"]) == ("j", [], True)
