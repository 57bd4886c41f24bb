"""A job that is too large for one answer: what is left out of it, and in which order."""

from __future__ import annotations

import json
from typing import Any

import pytest

from handler.http.job_answer import encode_job
from handler.http.reply import ANSWER_LIMIT, fits
from handler.http.request import Door

DOORS: list[Door] = ["http", "rest", "balancer"]


def job_of(*results: Any, **more: Any) -> dict[str, Any]:
    steps = [{"id": str(number), "result": result, "parameters": None} for number, result in enumerate(results)]
    return {"id": "j", "steps": steps, **more}


def text(part: float, door: Door) -> str:
    """A string that takes so much of what the door lets through."""
    return "x" * int(ANSWER_LIMIT[door] * part)


@pytest.mark.parametrize("door", DOORS)
def test_a_job_that_fits_is_answered_whole(door: Door) -> None:
    job = job_of(text(0.9, door), 1)
    assert json.loads(encode_job(job, door)) == job


@pytest.mark.parametrize("door", DOORS)
def test_the_largest_results_are_left_out_until_the_job_fits(door: Door) -> None:
    body = encode_job(job_of(text(0.3, door), text(0.6, door), text(0.4, door), 1), door)
    steps = json.loads(body)["steps"]
    assert fits(body, door)
    assert [step.get("result_omitted", False) for step in steps] == [False, True, False, False]
    assert steps[1]["result"] is None
    assert steps[3]["result"] == 1


@pytest.mark.parametrize("door", DOORS)
def test_letters_count_as_the_bytes_that_the_door_counts(door: Door) -> None:
    body = encode_job(job_of("\U0001d11e" * (ANSWER_LIMIT[door] // 5), "\x00" * (ANSWER_LIMIT[door] // 5)), door)
    assert fits(body, door)
    assert any(step.get("result_omitted") for step in json.loads(body)["steps"])


@pytest.mark.parametrize("door", DOORS)
def test_parameters_go_when_leaving_results_out_does_not_suffice(door: Door) -> None:
    job = job_of(text(0.6, door), 1, payload={"steps": []})
    job["steps"] = [{**step, "parameters": text(0.6, door)} for step in job["steps"]]
    answer = json.loads(encode_job(job, door))
    assert fits(json.dumps(answer), door)
    assert [(step["result"], step["parameters"]) for step in answer["steps"]] == [(None, None), (None, None)]
    assert "steps_omitted" not in answer


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("asked", [{}, {"payload": None}])
def test_all_steps_are_left_out_when_there_are_too_many(door: Door, asked: dict[str, Any]) -> None:
    body = encode_job(job_of(*[0] * (ANSWER_LIMIT[door] // 20), **asked), door)
    answer = json.loads(body)
    assert fits(body, door)
    assert (answer["id"], answer["steps"], answer["steps_omitted"]) == ("j", [], True)
