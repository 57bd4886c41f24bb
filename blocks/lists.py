"""LISTS: blocks that make, search and change lists.

A block that changes a list in place does so to the variable that its parameter names (`{"list": "{# basket #}"}`); of a
list that is not a variable only the block's result remains.
"""

from __future__ import annotations

from typing import Any, Final

from blocks.block import ABSENT, Call, Category, Changes
from blocks.charges import INDEX, NUMBER, charge_places, cost_of_places
from blocks.comparison import equal_as_json

category = Category("LISTS", effect="none")

LARGEST_SMALL: Final = 1_000_000_000
"""Whole numbers from here on are charged by their digits."""


@category.block
def create(*, value1: Any = ABSENT, value2: Any = ABSENT) -> list[Any]:
    """Make a list of the given values: none, one or two. Null counts as given."""
    return [value for value in (value1, value2) if value is not ABSENT]


@category.block
def count(*, list: list[Any]) -> int:
    """Count the items of the list."""
    return len(list)


@category.block
def append(*, item: Any, list: Changes[list[Any]]) -> None:
    """Add an item at the end of the list, in place."""
    list.append(item)


@category.block
def clear(*, list: Changes[list[Any]]) -> None:
    """Delete all items of the list, in place."""
    list.clear()


@category.block
def extend(call__: Call, /, *, list1: Changes[list[Any]], list2: list[Any]) -> None:
    """Add the items of `list2` at the end of `list1`, in place. Both may be the same variable."""
    charge_places(call__, len(list1) + len(list2))
    list1.extend(list2)


@category.block
def sort(*, list: Changes[list[Any]], reverse: bool = False) -> None:
    """Sort the items, in place: the smallest first, or last with `reverse`.

    Items that do not compare (a string and a number) are UNHANDLED_EXCEPTION, and the list stays as it was.
    """
    list.sort(reverse=reverse)


@category.block
def insert(*, list: Changes[list[Any]], index: int, item: Any) -> None:
    """Insert an item before the one at the index, in place. An index past an end means that end."""
    list.insert(index, item)


@category.block
def copy(call__: Call, /, *, list: list[Any]) -> list[Any]:
    """Return a copy of the list."""
    charge_places(call__, len(list))
    return list.copy()


@category.block
def remove(*, item: Any, list: Changes[list[Any]]) -> None:
    """Remove the first item that equals `item`, in place. If no item does, it is INVALID_ARGUMENT."""
    list.remove(item)


@category.block
def pop(*, list: Changes[list[Any]], index: int | None = None) -> Any:
    """Remove the item at the index (by default the last one) from the list, in place, and return it.

    An index past an end, or an empty list, is UNHANDLED_EXCEPTION (IndexError).
    """
    return list.pop(-1 if index is None else index)


@category.block
def reverse(*, list: Changes[list[Any]]) -> None:
    """Reverse the order of the items, in place."""
    list.reverse()


@category.block
def count_item(*, item: Any, list: list[Any]) -> int:
    """Count the items that equal `item`."""
    return list.count(item)


@category.block
def merge(call__: Call, /, *, list1: list[Any], list2: list[Any]) -> list[Any]:
    """Return a new list: the items of `list1`, then those of `list2`."""
    charge_places(call__, len(list1) + len(list2))
    return [*list1, *list2]


@category.block
def flatten(call__: Call, /, *, values: list[Any]) -> list[Any]:
    """Return a new list in which the items of inner lists replace those lists, one level deep.

    `{"values": [1, [2, [3]]]}` gives `[1, 2, [3]]`.
    """
    charge_places(call__, sum(len(value) if isinstance(value, list) else 1 for value in values))
    flat = []
    for value in values:
        if isinstance(value, list):
            flat.extend(value)
        else:
            flat.append(value)
    return flat


@category.block
def get(*, list: list[Any], index: int) -> Any:
    """Return the item at the index: 0 is the first, -1 the last.

    An index past either end is UNHANDLED_EXCEPTION (IndexError).
    """
    return list[index]


@category.block
def index(*, list: list[Any], item: Any) -> int:
    """Return the index of the first item that equals `item`, or -1."""
    try:
        return list.index(item)
    except ValueError:
        return -1


@category.block
def includes(*, list: list[Any], value: Any) -> bool:
    """Return true if the list contains the value, compared as JSON: `1` equals `1.0`, but neither `"1"` nor true.

    `{"list": [1, [2]], "value": [2]}` gives `true`.
    """
    return any(equal_as_json(item, value) for item in list)


@category.block
def chunk(call__: Call, /, *, list: list[Any], size: int) -> list[list[Any]]:
    """Split the list into lists of `size` items; the last one may be shorter.

    A size below 1 is INVALID_ARGUMENT. `{"list": [1, 2, 3, 4, 5], "size": 2}` gives `[[1, 2], [3, 4], [5]]`.
    """
    if size < 1:
        raise ValueError(f"`size` is 1 or more, not {size}")
    charge_places(call__, len(list), lists=-(-len(list) // size))
    return [list[start : start + size] for start in range(0, len(list), size)]


@category.block(name="range")
def range_(call__: Call, /, *, start: int, stop: int, step: int = 1) -> list[int]:
    """Return the whole numbers from `start` to before `stop`, in steps of `step`.

    A negative step counts down; a step of 0 is INVALID_ARGUMENT. `{"start": 0, "stop": 10, "step": 4}` gives
    `[0, 4, 8]`; without such numbers, the list is empty.
    """
    if step == 0:
        raise ValueError("`step` is not 0")
    count = max(0, -((start - stop) // step))
    call__.charge(INDEX * count, cost_of_places(0) + NUMBER * count)
    numbers = []
    for number in range(start, stop, step):
        if abs(number) >= LARGEST_SMALL:
            call__.charge(len(str(number)) + 1 - INDEX)
        numbers.append(number)
    return numbers


@category.block(name="zip")
def zip_(call__: Call, /, *, list1: list[Any], list2: list[Any]) -> list[list[Any]]:
    """Return a list of the pairs of items with the same index, as long as the shorter of the two lists.

    `{"list1": ["a", "b", "c"], "list2": [1, 2]}` gives `[["a", 1], ["b", 2]]`.
    """
    pairs = min(len(list1), len(list2))
    charge_places(call__, 2 * pairs, lists=pairs)
    return [[item1, item2] for item1, item2 in zip(list1, list2, strict=False)]
