"""Edges of what a block sees of its job and its call, and of what is kept of it, that a change could cross unseen."""

from __future__ import annotations

import json
from typing import Any

import pytest

from handler.engine import Conduit, Limits, Runtime
from handler.engine.outcome import Execution


def of(make_block: Any, function: Any) -> dict[str, Any]:
    """Options and one step for a job of that one block."""
    return {"steps": [{"action": "BLOCK"}], "blocks": [make_block(function, name="block")]}


def test_a_block_knows_its_job_and_how_its_call_is_known_outside(run: Any, make_block: Any) -> None:
    def look(job__: Any, call__: Any) -> list[Any]:
        return [job__.id, job__.name, sorted(job__.tags), call__.idempotency_key, call__.fence]

    job = Conduit.from_dict({"id": "j", "name": "n", "tags": ["B", "A"], **of(make_block, look)})
    assert run(job)[1].return_value == ["j", "n", ["A", "B"], "local/j/1/1", 1]
    job = Conduit.from_dict({"id": "j", **of(make_block, look)})
    assert Conduit().execution == Execution(key="local/job/1", fence=1)
    job.execution = Execution(key="t/j/3", fence=7)
    assert run(job)[1].return_value == ["j", None, [], "t/j/3/1", 7]


def test_parameters_are_another_name_for_local_values_which_win_and_options_win_over_all() -> None:
    assert Conduit.from_dict({"parameters": {"a": 1}}).local_values == {"a": 1}
    assert Conduit.from_dict({"parameters": {"a": 1}, "local_values": {"a": 2}}).local_values == {"a": 2}
    assert Conduit.from_dict({"parameters": {"a": 1}}, local_values={"a": 3}).local_values == {"a": 3}
    assert Conduit.from_dict({"id": "a", "name": "b"}, id="c").id == "c"
    assert len(Conduit.from_dict({"steps": None})) == 0


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({}, "NONE"),
        ({"max_uses": 1}, "BLOCK_LIMIT_EXCEED"),
        ({"block_limit_overrides": {"*": 1}}, "BLOCK_LIMIT_EXCEED"),
        ({"step_limit": 1}, "STEP_LIMIT_EXCEED"),
        ({"tags": ["A"]}, "FORBIDDEN_BLOCK"),
    ],
)
def test_a_step_that_has_nothing_but_what_most_have_is_checked_like_any_other(
    statuses: Any, make_block: Any, options: dict[str, Any], status: str
) -> None:
    of_block = {name: options[name] for name in options.keys() & {"max_uses", "tags"}}
    of_job = {name: options[name] for name in options.keys() - of_block.keys()}
    blocks = [make_block(lambda: 1, name="block", **of_block)]
    steps = [{"action": "BLOCK", "id": name, "parameters": {}} for name in "abc"]
    job = Conduit.from_dict({"steps": steps}, blocks=blocks, **of_job)
    assert statuses(job)[1:] == [status] * 2
    assert [(step.id, step.position) for step in job] == [("a", 1), ("b", 2), ("c", 3)]


def test_a_step_that_cannot_be_read_is_none_of_the_job() -> None:
    job = Conduit()
    with pytest.raises(ValueError, match="wait"):
        job.load_step_list([{"action": "LOGIC.TRUE"}, {"action": "LOGIC.TRUE", "retry": {"wait": 1}}])
    assert len(job) == 1


def test_the_variables_that_a_block_sees_are_those_it_has_made_of_them(run: Any, make_block: Any) -> None:
    seen: list[Any] = []

    def change(job__: Any) -> None:
        variables = job__.variables
        variables["new"] = 1
        del variables["gone"]
        seen.append(
            (
                list(variables),
                len(variables),
                "new" in variables,
                "gone" in variables,
                variables["kept"],
                variables.get("gone"),
            )
        )
        variables["gone"] = 2
        variables["passing"] = 3
        del variables["passing"]
        variables["list"].append(1)
        variables["list"].append(2)
        seen.append(sorted(variables))

    job = run({"variables": {"kept": 0, "gone": 1, "list": []}, **of(make_block, change)})
    assert seen == [(["kept", "list", "new"], 3, True, False, 0, None), ["gone", "kept", "list", "new"]]
    assert job.success
    assert job.variables == {"kept": 0, "gone": 2, "list": [1, 2], "new": 1}


def test_all_that_a_step_did_to_variables_is_told_as_json(run: Any, make_block: Any) -> None:
    def change(job__: Any) -> None:
        job__.variables.update({"a": "\u00e4", "b": [1]})
        del job__.variables["d"]
        del job__.variables["c"]

    job = run({"variables": {"c": 1, "d": 1}, **of(make_block, change)})
    assert json.loads(job[1].variables_json) == {"set": {"a": "\u00e4", "b": [1]}, "deleted": ["c", "d"]}


@pytest.mark.parametrize("name", ["nope", "twice"])
def test_a_variable_that_is_not_there_cannot_be_deleted(run: Any, statuses: Any, make_block: Any, name: str) -> None:
    def delete(job__: Any) -> None:
        job__.variables.pop("twice")
        del job__.variables[name]

    job = run({"variables": {"twice": 1}, **of(make_block, delete)})
    assert (statuses(job), job.variables) == (["UNHANDLED_EXCEPTION"], {"twice": 1})


def test_a_variables_name_is_a_text(run: Any, make_block: Any) -> None:
    def change(job__: Any) -> None:
        job__.variables[1] = 1

    error = run(of(make_block, change))[1].error
    assert error == {"type": "TypeError", "message": "a variable's name is a text, not 1"}


def test_every_byte_that_a_block_charges_counts_and_the_error_says_how_many(run: Any, make_block: Any) -> None:
    def build(call__: Any) -> None:
        for _ in range(9):
            call__.charge(1)
        call__.charge(0)
        call__.charge(-5)
        call__.charge(2)

    assert run(of(make_block, build), Runtime(limits=Limits(record=11))).success
    job = run(of(make_block, build), Runtime(limits=Limits(record=10)))
    assert job[1].status.name == "RESULT_LIMIT_EXCEED"
    assert job[1].error["message"].endswith("would take 11 bytes; the limit is 10")


@pytest.mark.parametrize(("over", "status"), [(0, "DONE"), (1, "RESULT_LIMIT_EXCEED")])
@pytest.mark.parametrize(
    ("value", "tag", "size"),
    [
        ({"k": "x" * 50, "l": [1, 2]}, "{< p >}", 2 + 1 + 50 + 1 + 2 + (2 + 2 + 2)),
        (["x" * 50, [], {}], "{< p >}", 2 + 50 + 2 + 2 + 2 + 2),
        ([1] * 10, "{< p.0:10 >}", 10 * 2 + (2 + 10 * 2)),
    ],
    ids=["dictionary", "list", "slice"],
)
def test_what_a_tag_copies_is_counted_by_its_texts_and_its_items(
    run: Any, statuses: Any, make_block: Any, value: Any, tag: str, size: int, over: int, status: str
) -> None:
    take = make_block(lambda *, value: None, name="take")  # noqa: ARG005  # what it is given is all that counts
    data = {"parameters": {"p": value}, "steps": [{"action": "TAKE", "parameters": {"value": tag}}]}
    runtime = Runtime(limits=Limits(parameters=size - over))
    assert statuses(run(data, runtime, blocks=[take])) == [status]


@pytest.mark.parametrize(("over", "status"), [(0, "DONE"), (1, "RESULT_LIMIT_EXCEED")])
def test_variables_that_a_job_began_with_count_as_well(run: Any, statuses: Any, over: int, status: str) -> None:
    # {"a":"xxx","b":"xxx"}
    data = {
        "variables": {"a": "x" * 40},
        "steps": [{"action": "VARIABLE.SET", "parameters": {"name": "b", "value": "x" * (60 - 15 + over)}}],
    }
    assert statuses(run(data, Runtime(limits=Limits(variables=100)))) == [status]


def test_a_variable_can_be_deleted_from_a_job_that_has_too_many(run: Any, make_block: Any) -> None:
    def delete(job__: Any) -> None:
        del job__.variables["small"]

    data = {"variables": {"large": "x" * 200, "small": 1}, **of(make_block, delete)}
    job = run(data, Runtime(limits=Limits(variables=100)))
    assert (job.success, list(job.variables)) == (True, ["large"])


def test_a_block_that_only_reads_variables_has_all_of_the_record_for_its_result(run: Any, make_block: Any) -> None:
    data = {"variables": {"v": 1}, **of(make_block, lambda job__: "x" * (97 + job__.variables["v"]))}
    assert run(data, Runtime(limits=Limits(record=100))).success


def test_wrong_arguments_are_told_one_by_one_up_to_five(run: Any, make_block: Any) -> None:
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
    assert len(error(150)["details"]) == 100
    assert (len(error(7)["details"]), error(7)["message"].endswith("; and 2 more")) == (7, True)
    assert "numbers.4" in error(5)["message"]
    assert "more" not in error(5)["message"]


class Broken(Exception):  # noqa: N818  # named for what it is
    """Cannot say what it is."""

    def __str__(self) -> str:
        raise RuntimeError


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
def test_an_error_always_has_words_and_they_are_text(run: Any, make_block: Any, error: Exception, message: str) -> None:
    def fail() -> None:
        raise error

    assert run(of(make_block, fail))[1].error == {"type": type(error).__name__, "message": message}
