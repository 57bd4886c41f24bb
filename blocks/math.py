"""MATH: blocks that calculate.

Numbers are whole (of up to 4,300 digits) or floating point; true counts as 1, false as 0, and a text that is a number
as that number. A result that is no finite number (NaN, an infinity, a complex number) is RESULT_LIMIT_EXCEED.
"""

from __future__ import annotations

import functools
import math
import operator
from typing import Annotated, Any

from pydantic import Field

from blocks.block import Category

category = Category("MATH", effect="none")

Number = int | float  # not float alone: it would turn whole numbers into floating point ones
Factor = Annotated[float, Field(le=1000)]
Base = Annotated[float, Field(le=10)]
Exponent = Annotated[float, Field(le=10)]


@category.block
def create_integer(*, value: Any) -> int:
    """Make a whole number: of a text that holds one, or of a number, cut off towards zero.

    A text that holds none, or one of more than 4,300 digits, is INVALID_ARGUMENT; null, a list or a dictionary
    is UNHANDLED_EXCEPTION. `{"value": "42"}` gives `42`, `{"value": -2.9}` gives `-2`.
    """
    return int(value)


@category.block
def create_float(*, value: Any) -> float:
    """Make a floating point number of a number or of a text that holds one.

    A text that holds none is INVALID_ARGUMENT; null, a list or a dictionary is UNHANDLED_EXCEPTION.
    """
    return float(value)


@category.block(name="sum")
def sum_(*, value1: Number, value2: Number) -> Number:
    """Add two numbers. Two whole numbers give a whole number."""
    return value1 + value2


@category.block
def sum_list(*, list: list[Any], start: Number = 0) -> Number:
    """Add all numbers of a list to `start`, from left to right.

    An item that is no number is UNHANDLED_EXCEPTION. `{"list": [1, 2, 3]}` gives `6`.
    """
    # Not the built-in sum: since Python 3.12 it rounds otherwise, and a job shall give the same everywhere.
    total: Number = functools.reduce(operator.add, list, start)
    return total


@category.block
def sub(*, value1: Number, value2: Number) -> Number:
    """Take `value2` from `value1`. Two whole numbers give a whole number."""
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
    """Give what is left of `value1` after whole `value2`s; it has the sign of `value2`: `-1` and `8` give `7`.

    Division by zero is UNHANDLED_EXCEPTION.
    """
    return value1 % value2


@category.block
def floor(*, value: Number) -> int:
    """Give the greatest whole number that is not above the value: `-8.9` gives `-9`."""
    return math.floor(value)


@category.block
def ceiling(*, value: Number) -> int:
    """Give the smallest whole number that is not below the value: `0.33` gives `1`."""
    return math.ceil(value)


@category.block(name="max")
def max_(*, value1: Any, value2: Any) -> Any:
    """Give the larger of two values, `value1` when they are equal.

    Numbers, texts or lists compare with their like; anything else is UNHANDLED_EXCEPTION.
    """
    return max(value1, value2)


@category.block
def sqrt(*, value: Number) -> float:
    """Give the square root. A negative value is INVALID_ARGUMENT."""
    return math.sqrt(value)


@category.block(name="abs")
def abs_(*, value: Any) -> Any:
    """Give a number without its sign. What is no number is UNHANDLED_EXCEPTION."""
    return abs(value)


@category.block
def max_list(*, list: list[Any]) -> Any:
    """Give the largest item of a list, the first of equal ones.

    An empty list is INVALID_ARGUMENT; items that do not compare are UNHANDLED_EXCEPTION.
    """
    return max(list)


@category.block(name="min")
def min_(*, value1: Any, value2: Any) -> Any:
    """Give the smaller of two values, `value1` when they are equal.

    Numbers, texts or lists compare with their like; anything else is UNHANDLED_EXCEPTION.
    """
    return min(value1, value2)


@category.block
def min_list(*, list: list[Any]) -> Any:
    """Give the smallest item of a list, the first of equal ones.

    An empty list is INVALID_ARGUMENT; items that do not compare are UNHANDLED_EXCEPTION.
    """
    return min(list)
