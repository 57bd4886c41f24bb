"""Comprehensions as closures: items that they visit are counted, values that they build are charged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from blocks.charges import EMPTY, ENTRY, PLACE, cost_of_places
from handler.engine.language.json_values import name_with_article, size_of_string
from handler.engine.language.meter import ExpressionError, Meter
from handler.engine.language.operators import Closure, Frame

LOOP_STEPS: Final = 2
"""The steps of beginning a loop, even over an empty list; 0 for a list with only one, which begins in no time."""
_BATCH: Final = 64
"""Items that are charged together."""


@dataclass(frozen=True, slots=True)
class Level:
    """One ``for`` of a comprehension.

    Attributes:
        items: returns the list or object that it iterates over.
        slot: the place of its variable in the frame.
        conditions: its ``if``.
        cost: evaluation steps of one round, without those of the inner levels.
        column: of the list.
    """

    items: Closure
    slot: int
    conditions: list[Closure]
    cost: int
    column: int


def build_list(levels: list[Level], element: Closure) -> Closure:
    """``[element for … in … if …]``."""
    if len(levels) > 1:

        def run_nested(frame: Frame) -> list[Any]:
            meter = frame[0]
            built: list[Any] = []
            meter.charge(EMPTY)
            for _ in _visit(levels, 0, frame):
                built.append(element(frame))
                if not len(built) % _BATCH:
                    meter.charge(PLACE * _BATCH)
            return built

        return run_nested
    level = levels[0]
    source, slot, conditions, cost, column = (
        level.items, level.slot, level.conditions, level.cost, level.column,
    )  # fmt: skip

    def run(frame: Frame) -> list[Any]:
        meter: Meter = frame[0]
        items = _iterate(source(frame), column)
        meter.charge(cost_of_places(0 if conditions else len(items)))
        built: list[Any] = []
        for item in items:
            meter.steps -= cost
            if meter.steps < 0:
                meter.over()
            frame[slot] = item
            if conditions:
                if not all(condition(frame) for condition in conditions):
                    continue
                if not len(built) % _BATCH:
                    meter.charge(PLACE * _BATCH)
            built.append(element(frame))
        return built

    return run


def build_object(levels: list[Level], key: Closure, value: Closure, column: int) -> Closure:
    """``{key: value for … in … if …}``."""

    def run(frame: Frame) -> dict[str, Any]:
        meter = frame[0]
        built: dict[str, Any] = {}
        meter.charge(EMPTY)
        for _ in _visit(levels, 0, frame):
            name = check_key(key(frame), column)
            meter.charge(ENTRY + size_of_string(name))
            built[name] = value(frame)
        return built

    return run


def find_truth(levels: list[Level], element: Closure, *, wanted: bool) -> Closure:
    """``any(…)`` or ``all(…)`` of a generator; it stops as soon as the answer is certain."""

    def run(frame: Frame) -> bool:
        for _ in _visit(levels, 0, frame):
            if bool(element(frame)) is wanted:
                return wanted
        return not wanted

    return run


def check_key(key: Any, column: int) -> str:
    """Return the key of an object.

    Raises:
        ExpressionError: it is not a string.
    """
    if type(key) is str:
        return key
    raise ExpressionError(f"the keys of an object are strings, not {name_with_article(key)}", column)


def _iterate(value: Any, column: int) -> list[Any]:
    if type(value) is list:
        return value
    if isinstance(value, Mapping):
        return list(value)
    raise ExpressionError(
        f"a comprehension iterates over a list or the keys of an object, not over {name_with_article(value)}", column
    )


def _visit(levels: list[Level], depth: int, frame: Frame) -> Iterator[None]:
    """Yield at each combination of items that passes all conditions, with the variables set."""
    level = levels[depth]
    meter: Meter = frame[0]
    meter.tick(LOOP_STEPS)
    last = depth == len(levels) - 1
    for item in _iterate(level.items(frame), level.column):
        meter.steps -= level.cost
        if meter.steps < 0:
            meter.over()
        frame[level.slot] = item
        if all(condition(frame) for condition in level.conditions):
            if last:
                yield
            else:
                yield from _visit(levels, depth + 1, frame)
