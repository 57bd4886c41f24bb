"""JSON Schemas of what the API takes and answers: the components of its OpenAPI document."""

from __future__ import annotations

from typing import Any, Final

from pydantic import TypeAdapter

from handler.engine.status import ConduitStatus
from handler.http.bulk_body import BulkShape
from handler.http.redrive_body import RedriveShape
from handler.http.workflow_shapes import workflow_components
from handler.payload.answer import AnswerShape
from handler.payload.problem import CODES
from handler.validation.step_schemas import ShapeSchemas

JOB_STATUSES: Final = ("QUEUED", "RUNNING", "SUCCEEDED", "FAILED", "CANCELLED")
_TEXT: Final = {"type": "string"}
_TEXT_OR_NULL: Final = {"type": ["string", "null"]}
_TIME_OR_NULL: Final = {"type": ["string", "null"], "format": "date-time"}
_ANY: Final[dict[str, Any]] = {}


def components() -> dict[str, Any]:
    """Every schema by its name."""
    payload = ShapeSchemas("#/components/schemas/Payload")
    return {
        "JobPayload": {**payload.job(), "title": "JobPayload"},
        **{f"Payload{name}": schema for name, schema in payload.defs.items()},
        **_shape("Redrive", RedriveShape),
        **_shape("Bulk", BulkShape),
        "BulkOutcome": _object(
            {
                "done": {"type": "array", "items": _TEXT},
                "skipped": {"type": "array", "items": _object({"id": _TEXT, "why": _TEXT})},
                "cursor": _TEXT_OR_NULL,
            }
        ),
        "Run": _object(
            {
                "run": {"type": "integer", "minimum": 1},
                "status": {"enum": list(JOB_STATUSES)},
                "started_at": _TIME_OR_NULL,
                "finished_at": _TIME_OR_NULL,
                "failed_step": _or_null("FailedStep"),
            }
        ),
        "Runs": _object({"runs": {"type": "array", "items": _ref("Run"), "minItems": 1}}),
        "Item": _object(
            {
                "index": {"type": "integer", "minimum": 0},
                "status": _ref("StepStatus"),
                "steps": {"type": "array", "items": _ref("Step")},
            },
            {"steps_omitted": _flag("Too large for one answer; each step has its own address.")},
        ),
        "ItemPage": _object({"items": {"type": "array", "items": _ref("Item")}, "cursor": _TEXT_OR_NULL}),
        **_shape("Answer", AnswerShape),
        "StepStatus": _object(
            {
                "name": {"enum": [status.name for status in ConduitStatus]},
                "value": {"enum": [status.value for status in ConduitStatus]},
            }
        ),
        "StepError": _object(
            {"type": _TEXT, "message": _TEXT}, {"details": {"type": ["array", "object"]}, "path": _TEXT}
        ),
        "Step": _step(),
        "FailedStep": _object(
            {
                "id": _TEXT,
                "path": _TEXT,
                "position": {"type": "integer"},
                "action": _TEXT,
                "status": _ref("StepStatus"),
            }
        ),
        "Job": _object(
            {
                **_summary(),
                "variables": {"type": "object"},
                "output": _ANY,
                "steps": {"type": "array", "items": _ref("Step")},
            },
            {
                "steps_omitted": _flag("Too many for one answer; each has its own address."),
                "items_omitted": _flag("More than 1,000 records: the steps inside loops are left out; ask for items."),
                "payload": {"type": ["object", "null"], "description": "As it was sent; only where it is asked for."},
            },
        ),
        "Waiting": _object(
            {
                "for": {"enum": ["time", "answer", "retry"]},
                "path": _TEXT,
                "until": {"type": "string", "format": "date-time"},
            },
            {"message": {"type": "string", "description": "The question; only where the payload is asked for."}},
        ),
        "JobSummary": _object(_summary()),
        "JobPage": _object({"jobs": {"type": "array", "items": _ref("JobSummary")}, "cursor": _TEXT_OR_NULL}),
        "JobProblem": _object(
            {
                "severity": {"enum": ["error", "warning"]},
                "pointer": _POINTER,
                "path": {"type": ["string", "null"], "description": "Of the step; `*` means any item's index."},
                "code": _code(),
                "message": _TEXT,
            },
            {
                "column": {
                    "type": "integer",
                    "minimum": 1,
                    "description": "Where in the string the expression is wrong.",
                },
                "because": {"type": "string", "description": "The path of the step whose problem causes this one."},
            },
        ),
        "Validation": _object(
            {"valid": {"type": "boolean"}, "problems": {"type": "array", "items": _ref("JobProblem")}}
        ),
        "Block": _block(),
        "BlockList": _object({"blocks": {"type": "array", "items": _ref("Block")}}),
        "Problem": _problem(),
        **workflow_components(payload.job()),
    }


_POINTER: Final = {"type": "string", "format": "json-pointer"}


def _shape(name: str, shape: Any) -> dict[str, Any]:
    """The schema of something that is sent, and those that it refers to."""
    schema = TypeAdapter(shape).json_schema(ref_template="#/components/schemas/{model}")
    inner: dict[str, Any] = schema.pop("$defs", {})
    return {**inner, name: {**schema, "title": name}}


def _object(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {**required, **(optional or {})},
        "required": list(required),
        "additionalProperties": False,
    }


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def _or_null(name: str) -> dict[str, Any]:
    return {"anyOf": [_ref(name), {"type": "null"}]}


def _summary() -> dict[str, Any]:
    return {
        "id": _TEXT,
        "name": _TEXT_OR_NULL,
        "status": {"enum": list(JOB_STATUSES)},
        "workflow": _or_null("WorkflowReference"),
        "success": {"type": ["boolean", "null"]},
        "run": {"type": "integer", "minimum": 1},
        "created_at": {"type": "string", "format": "date-time"},
        "started_at": _TIME_OR_NULL,
        "finished_at": _TIME_OR_NULL,
        "waiting": _or_null("Waiting"),
        "failed_step": _or_null("FailedStep"),
    }


def _flag(description: str) -> dict[str, Any]:
    return {"const": True, "description": description}


def _step() -> dict[str, Any]:
    return _object(
        {
            "id": _TEXT,
            "path": _TEXT,
            "position": {"type": "integer", "minimum": 1},
            "action": _TEXT,
            "status": _ref("StepStatus"),
            "result": _ANY,
            "error": _or_null("StepError"),
            "attempts": {"type": "integer", "minimum": 0},
            "started_at": _TIME_OR_NULL,
            "finished_at": _TIME_OR_NULL,
            "duration_ms": {"type": ["number", "null"]},
        },
        {
            "items": _object(
                {name: {"type": "integer", "minimum": 0} for name in ("count", "done", "failed")},
            ),
            "result_omitted": _flag("Too large for the job's answer; ask for the step."),
            "parameters": {
                "type": ["object", "string", "null"],
                "description": "As resolved; only where the payload is asked for. A string is the beginning of their "
                "JSON text.",
            },
            "parameters_cut": _flag("The parameters have more than 4 KB."),
        },
    )


def _block() -> dict[str, Any]:
    return _object(
        {
            "action": _TEXT,
            "category": _TEXT_OR_NULL,
            "name": _TEXT,
            "description": _TEXT,
            "parameters": {"type": "object", "description": "JSON Schema of a step's parameters."},
            "tags": {"type": "array", "items": _TEXT},
            "allowed": {"type": "boolean"},
            "max_uses": {"type": ["integer", "null"]},
            "timeout": {"type": ["number", "null"]},
            "effect": {"enum": ["none", "at_least_once", "at_most_once"]},
        }
    )


def _code() -> dict[str, Any]:
    statuses = [status.name for status in ConduitStatus]
    listed = "\n".join(f"- `{code}`: {text}" for code, text in CODES.items())
    return {"enum": [*statuses, *CODES], "description": f"The status that a run would give the step, or:\n{listed}"}


def _problem() -> dict[str, Any]:
    entry = _object({"pointer": _POINTER, "code": _code(), "message": _TEXT})
    return _object(
        {"type": _TEXT, "title": _TEXT, "status": {"type": "integer"}, "detail": _TEXT},
        {"errors": {"type": "array", "items": entry}},
    )
