"""Comparison of values: by the operators of `LOGIC.IF`, and as JSON.

Shared by the blocks of LOGIC and LISTS.
"""

from __future__ import annotations

import operator as compare
from collections.abc import Callable, Hashable
from typing import Any, Final, Literal

LARGEST_HASH: Final = 2**60
"""Below it, each whole number has a hash of its own."""
Operator = Literal["=", "!=", ">", ">=", "<", "<=", "is", "is not"]


def _same(value1: Any, value2: Any) -> bool:
    """Return whether type and value are the same, at every depth. JSON values have no identity to compare."""
    if type(value1) is not type(value2):
        return False
    if isinstance(value1, dict):
        return value1.keys() == value2.keys() and all(_same(value1[key], value2[key]) for key in value1)
    if isinstance(value1, list):
        return len(value1) == len(value2) and all(map(_same, value1, value2))
    return bool(value1 == value2)


def _different(value1: Any, value2: Any) -> bool:
    return not _same(value1, value2)


COMPARISONS: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "=": compare.eq,
    "!=": compare.ne,
    ">": compare.gt,
    ">=": compare.ge,
    "<": compare.lt,
    "<=": compare.le,
    "is": _same,
    "is not": _different,
}
"""The library's operators: Python's comparison, so that true equals 1."""


def equal_as_json(value1: Any, value2: Any) -> bool:
    """Return whether two values are the same JSON: 1 and 1.0 are; 1 and true, or 1 and "1", are not."""
    if isinstance(value1, bool) or isinstance(value2, bool):
        return value1 is value2
    if isinstance(value1, dict) and isinstance(value2, dict):
        return value1.keys() == value2.keys() and all(equal_as_json(value1[key], value2[key]) for key in value1)
    if isinstance(value1, list) and isinstance(value2, list):
        return len(value1) == len(value2) and all(map(equal_as_json, value1, value2))
    return bool(value1 == value2)


def identity(value: Any) -> Hashable:
    """Return a hashable key: two values have equal keys exactly if `equal_as_json` is true for them.

    Numbers from `LARGEST_HASH` on become strings: they could be chosen so that all of them have one hash.
    """
    if isinstance(value, bool):
        return "boolean", value
    if isinstance(value, (int, float)) and not -LARGEST_HASH < value < LARGEST_HASH:
        return "number", str(int(value))  # floats of that size are whole
    if isinstance(value, dict):
        return "object", frozenset((key, identity(item)) for key, item in value.items())
    if isinstance(value, list):
        return "list", tuple(map(identity, value))
    frozen: Hashable = value
    return frozen
