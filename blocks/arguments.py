"""The users' arguments of a function: checked by pydantic, described as JSON Schema."""

from __future__ import annotations

import inspect
from functools import cached_property
from itertools import islice
from types import FunctionType
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Final,
    NotRequired,
    Required,
    TypeVar,
    get_origin,
    get_type_hints,
)

from pydantic import AliasChoices, ConfigDict, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import SchemaValidator, core_schema
from typing_extensions import TypedDict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

T = TypeVar("T")

PART: Final = 20
"""Entries of a dictionary that are checked at once."""
MOST_NODES: Final = 200
"""The most values in arguments of which all errors are reported; of more, only the first error is."""
MOST_CHARACTERS: Final = 1_000
"""The same, for characters of keys."""
_SEQUENCES: Final = frozenset({"list", "tuple", "set", "frozenset"})
_NO_SCHEMAS: Final = frozenset({"metadata", "cls", "serialization", "ref", "config"})


class InPlace:
    """Marks a parameter that its block changes in place; see `Changes`."""


Changes = Annotated[T, InPlace()]
"""``Changes[list[Any]]``: the block changes this argument in place.

pydantic copies lists and dictionaries (one level) during its check, so the function changes its own argument: after the
call, that object is the variable's new value.
"""


class _Absent:
    def __repr__(self) -> str:
        return "(absent)"


ABSENT: Final[Any] = _Absent()
"""The default of a parameter that distinguishes "not given" from null."""


class Arguments:
    """The parameters of one function. The user's are the keyword-only ones, and ``**kwargs``.

    A parameter with another name for users, or several, declares them with pydantic's ``Field(validation_alias=...)``.

    Args:
        function: inspected, never called. Only type hints of the users' parameters are read, at the first check.
        title: names the parameters in messages and in the schema.
        signature: the function's; passed in, because computing it is a third of the cost of announcing a block.

    Attributes:
        positional: names of the other parameters, which users cannot reach, in order.
    """

    def __init__(self, function: Callable[..., Any], title: str, signature: inspect.Signature) -> None:
        self._function = function
        self._title = title
        parameters = signature.parameters.values()
        kinds = inspect.Parameter
        self._keywords = {p.name: p for p in parameters if p.kind is kinds.KEYWORD_ONLY}
        self._any = next((p.name for p in parameters if p.kind is kinds.VAR_KEYWORD), None)
        self.positional = tuple(
            p.name for p in parameters if p.kind in (kinds.POSITIONAL_ONLY, kinds.POSITIONAL_OR_KEYWORD)
        )
        self._hidden = frozenset(p.name for p in parameters if p.kind is kinds.POSITIONAL_OR_KEYWORD)

    @cached_property
    def annotations(self) -> Mapping[str, Any]:
        """Their types by name, with their marks; ``Any`` for a parameter without a type."""
        hints = self._hints
        return {name: hints.get(name, Any) for name in self._keywords}

    @cached_property
    def in_place(self) -> frozenset[str]:
        """Names of the parameters that the function changes in place."""
        return frozenset(
            name
            for name, annotation in self.annotations.items()
            if any(isinstance(mark, InPlace) for mark in _marks(annotation))
        )

    @cached_property
    def validate(self) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
        """Checks arguments and converts them to the function's types (pydantic's lax mode), in a new dictionary.

        Called once per step. A ``TypedDict`` was the fastest of pydantic's shapes: 0.29 us for
        ``TEXT.JOIN``, against 0.33 us for an arguments schema and 0.44 us for the function's own call schema.

        Raises:
            pydantic.ValidationError: they do not fit the signature: wrong type, missing, unknown, out of bounds.
        """
        validate = self._bounded(self._adapter)
        if self._any is None or not self._hidden:
            return validate
        return self._refuse_hidden(validate)

    def schema(self) -> dict[str, Any]:
        """JSON Schema (2020-12) of an object of arguments, with the defaults that are JSON."""
        schema = self._adapter.json_schema()
        properties: dict[str, Any] = schema.setdefault("properties", {})
        required: list[str] = schema.get("required", [])
        for name, parameter in self._keywords.items():
            first, *others = self._user_names(name)
            if isinstance(parameter.default, (str, int, float, type(None))):
                properties[first]["default"] = parameter.default
            for other in others:
                properties[other] = properties[first] | {"description": f"Same as `{first}`.", "deprecated": True}
            if others and first in required:
                required.remove(first)  # any of its names is enough, which a plain schema cannot express
        return schema

    @cached_property
    def _adapter(self) -> TypeAdapter[dict[str, Any]]:
        fields: dict[str, Any] = {
            name: Required[hint] if self._keywords[name].default is inspect.Parameter.empty else NotRequired[hint]
            for name, hint in self.annotations.items()
        }
        # ``extra_items`` is the type of ``**kwargs``; a closed shape refuses unknown names.
        rest: dict[str, Any] = {"extra_items": self._hints.get(self._any, Any)} if self._any else {}
        make: Any = TypedDict  # a type checker expects it to be called with literals
        shape = make(self._title, fields, **rest)
        shape.__pydantic_config__ = ConfigDict(extra="allow" if self._any else "forbid", arbitrary_types_allowed=True)
        return TypeAdapter(shape)

    @staticmethod
    def _bounded(adapter: TypeAdapter[dict[str, Any]]) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
        """Return the adapter's check. Of large arguments it reports the first error only: each copies its path."""
        complete = adapter.validator.validate_python
        schema = _fail_early(adapter.core_schema)
        if schema is adapter.core_schema:
            return complete
        bounded = SchemaValidator(schema).validate_python

        def validate(arguments: Mapping[str, Any]) -> dict[str, Any]:
            try:
                return bounded(arguments)  # type: ignore[no-any-return]
            except ValidationError:
                if not _is_small(arguments):
                    raise
            return complete(arguments)  # type: ignore[no-any-return]  # with all errors

        return validate

    @cached_property
    def _hints(self) -> Mapping[str, Any]:
        """Return the type hints of the users' parameters. Others may name types that only a type checker imports."""
        plain = inspect.unwrap(self._function)
        stand_in = FunctionType((lambda: None).__code__, getattr(plain, "__globals__", {}))
        written = inspect.get_annotations(plain)
        stand_in.__annotations__ = {name: hint for name, hint in written.items() if name in self._names()}
        return get_type_hints(stand_in, include_extras=True)

    def _names(self) -> frozenset[str]:
        return frozenset(self._keywords) | ({self._any} if self._any else set())

    def _user_names(self, name: str) -> list[str]:
        """Return the users' names of this parameter, the preferred one first."""
        for mark in _marks(self.annotations[name]):
            alias = mark.validation_alias if isinstance(mark, FieldInfo) else None
            if isinstance(alias, str):
                return [alias]
            if isinstance(alias, AliasChoices):
                return [str(choice) for choice in alias.choices]
        return [name]

    def _refuse_hidden(
        self, validate: Callable[[Mapping[str, Any]], dict[str, Any]]
    ) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
        """Refuse the names of positional parameters, which ``**kwargs`` would accept."""

        def validate_rest(arguments: Mapping[str, Any]) -> dict[str, Any]:
            for name in self._hidden & arguments.keys():
                problem: Any = {"type": "extra_forbidden", "loc": (name,), "input": arguments[name]}
                raise ValidationError.from_exception_data(self._title, [problem])
            return validate(arguments)

        return validate_rest


def _fail_early(schema: Any) -> Any:
    """Return the schema with lists and dictionaries that stop at their first invalid item.

    It is the same object if it has none, or only lists and dictionaries of anything.
    """
    if isinstance(schema, list):
        items = [_fail_early(item) for item in schema]
        return schema if all(new is old for new, old in zip(items, schema, strict=True)) else items
    if not isinstance(schema, dict):
        return schema
    made = {key: value if key in _NO_SCHEMAS else _fail_early(value) for key, value in schema.items()}
    kind = made.get("type")
    if kind in _SEQUENCES and _is_typed(made.get("items_schema")):
        return made | {"fail_fast": True}
    if kind == "dict" and _is_typed(made.get("values_schema")) and not made.keys() & {"min_length", "max_length"}:
        return core_schema.no_info_wrap_validator_function(_check_in_parts, made)
    return schema if all(made[key] is value for key, value in schema.items()) else made


def _is_typed(schema: Any) -> bool:
    """Return whether an item of a container can be invalid."""
    return isinstance(schema, list) or (isinstance(schema, dict) and schema.get("type") != "any")


def _check_in_parts(value: Any, check: Callable[[Any], Any]) -> Any:
    """Check a dictionary a few entries at a time: pydantic would check all of it before it reports an error."""
    if not isinstance(value, dict) or len(value) <= PART:
        return check(value)
    checked: dict[Any, Any] = {}
    pairs = iter(value.items())
    while part := dict(islice(pairs, PART)):
        checked |= check(part)
    return checked


def _is_small(value: Any) -> bool:
    """Return whether all errors of a value fit into a few megabytes."""
    nodes, characters, left = 0, 0, [value]
    while left:
        found = left.pop()
        nodes += 1
        if isinstance(found, dict):
            characters += sum(len(key) for key in found if isinstance(key, str))
            left.extend(found.values())
        elif isinstance(found, (list, tuple)):
            left.extend(found)
        if nodes + len(left) > MOST_NODES or characters > MOST_CHARACTERS:
            return False
    return True


def _marks(annotation: Any) -> tuple[Any, ...]:
    return annotation.__metadata__ if get_origin(annotation) is Annotated else ()
