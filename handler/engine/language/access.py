"""Makes closures that read names, keys, items and slices."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from itertools import islice
from typing import Any, Final

from blocks.charges import cost_of_places
from handler.engine.language.json_values import TYPES, name_with_article, plain
from handler.engine.language.meter import ExpressionError, Meter, MissingError
from handler.engine.language.operators import Closure, Frame
from handler.engine.language.paths import lacks_error
from handler.engine.language.spelling import closest, similar_lengths

_LOST: Final = (KeyError, TypeError, IndexError)
_SHOWN: Final = 5
_STEPS_OF_LETTER: Final = 12
"""Evaluation steps of a letter of a key that is compared with another key."""
_LENGTHS: Final = frozenset({"length", "size", "count"})
_OF_JOB: Final = frozenset({"parameters", "variables"})


def read_name(name: str, column: int) -> Closure:
    """The context with that name, unchanged."""
    if name in _OF_JOB:

        def run_in_job(frame: Frame) -> Any:
            try:
                return frame[1]["job"][name]
            except _LOST:
                raise MissingError(f"there is no `{name}` here", column) from None

        return run_in_job

    def run(frame: Frame) -> Any:
        try:
            return frame[1][name]
        except _LOST:
            raise MissingError(f"there is no `{name}`", column) from None

    return run


def read_variable(slot: int) -> Closure:
    """A variable of a comprehension."""
    return lambda frame: frame[slot]


def as_plain(value: Closure, column: int) -> Closure:
    """The value as JSON, since a context may be a view."""

    def run(frame: Frame) -> Any:
        found = value(frame)
        return found if type(found) in TYPES else _plain(found, frame[0], column)

    return run


def _plain(value: Any, meter: Meter, column: int) -> Any:
    try:
        return plain(value, meter)
    except ExpressionError as error:
        error.column = column
        raise


def walk(root: Closure, keys: list[tuple[str, int]], shown: str) -> Closure:
    """Follow literal keys.

    Args:
        root: where the walk begins.
        keys: each key with its column.
        shown: how the root is written.
    """
    if len(keys) == 1:
        only, column = keys[0]

        def run_one(frame: Frame) -> Any:
            value = root(frame)
            try:
                return value[only]
            except _LOST:
                raise _missing(value, only, shown, column) from None

        return run_one

    def run(frame: Frame) -> Any:
        value = root(frame)
        for depth, (key, column) in enumerate(keys):
            try:
                value = value[key]
            except _LOST:
                if value is None and lacks_error(root(frame), [name for name, _ in keys], depth):
                    return None
                walked = ".".join([shown, *(name for name, _ in keys[:depth])]) if shown else ""
                raise _missing(value, key, walked, column) from None
        return value

    return run


def walk_variable(slot: int, key: str, shown: str, column: int) -> Closure:
    """One key of a comprehension's variable, which most comprehensions read of each item."""

    def run(frame: Frame) -> Any:
        try:
            return frame[slot][key]
        except _LOST:
            raise _missing(frame[slot], key, shown, column) from None

    return run


def read_item(base: Closure, key: Closure, column: int) -> Closure:
    """``base[key]``: a key of an object, or an index of a list or a string."""

    def run(frame: Frame) -> Any:
        value, wanted = base(frame), key(frame)
        kind = type(wanted)
        try:
            if kind is str and isinstance(value, Mapping):
                return value[wanted]
            if kind is int and (type(value) is list or type(value) is str):
                return value[wanted]
        except _LOST:
            raise _missing(value, wanted, "", column) from None
        if not isinstance(value, (Mapping, list, str)):
            if kind is str or kind is int:
                raise _missing(value, wanted, "", column)
            raise ExpressionError(f"{name_with_article(value)} has no items", column)
        holds = "keys, which are strings" if isinstance(value, Mapping) else "indexes, which are whole numbers"
        raise ExpressionError(f"{name_with_article(value)} has {holds}, not {name_with_article(wanted)}", column)

    return run


def read_slice(base: Closure, bounds: list[Closure | None], column: int) -> Closure:
    """``base[start:stop:step]`` of a list or a string."""

    def run(frame: Frame) -> Any:
        value = base(frame)
        if type(value) is not list and type(value) is not str:
            raise ExpressionError(f"only lists and strings have slices, not {name_with_article(value)}", column)
        parts = [None if bound is None else bound(frame) for bound in bounds]
        if any(part is not None and type(part) is not int for part in parts):
            raise ExpressionError("the bounds of a slice are whole numbers", column)
        if parts[2] == 0:
            raise ExpressionError("a slice with the step 0 never ends", column)
        cut = slice(*parts)
        size = len(range(*cut.indices(len(value))))
        if type(value) is str:
            frame[0].read(size)
            frame[0].charge(size if value.isascii() else 4 * size)
        else:
            frame[0].tick(size)
            frame[0].charge(cost_of_places(size))
        return value[cut]

    return run


def _missing(value: Any, key: str | int, where: str, column: int) -> MissingError:
    """The error for a missing key or index: it shows the place and what exists there."""
    place = f"`{where}` " if where else ""
    if isinstance(key, int):
        size = f" of {len(value)}" if isinstance(value, (list, str)) else ""
        return MissingError(f"{name_with_article(value)}{size} has no item {_index(key)}", column)
    name = key if len(key) <= 60 else f"{key[:60]}…"  # noqa: PLR2004  # the most characters in a message
    if not isinstance(value, Mapping):
        what = f"{place}is {name_with_article(value)}, which" if place else f"{name_with_article(value)}"
        hint = "; `len(x)` counts" if key in _LENGTHS else ""
        return MissingError(f"{what} has no key `{name}`{hint}", column)
    return MissingError(f"{place or 'the object '}has no `{name}`", column, partial(_other_keys, value, key))


def _other_keys(value: Mapping[str, Any], key: str) -> tuple[str, int]:
    """Return which keys there are, and the evaluation steps that comparing their letters has taken."""
    known = [*islice(value, 100)] if type(value) is dict else _keys_of_view(value)
    steps = _STEPS_OF_LETTER * sum(map(len, similar_lengths(key, known)))
    if (meant := closest(key, known)) is not None:
        return f"; did you mean `{meant}`?", steps
    if not known:
        return "", steps
    more = ", …" if len(known) > _SHOWN else ""
    return f"; it has {', '.join(f'`{k[:40]}`' for k in known[:_SHOWN])}{more}", steps


def _keys_of_view(view: Mapping[str, Any]) -> list[str]:
    try:
        return [*islice(view, 100)]
    except Exception:  # noqa: BLE001  # a view of an unknown value has no list of keys, so there is no hint
        return []


def _index(key: int) -> str:
    return str(key) if -(10**9) < key < 10**9 else "that far out"
