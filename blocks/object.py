"""OBJECT: blocks for all values with a length or with parts: strings, lists and dictionaries."""

from __future__ import annotations

import copy as copies
from typing import Any

from pydantic import ConfigDict
from typing_extensions import TypedDict

from blocks.block import Call, Category
from blocks.charges import FIELD, charge_places, cost_of_entries

category = Category("OBJECT", effect="none")


class Slice(TypedDict, total=False):
    """The items from `start` to before `stop`, in steps of `step`; null means no bound."""

    __pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[misc]  # pydantic's way to configure a TypedDict

    start: int | None
    stop: int | None
    step: int | None


@category.block
def create_slice(*, stop: int | None = None, start: int | None = None, step: int | None = None) -> Slice:
    """Return a slice for `OBJECT.APPLY_SLICE`.

    `{"start": 1, "stop": 3}` gives `{"start": 1, "stop": 3, "step": null}`.
    """
    return {"start": start, "stop": stop, "step": step}


@category.block
def apply_slice(call__: Call, /, *, value: Any, slice: Slice) -> Any:
    """Return the part of a string or a list that a slice of `OBJECT.CREATE_SLICE` describes.

    A step of 0 is INVALID_ARGUMENT; a value that is neither a string nor a list is UNHANDLED_EXCEPTION.
    `{"value": [1, 2, 3], "slice": {"step": -1}}` gives `[3, 2, 1]`.
    """
    return _cut(call__, value, slice.get("start"), slice.get("stop"), slice.get("step"))


@category.block
def slice_value(
    call__: Call, /, *, value: Any, stop: int | None = None, start: int | None = None, step: int | None = None
) -> Any:
    """Return the part of a string or a list from `start` to before `stop`, in steps of `step`.

    A step of 0 is INVALID_ARGUMENT; a value that is neither a string nor a list is UNHANDLED_EXCEPTION.
    `{"value": "conduit", "start": 3}` gives `"duit"`.
    """
    return _cut(call__, value, start, stop, step)


@category.block
def copy(call__: Call, /, *, value: Any) -> Any:
    """Return a copy of the value."""
    if isinstance(value, list):
        charge_places(call__, len(value))
    elif isinstance(value, dict):
        call__.charge(FIELD * len(value), cost_of_entries(len(value)))
    return copies.copy(value)


@category.block
def length(*, value: Any) -> int:
    """Count the characters of a string, the items of a list or the keys of a dictionary.

    Anything else is UNHANDLED_EXCEPTION.
    """
    return len(value)


def _cut(call: Call, value: Any, start: int | None, stop: int | None, step: int | None) -> Any:
    if not isinstance(value, (str, list)):
        raise TypeError(f"only a string or a list can be sliced, not {type(value).__name__}")
    part = slice(start, stop, step)
    size = len(range(*part.indices(len(value))))
    if isinstance(value, str):
        call.charge(size)
    else:
        charge_places(call, size)
    return value[part]
