"""Parts from which the schemas of the OpenAPI document are built."""

from __future__ import annotations

from typing import Any, Final

from pydantic import TypeAdapter

_REFERENCES: Final = "#/components/schemas/"
STRING: Final = {"type": "string"}
STRING_OR_NULL: Final = {"type": ["string", "null"]}
TIME: Final = {"type": "string", "format": "date-time"}
TIME_OR_NULL: Final = {"type": ["string", "null"], "format": "date-time"}


def ref(name: str) -> dict[str, Any]:
    """A reference to a component."""
    return {"$ref": f"{_REFERENCES}{name}"}


def or_null(name: str) -> dict[str, Any]:
    """A component, or null."""
    return {"anyOf": [ref(name), {"type": "null"}]}


def closed(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    """An object with these fields and no others."""
    return {
        "type": "object",
        "properties": {**required, **(optional or {})},
        "required": list(required),
        "additionalProperties": False,
    }


def list_of(schema: dict[str, Any]) -> dict[str, Any]:
    """A list."""
    return {"type": "array", "items": schema}


def page_of(key: str, shape: str) -> dict[str, Any]:
    """One page of a list of components: the entries under `key`, and the cursor of the next page."""
    return closed({key: list_of(ref(shape)), "cursor": STRING_OR_NULL})


def sent(name: str, shape: Any) -> dict[str, Any]:
    """The schema of a request's part, by its name, and the schemas that it refers to."""
    schema = TypeAdapter(shape).json_schema(ref_template=f"{_REFERENCES}{{model}}")
    inner: dict[str, Any] = schema.pop("$defs", {})
    return {**inner, name: {**schema, "title": name}}
