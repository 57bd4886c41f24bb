from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., Any]


@pytest.mark.parametrize(
    ("value1", "operator", "value2", "holds"),
    [
        (1, "=", 1.0, True),
        (1, "!=", 1.0, False),
        ([1, {"a": 2}], "=", [1, {"a": 2}], True),
        (2, ">", 1, True),
        (2, ">=", 2, True),
        (2, "<", 2, False),
        ("a", "<=", "b", True),
        (1, "is", 1, True),
        (1, "is", 1.0, False),
        (1, "is", True, False),
        ("a", "is", "a", True),
        (None, "is", None, True),
        ([], "is", [], True),
        ([1], "is", [True], False),
        ({"a": [1]}, "is", {"a": [1]}, True),
        ({"a": 1}, "is", {"b": 1}, False),
        ({"a": 1}, "is", {"a": 1.0}, False),
        ([1], "is", [1, 2], False),
        (1, "is not", "1", True),
        (False, "is not", False, False),
    ],
)
def test_a_comparison_holds_or_not(run: Run, value1: Any, operator: str, value2: Any, holds: bool) -> None:
    assert run("LOGIC.IF", value1=value1, value2=value2, operator=operator) is holds
    if holds:
        assert run("LOGIC.IF_ASSERT", value1=value1, value2=value2, operator=operator) is None
    else:
        with pytest.raises(AssertionError):
            run("LOGIC.IF_ASSERT", value1=value1, value2=value2, operator=operator)


@pytest.mark.parametrize(
    ("action", "parameters", "result"),
    [
        ("LOGIC.BOOL", {"value": 0}, False),
        ("LOGIC.IS_TRUTH", {"value": {"a": 0}}, True),
        ("LOGIC.IS_NONE", {"value": None}, True),
        ("LOGIC.IS_NONE", {"value": 0}, False),
        ("LOGIC.TRUE", {}, True),
        ("LOGIC.FALSE", {}, False),
        ("LOGIC.NONE", {}, None),
        ("LOGIC.IF_THEN_ELSE", {"value": [], "then": 1, "otherwise": 2}, 2),
        ("LOGIC.IF_THEN_ELSE", {"value": "x", "then": 1, "otherwise": 2}, 1),
        ("LOGIC.LOGICAL_NOT", {"value": ""}, True),
        ("LOGIC.LOGICAL_OR", {"value1": 0, "value2": "a"}, "a"),
        ("LOGIC.LOGICAL_AND", {"value1": 1, "value2": [None]}, [None]),
        ("LOGIC.BITWISE_AND", {"value1": 6, "value2": 3}, 2),
        ("LOGIC.BITWISE_OR", {"value1": 6, "value2": 3}, 7),
        ("LOGIC.BITWISE_OR", {"value1": {"a": 1, "b": 1}, "value2": {"a": 2}}, {"a": 2, "b": 1}),
        ("LOGIC.BITWISE_NOT", {"value": 4}, -5),
        ("LOGIC.ASSERT", {"value": "x"}, None),
        ("LOGIC.NOT_ASSERT", {"value": {}}, None),
    ],
)
def test_a_logic_block_gives(run: Run, action: str, parameters: dict[str, Any], result: Any) -> None:
    given = run(action, **parameters)

    assert given == result
    assert type(given) is type(result)


@pytest.mark.parametrize(
    ("action", "parameters", "error"),
    [
        ("LOGIC.ASSERT", {"value": 0}, AssertionError),
        ("LOGIC.NOT_ASSERT", {"value": 457}, AssertionError),
        ("LOGIC.IF", {"value1": "3.5", "value2": -0.04, "operator": "<"}, TypeError),
        ("LOGIC.IF", {"value1": 1, "value2": 1, "operator": "=="}, ValidationError),
        ("LOGIC.IF", {"value1": 1, "value2": 1, "operator": False}, ValidationError),
        ("LOGIC.BITWISE_AND", {"value1": 10.03, "value2": -4}, TypeError),
        ("LOGIC.BITWISE_NOT", {"value": None}, TypeError),
        ("LOGIC.TRUE", {"value": 1}, ValidationError),
    ],
)
def test_a_logic_block_refuses(run: Run, action: str, parameters: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        run(action, **parameters)


def test_a_failed_assertion_shows_the_value_but_not_all_of_it(run: Run) -> None:
    with pytest.raises(AssertionError, match=r"^'x+\.\.\.x+' is true$") as caught:
        run("LOGIC.NOT_ASSERT", value="x" * 100_000)

    assert len(str(caught.value)) < 100


def test_a_failure_of_ones_own_has_its_message(run: Run) -> None:
    with pytest.raises(AssertionError, match=r"^the order has no lines$"):
        run("LOGIC.FAIL", message="the order has no lines")


@pytest.mark.parametrize(
    ("value", "list_", "result"),
    [(1, [1.0], True), (1, [True], False), (1, ["1"], False), ({"a": [1]}, [{"a": [1]}], True), (None, [], False)],
)
def test_a_value_is_in_a_list_as_json_has_it(run: Run, value: Any, list_: list[Any], result: bool) -> None:
    assert run("LOGIC.IN", value=value, list=list_) is result
