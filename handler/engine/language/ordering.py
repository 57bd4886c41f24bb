"""Values with an order: numbers among numbers, strings among strings."""

from __future__ import annotations

from typing import Any

from blocks.charges import NUMBER, cost_of_places
from handler.engine.language.json_values import is_number, name_with_article
from handler.engine.language.meter import ExpressionError, Meter


def check_order(values: list[Any], function: str, meter: Meter) -> None:
    """Count the steps of one pass over the values, and check that they have an order.

    Raises:
        ExpressionError: two of them have different types, or a type has no order.
    """
    meter.tick(len(values))
    if not values:
        return
    if all(is_number(value) for value in values):
        return
    if all(type(value) is str for value in values):
        meter.read(sum(map(len, values)))
        return
    first = values[0]
    for value in values:
        if type(value) is not str and not is_number(value):
            raise ExpressionError(f"`{function}` compares numbers or strings; {name_with_article(value)} has no order")
        if is_number(value) != is_number(first):
            raise ExpressionError(
                f"`{function}` cannot compare {name_with_article(first)} with {name_with_article(value)}"
            )


def sort(values: list[Any], keys: list[Any], reverse: bool, meter: Meter) -> list[Any]:
    """Return the values in the order of their keys; values with equal keys keep their order, in reverse too."""
    check_order(keys, "sorted", meter)
    rounds = len(keys).bit_length()
    meter.tick(len(keys) * rounds)
    if keys and type(keys[0]) is str:
        longest = sorted(map(len, keys))[-2:][0]  # no comparison reads more than the shorter of its two
        meter.tick(len(keys) * rounds * (longest >> 6))
    meter.charge(cost_of_places(len(keys)) + NUMBER * len(keys))
    order = sorted(range(len(keys)), key=keys.__getitem__, reverse=reverse)
    return [values[position] for position in order]
