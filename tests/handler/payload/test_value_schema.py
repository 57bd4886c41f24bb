from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocks.comparison import identity
from handler.payload.value_schema import DefaultsTooLargeError, compile_schema
from handler.payload.value_schema_check import KEYWORDS, find_schema_problems


def _problems(schema: dict[str, Any], value: Any) -> list[tuple[str, str]]:
    assert find_schema_problems(schema) == []
    return [(problem.pointer, problem.code) for problem in compile_schema(schema).find_problems(value, ("parameters",))]


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({"type": "string"}, ["", "a"], [1, None, True, [], {}]),
        ({"type": "integer"}, [0, -3, 2.0, 10**30], [1.5, "1", True, None]),
        ({"type": "number"}, [0, 1.5], ["1", True, None]),
        ({"type": "boolean"}, [True, False], [0, 1, "true", None]),
        ({"type": "null"}, [None], [0, False, ""]),
        ({"type": "array"}, [[], [1, "a"]], [{}, "a"]),
        ({"type": "object"}, [{}, {"a": 1}], [[], None]),
        ({"type": ["string", "null"]}, ["a", None], [1, False]),
        ({"enum": [1, "a", None, [1]]}, [1, 1.0, "a", None, [1.0]], ["1", True, 2, [], [True]]),
        ({"enum": [{"a": 1, "b": 2}]}, [{"b": 2, "a": 1}], [{"a": 1}, {}]),
        ({"enum": [True]}, [True], [1, False]),
        ({"minimum": 3}, [3, 4, "a", None], [2, 2.9]),
        ({"maximum": 3}, [3, 2, "a"], [4, 3.1]),
        ({"minLength": 2}, ["ab", "äö", 1], ["a", "", "😀"]),
        ({"maxLength": 2}, ["ab", "", "😀😀"], ["abc"]),
        ({"items": {"type": "integer"}}, [[], [1, 2], "no list"], [["a"], [1, None]]),
        ({"properties": {"a": {"type": "string"}}}, [{}, {"a": "x"}, {"b": 1}, 3], [{"a": 1}]),
        ({"required": ["a"]}, [{"a": None}, "no object"], [{}, {"b": 1}]),
        ({}, [None, 1, "a", [], {}], []),
        ({"type": [], "description": "anything"}, [], []),
    ],
)
def test_a_keyword_has_its_meaning_in_json_schema(schema: dict[str, Any], good: list[Any], bad: list[Any]) -> None:
    if schema.get("type") == []:
        assert find_schema_problems(schema)
        return
    for value in good:
        assert _problems(schema, value) == []
    for value in bad:
        assert _problems(schema, value) != []


def test_every_problem_has_its_place() -> None:
    schema = {
        "type": "object",
        "properties": {"limit": {"type": "number", "minimum": 1}, "tags": {"items": {"maxLength": 3}}},
        "required": ["limit", "who"],
    }
    assert _problems(schema, {"limit": 0, "tags": ["abc", "abcd"]}) == [
        ("/parameters/who", "MISSING_FIELD"),
        ("/parameters/limit", "INVALID_FIELD"),
        ("/parameters/tags/1", "INVALID_FIELD"),
    ]


@pytest.mark.parametrize(
    ("schema", "pointer"),
    [
        ({"pattern": "a"}, "/inputs/pattern"),
        ({"additionalProperties": False}, "/inputs/additionalProperties"),
        ({"$ref": "#/x"}, "/inputs/$ref"),
        ({"properties": {"a": {"format": "date"}}}, "/inputs/properties/a/format"),
        ({"items": {"anyOf": []}}, "/inputs/items/anyOf"),
        ({"type": "text"}, "/inputs/type"),
        ({"type": ["string", 1]}, "/inputs/type"),
        ({"properties": []}, "/inputs/properties"),
        ({"properties": {"a": True}}, "/inputs/properties/a"),
        ({"required": "a"}, "/inputs/required"),
        ({"required": [1]}, "/inputs/required"),
        ({"enum": []}, "/inputs/enum"),
        ({"minimum": "1"}, "/inputs/minimum"),
        ({"maximum": True}, "/inputs/maximum"),
        ({"minLength": -1}, "/inputs/minLength"),
        ({"maxLength": 1.5}, "/inputs/maxLength"),
        ({"description": 1}, "/inputs/description"),
        ({"type": "string", "default": 1}, "/inputs/default"),
        ([], "/inputs"),
        (None, "/inputs"),
    ],
)
def test_a_schema_beyond_the_subset_is_refused_with_its_place(schema: Any, pointer: str) -> None:
    assert [problem.pointer for problem in find_schema_problems(schema, ("inputs",))] == [pointer]


def test_absent_fields_get_their_defaults_on_every_level_and_given_ones_stay() -> None:
    schema = compile_schema(
        {
            "properties": {
                "a": {"default": 1},
                "b": {"properties": {"c": {"default": [2]}, "d": {}}},
                "e": {"items": {"properties": {"f": {"default": None}}}},
            }
        }
    )
    assert schema.filled({}, 100) == {"a": 1}
    assert schema.filled({"a": None, "b": {}, "e": [{}, {"f": 3}]}, 100) == {
        "a": None,
        "b": {"c": [2]},
        "e": [{"f": None}, {"f": 3}],
    }


def test_filling_changes_neither_the_value_nor_the_schema() -> None:
    schema = compile_schema({"properties": {"a": {"default": []}, "b": {"properties": {"c": {"default": 1}}}}})
    sent: dict[str, Any] = {"b": {}}
    schema.filled(sent, 100)["a"].append(1)
    assert sent == {"b": {}}
    assert schema.filled(sent, 100) == {"a": [], "b": {"c": 1}}


def test_defaults_that_multiply_are_stopped_before_they_are_built() -> None:
    schema = compile_schema({"items": {"properties": {"a": {"default": "x" * 1000}}}})
    assert len(schema.filled([{}] * 9, 10_000)) == 9
    with pytest.raises(DefaultsTooLargeError):
        schema.filled([{}] * 100_000, 10_000)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from(KEYWORDS), JSON) | JSON, JSON)
def test_no_schema_and_no_value_causes_an_internal_error(schema: Any, value: Any) -> None:
    if not find_schema_problems(schema):
        compiled = compile_schema(schema)
        compiled.find_problems(value)
        compiled.filled(value, 10_000)


@given(JSON)
def test_a_value_is_one_of_itself(value: Any) -> None:
    assert compile_schema({"enum": [value]}).find_problems(value) == []


def test_choices_cannot_be_numbers_that_all_have_one_hash() -> None:
    chosen = [at * (2**61 - 1) for at in range(1, 1_001)]
    assert len(set(map(hash, chosen))) == 1
    assert len({hash(identity([value])) for value in chosen}) > 900
    assert identity(2**70) == identity(float(2**70)) != identity(2**70 + 1)
