from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., Any]


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
