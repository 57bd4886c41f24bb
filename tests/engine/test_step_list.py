"""The list of steps: inserting, removing and naming steps."""

from __future__ import annotations

import asyncio
from types import MappingProxyType
from typing import Any

import pytest

from handler.engine import Conduit, ConduitStatus, Decision
from handler.engine.poll import Poll

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


def loop(*do: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"id": "l", "for_each": [1], "do": list(do), **fields}


def nested(depth: int) -> dict[str, Any]:
    return loop(nested(depth - 1) if depth > 1 else TRUE | {"id": "x"}, id=f"l{depth}")


@pytest.mark.parametrize(
    ("step", "problem"),
    [
        ({"id": "a", "while": True, "max": 2, "wait": {"seconds": 1}}, "this one has while, wait"),
        ({"id": "a", "action": "LOGIC.TRUE", "set": {"n": 1}}, "this one has set"),
        (loop(), "`do` has 1 to 50 steps; this one has 0"),
        (loop(*[TRUE | {"id": f"s{number}"} for number in range(51)]), "this one has 51"),
        (loop(TRUE), "needs an `id`"),
        (nested(5), "nest at most 4 deep"),
        ({"id": "a", "while": True, "do": [TRUE | {"id": "x"}]}, "`while` needs `max`"),
        ({"id": "a", "while": True, "max": True, "do": [TRUE | {"id": "x"}]}, "`while` needs `max`"),
        ({"id": "a", "while": True, "max": 1001, "do": [TRUE | {"id": "x"}]}, "from 1 to 1,000"),
        ({"id": "a", "end": "everything"}, "`end` is `job`, `loop` or `item`"),
        ({"id": "a", "wait": 5}, "`wait` has `seconds` or `until`"),
        ({"id": "a", "wait": {"seconds": 1, "until": "2027-01-01T00:00:00Z"}}, "`wait` has `seconds` or `until`"),
        (TRUE | {"poll": {"until": True, "every": 1}}, "`until`, `every` and `max`"),
        (TRUE | {"poll": {"until": True, "every": True, "max": 1}}, "poll.every is a number of seconds"),
        (TRUE | {"poll": {"until": True, "every": float("inf"), "max": 1}}, "poll.every is a number of seconds"),
        (TRUE | {"poll": {"until": True, "every": 1, "max": 0}}, "poll.max is a whole number of at least 1"),
    ],
)
def test_a_step_that_could_not_run_is_refused_when_the_job_is_made(step: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        Conduit.from_dict({"steps": [step]})


def test_loops_may_be_nested_four_deep(run: Any, statuses: Any) -> None:
    assert statuses(run({"steps": [nested(4)]})) == ["DONE"]


def test_an_inner_step_that_is_not_a_dictionary_is_refused() -> None:
    with pytest.raises(TypeError, match="not a str"):
        Conduit.from_dict({"steps": [{"id": "l", "for_each": [1], "do": ["LOGIC.TRUE"]}]})


def test_code_adds_a_step_with_a_poll(run: Any) -> None:
    job = Conduit()
    poll = Poll(until="{= result == 7 =}", every=0, most=1)
    job.create_step("OBJECT.COPY", {"value": 7}, "p", poll=poll)
    job.create_step("OBJECT.COPY", {"value": 8}, "q", poll=poll)
    assert [step.status.name for step in run(job)] == ["DONE", "TIME_LIMIT_EXCEED"]


def test_the_repr_of_a_job_names_it_and_counts_its_steps() -> None:
    assert repr(Conduit.from_dict({"id": "j1", "steps": [TRUE]})) == "<Conduit 'j1': 1 steps>"
