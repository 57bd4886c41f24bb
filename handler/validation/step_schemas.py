"""JSON Schema of the shape of a job, derived from the table of fields.

The allowed steps depend on the place: inner steps need an id, loops and choices nest at most four deep, and only inside
a loop may a step end it early. So there is one schema of a step for each kind of place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from pydantic.json_schema import GenerateJsonSchema

from handler.payload.fields import JOB, KINDS
from handler.payload.groups import WAIT_FOR
from handler.payload.shape import MAX_DEPTH
from handler.payload.table import ABSENT, Branches, Field, Group, Kind, Steps
from handler.payload.value_schema import TYPES
from handler.payload.values import ANY, BOOLEAN, OBJECT, STRING, TAG_PATTERN, Value

Schema = dict[str, Any]

_STRING: Final[Schema] = {"type": "string"}
NO_TAG: Final[Schema] = {"type": "string", "not": {"pattern": TAG_PATTERN}}
DEEPER: Final = ("for_each", "while", "choose")
"""Kinds that add to the depth."""
OF_ONE_BLOCK: Final = ("parameters", "retry", "poll")
"""Fields that a `for_each` may have only with `action` instead of `do`."""


@dataclass(frozen=True, slots=True)
class Place:
    """A kind of place for steps.

    Attributes:
        depth: the number of loops and choices around it.
        in_loop: whether a loop is around it.
        inner: whether its steps need ids.
    """

    depth: int = 0
    in_loop: bool = False
    inner: bool = False

    @property
    def name(self) -> str:
        """The name of the schema of its steps."""
        if not self.inner:
            return "Step"
        return f"Step{self.depth}{'InLoop' if self.in_loop else ''}"

    @property
    def of_loop(self) -> Place:
        """The place of a loop's steps."""
        return Place(self.depth + 1, in_loop=True, inner=True)

    @property
    def of_choice(self) -> Place:
        """The place of a branch's steps."""
        return Place(self.depth + 1, self.in_loop, inner=True)

    @property
    def of_try(self) -> Place:
        """The place of a `try`'s steps."""
        return Place(self.depth, self.in_loop, inner=True)


class ShapeSchemas:
    """The schemas of a job and of its parts.

    Args:
        use_of_blocks: the name of a further schema for steps that run a block, or ``None``.
    """

    def __init__(self, use_of_blocks: str | None = None) -> None:
        self._use_of_blocks = use_of_blocks
        self.defs: dict[str, Schema] = {}

    def job(self) -> Schema:
        """The schema of a job. `defs` then contains the schemas that it refers to."""
        for kind in KINDS.values():
            self.defs[name_of(kind)] = self._kind(kind)
        self.defs["Form"] = schema_of_schemas(self._reference("Form"), NO_TAG)
        wait_for = self.defs[name_of(KINDS["wait_for"])]["properties"]["wait_for"]
        wait_for["properties"]["form"] = {
            "anyOf": [self._reference("Form"), {"type": "null"}],
            "description": WAIT_FOR.fields["form"].about,
        }
        schema = object_of(JOB.fields)
        schema["properties"]["steps"]["items"] = self._steps_of(Place())
        schema["not"] = {"required": ["parameters", "local_values"]}
        return {"title": "Conduit job", "description": "The steps of a job, and their values.", **schema}

    def _reference(self, name: str) -> Schema:
        return {"$ref": f"#/$defs/{name}"}

    def _steps_of(self, place: Place) -> Schema:
        """A reference to the schema of a place's steps; the schema is made on first use."""
        if place.name not in self.defs:
            self.defs[place.name] = {}  # registered before it is built, because steps contain steps
            self.defs[place.name] = self._step(place)
        return self._reference(place.name)

    def _step(self, place: Place) -> Schema:
        deepest = place.depth >= MAX_DEPTH
        kinds = [kind for kind in KINDS.values() if not (deepest and kind.name in DEEPER)]
        shown = {kind.key: {"description": kind.about} for kind in kinds}
        return {
            "type": "object",
            "title": "Step",
            "description": f"A step has exactly one of {', '.join(kind.key for kind in kinds)}.",
            "required": ["id"] if place.inner else [],
            "properties": {
                "id": {"type": "string"} if place.inner else {},
                **shown,
                **self._inner_steps(place, deepest=deepest),
                **({} if place.in_loop else {"end": {**shown["end"], "enum": ["job"]}}),
            },
            "oneOf": [_is_of(kind) for kind in kinds],
            "allOf": [{"if": _is_of(kind), "then": self._reference(name_of(kind))} for kind in kinds],
        }

    def _inner_steps(self, place: Place, *, deepest: bool) -> Schema:
        """The schemas, in this place, of the fields that hold steps."""
        tried = {"items": self._steps_of(place.of_try)}
        found: Schema = {"try": {"description": KINDS["try"].about, **tried}, "catch": tried}
        if not deepest:
            branch = {"items": self._steps_of(place.of_choice)}
            found["do"] = {"items": self._steps_of(place.of_loop)}
            found["else"] = branch
            found["choose"] = {"description": KINDS["choose"].about, "items": {"properties": {"do": branch}}}
        return found

    def _kind(self, kind: Kind) -> Schema:
        schema = {"description": kind.about, **object_of(kind.fields)}
        if kind.name == "for_each":
            schema["oneOf"] = [
                {"required": ["do"], "not": {"anyOf": [{"required": ["action"]}, *map(_given, OF_ONE_BLOCK)]}},
                {"required": ["action"], "not": {"required": ["do"]}},
            ]
        if "action" in kind.fields and self._use_of_blocks is not None:
            schema["allOf"] = [self._reference(self._use_of_blocks)]
        return schema


def schema_of_schemas(inner: Schema, string: Schema = _STRING) -> Schema:
    """The schema of the schemas in a job, such as that of a form: a subset of JSON Schema.

    Args:
        inner: the schema of the schemas inside a schema. Programs that generate requests from a document cannot
            recurse; for them it is a second schema without further detail.
        string: the schema of names and descriptions.
    """
    names = {"enum": list(TYPES)}
    length = {"type": "integer", "minimum": 0}
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "type": {"anyOf": [names, {"type": "array", "minItems": 1, "items": names}]},
            "properties": {"type": "object", "additionalProperties": inner},
            "required": {"type": "array", "items": string},
            "items": inner,
            "enum": {"type": "array", "minItems": 1},
            "default": {},
            "minimum": {"type": "number"},
            "maximum": {"type": "number"},
            "minLength": length,
            "maxLength": length,
            "description": string,
        },
    }


def name_of(kind: Kind) -> str:
    """The name of the schema of a kind of step."""
    return f"{kind.name.title().replace('_', '')}Step"


def _is_of(kind: Kind) -> Schema:
    """The schema that matches only steps of this kind."""
    if kind.name == "block":
        return {"required": ["action"], "not": {"required": ["for_each"]}}
    return {"required": [kind.key]}


def _given(name: str) -> Schema:
    return {"required": [name], "properties": {name: {"not": {"type": "null"}}}}


def object_of(table: Mapping[str, Field]) -> Schema:
    """The schema of a closed object with these fields; steps in it are not checked."""
    return {
        "type": "object",
        "properties": {name: _field(one) for name, one in table.items()},
        "required": [name for name, one in table.items() if one.required],
        "additionalProperties": False,
    }


def _field(one: Field) -> Schema:
    schema = _holds(one)
    if one.nullable and schema:
        schema = {"anyOf": [schema, {"type": "null"}]}
    described = {**schema, "description": _describe(one)}
    return described if one.default is ABSENT else {**described, "default": one.default}


def _holds(one: Field) -> Schema:
    match one.holds:
        case Value() as value:
            return _value(value)
        case Group() as group:
            return _group(group)
        case Branches() as branches:
            return {"type": "array", "minItems": 1, "items": _group(branches.branch)}
        case Steps() as steps:
            most = {} if steps.most is None else {"maxItems": steps.most}
            return {"type": "array", "minItems": steps.least, **most}


def _group(group: Group) -> Schema:
    schema = object_of(group.fields)
    if group.one_of:
        schema["oneOf"] = [{"required": [name]} for name in group.one_of]
    return schema


@lru_cache(maxsize=128)
def _value(value: Value) -> Schema:
    schema: Schema = GenerateJsonSchema().generate(value.core)
    if value.refused is not None:
        schema["not"] = {"enum": sorted(value.refused())}
    return schema


def _describe(one: Field) -> str:
    if isinstance(one.holds, Value) and one.holds not in (ANY, OBJECT, BOOLEAN, STRING):
        return f"{one.about} It is {one.holds.expects}."
    return one.about
