"""Variables, as blocks see and change them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from handler.engine import ConduitStatus, Limits, Runtime


def of(make_block: Any, function: Any) -> dict[str, Any]:
    """Options and one step for a job with only this block."""
    return {"steps": [{"action": "BLOCK"}], "blocks": [make_block(function, name="block")]}


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


def test_changed_variables_are_recorded_as_json(run: Any, make_block: Any) -> None:
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


def test_the_name_of_a_variable_is_a_string(run: Any, make_block: Any) -> None:
    def change(job__: Any) -> None:
        job__.variables[1] = 1

    error = run(of(make_block, change))[1].error
    assert error == {"type": "TypeError", "message": "a variable's name is a string, not 1"}


@pytest.mark.parametrize(("over", "status"), [(0, "DONE"), (1, "RESULT_LIMIT_EXCEED")])
def test_variables_that_a_job_began_with_count_as_well(run: Any, statuses: Any, over: int, status: str) -> None:
    # The variables as JSON: two names of one letter, two strings, 15 characters around them.
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


@pytest.mark.parametrize("given", [[{"k": [1]}], {"k": {"l": [1]}}])
def test_a_block_that_changes_the_value_of_a_tag_changes_its_own_copy(run: Any, make_block: Any, given: Any) -> None:
    def spoil(*, value: Any) -> None:
        (value[0] if isinstance(value, list) else value)["k"] = "spoilt"

    data = {"parameters": {"p": given}, "steps": [{"action": "SPOIL", "parameters": {"value": "{< p >}"}}]}
    job = run(data, blocks=[make_block(spoil)])
    assert job[1].status is ConduitStatus.DONE
    assert "spoilt" not in str(job.local_values)
