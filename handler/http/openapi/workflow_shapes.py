"""JSON Schemas of workflows, schedules, hooks and secrets: components of the OpenAPI document."""

from __future__ import annotations

from typing import Any, Final

from handler.http.openapi.schema_parts import STRING, STRING_OR_NULL, TIME, closed, list_of, page_of, ref, sent
from handler.payload.values import ID_PATTERN
from handler.validation.step_schemas import schema_of_schemas
from handler.workflows.hook import HookShape
from handler.workflows.schedule import ScheduleShape
from handler.workflows.secret_body import LONGEST, MOST_HOSTS, SHORTEST, OAuthShape, SecretShape
from handler.workflows.signatures import Scheme
from handler.workflows.start import StartShape
from handler.workflows.workflow import MAX_DESCRIPTION

_NAME: Final = {"type": "string", "pattern": ID_PATTERN}
_SUBSET: Final = "A subset of JSON Schema."
_WHOLE: Final = {"type": "integer", "minimum": 1}


def workflow_components(job: dict[str, Any]) -> dict[str, Any]:
    """Every schema by its name.

    Args:
        job: the schema of a job.
    """
    return {
        **sent("WorkflowStart", StartShape),
        **sent("ScheduleBody", ScheduleShape),
        **sent("HookBody", HookShape),
        **_secret_body(),
        "WorkflowBody": _workflow_body(job),
        "ValueSchema": {**schema_of_schemas(ref("FieldSchema")), "description": _SUBSET},
        "FieldSchema": {
            **schema_of_schemas({"type": "object", "description": "A schema in the same subset of JSON Schema."}),
            "description": _SUBSET,
        },
        "WorkflowVersion": closed({"version": _WHOLE, "created_at": TIME}),
        "Workflow": _workflow(),
        "WorkflowSummary": closed(_summary()),
        "WorkflowPage": page_of("workflows", "WorkflowSummary"),
        "WorkflowReference": closed({"name": _NAME, "version": _WHOLE}),
        "Schedule": _schedule(),
        "SchedulePage": page_of("schedules", "Schedule"),
        "Hook": _hook(),
        "HookPage": page_of("hooks", "Hook"),
        "Secret": _secret(),
        "SecretPage": page_of("secrets", "Secret"),
        "HookAnswer": {
            "type": "object",
            "description": "The job without its steps; or, for Slack's url_verification, the challenge.",
        },
    }


def _workflow_body(job: dict[str, Any]) -> dict[str, Any]:
    """A job without an id, and the fields that a workflow adds."""
    added = {
        "inputs": {"anyOf": [ref("ValueSchema"), {"type": "null"}], "description": "The inputs of its jobs."},
        "description": {"type": ["string", "null"], "maxLength": MAX_DESCRIPTION},
    }
    fields = {name: field for name, field in job["properties"].items() if name != "id"}
    return {**job, "title": "WorkflowBody", "properties": {**fields, **added}}


def _summary() -> dict[str, Any]:
    return {
        "name": _NAME,
        "version": _WHOLE,
        "versions": list_of(ref("WorkflowVersion")),
        "description": STRING_OR_NULL,
    }


def _workflow() -> dict[str, Any]:
    """Not closed: it also has every field of the stored job."""
    fields = {
        **_summary(),
        "inputs": {"type": ["object", "null"]},
        "job_name": STRING_OR_NULL,
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
        "timezone": STRING,
        "overlap": {"enum": ["allow", "skip"]},
        "enabled": {"type": "boolean"},
        "next": {"type": "array", "items": TIME, "maxItems": 5},
    }
    return closed(fields, {"cron": STRING, "every": STRING, "at": STRING})


def _hook() -> dict[str, Any]:
    schemes = {name: {"type": "object"} for name in Scheme.__args__}  # type: ignore[attr-defined]  # of a Literal
    return closed(
        {
            "name": _NAME,
            "workflow": _NAME,
            "verify": {"anyOf": [{"const": "none"}, {"type": "object", "properties": schemes}]},
            "id_from": STRING_OR_NULL,
            "respond": {"enum": ["accepted", "output"]},
            "url": STRING,
        }
    )


def _secret_body() -> dict[str, Any]:
    schemas = sent("SecretBody", SecretShape) | sent("OAuth2", OAuthShape)
    fields = schemas["SecretBody"]["properties"]
    fields["value"] |= {"minLength": 1, "maxLength": LONGEST, "description": f"{SHORTEST} to {LONGEST} bytes of UTF-8."}
    fields["hosts"] |= {"maxItems": MOST_HOSTS, "description": "Exact names of the hosts to which it may be sent."}
    fields["uses"] |= {"minItems": 1, "default": ["auth"]}
    fields["oauth2"] = ref("OAuth2")
    return schemas


def _secret() -> dict[str, Any]:
    strings = list_of(STRING)
    return closed(
        {"name": _NAME, "hosts": strings, "uses": strings, "created_at": TIME, "updated_at": TIME},
    )
