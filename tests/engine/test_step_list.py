"""The list of steps: inserting, removing and naming steps."""

from __future__ import annotations

import asyncio
from types import MappingProxyType
from typing import Any

import pytest

from handler.engine import Conduit, ConduitStatus, Decision

TRUE = {"action": "LOGIC.TRUE"}


FAIL = {"action": "LOGIC.ASSERT", "parameters": {"value": False}}


def show(value: Any, **more: Any) -> dict[str, Any]:
    return {"action": "OBJECT.COPY", "parameters": {"value": value}, **more}


def test_a_step_that_ran_keeps_its_status_when_another_is_deleted(run: Any, statuses: Any) -> None:
    job = run({"steps": [FAIL | {"allow_failure": True}, TRUE, TRUE]})
    job.delete_step(3)
    assert statuses(job) == ["ASSERTION_ERROR", "DONE"]


@pytest.mark.parametrize(("deleted", "ran"), [("a", ["a", "b", "c"]), ("c", ["a", "b"]), ("b", ["a", "c"])])
def test_a_paused_job_goes_on_at_the_same_step_when_another_is_deleted(deleted: str, ran: list[str]) -> None:
    answers, heard = iter([None, Decision.PAUSE]), list[str]()
    job = Conduit.from_dict(
        {"steps": [TRUE | {"id": name} for name in "abc"]},
        before_step=lambda *_: next(answers, None),
        on_step_update=lambda _, step: heard.append(step.id),
    )
    asyncio.run(job.run())
    job.delete_step(deleted)
    asyncio.run(job.run())
    assert heard == ran


def test_positions_begin_at_one_and_a_step_that_is_not_there_can_be_deleted_in_silence() -> None:
    job = Conduit.from_dict({"steps": [TRUE]})
    assert job.get_step(0, silent=True) is None
    assert job.get_step(2, silent=True) is None
    job.delete_step("nope")
    assert len(job) == 1
    del job["1"]
    assert len(job) == 0
    with pytest.raises(KeyError):
        del job["1"]


@pytest.mark.parametrize("step", [1, "LOGIC.TRUE", None])
def test_a_step_that_is_not_a_dictionary_is_refused_with_its_position(step: Any) -> None:
    job = Conduit.from_dict({"steps": [TRUE]})
    with pytest.raises(TypeError, match="step 3 is"):
        job.load_step_list([TRUE, step])


def test_steps_and_parameters_may_be_any_mapping(run: Any) -> None:
    step = MappingProxyType({"action": "TEXT.COUNT", "parameters": MappingProxyType({"text": "abc"})})
    assert run({"steps": [step]})[1].return_value == 3


def test_an_id_that_is_not_a_string_becomes_one(run: Any) -> None:
    assert run({"steps": [TRUE | {"id": 7}, show("{: 7 :}")]})["2"].return_value is True


@pytest.mark.parametrize("parameters", [[1], "text", 1])
def test_parameters_that_are_not_a_dictionary_are_of_the_wrong_type(run: Any, parameters: Any) -> None:
    step = run({"steps": [TRUE | {"parameters": parameters}]})[1]
    assert (step.status, step.attempts) == (ConduitStatus.INVALID_TYPE, 0)
    assert step.error["message"] == "`parameters` is a dictionary of the block's parameters"


def test_a_step_that_cannot_be_read_is_not_added_to_the_job() -> None:
    job = Conduit()
    with pytest.raises(ValueError, match="wait"):
        job.load_step_list([{"action": "LOGIC.TRUE"}, {"action": "LOGIC.TRUE", "retry": {"wait": 1}}])
    assert len(job) == 1
