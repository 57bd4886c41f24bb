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
        ("DICTIONARY.CREATE", {}, {}),
        ("DICTIONARY.CREATE", {"a": None, "self": 1, "call__": 2}, {"a": None, "self": 1, "call__": 2}),
        ("DICTIONARY.CREATE_FROM_PAIRS", {"key": "a.b", "value": 0}, {"a.b": 0}),
        ("DICTIONARY.CREATE_FROM_LIST", {"pairs": ["a", 1]}, {"a": 1}),
        ("DICTIONARY.CREATE_FROM_LIST", {"pairs": ["ab", "cd"]}, {"ab": "cd"}),
        ("DICTIONARY.CREATE_FROM_LIST", {"pairs": [["a", 1], ["b", 2], ["a", 3]]}, {"a": 3, "b": 2}),
        ("DICTIONARY.CREATE_FROM_LIST", {"pairs": []}, {}),
        ("DICTIONARY.GET", {"key": "a", "dictionary": {"a": 1}}, 1),
        ("DICTIONARY.GET", {"key": "b", "dictionary": {"a": 1}, "default": None}, None),
        ("DICTIONARY.GET", {"key": "a", "dictionary": {"a": 1}, "default": 2}, 1),
        ("DICTIONARY.POP", {"key": "a", "dictionary": {"a": 1}}, 1),
        ("DICTIONARY.POP", {"key": "b", "dictionary": {"a": 1}, "default": None}, None),
        ("DICTIONARY.MERGE", {"dict1": {"a": 1, "b": 1}, "dict2": {"b": 2, "c": 2}}, {"a": 1, "b": 2, "c": 2}),
        ("DICTIONARY.COUNT", {"dictionary": {"a": {"b": 1}}}, 1),
        ("DICTIONARY.LIST_KEYS", {"dictionary": {"b": 1, "a": 2}}, ["b", "a"]),
        ("DICTIONARY.LIST_VALUES", {"dictionary": {"b": 1, "a": 2}}, [1, 2]),
        ("DICTIONARY.LIST_ITEMS", {"dictionary": {"b": 1, "a": 2}}, [["b", 1], ["a", 2]]),
        ("DICTIONARY.IS_DICTIONARY", {"value": {}}, True),
        ("DICTIONARY.IS_DICTIONARY", {"value": [["a", 1]]}, False),
        ("DICTIONARY.IS_KEY_EXISTS", {"key": "a", "dictionary": {"a": None}}, True),
        ("DICTIONARY.IS_VALUE_EXISTS", {"value": [1], "dictionary": {"a": [1]}}, True),
        ("DICTIONARY.IS_VALUE_EXISTS", {"value": "a", "dictionary": {"a": 1}}, False),
    ],
)
def test_a_dictionary_block_gives(run: Run, action: str, parameters: dict[str, Any], result: Any) -> None:
    assert run(action, **parameters) == result


@pytest.mark.parametrize(
    ("action", "parameters", "left"),
    [
        ("DICTIONARY.SET", {"dictionary": {}, "key": "a", "value": None}, {"a": None}),
        ("DICTIONARY.SET", {"dictionary": {"a": 1}, "key": "a", "value": 2}, {"a": 2}),
        ("DICTIONARY.DELETE", {"dictionary": {"a": 1, "b": 2}, "key": "a"}, {"b": 2}),
        ("DICTIONARY.DELETE", {"dictionary": {"a": 1}, "key": "b"}, {"a": 1}),
        ("DICTIONARY.DELETE", {"dictionary": {"a": 1, "b": 2}, "key": None}, {}),
        ("DICTIONARY.DELETE", {"dictionary": {"a": 1}, "key": None, "silent": False}, {}),
        ("DICTIONARY.UPDATE", {"dict1": {"a": 1, "b": 1}, "dict2": {"b": 2}}, {"a": 1, "b": 2}),
        ("DICTIONARY.CLEAR", {"dictionary": {"a": 1}}, {}),
    ],
)
def test_a_dictionary_block_changes_its_dictionary_and_gives_null(
    change: Run, action: str, parameters: dict[str, Any], left: Any
) -> None:
    assert change(action, **parameters) == left


@pytest.mark.parametrize(
    ("action", "parameters", "error"),
    [
        ("DICTIONARY.GET", {"key": "b", "dictionary": {"a": 1}}, KeyError),
        ("DICTIONARY.POP", {"key": "b", "dictionary": {"a": 1}}, KeyError),
        ("DICTIONARY.DELETE", {"key": "b", "dictionary": {"a": 1}, "silent": False}, KeyError),
        ("DICTIONARY.DELETE", {"dictionary": {"a": 1}}, ValidationError),
        ("DICTIONARY.GET", {"key": 1, "dictionary": {"a": 1}}, ValidationError),
        ("DICTIONARY.COUNT", {"dictionary": [1]}, ValidationError),
        ("DICTIONARY.CREATE_FROM_LIST", {"pairs": True}, ValidationError),
        ("DICTIONARY.CREATE_FROM_LIST", {"pairs": [[1, 2]]}, ValidationError),
        ("DICTIONARY.CREATE_FROM_LIST", {"pairs": [["a", 1, 2]]}, ValidationError),
    ],
)
def test_a_dictionary_block_refuses(run: Run, action: str, parameters: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        run(action, **parameters)
