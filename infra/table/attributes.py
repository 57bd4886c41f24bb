"""Converts plain values to DynamoDB's AttributeValues and back, and computes their size.

Written by hand: boto3's serializer does not support floats, and costs more than the rest of a call. DynamoDB's limits
are checked here, since the emulators accept what AWS refuses.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from infra.errors import GiveUpError, TooLargeError
from infra.table.items import Item, Value

ITEM_LIMIT: Final = 400 * 1024
"""The largest item in bytes, names included (DynamoDB's quota)."""
MAX_DIGITS: Final = 38
"""The largest number of digits of a number in DynamoDB."""
LARGEST, SMALLEST = 9.99e125, 1e-130
"""The allowed magnitudes of a number other than zero in DynamoDB."""
_ORDINARY = 10**15
"""Numbers from 1 to this, and 0, need no further check; nearly all are among them."""
_ORDINARY_FLOAT = float(_ORDINARY)  # compared with a float in half the time
_CONTAINER = 3
_ELEMENT = 1
_WHOLE = frozenset("-0123456789")

Attribute = dict[str, Any]


def encode(value: Value) -> Attribute:
    """A value as an AttributeValue.

    Raises:
        TooLargeError: a number outside DynamoDB's range.
        GiveUpError: NaN, an infinity, or a value of another type.
    """
    if isinstance(value, str):
        return {"S": value}
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, (int, float)):
        return {"N": number(value)}
    if value is None:
        return {"NULL": True}
    if isinstance(value, list):
        return {"L": [encode(part) for part in value]}
    raise GiveUpError(f"A table keeps strings, numbers, booleans and lists, not {type(value).__name__}.")


def number(value: float) -> str:
    """A number in DynamoDB's form: decimal digits.

    Raises:
        TooLargeError: a number outside DynamoDB's range.
        GiveUpError: NaN or an infinity.
    """
    if 1 <= value < _ORDINARY or value == 0:
        return repr(value)
    if isinstance(value, int):
        if abs(value) > LARGEST or len(str(abs(value)).rstrip("0")) > MAX_DIGITS:
            raise TooLargeError(f"A table keeps numbers of at most {MAX_DIGITS} digits; keep a longer one as text.")
    elif not math.isfinite(value):
        raise GiveUpError(f"A table keeps finite numbers, not {value}.")
    elif value and not SMALLEST <= abs(value) <= LARGEST:
        raise TooLargeError(f"A table keeps numbers between {SMALLEST} and {LARGEST}, not {value}.")
    return repr(value)


def decode(attribute: Mapping[str, Any]) -> Value:
    """The value of an AttributeValue: whole numbers as ``int``, others as ``float``."""
    ((kind, value),) = attribute.items()
    if kind == "N":
        return int(value) if _WHOLE.issuperset(value) else float(value)
    if kind == "L":
        return [decode(part) for part in value]
    if kind == "NULL":
        return None
    if kind in {"S", "BOOL"}:
        plain: str | bool = value
        return plain
    raise GiveUpError(f"Something else wrote to this table: an attribute has the unknown type {kind}.")


def encode_item(item: Mapping[str, Value]) -> dict[str, Attribute]:
    """Like `encode_and_weigh`, without the weight."""
    return encode_and_weigh(item)[0]


def encode_and_weigh(item: Mapping[str, Value]) -> tuple[dict[str, Attribute], int]:
    """An item as AttributeValues, checked, and its bytes; absent (``None``) attributes are left out.

    Strings and numbers, which most attributes are, are encoded in place: that saves 3 % of the CPU of a job of 10
    steps.

    Raises:
        TooLargeError: the item has over 400 KB, or a number that DynamoDB cannot store.
        GiveUpError: its keys are missing, or it has half a surrogate pair.
    """
    for key in ("pk", "sk"):
        if not isinstance(item.get(key), str) or not item[key]:
            raise GiveUpError(f"An item needs the key {key!r}, a non-empty string, not {item.get(key)!r}.")
    encoded: dict[str, Attribute] = {}
    size = 0
    try:
        for name, value in item.items():
            kind = type(value)
            if kind is str:
                encoded[name] = {"S": value}
                size += len(value) if value.isascii() else len(value.encode())  # type: ignore[union-attr, arg-type]
            elif kind is float or kind is int:
                is_ordinary = 1.0 <= value < _ORDINARY_FLOAT if kind is float else 0 <= value < _ORDINARY  # type: ignore[operator]
                text = repr(value) if is_ordinary else number(value)  # type: ignore[arg-type]
                encoded[name] = {"N": text}
                size += len(text) // 2 + 2
            elif value is not None:
                encoded[name], weight_of_value = _encode_and_weigh(value)
                size += weight_of_value
        size += len("".join(encoded).encode())
    except UnicodeEncodeError as error:
        raise GiveUpError(f"The item {item['sk']!r} of {item['pk']!r} holds half a character: {error}") from error
    if size > ITEM_LIMIT:
        raise TooLargeError(f"The item {item['sk']} of {item['pk']} has {size} bytes; DynamoDB keeps {ITEM_LIMIT}.")
    return encoded, size


def _encode_and_weigh(value: Value) -> tuple[Attribute, int]:
    """One value and its bytes."""
    if type(value) is str:
        return {"S": value}, len(value.encode())
    if not isinstance(value, list):
        attribute = encode(value)
        return attribute, _weight(attribute)
    parts: list[Attribute] = []
    size = _CONTAINER
    for part in value:
        attribute, weight_of_part = _encode_and_weigh(part)
        parts.append(attribute)
        size += _ELEMENT + weight_of_part
    return {"L": parts}, size


def decode_item(attributes: Mapping[str, Any] | None) -> Item | None:
    """Decode AttributeValues to an item; ``None`` or an empty mapping means no item."""
    return {name: decode(attribute) for name, attribute in attributes.items()} if attributes else None


def weight(encoded: Mapping[str, Attribute]) -> int:
    """Bytes of an encoded item as DynamoDB counts them: names and values in UTF-8, numbers by their digits."""
    return sum(len(name.encode()) + _weight(attribute) for name, attribute in encoded.items())


def _weight(attribute: Attribute) -> int:
    ((kind, value),) = attribute.items()
    if kind == "S":
        return len(value.encode())
    if kind == "N":
        return len(value) // 2 + 2
    if kind == "L":
        return _CONTAINER + sum(_ELEMENT + _weight(part) for part in value)
    return 1
