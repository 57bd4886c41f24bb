"""MATH: blocks that calculate.

Numbers are whole (of up to 4,300 digits) or floating point; true counts as 1, false as 0, and a string that is a number
as that number. A result that is not a finite number (NaN, an infinity, a complex number) is RESULT_LIMIT_EXCEED.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

from pydantic import Field

from blocks.block import Call, Category
from blocks.charges import cost_of_text

if TYPE_CHECKING:
    from decimal import Decimal

category = Category("MATH", effect="none")

N = TypeVar("N", int, float, int | float)
Number = int | float  # not float alone: it would turn whole numbers into floating point ones
Factor = Annotated[float, Field(le=1000)]
Base = Annotated[float, Field(le=10)]
Exponent = Annotated[float, Field(le=10)]
Digits = Annotated[int, Field(ge=-30, le=30)]
Decimals = Annotated[int, Field(ge=0, le=30)]

PRECISION: Final = 5000
"""Digits that rounding works with: more than a whole number may have."""


@category.block
def create_integer(call__: Call, /, *, value: Any) -> int:
    """Make a whole number from a string that holds one, or from a number, cut off towards zero.

    A string without one, or with one of more than 4,300 digits, is INVALID_ARGUMENT; null, a list or a dictionary is
    UNHANDLED_EXCEPTION. `{"value": "42"}` gives `42`, `{"value": -2.9}` gives `-2`.
    """
    _charge_reading(call__, value)
    return int(value)


@category.block
def create_float(call__: Call, /, *, value: Any) -> float:
    """Make a floating point number from a number, or from a string that holds one.

    A string without one is INVALID_ARGUMENT; null, a list or a dictionary is UNHANDLED_EXCEPTION.
    """
    _charge_reading(call__, value)
    return float(value)


@category.block(name="sum")
def sum_(*, value1: Number, value2: Number) -> Number:
    """Add two numbers. Two whole numbers give a whole number."""
    return value1 + value2


@category.block
def sum_list(*, list: list[Any], start: Number = 0) -> Number:
    """Add all numbers of a list to `start`, from left to right.

    An item that is not a number is UNHANDLED_EXCEPTION. `{"list": [1, 2, 3]}` gives `6`.
    """
    # Not the built-in sum: since Python 3.12 it rounds differently, and a job must give the same result everywhere.
    total: Number = functools.reduce(operator.add, list, start)
    return total


@category.block
def sub(*, value1: Number, value2: Number) -> Number:
    """Subtract `value2` from `value1`. Two whole numbers give a whole number."""
    return value1 - value2


@category.block
def div(*, value1: Number, value2: Number) -> float:
    """Divide `value1` by `value2`; the result is always floating point. Division by zero is UNHANDLED_EXCEPTION."""
    return value1 / value2


@category.block
def mul(*, value1: Factor, value2: Factor) -> float:
    """Multiply two numbers, each at most 1000, as floating point numbers: `-9` and `4` give `-36.0`."""
    return value1 * value2


@category.block
def exp(*, value1: Base, value2: Exponent) -> float:
    """Raise `value1` to the power of `value2`, each at most 10, as floating point numbers.

    Zero to a negative power, or a result past the largest number, is UNHANDLED_EXCEPTION. A negative `value1` with a
    fractional `value2` has no real result and is RESULT_LIMIT_EXCEED. `{"value1": 2, "value2": 10}` gives `1024.0`.
    """
    power: float = value1**value2
    return power


@category.block
def mod(*, value1: Number, value2: Number) -> Number:
    """Return the remainder of `value1` divided by `value2`; it has the sign of `value2`: `-1` and `8` give `7`.

    Division by zero is UNHANDLED_EXCEPTION.
    """
    return value1 % value2


@category.block
def floor(*, value: Number) -> int:
    """Return the greatest whole number that is not above the value: `-8.9` gives `-9`."""
    return math.floor(value)


@category.block
def ceiling(*, value: Number) -> int:
    """Return the smallest whole number that is not below the value: `0.33` gives `1`."""
    return math.ceil(value)


@category.block(name="max")
def max_(*, value1: Any, value2: Any) -> Any:
    """Return the larger of two values, `value1` if they are equal.

    Numbers, strings or lists compare with their like; anything else is UNHANDLED_EXCEPTION.
    """
    return max(value1, value2)


@category.block
def sqrt(*, value: Number) -> float:
    """Return the square root. A negative value is INVALID_ARGUMENT."""
    return math.sqrt(value)


@category.block(name="abs")
def abs_(*, value: Any) -> Any:
    """Return a number without its sign. Anything but a number is UNHANDLED_EXCEPTION."""
    return abs(value)


@category.block
def max_list(*, list: list[Any]) -> Any:
    """Return the largest item of a list; of equal ones, the first.

    An empty list is INVALID_ARGUMENT; items that do not compare are UNHANDLED_EXCEPTION.
    """
    return max(list)


@category.block(name="min")
def min_(*, value1: Any, value2: Any) -> Any:
    """Return the smaller of two values, `value1` if they are equal.

    Numbers, strings or lists compare with their like; anything else is UNHANDLED_EXCEPTION.
    """
    return min(value1, value2)


@category.block
def min_list(*, list: list[Any]) -> Any:
    """Return the smallest item of a list; of equal ones, the first.

    An empty list is INVALID_ARGUMENT; items that do not compare are UNHANDLED_EXCEPTION.
    """
    return min(list)


@category.block
def multiply(*, value1: Number, value2: Number) -> Number:
    """Multiply two numbers of any size. Two whole numbers give a whole number.

    A product past the largest number is INVALID_ARGUMENT. `{"value1": 2500, "value2": 4}` gives `10000`.
    """
    return _in_range(lambda: value1 * value2)


@category.block
def divide(*, value1: Number, value2: Number) -> float:
    """Divide `value1` by `value2`; the result is always floating point.

    Division by zero, or a result past the largest number, is INVALID_ARGUMENT. `{"value1": 7, "value2": 2}` gives
    `3.5`.
    """
    if value2 == 0:
        raise ValueError("`value2` is 0; no number can be divided by 0")
    return _in_range(lambda: value1 / value2)


@category.block(name="round")
def round_(*, value: Number, digits: Digits = 0) -> Number:
    """Round to `digits` decimals; a half is rounded away from zero, by the number's decimal notation.

    Negative digits round to tens, hundreds and so on. Without decimals the result is a whole number.
    `{"value": 2.675, "digits": 2}` gives `2.68`, `{"value": -2.5}` gives `-3`, `{"value": 1250, "digits": -2}` gives
    `1300`.
    """
    rounded = _round(value, digits)
    return float(rounded) if digits > 0 and isinstance(value, float) else int(rounded)


@category.block(name="format")
def format_(call__: Call, /, *, value: Number, digits: Decimals = 2, thousands: str = "") -> str:
    """Write a number with exactly `digits` decimals, rounded like `MATH.ROUND`, with `thousands` between its groups.

    `{"value": 1234567.5, "thousands": ","}` gives `"1,234,567.50"`.
    """
    rounded = _round(value, digits)
    text = f"{rounded or abs(rounded):,.{digits}f}"
    call__.charge(len(text) + text.count(",") * (len(thousands) - 1))
    return text.replace(",", thousands)


def _charge_reading(call: Call, value: Any) -> None:
    """Charge for the copies of a string that Python makes: one to parse it, one for the message if it is no number."""
    if isinstance(value, str):
        call.charge(0, 2 * cost_of_text(value))


def _round(value: Number, digits: int) -> Decimal:
    """Round exactly: the default precision of `decimal` would be too low for large numbers."""
    from decimal import ROUND_HALF_UP, Context, Decimal  # noqa: PLC0415  # two milliseconds that few jobs need

    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{value} cannot be rounded")
    exact = Decimal(repr(value) if isinstance(value, float) else value)
    if exact.as_tuple().exponent >= -digits:  # type: ignore[operator]  # finite, so it is a number
        return exact
    return exact.quantize(Decimal((0, (1,), -digits)), ROUND_HALF_UP, Context(prec=PRECISION, Emax=PRECISION))


def _in_range(calculate: Callable[[], N]) -> N:
    """Return the result, or raise a ValueError if it is past the largest floating point number."""
    with suppress(OverflowError):
        result = calculate()
        if isinstance(result, int) or math.isfinite(result):
            return result
    raise ValueError("the result is past the largest number")
