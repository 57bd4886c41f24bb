"""Functions of objects, of values of any type, and of times."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from blocks.charges import cost_of_entries, cost_of_places
from handler.engine.language.clock import format_time, parse_time
from handler.engine.language.json_values import name_with_article, plain, type_name
from handler.engine.language.meter import ExpressionError, Meter
from handler.engine.language.number_functions import number
from handler.engine.language.string_functions import string

_INDEX: Final = re.compile(r"-?[0-9]{1,9}")


def as_object(value: Any, function: str) -> dict[str, Any]:
    """Check that the argument is an object, and return it.

    Raises:
        ExpressionError: it is not an object.
    """
    if type(value) is dict:
        return value
    raise ExpressionError(f"`{function}` takes an object, not {name_with_article(value)}")


def keys(meter: Meter, x: Any) -> list[str]:
    found = as_object(x, "keys")
    meter.tick(len(found))
    meter.charge(cost_of_places(len(found)))
    return list(found)


def values(meter: Meter, x: Any) -> list[Any]:
    found = as_object(x, "values")
    meter.tick(len(found))
    meter.charge(cost_of_places(len(found)))
    return list(found.values())


def items(meter: Meter, x: Any) -> list[dict[str, Any]]:
    found = as_object(x, "items")
    return pairs(meter, found)


def pairs(meter: Meter, mapping: Mapping[str, Any]) -> list[dict[str, Any]]:
    """An object as a list of its keys and values."""
    meter.tick(2 * len(mapping))
    meter.charge(cost_of_places(len(mapping)) + cost_of_entries(2 * len(mapping), len(mapping)))
    return [{"key": key, "value": value} for key, value in mapping.items()]


def merge(meter: Meter, a: Any, b: Any) -> dict[str, Any]:
    below, above = as_object(a, "merge"), as_object(b, "merge")
    meter.tick(len(below) + len(above))
    meter.charge(cost_of_entries(len(below) + len(above)))
    return below | above


def get(meter: Meter, x: Any, path: Any, default: Any = None) -> Any:
    """The value at a dotted path, or the default where the path leads nowhere."""
    if type(path) is int:
        path = str(path) if -(10**9) < path < 10**9 else ""
    if type(path) is not str:
        raise ExpressionError(f'the path of `get` is a string like "a.b.0", not {name_with_article(path)}')
    meter.tick(path.count(".") + 1)
    meter.read(len(path))
    value = x
    for key in path.split("."):
        try:
            if isinstance(value, Mapping):
                value = value[key]
            elif (type(value) is list or type(value) is str) and _INDEX.fullmatch(key):
                value = value[int(key)]
            else:
                return default
        except (KeyError, IndexError):
            return default
    return plain(value, meter)


def name_type(meter: Meter, x: Any) -> str:
    del meter
    return type_name(x)


def now(meter: Meter) -> str:
    return format_time(meter.world.now())


def epoch(meter: Meter, time: Any) -> float:
    meter.tick(1)
    try:
        return parse_time(string(time, "epoch"))
    except ExpressionError:
        raise
    except ValueError as error:
        raise ExpressionError(f"`epoch`: {error}") from None


def time_text(meter: Meter, epoch: Any) -> str:
    meter.tick(1)
    try:
        return format_time(number(epoch, "time"))
    except ExpressionError:
        raise
    except ValueError as error:
        raise ExpressionError(f"`time`: {error}") from None
