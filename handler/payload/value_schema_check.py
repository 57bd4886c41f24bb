"""Finds the problems of a schema of `handler.payload.value_schema`.

A keyword outside the subset is a problem: a check on which the author relies must not be skipped silently.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from handler.payload.problem import Problem, bounded, point, quote
from handler.payload.value_schema import TYPES, Path, compile_schema, is_number, value_problem

KEYWORDS: Final = (
    "type",
    "properties",
    "required",
    "items",
    "enum",
    "default",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "description",
)


def find_schema_problems(schema: Any, path: Path = ()) -> list[Problem]:
    """Return the problems of a schema: keywords outside the subset, and values that a keyword cannot have.

    Args:
        schema: JSON.
        path: its place in the request.
    """
    return bounded(_problems_of(schema, path))


def _problems_of(schema: Any, path: Path) -> Iterator[Problem]:
    if not isinstance(schema, dict):
        yield Problem(point(path), "INVALID_FIELD", "A schema must be a JSON object.")
        return
    sound = True
    for keyword, value in schema.items():
        check = _CHECKS.get(keyword)
        if check is None:
            message = f"The keyword {quote(keyword)} is not supported; use {', '.join(KEYWORDS)}."
            found: list[Problem] = [Problem(point((*path, keyword)), "UNKNOWN_FIELD", message)]
        else:
            found = list(check(value, (*path, keyword)))
        sound = sound and not found
        yield from found
    if sound and "default" in schema:
        yield from compile_schema(schema).each_problem(schema["default"], (*path, "default"))


def _check_type(value: Any, path: Path) -> Iterator[Problem]:
    names = value if isinstance(value, list) and value else [value]
    for name in names:
        if not isinstance(name, str) or name not in TYPES:
            yield value_problem(path, f"A type must be one of {', '.join(TYPES)}, or a list of them.")
            return


def _check_properties(value: Any, path: Path) -> Iterator[Problem]:
    if not isinstance(value, dict):
        yield value_problem(path, "properties must be an object of schemas.")
        return
    for name, schema in value.items():
        yield from _problems_of(schema, (*path, name))


def _check_required(value: Any, path: Path) -> Iterator[Problem]:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        yield value_problem(path, "required must be a list of field names.")


def _check_enum(value: Any, path: Path) -> Iterator[Problem]:
    if not isinstance(value, list) or not value:
        yield value_problem(path, "enum must be a list of at least one value.")


def _check_default(_value: Any, _path: Path) -> Iterator[Problem]:
    """Accept any JSON; it is checked once the rest of the schema is valid."""
    return iter(())


def _check_number(value: Any, path: Path) -> Iterator[Problem]:
    if not is_number(value):
        yield value_problem(path, f"{path[-1]} must be a number.")


def _check_length(value: Any, path: Path) -> Iterator[Problem]:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        yield value_problem(path, f"{path[-1]} must be a whole number of at least 0.")


def _check_description(value: Any, path: Path) -> Iterator[Problem]:
    if not isinstance(value, str):
        yield value_problem(path, "description must be a string.")


_CHECKS: Final[Mapping[str, Callable[[Any, Path], Iterator[Problem]]]] = {
    "type": _check_type,
    "properties": _check_properties,
    "required": _check_required,
    "items": _problems_of,
    "enum": _check_enum,
    "default": _check_default,
    "minimum": _check_number,
    "maximum": _check_number,
    "minLength": _check_length,
    "maxLength": _check_length,
    "description": _check_description,
}
