"""Conditions on an item to write: the kinds of DynamoDB's conditions that we need.

Each table evaluates them in its own way: `infra.table.dynamo_items` makes a condition expression, the simulated table
of the tests checks its item. An absent attribute meets no condition but `Absent`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Scalar = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Equals:
    """The attribute exists and has this value."""

    attr: str
    value: Scalar


@dataclass(frozen=True, slots=True)
class Absent:
    """The attribute does not exist; for a key attribute: the item does not exist."""

    attr: str


@dataclass(frozen=True, slots=True)
class Below:
    """The attribute exists and is less than this number."""

    attr: str
    number: float


@dataclass(frozen=True, slots=True)
class OneOf:
    """The attribute exists and has one of these values; at least one must be given."""

    attr: str
    values: tuple[Scalar, ...]


@dataclass(frozen=True, slots=True, init=False)
class All:
    """All of these hold; without any, it always holds."""

    conditions: tuple[Condition, ...]

    def __init__(self, *conditions: Condition) -> None:
        object.__setattr__(self, "conditions", conditions)


@dataclass(frozen=True, slots=True, init=False)
class AnyOf:
    """At least one of these holds; at least one must be given."""

    conditions: tuple[Condition, ...]

    def __init__(self, *conditions: Condition) -> None:
        object.__setattr__(self, "conditions", conditions)


Condition = Equals | Absent | Below | OneOf | All | AnyOf


def unchanged(attr: str, value: Scalar | None) -> Condition:
    """The attribute is as it was read: equal to `value`, or absent if `value` is ``None``."""
    return Absent(attr) if value is None else Equals(attr, value)


def one_of(attr: str, values: Sequence[Scalar]) -> OneOf:
    """`OneOf` any collection, in a stable order."""
    return OneOf(attr, tuple(values))
