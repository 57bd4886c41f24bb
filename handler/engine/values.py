"""JSON values: the kept form of blocks' results, and copies that share nothing.

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
    """A value is not JSON, or is JSON that cannot be kept. The message says why."""


_encoder = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
_TEXT: Final = frozenset({str})
_FLAT: Final = frozenset({str, int, float, bool, type(None)})
_decode: Final = json.JSONDecoder().decode
_PART: Final = 500
_FEW: Final = 64
_LARGE: Final = 4_096
LIGHT: Final = 16
"""The largest ratio of a value's cost to its bytes of JSON: an empty dictionary costs 43 and takes 3."""


def encode_text(text: str) -> str:
    """Encode one string as JSON."""
    return _encode_text(text)


def _encode_in_parts(value: Any) -> str:
    """Encode like Python's encoder, a few items at a time: until 3.12 that makes a string of each, then of all."""
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
    """Count the items and pairs in a value, up to `most`."""
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
    """Return a block's result as a copy that shares nothing, and as canonical JSON.

    Tuples become lists; whole numbers stay whole. Nothing is rounded, cut or guessed.

    Args:
        value: anything.
        nesting: the levels of lists and dictionaries that it may have.
        most: the bytes of JSON that may be kept. A value that would take far more is not encoded: a list may hold one
            long string many times. The caller checks whether the returned text fits.
        weight: the value's cost, if it is known already.

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
            if "{" in text:
                _check_keys(given, value, text)
            if not weight:  # weighing it has seen to that
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
    """Return the canonical text of a value, without a copy of it; ``None`` if the value is not JSON."""
    try:
        text = _encode_large(value)
        size_of(text)
    except (TypeError, ValueError, RecursionError):
        return None
    return text


def _reason(message: str) -> str:
    """Return Python's message about a value, without advice that no user can follow."""
    if message.startswith("Exceeds the limit"):
        return "an integer has more than 4,300 digits"
    return "a number is not finite" if message.startswith("Out of range") else message


def check_weight(value: Any, most: int, nesting: int) -> int:
    """Return the cost of a value that may fit. One that takes far more than `most` bytes of JSON is not encoded.

    Raises:
        UnstorableValueError: the value is too large, or nested too deep.
    """
    try:
        return weigh(value, LIGHT * most, nesting)
    except RecursionError:
        raise UnstorableValueError(f"the value is nested deeper than {nesting} levels") from None
    except UncountableError:
        raise UnstorableValueError(f"the value takes far more than {most:,} bytes, the limit") from None


def size_of(text: str) -> int:
    """Return the bytes of a JSON text."""
    return len(text) if text.isascii() else len(text.encode())


def size_of_error(error: Mapping[str, Any]) -> int:
    """Return the bytes of a step's error in its record."""
    return size_of(_encoder.encode(error))


def _check_keys(given: Any, value: Any, text: str) -> None:
    """Refuse keys that are the same in JSON: of ``{1: "a", "1": "b"}`` one would be lost."""
    if type(given) is dict and not set(map(type, given)) <= _TEXT and len(given) != len(value):
        raise UnstorableValueError("two keys of the value are the same as JSON strings")
    # Below the top, the decoded value is encoded again: it is shorter if a key is lost.
    if _has_other_keys(given) and len(_encoder.encode(value)) != len(text):
        raise UnstorableValueError("two keys in the value are the same as JSON strings")


def _has_other_keys(value: Any) -> bool:
    """Return whether a dictionary in the value has a key that is not a string, down to the deepest possible level."""
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
        return  # so many levels would need as many brackets, and there are fewer
    if depth_of(value, nesting) > nesting:
        raise UnstorableValueError(f"the value is nested deeper than {nesting} levels")


def depth_of(value: Any, limit: int) -> int:
    """Count the levels of lists and dictionaries, up to one past `limit`."""
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
    """Return a deep copy of a JSON value in plain lists and dictionaries; scalars and foreign objects are shared.

    Args:
        value: any value; each `Mapping` becomes a dictionary.
        charge: called with the cost of each container before it is built.
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
