"""Functions of numbers."""

from __future__ import annotations

import math
import re
from decimal import ROUND_HALF_UP, Context, Decimal, DecimalException
from functools import cache
from typing import Any, Final

from handler.engine.charges import WORD
from handler.engine.language.json_values import finite, is_number, name_with_article, whole
from handler.engine.language.meter import DIGITS, ExpressionError, Meter, refuse_digits

MISSING: Final = object()
"""Marks an argument that was left out, if null is a possible argument."""
MOST_DIGITS: Final = 30
_ROUNDING: Final = Context(prec=DIGITS + MOST_DIGITS + 10, rounding=ROUND_HALF_UP)
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*+)(\.[0-9]++)?([eE][+-]?[0-9]++)?")
"""It does not backtrack over digits: a long string that is not a number takes no longer than a number."""


def number(value: Any, function: str) -> int | float:
    """Check that the argument is a number, and return it.

    Raises:
        ExpressionError: it is not a number.
    """
    if is_number(value):
        return value
    raise ExpressionError(f"`{function}` takes a number, not {name_with_article(value)}")


def whole_number(value: Any, what: str) -> int:
    """The argument, which is a whole number; a float like ``2.0`` is one."""
    if type(value) is int:
        return value
    if type(value) is float and value.is_integer():
        return int(value)
    shown = value if is_number(value) else name_with_article(value)
    raise ExpressionError(f"{what} is a whole number, not {shown}")


def absolute(meter: Meter, x: Any) -> Any:
    del meter
    return abs(number(x, "abs"))


def ceil(meter: Meter, x: Any) -> Any:
    return whole(math.ceil(number(x, "ceil")), meter)


def floor(meter: Meter, x: Any) -> Any:
    return whole(math.floor(number(x, "floor")), meter)


def round_number(meter: Meter, x: Any, digits: Any = None) -> Any:
    """Half away from zero, as the number is written in decimal."""
    value = number(x, "round")
    if digits is None:
        return value if type(value) is int else whole(int(_rounded(meter, value, 0)), meter)
    try:
        rounded = float(_rounded(meter, value, _digits(digits)))
    except OverflowError:
        rounded = math.inf
    return finite(rounded) + 0.0  # no negative zero


def fixed(meter: Meter, x: Any, digits: Any) -> Any:
    """A string with exactly this many decimals."""
    places = _digits(digits)
    value = _rounded(meter, number(x, "fixed"), places)
    if value == 0:
        value = abs(value)  # no negative zero
    text = f"{value:f}"
    meter.charge(len(text))
    return text


def _digits(digits: Any) -> int:
    places = whole_number(digits, "`digits`")
    if not -MOST_DIGITS <= places <= MOST_DIGITS:
        raise ExpressionError(f"`digits` must be between -{MOST_DIGITS} and {MOST_DIGITS}, not {_shorten(places)}")
    return places


def _shorten(value: int) -> str:
    return str(value) if -WORD < value < WORD else "a number far outside that range"


def _rounded(meter: Meter, value: float, digits: int) -> Any:
    if type(value) is int and not -WORD < value < WORD:
        meter.read(value.bit_length())  # turning it into decimals takes the square of its length
        meter.charge(value.bit_length() >> 2)
    written = Decimal(value) if type(value) is int else Decimal(repr(value))
    return written.quantize(_place(digits), context=_ROUNDING)


@cache
def _place(digits: int) -> Any:
    """Return the number that has so many decimals."""
    return Decimal((0, (1,), -digits))


def to_int(meter: Meter, x: Any, default: Any = MISSING) -> Any:
    """Cuts towards zero. Takes numbers, and strings that are JSON numbers."""
    if is_number(x):
        return whole(int(x), meter)
    if type(x) is str:
        meter.read(len(x) << 2)
    found = _NUMBER.fullmatch(x) if type(x) is str else None
    if found is None:
        return _no_number("int", x, default)
    if found[1] is None and found[2] is None:
        if len(x) - x.startswith("-") > DIGITS:
            refuse_digits()
        return whole(int(x), meter)
    return _whole_of_decimal(meter, x)


def _whole_of_decimal(meter: Meter, text: str) -> int:
    meter.charge(len(text))
    try:
        value = Decimal(text)
    except DecimalException:
        refuse_digits()
    if value and value.adjusted() >= DIGITS:
        refuse_digits()
    meter.charge(max(0, value.adjusted()))
    return whole(int(value) if value and value.adjusted() >= 0 else 0, meter)


def to_float(meter: Meter, x: Any, default: Any = MISSING) -> Any:
    """Takes numbers, and strings that are JSON numbers."""
    if type(x) is str:
        meter.read(len(x) << 2)
    if not is_number(x) and (type(x) is not str or _NUMBER.fullmatch(x) is None):
        return _no_number("float", x, default)
    try:
        return finite(float(x))
    except (OverflowError, ExpressionError):
        if default is not MISSING:
            return default
        raise ExpressionError("the number is too large for a float") from None


def _no_number(function: str, x: Any, default: Any) -> Any:
    if default is not MISSING:
        return default
    what = "this string is not one" if type(x) is str else f"not {name_with_article(x)}"
    raise ExpressionError(f"`{function}` takes a number, or a string that is a JSON number; {what}")
