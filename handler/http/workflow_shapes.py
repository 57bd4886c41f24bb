"""JSON Schemas of workflows, schedules, hooks and secrets: components of the OpenAPI document."""

from __future__ import annotations

from typing import Any, Final

from pydantic import TypeAdapter

from handler.payload.value_schema import TYPES
from handler.payload.values import ID_PATTERN
from handler.workflows.hook import HookShape
from handler.workflows.schedule import ScheduleShape
from handler.workflows.secret_body import LONGEST, MOST_HOSTS, SHORTEST, OAuthShape, SecretShape
from handler.workflows.signatures import Scheme
from handler.workflows.start import StartShape
from handler.workflows.workflow import MAX_DESCRIPTION

_REFERENCES: Final = "#/components/schemas/{model}"
_STRING: Final = {"type": "string"}
_STRING_OR_NULL: Final = {"type": ["string", "null"]}
_NAME: Final = {"type": "string", "pattern": ID_PATTERN}
_TIME: Final = {"type": "string", "format": "date-time"}
_WHOLE: Final = {"type": "integer", "minimum": 1}


def workflow_components(job: dict[str, Any]) -> dict[str, Any]:
    """Every schema by its name.

    Args:
        job: the schema of a job as it is sent.
    """
    return {
        **_sent("WorkflowStart", StartShape),
        **_sent("ScheduleBody", ScheduleShape),
        **_sent("HookBody", HookShape),
        **_secret_body(),
        "WorkflowBody": _workflow_body(job),
        "ValueSchema": _value_schema(_ref("FieldSchema")),
        "FieldSchema": _value_schema({"type": "object", "description": "A schema of the same subset."}),
        "WorkflowVersion": _object({"version": _WHOLE, "created_at": _TIME}),
        "Workflow": _workflow(),
        "WorkflowSummary": _object(_summary()),
        "WorkflowPage": _page("workflows", "WorkflowSummary"),
        "WorkflowReference": _object({"name": _NAME, "version": _WHOLE}),
        "Schedule": _schedule(),
        "SchedulePage": _page("schedules", "Schedule"),
        "Hook": _hook(),
        "HookPage": _page("hooks", "Hook"),
        "Secret": _secret(),
        "SecretPage": _page("secrets", "Secret"),
        "HookAnswer": {
            "type": "object",
            "description": "The job without its steps; or, for Slack's url_verification, the challenge.",
        },
    }


def _sent(name: str, shape: Any) -> dict[str, Any]:
    schema = TypeAdapter(shape).json_schema(ref_template=_REFERENCES)
    inner: dict[str, Any] = schema.pop("$defs", {})
    return {**inner, name: {**schema, "title": name}}


def _workflow_body(job: dict[str, Any]) -> dict[str, Any]:
    """A job without an id, and what a workflow adds."""
    added = {
        "inputs": {"anyOf": [_ref("ValueSchema"), {"type": "null"}], "description": "What its jobs may be given."},
        "description": {"type": ["string", "null"], "maxLength": MAX_DESCRIPTION},
    }
    fields = {name: field for name, field in job["properties"].items() if name != "id"}
    return {**job, "title": "WorkflowBody", "properties": {**fields, **added}}


def _value_schema(inner: dict[str, Any]) -> dict[str, Any]:
    """A schema of the subset. Written out for two levels: programs that make requests of a document know no recursion.

    Args:
        inner: the schema of the schemas inside of it.
    """
    type_name = {"enum": list(TYPES)}
    length = {"type": "integer", "minimum": 0}
    return {
        "type": "object",
        "description": "A subset of JSON Schema.",
        "properties": {
            "type": {"anyOf": [type_name, {"type": "array", "items": type_name, "minItems": 1}]},
            "properties": {"type": "object", "additionalProperties": inner},
            "required": {"type": "array", "items": _STRING},
            "items": inner,
            "enum": {"type": "array", "minItems": 1},
            "default": {},
            "minimum": {"type": "number"},
            "maximum": {"type": "number"},
            "minLength": length,
            "maxLength": length,
            "description": _STRING,
        },
        "additionalProperties": False,
    }


def _summary() -> dict[str, Any]:
    return {
        "name": _NAME,
        "version": _WHOLE,
        "versions": {"type": "array", "items": _ref("WorkflowVersion")},
        "description": _STRING_OR_NULL,
    }


def _workflow() -> dict[str, Any]:
    """Open at its end: it shows every field of its job that was sent."""
    fields = {
        **_summary(),
        "inputs": {"type": ["object", "null"]},
        "job_name": _STRING_OR_NULL,
        "parameters": {"type": "object"},
        "variables": {"type": "object"},
        "steps": {"type": "array", "items": {"type": "object"}},
    }
    return {"type": "object", "properties": fields, "required": list(fields)}


def _schedule() -> dict[str, Any]:
    fields = {
        "id": _NAME,
        "workflow": _NAME,
        "parameters": {"type": "object"},
        "timezone": _STRING,
        "overlap": {"enum": ["allow", "skip"]},
        "enabled": {"type": "boolean"},
        "next": {"type": "array", "items": _TIME, "maxItems": 5},
    }
    return _object(fields, {"cron": _STRING, "every": _STRING, "at": _STRING})


def _hook() -> dict[str, Any]:
    schemes = {name: {"type": "object"} for name in Scheme.__args__}  # type: ignore[attr-defined]  # of a Literal
    return _object(
        {
            "name": _NAME,
            "workflow": _NAME,
            "verify": {"anyOf": [{"const": "none"}, {"type": "object", "properties": schemes}]},
            "id_from": _STRING_OR_NULL,
            "respond": {"enum": ["accepted", "output"]},
            "url": _STRING,
        }
    )


def _secret_body() -> dict[str, Any]:
    schemas = _sent("SecretBody", SecretShape) | _sent("OAuth2", OAuthShape)
    fields = schemas["SecretBody"]["properties"]
    fields["value"] |= {"minLength": 1, "maxLength": LONGEST, "description": f"{SHORTEST} to {LONGEST} bytes of UTF-8."}
    fields["hosts"] |= {"maxItems": MOST_HOSTS, "description": "Exact names of the hosts that it may be sent to."}
    fields["uses"] |= {"minItems": 1, "default": ["auth"]}
    fields["oauth2"] = _ref("OAuth2")
    return schemas


def _secret() -> dict[str, Any]:
    strings = {"type": "array", "items": _STRING}
    return _object(
        {"name": _NAME, "hosts": strings, "uses": strings, "created_at": _TIME, "updated_at": _TIME},
    )


def _page(name: str, shape: str) -> dict[str, Any]:
    return _object({name: {"type": "array", "items": _ref(shape)}, "cursor": _STRING_OR_NULL})


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def _object(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {**required, **(optional or {})},
        "required": list(required),
        "additionalProperties": False,
    }
