"""DICTIONARY: blocks that make, search and change dictionaries, which JSON calls objects.

A block that changes a dictionary in place does so to the variable that its parameter names
(`{"dictionary": "{# order #}"}`); of any other dictionary only the block's result remains.
"""

from __future__ import annotations

import re
from typing import Any, Final

from blocks.block import ABSENT, BudgetExceededError, Call, Category, Changes
from blocks.charges import FIELD, INDEX, QUOTED, charge_entries, charge_places, cost_of_entries, cost_of_places
from blocks.messages import shown

category = Category("DICTIONARY", effect="none")

NUMBER: Final = re.compile(r"-?[0-9]{1,9}")
"""An index of a list in a path."""
LONGEST_PATH: Final = 32
"""Keys of a path: no value is nested deeper."""


@category.block
def create(**values: Any) -> dict[str, Any]:
    """Make a dictionary of all given parameters; they may have any names."""
    return values


@category.block
def create_from_pairs(*, key: str, value: Any) -> dict[str, Any]:
    """Make a dictionary of one key and its value."""
    return {key: value}


@category.block
def create_from_list(call__: Call, /, *, pairs: tuple[str, Any] | list[tuple[str, Any]]) -> dict[str, Any]:
    """Make a dictionary of a list of `[key, value]` pairs, or of one such pair. Of equal keys, the last wins.

    `{"pairs": [["a", 1], ["b", 2]]}` gives `{"a": 1, "b": 2}`; `{"pairs": ["a", 1]}` gives `{"a": 1}`.
    """
    if isinstance(pairs, tuple):
        return dict([pairs])
    call__.charge(0, cost_of_places(2 * len(pairs), len(pairs)) + cost_of_entries(len(pairs)))
    return dict(pairs)


@category.block
def get(*, key: str, dictionary: dict[str, Any], default: Any = ABSENT) -> Any:
    """Return the value of the key, or `default` if there is no such key.

    Without a default (null is one) a missing key is UNHANDLED_EXCEPTION (KeyError).
    """
    return dictionary[key] if default is ABSENT else dictionary.get(key, default)


@category.block(name="set")
def set_(*, key: str, value: Any, dictionary: Changes[dict[str, Any]]) -> None:
    """Set the value of a new or an existing key, in place."""
    dictionary[key] = value


@category.block
def delete(*, key: str | None, dictionary: Changes[dict[str, Any]], silent: bool = True) -> None:
    """Delete a key from the dictionary, in place; null deletes all keys.

    A missing key is UNHANDLED_EXCEPTION (KeyError) only when `silent` is false.
    """
    if key is None:
        dictionary.clear()
    elif silent:
        dictionary.pop(key, None)
    else:
        del dictionary[key]


@category.block
def merge(call__: Call, /, *, dict1: dict[str, Any], dict2: dict[str, Any]) -> dict[str, Any]:
    """Return a new dictionary with the keys of both; if both have a key, `dict2` wins."""
    _charge_both(call__, dict1, dict2)
    return {**dict1, **dict2}


@category.block
def pop(*, key: str, dictionary: Changes[dict[str, Any]], default: Any = ABSENT) -> Any:
    """Delete a key from the dictionary, in place, and return its value, or `default` if there is no such key.

    Without a default (null is one) a missing key is UNHANDLED_EXCEPTION (KeyError).
    """
    return dictionary.pop(key) if default is ABSENT else dictionary.pop(key, default)


@category.block
def update(call__: Call, /, *, dict1: Changes[dict[str, Any]], dict2: dict[str, Any]) -> None:
    """Copy the keys and values of `dict2` into `dict1`, in place; if both have a key, `dict2` wins."""
    _charge_both(call__, dict1, dict2)
    dict1.update(dict2)


@category.block
def clear(*, dictionary: Changes[dict[str, Any]]) -> None:
    """Delete all keys of the dictionary, in place."""
    dictionary.clear()


@category.block
def count(*, dictionary: dict[str, Any]) -> int:
    """Count the keys of the dictionary."""
    return len(dictionary)


@category.block
def list_keys(call__: Call, /, *, dictionary: dict[str, Any]) -> list[str]:
    """Return the keys as a list, in the order in which they were added."""
    call__.charge(QUOTED * len(dictionary), cost_of_places(len(dictionary)))
    return list(dictionary)


@category.block
def list_values(call__: Call, /, *, dictionary: dict[str, Any]) -> list[Any]:
    """Return the values as a list, in the order of their keys."""
    charge_places(call__, len(dictionary))
    return list(dictionary.values())


@category.block
def list_items(call__: Call, /, *, dictionary: dict[str, Any]) -> list[list[Any]]:
    """Return a list of `[key, value]` lists: `{"dictionary": {"a": 1}}` gives `[["a", 1]]`."""
    size = len(dictionary)
    call__.charge((QUOTED + 2 * INDEX) * size, cost_of_places(2 * size, size + 1))
    return [[key, value] for key, value in dictionary.items()]


@category.block
def is_dictionary(*, value: Any) -> bool:
    """Return true if the value is a dictionary."""
    return isinstance(value, dict)


@category.block
def is_key_exists(*, key: str, dictionary: dict[str, Any]) -> bool:
    """Return true if the dictionary has the key."""
    return key in dictionary


@category.block
def is_value_exists(*, value: Any, dictionary: dict[str, Any]) -> bool:
    """Return true if a key of the dictionary has the value."""
    return value in dictionary.values()


def _charge_both(call: Call, dict1: dict[str, Any], dict2: dict[str, Any]) -> None:
    pairs = len(dict1) + sum(key not in dict1 for key in dict2)
    call.charge(FIELD * pairs, cost_of_entries(pairs))


@category.block
def get_path(*, dictionary: dict[str, Any], path: str, default: Any = None) -> Any:
    """Return the value at a path of keys and indexes with dots between them, or `default` if there is no such value.

    Indexes count from 0; negative ones count from the end. `{"dictionary": {"a": [{"b": 1}]}, "path": "a.0.b"}` gives
    `1`.
    """
    found: Any = dictionary
    for key in path.split(".", LONGEST_PATH):  # no value is nested deeper, so a longer path finds nothing
        if isinstance(found, dict) and key in found:
            found = found[key]
        elif isinstance(found, list) and NUMBER.fullmatch(key) and -len(found) <= int(key) < len(found):
            found = found[int(key)]
        else:
            return default
    return found


@category.block
def set_path(call__: Call, /, *, dictionary: Changes[dict[str, Any]], path: str, value: Any) -> None:
    """Set the value at a path of keys and indexes with dots between them, in place.

    Missing dictionaries on the path are created. An index that the list does not have, or a path through a value that
    is neither a dictionary nor a list, is INVALID_ARGUMENT.
    `{"dictionary": "{# order #}", "path": "lines.0.price", "value": 9}` changes the first line's price.
    """
    keys = path.split(".", LONGEST_PATH)
    if len(keys) > LONGEST_PATH:
        raise BudgetExceededError(f"`path` has more than {LONGEST_PATH} keys: a value would be nested too deep")
    call__.charge(FIELD * len(keys) + len(path), cost_of_entries(len(keys), len(keys)) + len(path))
    place: Any = dictionary
    for number, key in enumerate(keys[:-1]):
        if isinstance(place, dict) and key not in place:
            for missing in reversed(keys[number + 1 :]):
                value = {missing: value}
            place[key] = value
            return
        place = place[_key_of(place, key, keys[: number + 1])]
    place[_key_of(place, keys[-1], keys)] = value


@category.block
def pick(call__: Call, /, *, dictionary: dict[str, Any], keys: list[str]) -> dict[str, Any]:
    """Return a new dictionary with only the given keys, if the dictionary has them.

    `{"dictionary": {"a": 1, "b": 2}, "keys": ["a", "c"]}` gives `{"a": 1}`.
    """
    call__.charge(0, cost_of_entries(min(len(keys), len(dictionary))))
    picked = dict.fromkeys(key for key in keys if key in dictionary)
    charge_entries(call__, picked)
    return {key: dictionary[key] for key in picked}


@category.block
def omit(call__: Call, /, *, dictionary: dict[str, Any], keys: list[str]) -> dict[str, Any]:
    """Return a new dictionary without the given keys.

    `{"dictionary": {"a": 1, "b": 2}, "keys": ["a", "c"]}` gives `{"b": 2}`.
    """
    omitted = dict.fromkeys(keys)
    left = [key for key in dictionary if key not in omitted]
    call__.charge(0, cost_of_entries(len(omitted)) + cost_of_places(len(left)))
    charge_entries(call__, left)
    return {key: dictionary[key] for key in left}


def _key_of(place: Any, key: str, way: list[str]) -> str | int:
    """Return the key as a key or an index of `place`, or raise a ValueError that names the path to it."""
    if isinstance(place, dict):
        return key
    where = ".".join(way)
    if not isinstance(place, list):
        raise ValueError(  # noqa: TRY004  # INVALID_ARGUMENT
            f"nothing can be set at {shown(where)}: what is before {shown(key)} is neither a dictionary nor a list"
        )
    if not NUMBER.fullmatch(key) or not -len(place) <= int(key) < len(place):
        raise ValueError(
            f"nothing can be set at {shown(where)}: the list there has {len(place)} items, and no {shown(key)}"
        )
    return int(key)
