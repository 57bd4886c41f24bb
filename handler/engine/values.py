"""JSON values: what a job keeps of what its blocks give, and copies that share nothing.

See docs/decisions/002-copies.md.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from json.encoder import encode_basestring as _encode_text
from math import isfinite
from typing import Any, Final

from blocks.charges import UncountableError, cost_of_dict, cost_of_list, weigh
from handler.engine.charges import Charge


class UnstorableValueError(Exception):
    """A value is not JSON, or is JSON that cannot be kept. The message says what was found."""


_encoder = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
_TEXT: Final = frozenset({str})
_FLAT: Final = frozenset({str, int, float, bool, type(None)})
_decode: Final = json.JSONDecoder().decode
_PART: Final = 500
_FEW: Final = 64
_LARGE: Final = 4_096
LIGHT: Final = 16
"""What a value costs is at most so many times its bytes of JSON: an empty dictionary costs 43, and takes 3."""


def encode_text(text: str) -> str:
    """One text as JSON."""
    return _encode_text(text)


def _encode_in_parts(value: Any) -> str:
    """As Python's encoder, a few items at a time: until 3.12 it makes a string of each, and then one of all."""
    if not isinstance(value, (list, tuple, dict)) or _count(value, _PART) <= _PART:
        return _encoder.encode(value)
    if isinstance(value, dict):
        return f"{{{','.join(_pairs_in_parts(value))}}}"
    return f"[{','.join(_items_in_parts(value))}]"


def _items_in_parts(value: Any) -> Iterator[str]:
    for start in range(0, len(value), _FEW):
        part = value[start : start + _FEW]
        if _count(part, _PART) <= _PART:
            yield _encoder.encode(part)[1:-1]
        else:
            yield from map(_encode_in_parts, part)


def _pairs_in_parts(value: dict[Any, Any]) -> Iterator[str]:
    pairs = iter(value.items())
    while part := dict(islice(pairs, _FEW)):
        if _count(part, _PART) <= _PART:
            yield _encoder.encode(part)[1:-1]
        else:
            for key, item in part.items():
                yield f"{_encoder.encode({key: None})[1:-6]}:{_encode_in_parts(item)}"


def _count(value: Any, most: int) -> int:
    """Items and pairs in a value, no further than `most`."""
    count, inner = len(value), value.values() if isinstance(value, dict) else value
    if count <= most and not _FLAT.issuperset(map(type, inner)):
        for item in inner:
            if isinstance(item, (list, tuple, dict)):
                count += _count(item, most - count)
                if count > most:
                    break
    return count


_encode_large: Final[Callable[[Any], str]] = _encode_in_parts if sys.version_info < (3, 12) else _encoder.encode


def keep(value: Any, nesting: int, most: int | None = None, weight: int = 0) -> tuple[Any, str]:
    """Take a block's result as JSON: the value as a copy that shares nothing, and its canonical text.

    Tuples become lists; a whole number stays one. Nothing is rounded, cut or guessed.

    Args:
        value: anything.
        nesting: how many levels of lists and dictionaries may be in it.
        most: bytes of JSON that are kept at most. What would take far more is not even encoded: a list may hold one
            long string many times. Whether the text that is given fits is for the caller to see.
        weight: what the value costs, where that is known already.

    Raises:
        UnstorableValueError: a type that JSON lacks, NaN or an infinity, an integer of more than 4,300 digits (Python's
            own limit for converting one to a string), a lone surrogate, a value that contains
            itself, two keys that are one in JSON, or too many levels.
    """
    kind = type(value)
    try:
        if kind is str:
            text = _encode_text(value)
        elif kind is int:
            return value, repr(value)
        elif value is None:
            return None, "null"
        elif kind is bool:
            return value, "true" if value else "false"
        elif kind is float and isfinite(value):
            return value, repr(value)
        else:
            if most is not None:
                weight = check_weight(value, most, nesting)
            text = _encoder.encode(value) if weight < _LARGE else _encode_large(value)
            given, value = value, _decode(text)
            _check_keys(given, value, text)
            _check_nesting(value, text, nesting)
        if not text.isascii():
            text.encode()
    except UnicodeEncodeError:
        raise UnstorableValueError("a string with half of a surrogate pair is not valid Unicode") from None
    except RecursionError:
        raise UnstorableValueError(f"the value is nested deeper than {nesting} levels") from None
    except (TypeError, ValueError) as error:
        raise UnstorableValueError(f"the value is not JSON: {_reason(str(error))}") from None
    return value, text


def json_of(value: Any) -> str | None:
    """The canonical text of a value, without a copy of it; ``None`` where it is not JSON."""
    try:
        text = _encode_large(value)
        size_of(text)
    except (TypeError, ValueError, RecursionError):
        return None
    return text


def _reason(message: str) -> str:
    """What Python says of a value, without advice that no user can follow."""
    if message.startswith("Exceeds the limit"):
        return "an integer has more than 4,300 digits"
    return "a number is not finite" if message.startswith("Out of range") else message


def check_weight(value: Any, most: int, nesting: int) -> int:
    """What a value costs, if it could be kept: what would take far more than `most` bytes of JSON is not even encoded.

    Raises:
        UnstorableValueError: it could not, or is nested too deep.
    """
    try:
        return weigh(value, LIGHT * most, nesting)
    except RecursionError:
        raise UnstorableValueError(f"the value is nested deeper than {nesting} levels") from None
    except UncountableError:
        raise UnstorableValueError(f"the value takes far more than {most:,} bytes, the limit") from None


def size_of(text: str) -> int:
    """Bytes of a JSON text."""
    return len(text) if text.isascii() else len(text.encode())


def size_of_error(error: Mapping[str, Any]) -> int:
    """Bytes of a step's error as it is recorded."""
    return size_of(_encoder.encode(error))


def _check_keys(given: Any, value: Any, text: str) -> None:
    """Refuse keys that are the same in JSON: of ``{1: "a", "1": "b"}`` one would be lost."""
    if type(given) is dict and not set(map(type, given)) <= _TEXT and len(given) != len(value):
        raise UnstorableValueError("two keys of the value are the same as JSON strings")
    # Below the top, what was decoded is encoded again: it is shorter if a key is lost.
    if _has_other_keys(given) and len(_encoder.encode(value)) != len(text):
        raise UnstorableValueError("two keys in the value are the same as JSON strings")


def _has_other_keys(value: Any) -> bool:
    """Whether a dictionary in the value has a key that is not a string; deeper than it can be is not asked."""
    if isinstance(value, dict):
        if not _TEXT.issuperset(map(type, value)):
            return True
        value = value.values()
    elif not isinstance(value, (list, tuple)):
        return False
    if not _FLAT.issuperset(map(type, value)):
        for item in value:
            if type(item) not in _FLAT and _has_other_keys(item):
                return True
    return False


def _check_nesting(value: Any, text: str, nesting: int) -> None:
    if text.count("[") + text.count("{") <= nesting:
        return  # as many brackets as levels would be needed, and there are not
    if depth_of(value, nesting) > nesting:
        raise UnstorableValueError(f"the value is nested deeper than {nesting} levels")


def depth_of(value: Any, limit: int) -> int:
    """Levels of lists and dictionaries, counted no further than one past `limit`."""
    if type(value) is list:
        children: Any = value
    elif type(value) is dict:
        children = value.values()
    else:
        return 0
    if limit == 0:
        return 1
    return 1 + max((depth_of(child, limit - 1) for child in children), default=0)


def copy_value(value: Any, charge: Charge) -> Any:
    """A deep copy of a JSON value in plain lists and dictionaries; scalars and foreign objects are handed on.

    Args:
        value: what to copy; a `Mapping` of any kind becomes a dictionary.
        charge: called with what each container costs before it is built.
    """
    kind = type(value)
    if kind is str or kind is int or value is None or kind is bool or kind is float:
        return value
    if kind is list:
        charge(cost_of_list(value))
        return [item if type(item) in _FLAT else copy_value(item, charge) for item in value]
    if isinstance(value, Mapping):
        charge(cost_of_dict(value))
        return {key: item if type(item) in _FLAT else copy_value(item, charge) for key, item in value.items()}
    return value
