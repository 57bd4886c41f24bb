from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from blocks.block import BudgetExceededError
from handler.engine import Conduit, ConduitStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., Any]

same_fixture = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


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


NESTED = {"a": {"b": [{"c": 1}, None]}, "x.y": 2, "n": None, "": 3}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("a.b.0.c", 1),
        ("a.b.-2.c", 1),
        ("a.b.1", None),
        ("n", None),
        ("", 3),
        ("a.b", [{"c": 1}, None]),
        ("a.b.2", "default"),
        ("a.b.-3", "default"),
        ("a.b.c", "default"),
        ("a.b.0.c.d", "default"),
        ("x.y", "default"),
        ("b", "default"),
        ("a.", "default"),
    ],
)
def test_a_path_leads_to_its_value_or_to_the_default(run: Run, path: str, found: Any) -> None:
    assert run("DICTIONARY.GET_PATH", dictionary=NESTED, path=path, default="default") == found


@pytest.mark.parametrize(
    ("dictionary", "path", "left"),
    [
        ({}, "a", {"a": 9}),
        ({}, "a.b.c", {"a": {"b": {"c": 9}}}),
        ({"a": {"b": 1, "x": 2}}, "a.b", {"a": {"b": 9, "x": 2}}),
        ({"a": [{"b": 1}]}, "a.0.b", {"a": [{"b": 9}]}),
        ({"a": [1, 2]}, "a.-1", {"a": [1, 9]}),
        ({"a": {}}, "a.0", {"a": {"0": 9}}),
        ({"a": [{}]}, "a.0.b.c", {"a": [{"b": {"c": 9}}]}),
    ],
)
def test_a_value_is_put_at_a_path(change: Run, dictionary: dict[str, Any], path: str, left: Any) -> None:
    assert change("DICTIONARY.SET_PATH", dictionary=dictionary, path=path, value=9) == left


@pytest.mark.parametrize(
    ("dictionary", "path", "message"),
    [
        ({"a": 1}, "a.b", "before 'b' is neither a dictionary"),
        ({"a": None}, "a.b.c", "before 'b' is neither a dictionary"),
        ({"a": []}, "a.0", "'a.0': the list there has 0 items"),
        ({"a": [1]}, "a.1", "no '1'"),
        ({"a": [1]}, "a.x", "no 'x'"),
        ({"a": [[1]]}, "a.3.0", "'a.3'"),
    ],
)
def test_a_path_that_cannot_be_made_is_refused_and_changes_nothing(
    run: Run, dictionary: dict[str, Any], path: str, message: str
) -> None:
    before = json.dumps(dictionary)
    with pytest.raises(ValueError, match=message):
        run("DICTIONARY.SET_PATH", dictionary=dictionary, path=path, value=9)
    assert json.dumps(dictionary) == before


def test_a_set_path_changes_the_variable_and_neither_a_parameter_nor_an_earlier_result() -> None:
    job = Conduit.from_dict(
        {
            "variables": {"order": {"lines": [{"price": 1}]}},
            "parameters": {"order": {"lines": []}},
            "steps": [
                {
                    "action": "DICTIONARY.SET_PATH",
                    "parameters": {"dictionary": "{# order #}", "path": "lines.0.price", "value": 9},
                },
                {"action": "DICTIONARY.GET_PATH", "parameters": {"dictionary": "{# order #}", "path": "lines.0.price"}},
                {"action": "DICTIONARY.SET_PATH", "parameters": {"dictionary": "{< order >}", "path": "a", "value": 9}},
            ],
        }
    )
    asyncio.run(job.run())

    assert job.steps[1].return_value == 9
    assert job.steps[2].status is ConduitStatus.INVALID_ARGUMENT


@same_fixture
@given(path=st.lists(st.text("ab0", min_size=1, max_size=2), min_size=1, max_size=4).map(".".join), value=st.integers())
def test_a_value_put_at_a_path_is_found_there(run: Run, change: Run, path: str, value: int) -> None:
    changed = change("DICTIONARY.SET_PATH", dictionary={}, path=path, value=value)

    assert run("DICTIONARY.GET_PATH", dictionary=changed, path=path) == value


@same_fixture
@given(dictionary=st.dictionaries(st.text("abc", max_size=1), st.integers()), keys=st.lists(st.text("abc", max_size=1)))
def test_picked_and_omitted_keys_together_are_the_dictionary(
    run: Run, call: Any, dictionary: dict[str, int], keys: list[str]
) -> None:
    before = call.charged
    picked = run("DICTIONARY.PICK", dictionary=dictionary, keys=keys)
    assert call.charged - before <= len(json.dumps(picked, separators=(",", ":")))
    omitted = run("DICTIONARY.OMIT", dictionary=dictionary, keys=keys)

    assert picked | omitted == dictionary
    assert set(picked) <= set(keys)
    assert not set(omitted) & set(keys)


@pytest.mark.parametrize(
    ("action", "parameters"),
    [
        (
            "DICTIONARY.PICK",
            {"dictionary": {str(key): 1 for key in range(100)}, "keys": [str(key) for key in range(100)]},
        ),
        ("DICTIONARY.OMIT", {"dictionary": {str(key): 1 for key in range(100)}, "keys": []}),
        ("DICTIONARY.SET_PATH", {"dictionary": {}, "path": ".".join("a" * 100), "value": 1}),
    ],
)
def test_a_dictionary_block_charges_the_value_that_it_builds(
    run: Run, call: Any, action: str, parameters: dict[str, Any]
) -> None:
    call.budget = 100
    with pytest.raises(BudgetExceededError):
        run(action, **parameters)
