"""The meaning of a job, independent of how it is written.

Nulls and defaults are left out, and the names of blocks are in upper case.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from handler.payload.fields import KEYS, KINDS
from handler.payload.table import ABSENT, Branches, Field, Group, Steps

_USUAL: Final = 3
"""Fields that most steps have: ``id``, ``action`` and ``parameters``."""
_BY_KEY: Final = {kind.key: kind for kind in KINDS.values()}


def of_steps(steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the canonical form of steps, which is equal for all steps that do the same.

    Args:
        steps: checked steps, each with its fields in the order of the table.
    """
    return [_of_step(step) for step in steps]


def _of_step(step: dict[str, Any]) -> dict[str, Any]:
    action = step.get("action")
    if len(step) == _USUAL and action is not None and action.isupper() and step.get("id") and step.get("parameters"):
        return step
    found = [key for key in KEYS if key in step]
    return _of_fields(_BY_KEY[found[-1]].fields, step)


def _of_fields(table: Mapping[str, Field], given: Mapping[str, Any]) -> dict[str, Any]:
    meant: dict[str, Any] = {}
    for name, one in table.items():
        if name not in given or (given[name] is None and one.nullable):
            continue
        value = _of_field(one, given[name])
        if one.default is ABSENT or value != one.default:
            meant[name] = value
    return meant


def _of_field(one: Field, value: Any) -> Any:
    match one.holds:
        case Group() as group:
            return _of_fields(group.fields, value)
        case Branches() as branches:
            return [_of_fields(branches.branch.fields, branch) for branch in value]
        case Steps():
            return of_steps(value)
    return value.upper() if one.name == "action" and value.isascii() else value
