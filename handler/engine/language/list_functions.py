"""Functions of lists, and of values with a length."""

from __future__ import annotations

from typing import Any, Final

from blocks.charges import EMPTY, NUMBER, cost_of_places
from handler.engine.charges import WORD
from handler.engine.language.json_values import (
    as_string,
    equal,
    finite,
    identity,
    name_with_article,
    size_of_string,
    whole,
)
from handler.engine.language.meter import ExpressionError, Meter
from handler.engine.language.number_functions import number, whole_number
from handler.engine.language.ordering import check_order, sort

_NAMED: Final = 20
"""The cost of a name in a list of names and their items, besides its bytes."""


def as_list(value: Any, function: str) -> list[Any]:
    """Check that the argument is a list, and return it.

    Raises:
        ExpressionError: it is not a list.
    """
    if type(value) is list:
        return value
    raise ExpressionError(f"`{function}` takes a list, not {name_with_article(value)}")


def length(meter: Meter, x: Any) -> int:
    del meter
    if type(x) is str or type(x) is list or type(x) is dict:
        return len(x)
    raise ExpressionError(f"`len` takes a string, a list or an object, not {name_with_article(x)}")


def smallest(meter: Meter, *values: Any) -> Any:
    return min(_compared(meter, values, "min"))


def largest(meter: Meter, *values: Any) -> Any:
    return max(_compared(meter, values, "max"))


def _compared(meter: Meter, values: tuple[Any, ...], function: str) -> list[Any]:
    items = as_list(values[0], function) if len(values) == 1 else list(values)
    if not items:
        raise ExpressionError(f"`{function}` has no result for an empty list; `default` and `first` can handle one")
    check_order(items, function, meter)
    return items


def total(meter: Meter, list: Any) -> Any:  # the name that users write, here and below
    """From left to right, as a chain of `+` adds: Python's own sum differs between its versions."""
    items = as_list(list, "sum")
    meter.tick(len(items))
    result: Any = 0
    for item in items:
        kind = type(item)
        if kind is not int and kind is not float:
            number(item, "sum")
        if kind is int and not -WORD < item < WORD:
            meter.read(item.bit_length())
        try:
            result += item
        except OverflowError:
            raise ExpressionError("an integer is too large to be added to a float") from None
    return whole(result, meter) if type(result) is int else finite(result)


def first(meter: Meter, list: Any, default: Any = None) -> Any:
    del meter
    return as_list(list, "first")[0] if list else _empty(list, "first", default)


def last(meter: Meter, list: Any, default: Any = None) -> Any:
    del meter
    return as_list(list, "last")[-1] if list else _empty(list, "last", default)


def _empty(value: Any, function: str, default: Any) -> Any:
    as_list(value, function)
    return default


def sort_list(meter: Meter, list: Any, key: Any = None, reverse: Any = False) -> list[Any]:
    items = as_list(list, "sorted")
    if type(reverse) is not bool:
        raise ExpressionError(f"`reverse` is true or false, not {name_with_article(reverse)}")
    keys = items if key is None else values_of_key(meter, items, key, "sorted")
    return sort(items, keys, reverse, meter)


def values_of_key(meter: Meter, items: list[Any], key: Any, function: str) -> list[Any]:
    """The value of each item below a key.

    Raises:
        ExpressionError: an item is not an object or has no such key.
    """
    if type(key) is not str:
        raise ExpressionError(f"`key` is the name of a key, not {name_with_article(key)}")
    meter.tick(len(items))
    try:
        return [item[key] for item in items]
    except (KeyError, TypeError, IndexError):
        pass
    for position, item in enumerate(items):
        if type(item) is not dict:
            raise ExpressionError(f"`{function}` by a key takes objects; item {position} is {name_with_article(item)}")
        if key not in item:
            raise ExpressionError(f"item {position} has no `{key[:60]}`")
    raise ExpressionError(f"`{function}` takes objects")


def unique(meter: Meter, list: Any) -> list[Any]:
    items = as_list(list, "unique")
    seen: dict[str, Any] = {}
    meter.charge(cost_of_places(2 * len(items)))
    for item in items:
        seen.setdefault(identity(item, meter), item)
    return [*seen.values()]


def flatten(meter: Meter, list: Any) -> list[Any]:
    items = as_list(list, "flatten")
    size = sum(len(item) if type(item) is type(items) else 1 for item in items)
    meter.tick(len(items) + size)
    meter.charge(cost_of_places(size))
    flat = items[:0]
    for item in items:
        if type(item) is type(items):
            flat.extend(item)
        else:
            flat.append(item)
    return flat


def count_up(meter: Meter, start: Any, stop: Any = None) -> list[int]:
    begin, end = whole_number(start, "an end of `range`"), 0
    if stop is None:
        begin, end = 0, begin
    else:
        end = whole_number(stop, "an end of `range`")
    size = max(0, end - begin)
    meter.tick(size)
    meter.charge(EMPTY + NUMBER * size)
    whole(begin, meter)
    return [*range(begin, end)]


def any_of(meter: Meter, list: Any) -> bool:
    items = as_list(list, "any")
    meter.tick(len(items))
    return any(items)


def all_of(meter: Meter, list: Any) -> bool:
    items = as_list(list, "all")
    meter.tick(len(items))
    return all(items)


def count(meter: Meter, list: Any, value: Any) -> int:
    items = as_list(list, "count")
    meter.tick(len(items))
    return sum(equal(item, value, meter) for item in items)


def is_in(value: Any, container: Any, meter: Meter) -> bool:
    """The result of ``in``: for an item of a list, a key of an object, or a part of a string.

    Raises:
        ExpressionError: nothing can be in it, or not a value of that type.
    """
    kind = type(container)
    if kind is list:
        meter.tick(len(container))
        return any(equal(item, value, meter) for item in container)
    if kind is not dict and kind is not str:
        raise ExpressionError(
            f"`in` looks into a list, an object or a string, and {name_with_article(container)} is not one of them"
        )
    if type(value) is not str:
        where = "the keys of an object" if kind is dict else "a string"
        raise ExpressionError(f"`in` looks for a string in {where}, not for {name_with_article(value)}")
    if kind is dict:
        meter.read(len(value))
    else:
        meter.search(len(container), len(value))
    return value in container


def group(meter: Meter, list: Any, key: Any) -> dict[str, list[Any]]:
    groups: dict[str, Any] = {}
    for name, item in _named(meter, list, key, "group"):
        if name not in groups:
            meter.charge(cost_of_places(1))
            groups[name] = []
        groups[name].append(item)
    return groups


def index(meter: Meter, list: Any, key: Any) -> dict[str, Any]:
    return dict(_named(meter, list, key, "index"))


def _named(meter: Meter, items: Any, key: Any, function: str) -> list[tuple[str, Any]]:
    values = values_of_key(meter, as_list(items, function), key, function)
    meter.tick(3 * len(values))
    names = [as_string(value, meter) for value in values]
    meter.charge(EMPTY + sum(_NAMED + size_of_string(name) for name in names))
    return [*zip(names, items, strict=True)]
