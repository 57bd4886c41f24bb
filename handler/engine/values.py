"""JSON values: what a job keeps of what its blocks give, and copies that share nothing.

See docs/decisions/002-copies.md.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from json.encoder import encode_basestring as _encode_text
from math import isfinite
from typing import Any, Final

from handler.engine.charges import Charge, UncountableError, cost_of_dict, cost_of_list, weigh


class UnstorableValueError(Exception):
    """A value is not JSON, or is JSON that cannot be kept. The message says what was found."""


_encoder = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
_TEXT: Final = frozenset({str})
_LISTS: Final = frozenset({list, tuple})
_FLAT: Final = frozenset({str, int, float, bool, type(None)})
_decode: Final = json.JSONDecoder().decode
_LIGHT: Final = 16
"""What a value costs is at most so many times its bytes of JSON: an empty dictionary costs 43, and takes 3."""


def encode_text(text: str) -> str:
    """One text as JSON."""
    return _encode_text(text)


def keep(value: Any, nesting: int, most: int | None = None) -> tuple[Any, str]:
    """Take a block's result as JSON: the value as a copy that shares nothing, and its canonical text.

    Tuples become lists; a whole number stays one. Nothing is rounded, cut or guessed.

    Args:
        value: anything.
        nesting: how many levels of lists and dictionaries may be in it.
        most: bytes of JSON that are kept at most. What would take far more is not even encoded: a list may hold one
            long string many times. Whether the text that is given fits is for the caller to see.

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
                check_weight(value, most, nesting)
            text = _encoder.encode(value)
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
        return weigh(value, _LIGHT * most, nesting)
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
    # Below the top, counting keys would take longer than encoding again what was decoded: it is shorter if one is lost.
    inner = given.values() if type(given) is dict else given if type(given) in _LISTS else ()
    if not set(map(type, inner)) <= _FLAT and len(_encoder.encode(value)) != len(text):
        raise UnstorableValueError("two keys in the value are the same as JSON strings")


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
