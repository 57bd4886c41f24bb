"""JSON Schema (2020-12) of a job, for editors: completion, hover and error marks, also for blocks and their parameters.

It accepts every job that would run. Where JSON Schema cannot express a rule, it accepts more: any string with a tag
where tags are allowed, and any parameters in a step whose condition may be false or whose failure is allowed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final

from pydantic import BeforeValidator, PlainValidator, WrapValidator

from blocks.block import Block
from handler.payload.values import TAG_PATTERN
from handler.validation.step_schemas import ShapeSchemas

USE: Final = "UseOfBlocks"
"""The name of the schema that checks the use of blocks."""
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_TAGGED: Final = {"type": "string", "pattern": TAG_PATTERN}
_ANY: Final[dict[str, Any]] = {}
_NUMBER_TEXT: Final = {"type": "string", "pattern": "[0-9]|[iI][nN][fF]|[nN][aA][nN]"}
_TRUTH_TEXT: Final = {"type": "string", "maxLength": 5}
"""``"yes"``, ``"off"``, ``"False"``, …: all have at most five characters."""
_BOUNDS: Final = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
_DOCUMENTATION: Final = ("title", "description", "default", "deprecated", "examples")
_CONVERTERS: Final = (BeforeValidator, PlainValidator, WrapValidator)
_OTHER_CASES: Final = {"I": "\u0131", "S": "\u017f"}
"""Letters whose upper case is an ASCII letter: the dotless i and the long s."""


def job_schema(blocks: Iterable[Block[..., Any]]) -> dict[str, Any]:
    """The schema of a job that may use these blocks."""
    known = list(blocks)
    shapes = ShapeSchemas(use_of_blocks=USE if known else None)
    schema = {"$schema": DIALECT, **shapes.job()}
    if known:
        shapes.defs[USE] = _use_of_blocks(known)
    return {**schema, "$defs": shapes.defs}


def _use_of_blocks(known: list[Block[..., Any]]) -> dict[str, Any]:
    """The schema of a step that runs one of these blocks."""
    certain = {"if": {"not": _flag("allow_failure", const=True)}}
    sure = {"if": {"not": {"anyOf": [_flag("allow_failure", const=True), _conditional()]}}}
    return {
        "allOf": [
            {**certain, "then": {"properties": {"action": _action_schema(known)}}},
            {**sure, "then": {"allOf": [_use_of(block) for block in known]}},
        ]
    }


def _flag(name: str, *, const: bool) -> dict[str, Any]:
    return {"properties": {name: {"const": const}}, "required": [name]}


def _conditional() -> dict[str, Any]:
    return {"properties": {"if": {"not": {"enum": [True, None]}}}, "required": ["if"]}


def _action_schema(blocks: list[Block[..., Any]]) -> dict[str, Any]:
    names = [block.action for block in blocks]
    return {"anyOf": [{"enum": names}, {"pattern": f"^(?:{'|'.join(_any_case(name) for name in names)})$"}]}


def _any_case(name: str) -> str:
    """A pattern for the name in upper or lower case, since JSON Schema's patterns have no flags."""
    return "".join(_letter(letter) for letter in name)


def _letter(letter: str) -> str:
    if letter.isalpha():
        return f"[{letter}{letter.lower()}{_OTHER_CASES.get(letter, '')}]"
    return letter if letter.isalnum() or letter == "_" else f"\\{letter}"


def _use_of(block: Block[..., Any]) -> dict[str, Any]:
    """The schema of the parameters of steps that run this block."""
    schema = block.schema()
    written = schema.get("properties", {})
    parameters: dict[str, Any] = {
        "description": block.description,
        "properties": {name: _property_of(block, name, property_, schema) for name, property_ in written.items()},
        "patternProperties": {TAG_PATTERN: {}},
        "additionalProperties": _tolerant(schema.get("additionalProperties", True), schema),
    }
    needed = schema.get("required", [])
    then: dict[str, Any] = {"properties": {"action": {"description": block.description}, "parameters": parameters}}
    if needed:
        a_name_is_a_tag = {
            "not": {"propertyNames": {"not": {"pattern": TAG_PATTERN}}}
        }  # a tag in a name may become any of these names
        parameters["anyOf"] = [{"required": needed}, a_name_is_a_tag]
        then["required"] = ["parameters"]
    return {
        "if": {"properties": {"action": {"pattern": f"^{_any_case(block.action)}$"}}, "required": ["action"]},
        "then": then,
    }


def _describe(block: Block[..., Any], name: str, property_: dict[str, Any], schema: dict[str, Any]) -> str:
    """The description of a parameter that its block does not describe."""
    kinds = [str(one["type"]) for one in property_.get("anyOf", [property_]) if "type" in one]
    needed = "required" if name in schema.get("required", ()) else "optional"
    default = f", {json.dumps(property_['default'], ensure_ascii=False)} by default" if "default" in property_ else ""
    return f"{' or '.join(kinds) or 'any value'}, {needed}{default} ({block.action})"


def _property_of(
    block: Block[..., Any], name: str, property_: dict[str, Any], schema: dict[str, Any]
) -> dict[str, Any]:
    documented: dict[str, Any] = {"description": _describe(block, name, property_, schema)}
    documented |= {key: property_[key] for key in _DOCUMENTATION if key in property_}
    marks = getattr(block.arguments.annotations.get(name), "__metadata__", ())
    if any(isinstance(mark, _CONVERTERS) for mark in marks):  # the parameter accepts more than the schema
        return documented
    tolerant = _tolerant(property_, schema)
    return {**documented, "anyOf": [tolerant, _TAGGED]} if tolerant else documented


def _tolerant(schema: Any, root: dict[str, Any], seen: tuple[str, ...] = ()) -> Any:
    """A schema that accepts what pydantic's lax mode accepts for `schema`, and strings with tags anywhere.

    Keywords that might refuse a valid value are left out: a missing error mark is better than a wrong one.
    """
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return _ANY if name in seen else _tolerant(root["$defs"][name], root, (*seen, name))
    for union in ("anyOf", "oneOf"):
        if union in schema:
            members = [_tolerant(member, root, seen) for member in schema[union]]
            return {"anyOf": members} if all(members) else _ANY
    if "enum" in schema or "const" in schema:
        return {key: schema[key] for key in ("enum", "const") if key in schema}
    make = {
        "integer": _tolerant_number,
        "number": _tolerant_number,
        "boolean": _tolerant_boolean,
        "string": _tolerant_text,
        "array": _tolerant_array,
        "object": _tolerant_object,
        "null": lambda *_: {"type": "null"},
    }.get(schema.get("type", ""))
    return make(schema, root, seen) if make else _ANY


def _tolerant_number(schema: dict[str, Any], _root: dict[str, Any], _seen: tuple[str, ...]) -> dict[str, Any]:
    bounds = {key: schema[key] for key in _BOUNDS if key in schema}
    return {"anyOf": [{"type": schema["type"], **bounds}, {"type": "boolean"}, _NUMBER_TEXT]}


def _tolerant_boolean(_schema: dict[str, Any], _root: dict[str, Any], _seen: tuple[str, ...]) -> dict[str, Any]:
    return {"anyOf": [{"type": "boolean"}, {"enum": [0, 1]}, _TRUTH_TEXT]}


def _tolerant_text(schema: dict[str, Any], _root: dict[str, Any], _seen: tuple[str, ...]) -> dict[str, Any]:
    return _ANY if "format" in schema else {"type": "string"}  # pydantic also accepts numbers as dates and times


def _tolerant_array(schema: dict[str, Any], root: dict[str, Any], seen: tuple[str, ...]) -> dict[str, Any]:
    made: dict[str, Any] = {"type": "array"}
    made |= {key: schema[key] for key in ("minItems", "maxItems") if key in schema}
    if "items" in schema:
        made["items"] = _or_tagged(_tolerant(schema["items"], root, seen))
    if "prefixItems" in schema:
        made["prefixItems"] = [_or_tagged(_tolerant(item, root, seen)) for item in schema["prefixItems"]]
    return made


def _tolerant_object(schema: dict[str, Any], root: dict[str, Any], seen: tuple[str, ...]) -> dict[str, Any]:
    rest = schema.get("additionalProperties")
    if "properties" in schema or not isinstance(rest, dict):
        return {"type": "object"}
    return {"type": "object", "additionalProperties": _or_tagged(_tolerant(rest, root, seen))}


def _or_tagged(schema: Any) -> Any:
    return {"anyOf": [schema, _TAGGED]} if schema else schema
