"""LISTS: blocks for lists of objects, such as the rows of a table or an API's answer.

If a block takes a `key`, every item must have that key; an item without it is INVALID_ARGUMENT.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, Final, Literal

from blocks.block import ABSENT, Call, Category
from blocks.charges import (
    FIELD,
    INDEX,
    NUMBER,
    PLACE,
    charge_places,
    cost_of_entries,
    cost_of_item,
    cost_of_places,
    weigh,
)
from blocks.comparison import COMPARISONS, LARGEST_HASH, equal_as_json, identity
from blocks.messages import shown

category = Category("LISTS", effect="none")

IDENTITY: Final = 3
"""The cost of an identity of a list, an object or a large number, as a multiple of its own: an identity is made of
tuples, sets and strings."""
KNOWN: Final = 27
"""The cost of an identity's place in the set of known identities."""

KINDS: Final[dict[type, str]] = {str: "a string", list: "a list", dict: "an object"}

Items = list[Any]  # a parameter named `list` hides the type
Operator = Literal["=", "!=", ">", ">=", "<", "<=", "is", "is not", "in", "contains", "exists"]


@category.block
def pluck(call__: Call, /, *, list: list[Any], key: str) -> list[Any]:
    """Return the value of the key in each item, as a list.

    `{"list": [{"id": 7, "name": "a"}, {"id": 8, "name": "b"}], "key": "id"}` gives `[7, 8]`.
    """
    charge_places(call__, len(list))
    return _values(list, key)


@category.block(name="filter")
def filter_(
    call__: Call, /, *, list: list[Any], key: str | None = None, operator: Operator, value: Any = None
) -> list[Any]:
    """Return the items whose value of the key compares with `value` as the operator says.

    Without a key, the items themselves are compared. The operators are those of `LOGIC.IF`, and `in` (`value` is a list
    with the item's value, or a string that contains it), `contains` (the item's value is a list with `value`, an object
    with that key, or a string that contains it) and `exists` (the item has the key; with `value` false: it does not;
    without a key: the item is not null).

    An item without the key is left out, except by `!=`, `is not` and `exists` false. Values without an order (a string
    and a number) are INVALID_ARGUMENT with `>`, `>=`, `<`, `<=`.

    `{"list": [{"age": 17}, {"age": 18}], "key": "age", "operator": ">=", "value": 18}` gives `[{"age": 18}]`.
    """
    test = _test(key, operator, value)
    kept = []
    for number, item in enumerate(list):
        found = item if key is None else item.get(key, ABSENT) if isinstance(item, dict) else ABSENT
        try:
            holds = test(found)
        except TypeError:
            raise ValueError(
                f"item {number} cannot be compared: {_kind(found)} {operator} {_kind(value)} has no meaning"
            ) from None
        if holds:
            call__.charge(INDEX, PLACE)
            kept.append(item)
    return kept


@category.block
def sort_by(call__: Call, /, *, list: list[Any], key: str, reverse: bool = False) -> list[Any]:
    """Return the items in the order of their values of the key: the smallest first, or last with `reverse`.

    Items with equal values keep their order. All values are numbers or all are strings, else INVALID_ARGUMENT.
    `{"list": [{"n": 2}, {"n": 1}], "key": "n"}` gives `[{"n": 1}, {"n": 2}]`.
    """
    # Besides the result: the values, and the indexes that are sorted.
    call__.charge(INDEX * len(list), cost_of_places(2 * len(list), 2) + NUMBER * len(list))
    values = _values(list, key)
    kinds = {_kind(value) for value in values}
    if len(kinds) > 1 or not kinds <= {"a number", "a string"}:
        raise ValueError(
            f"all values of {shown(key)} are numbers or all are strings; they are {' and '.join(sorted(kinds))}"
        )
    order = sorted(range(len(list)), key=values.__getitem__, reverse=reverse)
    return [list[index] for index in order]


@category.block
def unique(call__: Call, /, *, list: list[Any], key: str | None = None) -> list[Any]:
    """Return the items without those that equal an earlier item, or have an earlier item's value of the key.

    They are compared as JSON: `1` equals `1.0`, but neither `"1"` nor true. `{"list": [1, 2, 1.0, "1"]}` gives
    `[1, 2, "1"]`.
    """
    kept = []
    seen = set()
    for item, value in zip(list, list if key is None else _values(list, key), strict=True):
        known = identity(value)
        if known not in seen:
            call__.charge(INDEX, PLACE + KNOWN + _cost_of_identity(value))
            seen.add(known)
            kept.append(item)
    return kept


@category.block
def group_by(call__: Call, /, *, list: list[Any], key: str) -> dict[str, list[Any]]:
    """Return an object that has, for each value of the key, the list of the items with that value.

    A value that is not a string is written as JSON: `7` becomes `"7"`, true becomes `"true"`.
    `{"list": [{"t": "a", "n": 1}, {"t": "b", "n": 2}, {"t": "a", "n": 3}], "key": "t"}` gives
    `{"a": [{"t": "a", "n": 1}, {"t": "a", "n": 3}], "b": [{"t": "b", "n": 2}]}`.
    """
    groups: dict[str, Items] = {}
    for name, item in zip(_names(call__, list, key), list, strict=True):
        if name not in groups:
            call__.charge(FIELD + len(name), cost_of_places(1) + cost_of_entries(1, 0))
            groups[name] = []
        call__.charge(INDEX, PLACE)
        groups[name].append(item)
    return groups


@category.block
def index_by(call__: Call, /, *, list: list[Any], key: str) -> dict[str, Any]:
    """Return an object that has, for each value of the key, the item with that value; of several, the last.

    A value that is not a string is written as JSON. `{"list": [{"id": 7}, {"id": 8}], "key": "id"}` gives
    `{"7": {"id": 7}, "8": {"id": 8}}`.
    """
    index = {}
    for name, item in zip(_names(call__, list, key), list, strict=True):
        if name not in index:
            call__.charge(FIELD + len(name), cost_of_entries(1, 0))
        index[name] = item
    return index


def _values(items: list[Any], key: str) -> list[Any]:
    for number, item in enumerate(items):
        if not isinstance(item, dict):
            raise ValueError(f"item {number} is not an object, so it has no key {shown(key)}")  # noqa: TRY004  # INVALID_ARGUMENT
        if key not in item:
            raise ValueError(f"item {number} has no key {shown(key)}")
    return [item[key] for item in items]


def _names(call: Call, items: list[Any], key: str) -> Iterator[str]:
    """Yield the values as strings; a value that is not a string is converted and charged."""
    call.charge(0, cost_of_places(len(items)))
    for value in _values(items, key):
        if isinstance(value, str):
            yield value
        else:
            name = json.dumps(value, ensure_ascii=False)
            call.charge(0, cost_of_item(name))
            yield name


def _cost_of_identity(value: Any) -> int:
    """The cost of the key that `identity` makes; strings, null and small numbers are keys themselves."""
    if value is None or isinstance(value, str):
        return 0
    if isinstance(value, (int, float)) and -LARGEST_HASH < value < LARGEST_HASH:
        return 0
    return IDENTITY * weigh(value)


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, (int, float)):
        return "a number"
    return KINDS.get(type(value), "null")


def _test(key: str | None, operator: Operator, value: Any) -> Callable[[Any], bool]:
    """Return whether the filter keeps an item's value, which may be absent."""
    if operator == "exists":
        nothing = None if key is None else ABSENT
        return lambda found: (found is not nothing) == (value is None or bool(value))
    if operator == "in":
        return lambda found: found is not ABSENT and _holds(value, found)
    if operator == "contains":
        return lambda found: found is not ABSENT and _holds(found, value)
    holds = COMPARISONS[operator]
    if operator in {"!=", "is not"}:
        return lambda found: found is ABSENT or bool(holds(found, value))
    return lambda found: found is not ABSENT and bool(holds(found, value))


def _holds(whole: Any, part: Any) -> bool:
    if isinstance(whole, list):
        return any(equal_as_json(item, part) for item in whole)
    if isinstance(whole, (str, dict)):
        return isinstance(part, str) and part in whole
    return False
