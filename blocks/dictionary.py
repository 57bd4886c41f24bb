"""DICTIONARY: blocks that make, search and change dictionaries, which JSON calls objects.

A block that changes a dictionary in place does so to the variable that its parameter names
(`{"dictionary": "{# order #}"}`); of a dictionary that is no variable only the block's result remains.
"""

from __future__ import annotations

from typing import Any, Final

from blocks.block import ABSENT, Call, Category, Changes

category = Category("DICTIONARY", effect="none")

ITEM: Final = 2
"""The least that an item takes in a JSON list: a digit and a comma."""
PAIR: Final = 5
"""The least that a pair takes in a JSON object: the quotes of its key, a colon, a digit and a comma."""
KEY: Final = 3
"""The least that a key takes in a JSON list: its quotes and a comma."""


@category.block
def create(**values: Any) -> dict[str, Any]:
    """Make a dictionary of all the parameters given, whatever their names."""
    return values


@category.block
def create_from_pairs(*, key: str, value: Any) -> dict[str, Any]:
    """Make a dictionary of one key and its value."""
    return {key: value}


@category.block
def create_from_list(*, pairs: tuple[str, Any] | list[tuple[str, Any]]) -> dict[str, Any]:
    """Make a dictionary of a list of `[key, value]` pairs, or of one such pair. Of equal keys the last wins.

    `{"pairs": [["a", 1], ["b", 2]]}` gives `{"a": 1, "b": 2}`; `{"pairs": ["a", 1]}` gives `{"a": 1}`.
    """
    if isinstance(pairs, tuple):
        return dict([pairs])
    return dict(pairs)


@category.block
def get(*, key: str, dictionary: dict[str, Any], default: Any = ABSENT) -> Any:
    """Give the value of the key, or `default` where there is no such key.

    Without a default (null is one) a missing key is UNHANDLED_EXCEPTION (KeyError).
    """
    return dictionary[key] if default is ABSENT else dictionary.get(key, default)


@category.block(name="set")
def set_(*, key: str, value: Any, dictionary: Changes[dict[str, Any]]) -> None:
    """Give a key its value, in place, whether the key is new or not."""
    dictionary[key] = value


@category.block
def delete(*, key: str | None, dictionary: Changes[dict[str, Any]], silent: bool = True) -> None:
    """Take a key out of the dictionary, in place; null takes all of them out.

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
    """Give a new dictionary with the keys of both; where both have one, `dict2` wins."""
    call__.charge(PAIR * _keys_of_both(dict1, dict2))
    return {**dict1, **dict2}


@category.block
def pop(*, key: str, dictionary: Changes[dict[str, Any]], default: Any = ABSENT) -> Any:
    """Take a key out of the dictionary, in place, and give its value, or `default` where there is no such key.

    Without a default (null is one) a missing key is UNHANDLED_EXCEPTION (KeyError).
    """
    return dictionary.pop(key) if default is ABSENT else dictionary.pop(key, default)


@category.block
def update(call__: Call, /, *, dict1: Changes[dict[str, Any]], dict2: dict[str, Any]) -> None:
    """Put the keys and values of `dict2` into `dict1`, in place; where both have a key, `dict2` wins."""
    call__.charge(PAIR * _keys_of_both(dict1, dict2))
    dict1.update(dict2)


@category.block
def clear(*, dictionary: Changes[dict[str, Any]]) -> None:
    """Take all keys out of the dictionary, in place."""
    dictionary.clear()


@category.block
def count(*, dictionary: dict[str, Any]) -> int:
    """Count the keys of the dictionary."""
    return len(dictionary)


@category.block
def list_keys(call__: Call, /, *, dictionary: dict[str, Any]) -> list[str]:
    """Give the keys as a list, in the order in which they came in."""
    call__.charge(KEY * len(dictionary))
    return list(dictionary)


@category.block
def list_values(call__: Call, /, *, dictionary: dict[str, Any]) -> list[Any]:
    """Give the values as a list, in the order of their keys."""
    call__.charge(ITEM * len(dictionary))
    return list(dictionary.values())


@category.block
def list_items(call__: Call, /, *, dictionary: dict[str, Any]) -> list[list[Any]]:
    """Give a list of `[key, value]` lists: `{"a": 1}` gives `[["a", 1]]`."""
    call__.charge((KEY + ITEM + ITEM) * len(dictionary))
    return [[key, value] for key, value in dictionary.items()]


@category.block
def is_dictionary(*, value: Any) -> bool:
    """Tell whether the value is a dictionary."""
    return isinstance(value, dict)


@category.block
def is_key_exists(*, key: str, dictionary: dict[str, Any]) -> bool:
    """Tell whether the dictionary has the key."""
    return key in dictionary


@category.block
def is_value_exists(*, value: Any, dictionary: dict[str, Any]) -> bool:
    """Tell whether some key of the dictionary has the value."""
    return value in dictionary.values()


def _keys_of_both(dict1: dict[str, Any], dict2: dict[str, Any]) -> int:
    return len(dict1) + sum(key not in dict1 for key in dict2)
