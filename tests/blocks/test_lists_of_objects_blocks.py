from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from blocks.block import BudgetExceededError
from blocks.comparison import identity

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., Any]

same_fixture = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
PEOPLE = [{"name": "Ann", "age": 31}, {"name": "Bob", "age": 17}, {"name": "Cid"}]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.floats(-2, 2).map(round).map(float) | st.text("a1", max_size=1),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text("ab", max_size=1), inner, max_size=2),
    max_leaves=4,
)


def same(value1: Any, value2: Any) -> bool:
    """Equality of JSON, implemented differently from the code under test."""
    return json.dumps(plain(value1), sort_keys=True) == json.dumps(plain(value2), sort_keys=True)


def plain(value: Any) -> Any:
    if isinstance(value, float):
        return int(value)
    if isinstance(value, list):
        return [plain(item) for item in value]
    return {key: plain(item) for key, item in value.items()} if isinstance(value, dict) else value


@pytest.mark.parametrize(
    ("action", "parameters", "result"),
    [
        ("LISTS.PLUCK", {"list": PEOPLE, "key": "name"}, ["Ann", "Bob", "Cid"]),
        ("LISTS.PLUCK", {"list": [], "key": "name"}, []),
        ("LISTS.FILTER", {"list": PEOPLE, "key": "age", "operator": ">=", "value": 18}, PEOPLE[:1]),
        ("LISTS.FILTER", {"list": PEOPLE, "key": "age", "operator": "!=", "value": 31}, PEOPLE[1:]),
        ("LISTS.FILTER", {"list": PEOPLE, "key": "age", "operator": "is not", "value": 31}, PEOPLE[1:]),
        ("LISTS.FILTER", {"list": PEOPLE, "key": "age", "operator": "exists"}, PEOPLE[:2]),
        ("LISTS.FILTER", {"list": PEOPLE, "key": "age", "operator": "exists", "value": False}, PEOPLE[2:]),
        ("LISTS.FILTER", {"list": PEOPLE, "key": "name", "operator": "in", "value": ["Ann", "Cid"]}, PEOPLE[::2]),
        ("LISTS.FILTER", {"list": PEOPLE, "key": "name", "operator": "contains", "value": "o"}, PEOPLE[1:2]),
        ("LISTS.FILTER", {"list": [3, 1, 2], "operator": "<", "value": 3}, [1, 2]),
        ("LISTS.FILTER", {"list": [1, 1.0, True], "operator": "=", "value": 1}, [1, 1.0, True]),
        ("LISTS.FILTER", {"list": [1, 1.0, True], "operator": "is", "value": 1}, [1]),
        ("LISTS.FILTER", {"list": [1, True, "1"], "operator": "in", "value": [1.0]}, [1]),
        ("LISTS.FILTER", {"list": [[1], [2], "1", 1], "operator": "contains", "value": 1}, [[1]]),
        ("LISTS.FILTER", {"list": ["ab", "bc"], "operator": "in", "value": "xab"}, ["ab"]),
        ("LISTS.FILTER", {"list": [{"a": 1}, {"b": 1}], "operator": "contains", "value": "a"}, [{"a": 1}]),
        ("LISTS.FILTER", {"list": [0, None, ""], "operator": "exists"}, [0, ""]),
        ("LISTS.FILTER", {"list": [{"a": None}, {}], "key": "a", "operator": "exists"}, [{"a": None}]),
        ("LISTS.FILTER", {"list": [{"a": None}, {}], "key": "a", "operator": "exists", "value": False}, [{}]),
        ("LISTS.SORT_BY", {"list": [{"n": "b"}, {"n": "a"}], "key": "n"}, [{"n": "a"}, {"n": "b"}]),
        ("LISTS.SORT_BY", {"list": [{"n": 1}, {"n": 2.5}], "key": "n", "reverse": True}, [{"n": 2.5}, {"n": 1}]),
        ("LISTS.SORT_BY", {"list": [], "key": "n"}, []),
        (
            "LISTS.UNIQUE",
            {"list": [1, "1", True, 1.0, [1], [True], {"a": 1}, {"a": 1.0}]},
            [1, "1", True, [1], [True], {"a": 1}],
        ),
        ("LISTS.UNIQUE", {"list": [{"t": 1, "n": 1}, {"t": 1, "n": 2}], "key": "t"}, [{"t": 1, "n": 1}]),
        (
            "LISTS.GROUP_BY",
            {"list": [{"t": True}, {"t": None}, {"t": "true"}], "key": "t"},
            {"true": [{"t": True}, {"t": "true"}], "null": [{"t": None}]},
        ),
        ("LISTS.INDEX_BY", {"list": [{"t": 1, "n": 1}, {"t": 1, "n": 2}], "key": "t"}, {"1": {"t": 1, "n": 2}}),
    ],
)
def test_a_block_for_lists_of_objects_gives(run: Run, action: str, parameters: dict[str, Any], result: Any) -> None:
    given_ = run(action, **parameters)

    assert given_ == result
    assert json.dumps(given_) == json.dumps(result)  # distinguishes 1 from true


@pytest.mark.parametrize("action", ["LISTS.PLUCK", "LISTS.SORT_BY", "LISTS.UNIQUE", "LISTS.GROUP_BY", "LISTS.INDEX_BY"])
@pytest.mark.parametrize(("item", "message"), [({"b": 1}, "item 1 has no key 'a'"), (7, "item 1 is not an object")])
def test_an_item_without_the_key_is_refused_with_its_place(run: Run, action: str, item: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        run(action, list=[{"a": 1}, item], key="a")


@pytest.mark.parametrize("values", [[1, "a"], [True, False], [None], [[1], [2]], [1, True]])
def test_values_that_have_no_order_are_not_sorted(run: Run, values: list[Any]) -> None:
    with pytest.raises(ValueError, match="numbers or all are strings"):
        run("LISTS.SORT_BY", list=[{"a": value} for value in values], key="a")


def test_values_that_have_no_order_are_not_filtered(run: Run) -> None:
    with pytest.raises(ValueError, match="item 1 cannot be compared: a string > a number"):
        run("LISTS.FILTER", list=[5, "a"], operator=">", value=1)


def test_an_operator_that_there_is_not_does_not_fit(run: Run) -> None:
    with pytest.raises(ValidationError):
        run("LISTS.FILTER", list=[], operator="~")


@same_fixture
@given(numbers=st.lists(st.tuples(st.integers(0, 3), st.integers())), reverse=st.booleans())
def test_sorting_is_stable_in_both_directions(run: Run, numbers: list[tuple[int, int]], reverse: bool) -> None:
    items = [{"key": key, "n": n} for key, n in numbers]

    assert run("LISTS.SORT_BY", list=items, key="key", reverse=reverse) == sorted(
        items, key=lambda item: item["key"], reverse=reverse
    )


@same_fixture
@given(values=st.lists(VALUES, max_size=8))
def test_unique_items_differ_from_each_other_as_json(run: Run, values: list[Any]) -> None:
    expected: list[Any] = []
    for value in values:
        if not any(same(value, known) for known in expected):
            expected.append(value)

    assert list(map(repr, run("LISTS.UNIQUE", list=values))) == list(map(repr, expected))


def test_numbers_cannot_be_chosen_so_that_all_of_them_have_one_hash() -> None:
    """Python's hash of a whole number is its remainder by this one: a set of such numbers would take quadratic time."""
    chosen = [at * (2**61 - 1) for at in range(1, 1_001)]
    assert len(set(map(hash, chosen))) == 1
    assert len({hash(identity(value)) for value in chosen}) > 900
    assert len({hash(identity([-value])) for value in chosen}) > 900


def test_large_numbers_are_equal_as_json(run: Run) -> None:
    assert run("LISTS.UNIQUE", list=[2**70, float(2**70), 2**70 + 1, -(2**70), [2**70], [float(2**70)]]) == [
        2**70,
        2**70 + 1,
        -(2**70),
        [2**70],
    ]


@same_fixture
@given(values=st.lists(VALUES, max_size=6), value=VALUES)
def test_a_list_includes_a_value_that_equals_one_of_its_items_as_json(run: Run, values: list[Any], value: Any) -> None:
    expected = any(same(value, item) for item in values)

    assert run("LISTS.INCLUDES", list=values, value=value) is expected
    assert run("LOGIC.IN", list=values, value=value) is expected


@same_fixture
@given(items=st.lists(st.fixed_dictionaries({"t": st.sampled_from(["a", "b", 1, None]), "n": st.integers()})))
def test_groups_hold_every_item_once(run: Run, call: Any, items: list[Any]) -> None:
    before = call.charged
    groups = run("LISTS.GROUP_BY", list=items, key="t")

    assert call.charged - before <= len(json.dumps(groups, separators=(",", ":")).encode())
    assert sorted(item["n"] for group in groups.values() for item in group) == sorted(item["n"] for item in items)
    assert run("LISTS.INDEX_BY", list=items, key="t") == {name: group[-1] for name, group in groups.items()}


@pytest.mark.parametrize(
    ("action", "parameters"),
    [
        ("LISTS.PLUCK", {"key": "k"}),
        ("LISTS.FILTER", {"operator": "exists"}),
        ("LISTS.SORT_BY", {"key": "k"}),
        ("LISTS.UNIQUE", {"key": "k"}),
        ("LISTS.GROUP_BY", {"key": "k"}),
        ("LISTS.INDEX_BY", {"key": "k"}),
    ],
)
def test_a_block_for_lists_of_objects_stops_at_the_budget(
    run: Run, call: Any, action: str, parameters: dict[str, Any]
) -> None:
    call.budget = 100
    with pytest.raises(BudgetExceededError):
        run(action, list=[{"k": key} for key in range(100)], **parameters)
