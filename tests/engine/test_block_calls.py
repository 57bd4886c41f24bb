"""The arguments of a block's call, and the handling of its exceptions."""

from __future__ import annotations

from typing import Any

import pytest

from handler.engine import Conduit
from handler.engine.outcome import Execution


def of(make_block: Any, function: Any) -> dict[str, Any]:
    """Options and one step for a job with only this block."""
    return {"steps": [{"action": "BLOCK"}], "blocks": [make_block(function, name="block")]}


class Broken(Exception):  # noqa: N818  # its name is its description
    """An error without a usable message: `str` of it fails."""

    def __str__(self) -> str:
        raise RuntimeError


def show(value: Any, **more: Any) -> dict[str, Any]:
    return {"action": "OBJECT.COPY", "parameters": {"value": value}, **more}


class Person:
    name, spare, token_, _hidden = "Ada", None, "secret", "secret"


def test_a_block_knows_its_job_and_how_its_call_is_known_outside(run: Any, make_block: Any) -> None:
    def look(job__: Any, call__: Any) -> list[Any]:
        return [job__.id, job__.name, sorted(job__.tags), call__.idempotency_key, call__.fence]

    job = Conduit.from_dict({"id": "j", "name": "n", "tags": ["B", "A"], **of(make_block, look)})
    assert run(job)[1].return_value == ["j", "n", ["A", "B"], "local/j/1/1", 1]
    job = Conduit.from_dict({"id": "j", **of(make_block, look)})
    assert Conduit().execution == Execution(key="local/job/1", fence=1)
    job.execution = Execution(key="t/j/3", fence=7)
    assert run(job)[1].return_value == ["j", None, [], "t/j/3/1", 7]


def test_up_to_five_wrong_arguments_are_reported_one_by_one(run: Any, make_block: Any) -> None:
    def add(*, numbers: list[int]) -> int:
        return sum(numbers)

    block = make_block(add)

    def error(count: int) -> dict[str, Any]:
        step = {"action": "ADD", "parameters": {"numbers": ["x"] * count}}
        found: dict[str, Any] = run({"steps": [step]}, blocks=[block])[1].error
        return found

    assert [detail["parameter"] for detail in error(2)["details"]] == ["numbers.0", "numbers.1"]
    assert error(1)["details"][0].keys() == {"parameter", "code", "message"}
    assert error(1)["details"][0]["code"] == "int_parsing"
    assert len(error(150)["details"]) == 20
    assert (len(error(7)["details"]), error(7)["message"].endswith("; and 2 more")) == (7, True)
    assert "numbers.4" in error(5)["message"]
    assert "more" not in error(5)["message"]


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (KeyError(), "KeyError"),
        (KeyError(""), "KeyError"),
        (KeyError(1), "1"),
        (KeyError("a", "b"), "('a', 'b')"),
        (OSError(), "OSError"),
        (Broken(), "Broken"),
        (OSError("\ud800!"), "?!"),
        (OSError("x" * 2000), "x" * 2000),
    ],
)
def test_an_error_always_has_a_message_that_is_a_string(
    run: Any, make_block: Any, error: Exception, message: str
) -> None:
    def fail() -> None:
        raise error

    assert run(of(make_block, fail))[1].error == {"type": type(error).__name__, "message": message}


def test_an_object_that_code_gave_a_job_reaches_its_blocks_as_it_is(run: Any, make_block: Any) -> None:
    person, seen = Person(), list[Any]()
    look = make_block(lambda *, value: seen.append(value), name="look")
    step = {"action": "LOOK", "parameters": {"value": "{# person #}"}}
    run({"variables": {"person": person}, "steps": [step]}, blocks=[look])
    assert seen == [person]
    error = run({"variables": {"person": person}, "steps": [show("{# person.name #}")]})[1].error
    assert error["message"] == "`person.name`: a value at `person` has no `name`"
