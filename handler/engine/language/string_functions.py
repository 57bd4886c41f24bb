"""Functions of strings."""

from __future__ import annotations

import json
import math
import re
from typing import Any, Final, NoReturn

from blocks.charges import cost_of_json, cost_of_strings, weigh
from handler.engine.language.json_values import (
    as_json,
    as_string,
    check_depth,
    name_with_article,
    size_of_string,
    too_deep,
    type_name,
)
from handler.engine.language.meter import DIGITS, NESTING, ExpressionError, Meter, refuse_digits
from handler.engine.language.number_functions import MISSING

_BATCH: Final = 256
"""Words that are counted before their steps are taken."""
_BRACKETS: Final = ",[{:"
_WORD: Final = re.compile(r"\S+")
"""A word, as `str.split` splits at white space."""


def string(value: Any, function: str) -> str:
    """Check that the argument is a string, and return it.

    Raises:
        ExpressionError: it is not a string.
    """
    if type(value) is str:
        return value
    raise ExpressionError(f"`{function}` takes a string, not {name_with_article(value)}")


def to_string(meter: Meter, x: Any) -> str:
    return as_string(x, meter)


def lower(meter: Meter, s: Any) -> str:
    _take(meter, string(s, "lower"))
    lowered: str = s.lower()
    return lowered


def upper(meter: Meter, s: Any) -> str:
    _take(meter, string(s, "upper"))
    raised: str = s.upper()
    return raised


def _take(meter: Meter, text: str) -> None:
    meter.read(len(text))
    meter.charge(len(text) if text.isascii() else 3 * size_of_string(text))  # one character may become three


def trim(meter: Meter, s: Any) -> str:
    text = string(s, "trim")
    meter.read(len(text))
    meter.charge(size_of_string(text))
    return text.strip()


def split(meter: Meter, s: Any, sep: Any = None) -> list[str]:
    text = string(s, "split")
    meter.read(len(text))
    if sep is None:
        number = 0
        for _ in _WORD.finditer(text):
            number += 1
            if not number % _BATCH:
                meter.tick(_BATCH)
        meter.tick(number % _BATCH)
        meter.charge(cost_of_strings(number, size_of_string(text), wide=not text.isascii()))
        return text.split()
    if not string(sep, "split"):
        raise ExpressionError("`split` needs a separator that is not empty; `split(s)` splits at white space")
    meter.search(len(text), len(sep))
    number = text.count(sep) + 1
    meter.search(len(text), len(sep))
    meter.tick(number)
    meter.charge(cost_of_strings(number, size_of_string(text), wide=not text.isascii()))
    return text.split(sep)


def join(meter: Meter, list: Any, sep: Any = "") -> str:  # the name that users write
    items: Any = list
    if type_name(items) != "list":
        raise ExpressionError(f"`join` takes a list, not {name_with_article(items)}")
    between = string(sep, "join")
    meter.tick(len(items))
    pieces = [as_string(item, meter) for item in items]
    size = sum(map(size_of_string, pieces)) + size_of_string(between) * max(0, len(pieces) - 1)
    meter.read(size)
    meter.charge(size)
    return between.join(pieces)


def replace(meter: Meter, s: Any, old: Any, new: Any) -> str:
    text, searched, put = string(s, "replace"), string(old, "replace"), string(new, "replace")
    meter.search(len(text), len(searched))
    found = text.count(searched)
    meter.search(len(text), len(searched))
    size = size_of_string(text) + found * size_of_string(put)
    meter.tick(found)
    meter.read(size)
    meter.charge(size)
    return text.replace(searched, put)


def starts_with(meter: Meter, s: Any, part: Any) -> bool:
    text, start = string(s, "startswith"), string(part, "startswith")
    meter.read(len(start))
    return text.startswith(start)


def ends_with(meter: Meter, s: Any, part: Any) -> bool:
    text, end = string(s, "endswith"), string(part, "endswith")
    meter.read(len(end))
    return text.endswith(end)


def contains(meter: Meter, s: Any, part: Any) -> bool:
    if type(s) is list:
        raise ExpressionError("`contains` takes a string; for a list write `x in list`")
    text, searched = string(s, "contains"), string(part, "contains")
    meter.search(len(text), len(searched))
    return searched in text


def to_json(meter: Meter, x: Any) -> str:
    return as_json(x, meter)


def parse_json(meter: Meter, s: Any, default: Any = MISSING) -> Any:
    """The value of a JSON text; NaN, infinities and numbers that are too large for a float are not JSON."""
    if type(s) is not str:
        if default is not MISSING:
            return default
        raise ExpressionError(f"`parse_json` takes a string, not {name_with_article(s)}")
    meter.read(len(s))
    meter.tick(sum(map(s.count, _BRACKETS)))
    size = max(size_of_string(s), cost_of_json(s))
    meter.charge(size)
    try:
        value = _decoder.decode(s)
    except RecursionError:  # from about 1,000 levels in Python 3.11, 10,000 in 3.13
        raise too_deep() from None
    except (ValueError, ExpressionError) as error:
        if default is not MISSING:
            return default
        raise ExpressionError(f"the string is not JSON: {error}") from None
    _check(value, 0)
    if type(value) is list or type(value) is dict:
        meter.charge(max(0, weigh(value, nesting=NESTING) - size))
    return value


def _check(value: Any, depth: int) -> None:
    kind = type(value)
    if kind is list or kind is dict:
        check_depth(depth)
        children = value if kind is list else value.values()
        for child in children:
            if type(child) is list or type(child) is dict:
                _check(child, depth + 1)


def _parse_int(text: str) -> int:
    if len(text) > DIGITS and len(text.lstrip("-")) > DIGITS:
        refuse_digits()
    return int(text)


def _parse_float(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError("a number is too large")
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_decoder: Final = json.JSONDecoder(parse_int=_parse_int, parse_float=_parse_float, parse_constant=_refuse_constant)
