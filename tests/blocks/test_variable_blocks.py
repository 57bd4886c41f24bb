from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from blocks.block import Job

    Run = Callable[..., Any]


def test_a_variable_is_made_and_is_null(run: Run, job: Job) -> None:
    assert run("VARIABLE.CREATE", name="a") is None
    assert job.variables == {"a": None}


def test_making_a_variable_that_exists_fails_the_assertion_and_keeps_it(run: Run, job: Job) -> None:
    job.variables["a"] = 1

    with pytest.raises(AssertionError, match="'a'"):
        run("VARIABLE.CREATE", name="a")
    assert job.variables == {"a": 1}


def test_a_variable_is_set_whether_it_is_new_or_not(run: Run, job: Job) -> None:
    run("VARIABLE.SET", name="a", value=1)
    run("VARIABLE.SET", name="a", value=[2])
    run("VARIABLE.SET", name="b")

    assert job.variables == {"a": [2], "b": None}


def test_a_missing_variable_gives_the_default_even_null(run: Run, job: Job) -> None:
    job.variables["a"] = 1

    assert run("VARIABLE.GET", name="a", default=2) == 1
    assert run("VARIABLE.GET", name="b", default=2) == 2
    assert run("VARIABLE.GET", name="b", default=None) is None
    with pytest.raises(KeyError):
        run("VARIABLE.GET", name="b")


def test_deleting_a_missing_variable_fails_only_when_it_is_not_to_be_silent(run: Run, job: Job) -> None:
    job.variables["a"] = 1

    run("VARIABLE.DELETE", name="a")
    run("VARIABLE.DELETE", name="a")

    assert job.variables == {}
    with pytest.raises(KeyError):
        run("VARIABLE.DELETE", name="a", silent=False)


def test_variables_are_counted_named_and_listed(run: Run, job: Job) -> None:
    job.variables.update({"b": 1, "a": [2]})

    assert run("VARIABLE.COUNT") == 2
    assert run("VARIABLE.LIST_NAMES") == ["b", "a"]
    assert run("VARIABLE.LIST_VALUES") == [1, [2]]
    assert run("VARIABLE.IS_EXISTS", name="a") is True
    assert run("VARIABLE.IS_EXISTS", name="c") is False
