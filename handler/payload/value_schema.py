"""A subset of JSON Schema for users' input: the inputs of a workflow, the form of an answer.

The keywords are ``type properties required items enum default minimum maximum minLength maxLength description``, with
their meaning in JSON Schema 2020-12. `handler.payload.value_schema_check` refuses any other.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, Final

from blocks.comparison import identity
from handler.payload.problem import Problem, bounded, point, quote

Path = tuple[str | int, ...]

_ABSENT: Final = object()


def is_number(value: Any) -> bool:
    """Return whether a JSON value is a number; ``true`` is not."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_integer(value: Any) -> bool:
    return is_number(value) and (isinstance(value, int) or (math.isfinite(value) and value.is_integer()))


TYPES: Final[Mapping[str, Callable[[Any], bool]]] = {
    "string": lambda value: isinstance(value, str),
    "number": is_number,
    "integer": _is_integer,
    "boolean": lambda value: isinstance(value, bool),
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "null": lambda value: value is None,
}
"""The types by name. A number without a fraction is an integer in every notation."""


class DefaultsTooLargeError(Exception):
    """The defaults would take more bytes than allowed."""


@dataclass(slots=True)
class Room:
    """The number of bytes left for defaults."""

    left: int

    def take(self, size: int) -> None:
        """Use bytes.

        Raises:
            DefaultsTooLargeError: fewer bytes are left.
        """
        self.left -= size
        if self.left < 0:
            raise DefaultsTooLargeError("With its defaults filled in, the value is too large.")


@dataclass(frozen=True, slots=True)
class ValueSchema:
    """A compiled schema.

    Attributes:
        types: names of the types that a value may have; empty for any.
        properties: schemas of an object's fields.
        required: fields that an object must have.
        items: schema of each element of a list, or ``None``.
        choices: keys of the values of ``enum`` (see `identity`), or ``None`` without ``enum``.
        shown_choices: those values for a message.
        minimum, maximum: the bounds of a number.
        min_length, max_length: the bounds of a string's length, in characters.
        default: the value of an absent field; see `has_default`.
        default_size: the bytes of the default as JSON.
    """

    types: tuple[str, ...] = ()
    properties: Mapping[str, ValueSchema] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    items: ValueSchema | None = None
    choices: frozenset[Any] | None = None
    shown_choices: str = ""
    minimum: float | None = None
    maximum: float | None = None
    min_length: int | None = None
    max_length: int | None = None
    default: Any = _ABSENT
    default_size: int = 0

    @property
    def has_default(self) -> bool:
        return self.default is not _ABSENT

    def filled(self, value: Any, room: int) -> Any:
        """Return a copy of `value` in which absent fields of objects have the defaults of the schema.

        Args:
            value: JSON.
            room: bytes that the defaults may add, as JSON.

        Raises:
            DefaultsTooLargeError: the defaults take more bytes. A default inside a list is added once for each element.
        """
        return self.fill_in(value, Room(room))

    def fill_in(self, value: Any, room: Room) -> Any:
        """Like `filled`, with a `Room` that other parts of the value share."""
        if isinstance(value, dict):
            whole = {}
            for name, part in value.items():
                schema = self.properties.get(name)
                whole[name] = part if schema is None else schema.fill_in(part, room)
            for name, schema in self.properties.items():
                if name not in whole and schema.has_default:
                    room.take(len(name) + schema.default_size)
                    whole[name] = deepcopy(schema.default)
            return whole
        if isinstance(value, list) and self.items is not None:
            return [self.items.fill_in(part, room) for part in value]
        return value

    def find_problems(self, value: Any, path: Path = ()) -> list[Problem]:
        """Return the problems of `value`, as many as fit into an answer.

        Args:
            value: JSON.
            path: its place in the request.
        """
        return bounded(self.each_problem(value, path))

    def each_problem(self, value: Any, path: Path) -> Iterator[Problem]:
        """Like `find_problems`, but yield them one by one and without a limit."""
        if self.types and not any(TYPES[name](value) for name in self.types):
            yield value_problem(path, f"This is {_type_of(value)}; expected {' or '.join(self.types)}.")
            return
        if self.choices is not None and identity(value) not in self.choices:
            yield value_problem(path, f"The value is not one of {self.shown_choices}.")
        if isinstance(value, dict):
            yield from self._problems_of_fields(value, path)
        elif isinstance(value, list) and self.items is not None:
            for index, part in enumerate(value):
                yield from self.items.each_problem(part, (*path, index))
        elif isinstance(value, str):
            yield from self._problems_of_string(value, path)
        elif is_number(value):
            yield from self._problems_of_number(value, path)

    def _problems_of_fields(self, value: dict[str, Any], path: Path) -> Iterator[Problem]:
        for name in self.required:
            if name not in value:
                yield Problem(point((*path, name)), "MISSING_FIELD", f"The field {quote(name)} is required.")
        for name, part in value.items():
            schema = self.properties.get(name)
            if schema is not None:
                yield from schema.each_problem(part, (*path, name))

    def _problems_of_string(self, value: str, path: Path) -> Iterator[Problem]:
        if self.min_length is not None and len(value) < self.min_length:
            yield value_problem(path, f"The string has {len(value)} characters; it needs at least {self.min_length}.")
        if self.max_length is not None and len(value) > self.max_length:
            yield value_problem(path, f"The string has {len(value)} characters; it may have at most {self.max_length}.")

    def _problems_of_number(self, value: float, path: Path) -> Iterator[Problem]:
        if self.minimum is not None and value < self.minimum:
            yield value_problem(path, f"The number is below the minimum of {self.minimum}.")
        if self.maximum is not None and value > self.maximum:
            yield value_problem(path, f"The number is above the maximum of {self.maximum}.")


def compile_schema(schema: Mapping[str, Any]) -> ValueSchema:
    """Compile a schema in which `find_schema_problems` finds no problems."""
    types = schema.get("type", ())
    items = schema.get("items")
    choices = schema.get("enum")
    return ValueSchema(
        types=(types,) if isinstance(types, str) else tuple(types),
        properties={name: compile_schema(part) for name, part in schema.get("properties", {}).items()},
        required=tuple(schema.get("required", ())),
        items=None if items is None else compile_schema(items),
        choices=None if choices is None else frozenset(map(identity, choices)),
        shown_choices="" if choices is None else _shown(choices),
        minimum=schema.get("minimum"),
        maximum=schema.get("maximum"),
        min_length=schema.get("minLength"),
        max_length=schema.get("maxLength"),
        default=schema.get("default", _ABSENT),
        default_size=len(json.dumps(schema.get("default"))),
    )


def value_problem(path: Path, message: str) -> Problem:
    """Return the problem of a value that does not fit."""
    return Problem(point(path), "INVALID_FIELD", message)


def _type_of(value: Any) -> str:
    return next(name for name, holds in TYPES.items() if name != "integer" and holds(value))


def _shown(choices: Sequence[Any]) -> str:
    shown = ", ".join(json.dumps(choice, ensure_ascii=False) for choice in choices[:10])
    return quote(shown, 200)[1:-1] + (", …" if len(choices) > 10 else "")  # noqa: PLR2004  # ten fit into a message
