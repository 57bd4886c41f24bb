"""What a value costs: the bytes that are charged before it is built.

One function for each kind of value, which everything that builds one goes through. A string costs its bytes, an integer
its digits, a container what is in it and a share for itself. A charge is true: what is built takes at most four times
its charge in memory, and never much less than its charge once it is written as JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

Charge = Callable[[int], None]
"""Takes the bytes about to be built; raises when there are too many."""

WORD: Final = 1 << 63
LEAST: Final = -WORD
TINY: Final = 32
"""Characters of a string that costs nothing more than its tag: most results are no longer."""
_LIST: Final = 18
_DICTIONARY: Final = 40
_ITEM: Final = 1
"""Of a list, beside its value: the comma; with the value's own two, a fourth of the pointer that a list keeps."""
_PAIR: Final = 8
"""Of a dictionary, beside its key and its value."""
_FLOAT: Final = 8
_LEAST: Final = 2
_FEW: Final = 16
_FLAT: Final = frozenset({str, int, float, bool, type(None)})


class UncountableError(ValueError):
    """A value costs more than it may."""


def cost_of_text(text: str) -> int:
    """A string costs its bytes as UTF-8."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def cost_of_integer(value: int) -> int:
    """An integer costs its digits; a small one two."""
    return _LEAST if -10 < value < 10 else (value.bit_length() * 1233 >> 12) + 2  # noqa: PLR2004  # one digit


def cost_of_item(value: Any) -> int:
    """What a value adds to the container around it; a container in it is charged on its own."""
    kind = type(value)
    if kind is str:
        return cost_of_text(value) + 2
    if kind is int:
        return cost_of_integer(value)
    return _FLOAT if kind is float else _LEAST


def cost_of_list(value: Any) -> int:
    """A list with the scalars in it."""
    kinds = set(map(type, value)) if len(value) > _FEW else ()
    if len(kinds) == 1:  # most long lists, without a call for each of their items
        if str in kinds:
            size = sum(map(len, value))
            if all(map(str.isascii, value)):
                return _LIST + size + (_ITEM + 2) * len(value)
        elif int not in kinds and float not in kinds:
            return _LIST + (_ITEM + _LEAST) * len(value)
    return _LIST + _ITEM * len(value) + sum(map(cost_of_item, value))


def cost_of_dict(value: Mapping[Any, Any]) -> int:
    """A dictionary with its keys and the scalars in it."""
    size = _DICTIONARY + _PAIR * len(value)
    for key, item in value.items():
        size += (cost_of_text(key) if type(key) is str else _LEAST) + cost_of_item(item)
    return size


def charged(value: Any, charge: Charge) -> Any:
    """The string or the integer, once it is charged: it is handed on as it is, and costs what is in it."""
    if type(value) is str:
        charge(cost_of_text(value))
    elif not LEAST < value < WORD:
        charge(cost_of_integer(value))
    return value


def weigh(value: Any, most: int, nesting: int) -> int:
    """What a value costs with everything in it, each as often as it occurs.

    Args:
        value: anything; what is neither list, tuple nor dictionary costs as a scalar does.
        most: what it may cost; counting stops there.
        nesting: levels of lists and dictionaries that it may have.

    Raises:
        UncountableError: it costs more.
        RecursionError: it is nested deeper.
    """
    inner: Collection[Any]
    if isinstance(value, dict):
        cost, inner = cost_of_dict(value), value.values()
    elif isinstance(value, (list, tuple)):
        cost, inner = cost_of_list(value), value
    else:
        return cost_of_item(value)
    if nesting <= 0:
        raise RecursionError
    if cost > most:
        raise UncountableError
    if not _FLAT.issuperset(map(type, inner)):
        for item in inner:
            if type(item) not in _FLAT:
                cost += weigh(item, most - cost, nesting - 1)
                if cost > most:
                    raise UncountableError
    return cost
