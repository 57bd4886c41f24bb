"""JSON Schemas of the API's requests and replies: the components of its OpenAPI document."""

from __future__ import annotations

from typing import Any, Final

from handler.engine.status import ConduitStatus
from handler.http.bulk_body import BulkShape
from handler.http.openapi.schema_parts import (
    STRING,
    STRING_OR_NULL,
    TIME,
    TIME_OR_NULL,
    closed,
    list_of,
    or_null,
    page_of,
    ref,
    sent,
)
from handler.http.openapi.workflow_shapes import workflow_components
from handler.http.redrive_body import RedriveShape
from handler.jobs.listing import STATUSES, WAITS
from handler.payload.answer import AnswerShape
from handler.payload.problem import CODES
from handler.validation.closed_shapes import ClosedShapes

_ANY: Final[dict[str, Any]] = {}


def components() -> dict[str, Any]:
    """Every schema by its name."""
    payload = ClosedShapes("#/components/schemas/Payload")
    return {
        "JobPayload": {**payload.job, "title": "JobPayload"},
        **{f"Payload{name}": schema for name, schema in payload.defs.items()},
        **sent("Redrive", RedriveShape),
        **sent("Bulk", BulkShape),
        "BulkOutcome": closed(
            {
                "done": list_of(STRING),
                "skipped": list_of(closed({"id": STRING, "why": STRING})),
                "cursor": STRING_OR_NULL,
            }
        ),
        "Run": closed(
            {
                "run": {"type": "integer", "minimum": 1},
                "status": {"enum": list(STATUSES)},
                "started_at": TIME_OR_NULL,
                "finished_at": TIME_OR_NULL,
                "failed_step": or_null("FailedStep"),
            }
        ),
        "Runs": closed({"runs": {"type": "array", "items": ref("Run"), "minItems": 1}}),
        "Item": closed(
            {
                "index": {"type": "integer", "minimum": 0},
                "status": ref("StepStatus"),
                "steps": list_of(ref("Step")),
            },
            {"steps_omitted": _flag("The steps are too large for one answer; each has its own address.")},
        ),
        "ItemPage": page_of("items", "Item"),
        **sent("Answer", AnswerShape),
        "StepStatus": closed(
            {
                "name": {"enum": [status.name for status in ConduitStatus]},
                "value": {"enum": [status.value for status in ConduitStatus]},
            }
        ),
        "StepError": closed(
            {"type": STRING, "message": STRING}, {"details": {"type": ["array", "object"]}, "path": STRING}
        ),
        "Step": _step(),
        "FailedStep": closed(
            {
                "id": STRING,
                "path": STRING,
                "position": {"type": "integer"},
                "action": STRING,
                "status": ref("StepStatus"),
            }
        ),
        "Job": closed(
            {
                **_summary(),
                "variables": {"type": "object"},
                "output": _ANY,
                "steps": list_of(ref("Step")),
            },
            {
                "steps_omitted": _flag("The steps are too many for one answer; each has its own address."),
                "items_omitted": _flag("More than 1,000 records: steps inside loops are left out; request the items."),
                "payload": {"type": ["object", "null"], "description": "The payload as sent; only if requested."},
            },
        ),
        "Waiting": closed(
            {
                "for": {"enum": list(WAITS)},
                "path": STRING,
                "until": TIME,
            },
            {"message": {"type": "string", "description": "The question; only if the payload is requested."}},
        ),
        "JobSummary": closed(_summary()),
        "JobPage": page_of("jobs", "JobSummary"),
        "JobProblem": closed(
            {
                "severity": {"enum": ["error", "warning"]},
                "pointer": _POINTER,
                "path": {"type": ["string", "null"], "description": "The step's path; `*` stands for any index."},
                "code": _code(),
                "message": STRING,
            },
            {
                "column": {
                    "type": "integer",
                    "minimum": 1,
                    "description": "The column in the string where the expression is wrong.",
                },
                "because": {"type": "string", "description": "The path of the step whose problem causes this one."},
            },
        ),
        "Validation": closed({"valid": {"type": "boolean"}, "problems": list_of(ref("JobProblem"))}),
        "Block": _block(),
        "BlockList": closed({"blocks": list_of(ref("Block"))}),
        "Problem": _problem(),
        **workflow_components(payload.job),
    }


_POINTER: Final = {"type": "string", "format": "json-pointer"}


def _summary() -> dict[str, Any]:
    return {
        "id": STRING,
        "name": STRING_OR_NULL,
        "status": {"enum": list(STATUSES)},
        "workflow": or_null("WorkflowReference"),
        "success": {"type": ["boolean", "null"]},
        "run": {"type": "integer", "minimum": 1},
        "created_at": TIME,
        "started_at": TIME_OR_NULL,
        "finished_at": TIME_OR_NULL,
        "waiting": or_null("Waiting"),
        "failed_step": or_null("FailedStep"),
    }


def _flag(description: str) -> dict[str, Any]:
    return {"const": True, "description": description}


def _step() -> dict[str, Any]:
    return closed(
        {
            "id": STRING,
            "path": STRING,
            "position": {"type": "integer", "minimum": 1},
            "action": STRING,
            "status": ref("StepStatus"),
            "result": _ANY,
            "error": or_null("StepError"),
            "attempts": {"type": "integer", "minimum": 0},
            "started_at": TIME_OR_NULL,
            "finished_at": TIME_OR_NULL,
            "duration_ms": {"type": ["number", "null"]},
        },
        {
            "items": closed(
                {name: {"type": "integer", "minimum": 0} for name in ("count", "done", "failed")},
            ),
            "result_omitted": _flag("The result is too large for the job's answer; request the step."),
            "parameters": {
                "type": ["object", "string", "null"],
                "description": "The resolved parameters; only if the payload is requested. A string is the beginning "
                "of their JSON.",
            },
            "parameters_cut": _flag("The parameters have more than 4 KB."),
        },
    )


def _block() -> dict[str, Any]:
    return closed(
        {
            "action": STRING,
            "category": STRING_OR_NULL,
            "name": STRING,
            "description": STRING,
            "parameters": {"type": "object", "description": "JSON Schema of a step's parameters."},
            "tags": list_of(STRING),
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
    entry = closed({"pointer": _POINTER, "code": _code(), "message": STRING})
    return closed(
        {"type": STRING, "title": STRING, "status": {"type": "integer"}, "detail": STRING},
        {"errors": {"type": "array", "items": entry}},
    )
