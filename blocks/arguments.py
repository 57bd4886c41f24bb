"""The arguments that users may give to a function: checked by pydantic, described as JSON Schema."""

from __future__ import annotations

import inspect
from functools import cached_property
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
from typing_extensions import TypedDict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

T = TypeVar("T")


class InPlace:
    """Marks a parameter that its block changes in place; see `Changes`."""


Changes = Annotated[T, InPlace()]
"""``Changes[list[Any]]``: the block changes this argument in place.

pydantic copies lists and dictionaries (one level) while it checks them, so what changes is the argument that the
function was given: after the call that object is the variable's new value.
"""


class _Absent:
    def __repr__(self) -> str:
        return "(absent)"


ABSENT: Final[Any] = _Absent()
"""The default of a parameter that distinguishes "not given" from null."""


class Arguments:
    """The parameters of one function. The user's are the keyword-only ones, and ``**kwargs`` when it has them.

    A parameter with another name for users, or several, declares them with pydantic's ``Field(validation_alias=...)``.

    Args:
        function: inspected, never called. Only type hints of the users' parameters are read, at the first check.
        title: names the parameters in messages and in the schema.
        signature: the function's. It is handed in because computing it is a third of the cost of announcing a block.

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
        """Their types by name, marks included; ``Any`` where none is written."""
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
        """Checks arguments and converts them to what the function expects (pydantic's lax mode), in a new dictionary.

        Called once a step. A ``TypedDict`` was the fastest of the shapes that pydantic offers for this: 0.29 us for
        ``TEXT.JOIN``, against 0.33 us for an arguments schema and 0.44 us for the function's own call schema.

        Raises:
            pydantic.ValidationError: they do not fit the signature: wrong type, missing, unknown, out of bounds.
        """
        validate = self._adapter.validator.validate_python
        if self._any is None or not self._hidden:
            return validate
        return self._refuse_hidden(validate)

    def schema(self) -> dict[str, Any]:
        """JSON Schema (2020-12) of an object that holds them, with the defaults that are JSON."""
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
                required.remove(first)  # any one of its names suffices, which a plain schema cannot say
        return schema

    @cached_property
    def _adapter(self) -> TypeAdapter[dict[str, Any]]:
        fields: dict[str, Any] = {
            name: Required[hint] if self._keywords[name].default is inspect.Parameter.empty else NotRequired[hint]
            for name, hint in self.annotations.items()
        }
        # ``extra_items`` gives the type of what ``**kwargs`` takes; a closed shape refuses what it does not know.
        rest: dict[str, Any] = {"extra_items": self._hints.get(self._any, Any)} if self._any else {}
        make: Any = TypedDict  # a type checker expects it to be called with literals
        shape = make(self._title, fields, **rest)
        shape.__pydantic_config__ = ConfigDict(extra="allow" if self._any else "forbid", arbitrary_types_allowed=True)
        return TypeAdapter(shape)

    @cached_property
    def _hints(self) -> Mapping[str, Any]:
        """Type hints of the users' parameters. Others are not read: they may name what only a type checker imports."""
        plain = inspect.unwrap(self._function)
        stand_in = FunctionType((lambda: None).__code__, getattr(plain, "__globals__", {}))
        written = inspect.get_annotations(plain)
        stand_in.__annotations__ = {name: hint for name, hint in written.items() if name in self._names()}
        return get_type_hints(stand_in, include_extras=True)

    def _names(self) -> frozenset[str]:
        return frozenset(self._keywords) | ({self._any} if self._any else set())

    def _user_names(self, name: str) -> list[str]:
        """The names by which users give this parameter, the preferred one first."""
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
        """Refuse names of positional parameters, which users must not reach: ``**kwargs`` would accept them."""

        def validate_rest(arguments: Mapping[str, Any]) -> dict[str, Any]:
            for name in self._hidden & arguments.keys():
                problem: Any = {"type": "extra_forbidden", "loc": (name,), "input": arguments[name]}
                raise ValidationError.from_exception_data(self._title, [problem])
            return validate(arguments)

        return validate_rest


def _marks(annotation: Any) -> tuple[Any, ...]:
    return annotation.__metadata__ if get_origin(annotation) is Annotated else ()
