from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from blocks.block import BudgetExceededError

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., Any]

same_fixture = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.parametrize(
    ("action", "parameters", "result"),
    [
        ("LISTS.CREATE", {}, []),
        ("LISTS.CREATE", {"value1": None}, [None]),
        ("LISTS.CREATE", {"value2": 0}, [0]),
        ("LISTS.CREATE", {"value1": 1, "value2": 2}, [1, 2]),
        ("LISTS.COUNT", {"list": [1, [2, 3]]}, 2),
        ("LISTS.COPY", {"list": [1, [2]]}, [1, [2]]),
        ("LISTS.COUNT_ITEM", {"item": 1, "list": [1, 2, 1]}, 2),
        ("LISTS.MERGE", {"list1": [1], "list2": [2]}, [1, 2]),
        ("LISTS.FLATTEN", {"values": [1, [2, [3]], "ab", {"a": 1}]}, [1, 2, [3], "ab", {"a": 1}]),
        ("LISTS.GET", {"list": [1, 2, 3], "index": -2}, 2),
        ("LISTS.INDEX", {"list": [1, 2, 2], "item": 2}, 1),
        ("LISTS.INDEX", {"list": [1], "item": 2}, -1),
        ("LISTS.POP", {"list": [1, 2, 3]}, 3),
        ("LISTS.POP", {"list": [1, 2, 3], "index": None}, 3),
        ("LISTS.POP", {"list": [1, 2, 3], "index": 0}, 1),
    ],
)
def test_a_lists_block_gives(run: Run, action: str, parameters: dict[str, Any], result: Any) -> None:
    assert run(action, **parameters) == result


@pytest.mark.parametrize(
    ("action", "parameters", "left"),
    [
        ("LISTS.APPEND", {"list": [1], "item": [2]}, [1, [2]]),
        ("LISTS.CLEAR", {"list": [1, 2]}, []),
        ("LISTS.EXTEND", {"list1": [1], "list2": [2, 3]}, [1, 2, 3]),
        ("LISTS.SORT", {"list": [3, 1, 2]}, [1, 2, 3]),
        ("LISTS.SORT", {"list": [3, 1, 2], "reverse": True}, [3, 2, 1]),
        ("LISTS.INSERT", {"list": [1, 2], "index": -1, "item": 9}, [1, 9, 2]),
        ("LISTS.INSERT", {"list": [1, 2], "index": 99, "item": 9}, [1, 2, 9]),
        ("LISTS.REMOVE", {"list": [1, 2, 1], "item": 1}, [2, 1]),
        ("LISTS.REVERSE", {"list": [1, 2]}, [2, 1]),
    ],
)
def test_a_lists_block_changes_its_list_and_gives_null(
    change: Run, action: str, parameters: dict[str, Any], left: Any
) -> None:
    assert change(action, **parameters) == left


@pytest.mark.parametrize(
    ("action", "parameters", "error"),
    [
        ("LISTS.GET", {"list": [], "index": 0}, IndexError),
        ("LISTS.POP", {"list": []}, IndexError),
        ("LISTS.POP", {"list": [1], "index": 5}, IndexError),
        ("LISTS.REMOVE", {"list": [1], "item": 2}, ValueError),
        ("LISTS.SORT", {"list": [1, "a"]}, TypeError),
        ("LISTS.COUNT", {"list": "text"}, ValidationError),
        ("LISTS.COUNT", {"list": {"a": 1}}, ValidationError),
        ("LISTS.INDEX", {"list": [1]}, ValidationError),
        ("LISTS.GET", {"list": [1], "index": 1.5}, ValidationError),
    ],
)
def test_a_lists_block_refuses(run: Run, action: str, parameters: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        run(action, **parameters)


def test_extending_a_list_by_itself_ends(change: Run) -> None:
    both = [1, 2]

    assert change("LISTS.EXTEND", list1=both, list2=both) == [1, 2, 1, 2]


def test_a_list_appended_to_itself_does_not_hold_itself(change: Run) -> None:
    both: list[Any] = [1]

    assert change("LISTS.APPEND", list=both, item=both) == [1, [1]]


@pytest.mark.parametrize(
    ("action", "parameters", "result"),
    [
        ("LISTS.INCLUDES", {"list": [1, [2]], "value": [2.0]}, True),
        ("LISTS.INCLUDES", {"list": [1], "value": True}, False),
        ("LISTS.INCLUDES", {"list": [1], "value": "1"}, False),
        ("LISTS.CHUNK", {"list": [1, 2, 3, 4, 5], "size": 2}, [[1, 2], [3, 4], [5]]),
        ("LISTS.CHUNK", {"list": [], "size": 2}, []),
        ("LISTS.CHUNK", {"list": [1], "size": 10**30}, [[1]]),
        ("LISTS.RANGE", {"start": 0, "stop": 3}, [0, 1, 2]),
        ("LISTS.RANGE", {"start": 5, "stop": 0, "step": -2}, [5, 3, 1]),
        ("LISTS.RANGE", {"start": 3, "stop": 3}, []),
        ("LISTS.RANGE", {"start": 3, "stop": 0}, []),
        ("LISTS.RANGE", {"start": 10**20, "stop": 10**20 + 2}, [10**20, 10**20 + 1]),
        ("LISTS.ZIP", {"list1": ["a", "b", "c"], "list2": [1, 2]}, [["a", 1], ["b", 2]]),
        ("LISTS.ZIP", {"list1": [], "list2": [1]}, []),
    ],
)
def test_a_lists_block_beyond_the_library_gives(run: Run, action: str, parameters: dict[str, Any], result: Any) -> None:
    assert run(action, **parameters) == result


@pytest.mark.parametrize("size", [0, -1])
def test_pieces_have_one_item_or_more(run: Run, size: int) -> None:
    with pytest.raises(ValueError, match="size"):
        run("LISTS.CHUNK", list=[1], size=size)


def test_a_range_goes_somewhere(run: Run) -> None:
    with pytest.raises(ValueError, match="step"):
        run("LISTS.RANGE", start=0, stop=1, step=0)


@same_fixture
@given(start=st.integers(-(10**12), 10**12), length=st.integers(-5, 60), step=st.integers(-7, 7).filter(bool))
def test_a_range_is_pythons_and_charged_at_most_its_size(
    run: Run, call: Any, start: int, length: int, step: int
) -> None:
    before = call.charged
    result = run("LISTS.RANGE", start=start, stop=start + length * step, step=step)

    assert result == list(range(start, start + length * step, step))
    assert call.charged - before <= len(json.dumps(result, separators=(",", ":")))


@same_fixture
@given(items=st.lists(st.integers()), size=st.integers(1, 9))
def test_pieces_make_up_the_list(run: Run, call: Any, items: list[int], size: int) -> None:
    before = call.charged
    pieces = run("LISTS.CHUNK", list=items, size=size)

    assert [item for piece in pieces for item in piece] == items
    assert all(len(piece) == size for piece in pieces[:-1])
    assert call.charged - before <= len(json.dumps(pieces, separators=(",", ":")))


@pytest.mark.parametrize(
    ("action", "parameters"),
    [
        ("LISTS.RANGE", {"start": 0, "stop": 10**30}),
        ("LISTS.RANGE", {"start": 10**4000, "stop": 10**4000 + 100}),
        ("LISTS.CHUNK", {"list": list(range(1000)), "size": 1}),
        ("LISTS.ZIP", {"list1": list(range(1000)), "list2": list(range(1000))}),
    ],
)
def test_what_would_be_too_large_is_refused(run: Run, call: Any, action: str, parameters: dict[str, Any]) -> None:
    call.budget = 2000
    with pytest.raises(BudgetExceededError):
        run(action, **parameters)
