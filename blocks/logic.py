"""LOGIC: blocks that compare and decide.

Zero, an empty string, list or dictionary, false and null are not true; everything else is.
"""

from __future__ import annotations

import reprlib
from typing import Any

from blocks.block import Category
from blocks.comparison import COMPARISONS, Operator, equal_as_json

category = Category("LOGIC", effect="none")


@category.block(name="bool")
def bool_(*, value: Any) -> bool:
    """Return true if the value is true."""
    return bool(value)


@category.block(name="if")
def if_(*, value1: Any, value2: Any, operator: Operator) -> bool:
    """Compare two values: `=`, `!=`, `>`, `>=`, `<`, `<=`, `is`, `is not`.

    Values without an order (a string and a number) are UNHANDLED_EXCEPTION with `>`, `>=`, `<`, `<=`. `is` also
    compares types: `1` equals `1.0` and true, but is neither.
    `{"value1": 3, "value2": 2, "operator": ">"}` gives `true`.
    """
    return bool(COMPARISONS[operator](value1, value2))


@category.block
def is_truth(*, value: Any) -> bool:
    """Return true if the value is true."""
    return bool(value)


@category.block
def is_none(*, value: Any) -> bool:
    """Return true if the value is null."""
    return value is None


@category.block
def true() -> bool:
    """Return true."""
    return True


@category.block
def false() -> bool:
    """Return false."""
    return False


@category.block
def none() -> None:
    """Return null."""
    return


@category.block
def if_then_else(*, value: Any, then: Any, otherwise: Any) -> Any:
    """Return `then` if the value is true, else `otherwise`."""
    return then if value else otherwise


@category.block
def logical_not(*, value: Any) -> bool:
    """Return true if the value is not true."""
    return not value


@category.block
def logical_or(*, value1: Any, value2: Any) -> Any:
    """Return `value1` if it is true, else `value2`, which may be any value: `0` and `"a"` give `"a"`."""
    return value1 or value2


@category.block
def logical_and(*, value1: Any, value2: Any) -> Any:
    """Return `value1` if it is not true, else `value2`, which may be any value: `1` and `"a"` give `"a"`."""
    return value1 and value2


@category.block
def bitwise_and(*, value1: Any, value2: Any) -> Any:
    """Return the bits that two whole numbers (or booleans) share. Anything else is UNHANDLED_EXCEPTION."""
    return value1 & value2


@category.block
def bitwise_or(*, value1: Any, value2: Any) -> Any:
    """Return the bits that either of two whole numbers (or booleans) has, or merge two dictionaries: `value2` wins.

    Anything else is UNHANDLED_EXCEPTION.
    """
    return value1 | value2


@category.block
def bitwise_not(*, value: Any) -> Any:
    """Invert every bit of a whole number: `4` gives `-5`. Anything but a whole number is UNHANDLED_EXCEPTION."""
    return ~value


@category.block(name="assert")
def assert_(*, value: Any) -> None:
    """Continue if the value is true; end the step ASSERTION_ERROR if it is not."""
    if not value:
        raise AssertionError(f"{reprlib.repr(value)} is not true")


@category.block
def not_assert(*, value: Any) -> None:
    """Continue if the value is not true; end the step ASSERTION_ERROR if it is."""
    if value:
        raise AssertionError(f"{reprlib.repr(value)} is true")


@category.block
def if_assert(*, value1: Any, value2: Any, operator: Operator) -> None:
    """Continue if a comparison as in `LOGIC.IF` is true; end the step ASSERTION_ERROR if it is not."""
    if not COMPARISONS[operator](value1, value2):
        raise AssertionError(f"{reprlib.repr(value1)} {operator} {reprlib.repr(value2)} does not hold")


@category.block
def fail(*, message: str) -> None:
    """End the step ASSERTION_ERROR with your own message.

    `{"message": "the order has no lines"}` makes that the step's error.
    """
    raise AssertionError(message)


@category.block(name="in")
def in_(*, value: Any, list: list[Any]) -> bool:
    """Return true if the list contains the value, compared as JSON: `1` equals `1.0`, but neither `"1"` nor true.

    `{"value": "red", "list": ["red", "green"]}` gives `true`.
    """
    return any(equal_as_json(value, item) for item in list)
