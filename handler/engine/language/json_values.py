"""JSON values as expressions see them: their types, truth, equality and text.

Values compare as JSON does: ``1 == 1.0`` holds, and ``1 == true`` does not, at any depth.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import isfinite
from typing import Any, Final, TypeGuard

from blocks.block import BudgetExceededError
from blocks.charges import cost_of_dict, cost_of_item, cost_of_list, cost_of_places
from handler.engine.charges import WORD
from handler.engine.language.meter import (
    BYTES_OF_VIEW,
    LARGEST,
    NESTING,
    VIEW_STEPS,
    ExpressionError,
    Meter,
    refuse_digits,
)
from handler.engine.values import copy_value

TYPES: Final[dict[type, str]] = {
    int: "number", float: "number", str: "string", bool: "boolean", type(None): "null", list: "list", dict: "object",
}  # fmt: skip
"""The types of JSON values, and their names in `type()`."""
_SCALARS: Final = frozenset({int, float, str, bool, type(None)})
_STEPS_OF_IDENTITY: Final = 5
"""Evaluation steps of writing a container for `identity`, besides those of its items."""
_ARTICLES: Final = {"object": "an object", "null": "null"}
_encode: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode


def type_name(value: Any) -> str:
    """The result of `type()`."""
    return TYPES.get(type(value), "object" if isinstance(value, Mapping) else "value")


def name_with_article(value: Any) -> str:
    """The type in a sentence: ``a number``, ``an object``, ``null``."""
    name = type_name(value)
    return _ARTICLES.get(name, f"a {name}")


def is_number(value: Any) -> TypeGuard[int | float]:
    """Whether it is a number; booleans are not."""
    kind = type(value)
    return kind is int or kind is float


def plain(value: Any, meter: Meter) -> Any:
    """A value of the contexts as JSON: a view of the job becomes an object.

    Raises:
        ExpressionError: it is not a JSON value.
    """
    if type(value) in TYPES:
        return value
    if isinstance(value, Mapping):
        built = meter.built
        copied = copy_value(value, meter.charge)
        meter.tick(VIEW_STEPS + (meter.built - built) // BYTES_OF_VIEW)
        return copied
    if isinstance(value, (tuple, list)):
        meter.charge(cost_of_places(len(value)))
        return list(value)
    if isinstance(value, (str, int, float)):  # a subclass, such as an enum's member
        return next(kind(value) for kind in (str, int, float) if isinstance(value, kind))
    raise ExpressionError(f"a {type(value).__name__} is not a JSON value")


def equal(left: Any, right: Any, meter: Meter) -> bool:
    """Whether two values are the same JSON."""
    kind, other = type(left), type(right)
    if kind is not other:
        return is_number(left) and is_number(right) and left == right
    if kind is str:
        if len(left) == len(right):
            meter.read(len(left))
            return bool(left == right)
        return False
    if kind is list:
        if len(left) != len(right):
            return False
        meter.tick(1 + len(left))
        return all(equal(one, two, meter) for one, two in zip(left, right, strict=True))
    if kind is dict:
        if left.keys() != right.keys():
            return False
        meter.tick(1 + len(left))
        return all(equal(value, right[key], meter) for key, value in left.items())
    return bool(left == right)


def identity(value: Any, meter: Meter) -> str:
    """A string that is the same for equal values: a key for sets.

    A set of numbers themselves would be open to numbers that share a hash; strings are hashed with a secret.
    """
    kind = type(value)
    meter.tick(1)
    if kind is str:
        meter.read(len(value))
        return f'"{value}'
    if kind is int:
        meter.read(value.bit_length() << 1)  # converting digits takes the square of their number
        return str(value)
    if kind is float:
        return str(int(value)) if value.is_integer() else repr(value)
    if kind is list or kind is dict:
        meter.tick(_STEPS_OF_IDENTITY)
        meter.charge(size_of(value, meter))
        return _encode(_canonical(value))
    return _encode(value)


def _canonical(value: Any) -> Any:
    kind = type(value)
    if kind is list:
        return [_canonical(item) for item in value]
    if kind is dict:
        return {key: _canonical(value[key]) for key in sorted(value)}
    return int(value) if kind is float and value.is_integer() else value


def size_of(value: Any, meter: Meter, depth: int = 0) -> int:
    """Bytes of the value as JSON text, within a few; each item counts as a step.

    Raises:
        BudgetExceededError: it is nested too deep.
    """
    kind = type(value)
    if kind is str:
        meter.read(len(value))
        return size_of_string(value) + 2
    if kind is int:
        if -WORD < value < WORD:
            return 1 if -10 < value < 10 else 20  # noqa: PLR2004  # one digit, or up to 20
        meter.read(value.bit_length())  # converting digits takes the square of their number
        return int(value.bit_length() * 0.30103) + 1
    if kind is list:
        check_depth(depth)
        meter.tick(len(value))
        return 2 + sum(2 + size_of(item, meter, depth + 1) for item in value)
    if isinstance(value, Mapping):
        check_depth(depth)
        meter.tick(len(value))
        return 2 + sum(6 + len(key) + size_of(item, meter, depth + 1) for key, item in value.items())
    return 24 if kind is float else 5


def check_depth(depth: int) -> None:
    """Refuse a container `depth` levels down.

    Raises:
        BudgetExceededError: it is too deep.
    """
    if depth >= NESTING:
        raise too_deep()


def too_deep() -> BudgetExceededError:
    """The error for a value that is nested too deep."""
    return BudgetExceededError(f"a value is nested deeper than {NESTING} levels")


def size_of_string(text: str) -> int:
    """The bytes of a string as UTF-8; an upper bound if it is not ASCII."""
    return len(text) if text.isascii() else 4 * len(text)


def as_json(value: Any, meter: Meter) -> str:
    """The value as JSON text, with a space behind commas and colons.

    Raises:
        BudgetExceededError: it is too large or too deep.
    """
    meter.charge(size_of(value, meter))
    try:
        return _encode(value)
    except (TypeError, ValueError) as error:  # a value that code put into a job; users write only JSON
        raise ExpressionError(f"the value is not JSON: {error}") from None


def as_string(value: Any, meter: Meter) -> str:
    """The value as part of a longer string: a string unchanged, anything else as JSON."""
    if type(value) is str:
        return value
    return as_json(value, meter)


def finite(value: float) -> float:
    """The number, if it is finite.

    Raises:
        ExpressionError: the number is NaN or an infinity.
    """
    if isfinite(value):
        return value
    raise ExpressionError("the result is too large for a number, or not a number")


def whole(value: int, meter: Meter) -> int:
    """An integer that was calculated.

    Raises:
        BudgetExceededError: it has too many digits.
    """
    if -WORD < value < WORD:
        return value
    if not -LARGEST < value < LARGEST:
        refuse_digits()
    meter.charge(value.bit_length() >> 3)
    return value


def hand_over(value: Any, meter: Meter) -> Any:
    """The value of an expression: a copy that shares nothing, checked and charged.

    Raises:
        ExpressionError: it has a string with half of a surrogate pair, or is not JSON.
        BudgetExceededError: too large, too deep, too many digits.
    """
    kind = type(value)
    if kind is bool or value is None or kind is float:
        return value
    if kind is int and -WORD < value < WORD:
        return value
    if kind is str and value.isascii():
        meter.hand_over(len(value))
        return value
    return _copy(value, meter, 0)


def _copy(value: Any, meter: Meter, depth: int) -> Any:
    """A copy; each container is charged before it is made, since a value may contain one list many times."""
    kind = type(value)
    if kind is list:
        check_depth(depth)
        for item in value:
            _check(item)
        meter.hand_over(cost_of_list(value))
        return [item if type(item) in _SCALARS else _copy(item, meter, depth + 1) for item in value]
    if kind is dict or isinstance(value, Mapping):
        check_depth(depth)
        for key, item in value.items():
            _check(key)
            _check(item)
        meter.hand_over(cost_of_dict(value))
        return {key: item if type(item) in _SCALARS else _copy(item, meter, depth + 1) for key, item in value.items()}
    if kind not in TYPES:
        raise ExpressionError(f"a {kind.__name__} is not a JSON value")
    _check(value)
    meter.hand_over(cost_of_item(value))
    return value


def _check(value: Any) -> None:
    """Refuse a string that is not Unicode, and an integer of too many digits."""
    kind = type(value)
    if kind is str and not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise ExpressionError("a string with half of a surrogate pair is not valid Unicode") from None
    elif kind is int and not -WORD < value < WORD and not -LARGEST < value < LARGEST:
        refuse_digits()
