"""The cost of values, which blocks and the engine charge before they build them.

Each kind of value has one function; all code that builds such a value calls it. A string costs its bytes, an integer
its digits; a container costs a share for itself, one for each place, and its content. A value takes at most four times
its charge in memory.

Blocks announce two numbers: the least bytes that a result takes as JSON (a record has a limit), and its cost.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final, Protocol

_LIST: Final = 18
_DICTIONARY: Final = 40
_ITEM: Final = 1
"""Of a list, besides its value: the comma. With the value's own two, it is a fourth of the pointer in the list."""
_PAIR: Final = 8
"""Of a dictionary, besides its key and its value."""
_TABLE: Final = 4
"""Of a dictionary that is not empty."""
_FEW_PAIRS: Final = 4
_FURTHER: Final = 13
"""Of each further pair, besides `_PAIR`: a table that grows has free places, and its keys are rarely shared."""
_FLOAT: Final = 8
_LEAST: Final = 2
_OBJECT: Final = 5
"""Of an integer in a container, besides its digits. Python shares the small ones."""
_STRING: Final = 14
_WIDE: Final = 16
"""Of a string in a container, besides its bytes and quotes: of an ASCII one, and of any other."""
_SMALL: Final = range(-5, 257)
_FEW: Final = 16
_UNBOUNDED: Final = 1 << 40
_FLAT: Final = frozenset({str, int, float, bool, type(None)})

PLACE: Final = _ITEM + _LEAST
"""Of a list, for a value that exists already."""
ENTRY: Final = 16
"""Of a dictionary, for a key and a value that exist already."""
EMPTY: Final = _DICTIONARY + _TABLE
"""Of a container that grows while it is made."""
NUMBER: Final = 10
"""Of a list, for a new number."""
INDEX: Final = 2
"""The least that an item takes in a JSON list: a digit and a comma."""
QUOTED: Final = 3
"""The least that a string takes in a JSON list besides its characters: two quotes and a comma."""
FIELD: Final = 5
"""The least that a pair takes in a JSON object: the quotes of its key, a colon, a digit and a comma."""


class Charges(Protocol):
    """The receiver of charges; `blocks.block.Call` is one."""

    def charge(self, size: int, cost: int | None = None) -> None:
        """Charge for a value before building it."""


class UncountableError(ValueError):
    """A value costs more than the limit."""


def cost_of_text(text: str) -> int:
    """A string costs its bytes as UTF-8."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def cost_of_integer(value: int) -> int:
    """An integer costs its digits; a small one costs two."""
    return _LEAST if -10 < value < 10 else (value.bit_length() * 1233 >> 12) + 2  # noqa: PLR2004  # one digit


def cost_of_item(value: Any) -> int:
    """The cost that a value adds to the container around it; an inner container is charged separately."""
    kind = type(value)
    if kind is str:
        size = len(value)
        if value.isascii():
            return size + (_LEAST + _STRING if size > 1 else _LEAST)  # Python shares strings of one letter
        return cost_of_text(value) + _LEAST + _WIDE
    if kind is int:
        return _LEAST if value in _SMALL else cost_of_integer(value) + _OBJECT
    return _FLOAT if kind is float else _LEAST


def cost_of_list(value: Collection[Any]) -> int:
    """A list with the scalars in it."""
    kinds = set(map(type, value)) if len(value) > _FEW else ()
    if len(kinds) == 1:  # true of most long lists: saves a call for each item
        if str in kinds:
            size = sum(map(len, value))
            if all(map(str.isascii, value)):
                return cost_of_strings(len(value), size)
        elif int not in kinds and float not in kinds:
            return _LIST + PLACE * len(value)
    return _LIST + _ITEM * len(value) + sum(map(cost_of_item, value))


def cost_of_dict(value: Mapping[Any, Any]) -> int:
    """A dictionary with its keys and the scalars in it."""
    count = len(value)
    size = _DICTIONARY + (_TABLE + _PAIR * count if count else 0)
    if count > _FEW_PAIRS:
        size += _FURTHER * (count - _FEW_PAIRS)
    for key, item in value.items():
        size += (cost_of_text(key) if type(key) is str else _LEAST) + cost_of_item(item)
    return size


def cost_of_strings(count: int, size: int, *, wide: bool = False) -> int:
    """An upper bound for a list of `count` new strings of `size` bytes in all; `wide` if they may go beyond ASCII."""
    long = min(count, size if wide else size // 2)
    return _LIST + size + PLACE * count + (_WIDE if wide else _STRING) * long


def cost_of_places(items: int, lists: int = 1) -> int:
    """`lists` lists that have `items` places together, for values that exist already."""
    return (_LIST + PLACE) * lists + PLACE * items


def cost_of_entries(pairs: int, dictionaries: int = 1) -> int:
    """`dictionaries` dictionaries that have `pairs` pairs together, of keys and values that exist already."""
    return EMPTY * dictionaries + ENTRY * pairs


def cost_of_json(text: str) -> int:
    """The least cost of the lists and objects in a JSON text, counted before it is parsed."""
    return PLACE * text.count(",") + _LIST * text.count("[") + _DICTIONARY * text.count("{") + _PAIR * text.count(":")


def charge_places(call: Charges, items: int, lists: int = 0) -> None:
    """Charge for a list of values that exist already, and `lists` lists inside it that contain them."""
    call.charge(INDEX * (items + lists), cost_of_places(items, lists + 1))


def charge_strings(call: Charges, count: int, size: int, *, wide: bool) -> None:
    """Charge for a list of `count` new strings, which are cut from one string of `size` characters."""
    call.charge(QUOTED * count, cost_of_strings(count, 4 * size if wide else size, wide=wide))


def charge_entries(call: Charges, keys: Iterable[str]) -> None:
    """Charge for a dictionary of keys and values that exist already."""
    size = count = 0
    for key in keys:
        size += FIELD + len(key)
        count += 1
    call.charge(size, cost_of_entries(count))


def weigh(value: Any, most: int = _UNBOUNDED, nesting: int = _UNBOUNDED) -> int:
    """The cost of a value and everything in it; a part that occurs twice counts twice.

    Args:
        value: anything; a value other than a list, a tuple or a dictionary costs as a scalar does.
        most: the limit; counting stops there.
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
