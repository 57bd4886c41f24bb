"""The OpenAPI 3.1 document of the API: what its endpoints do, and no more."""

from __future__ import annotations

from typing import Any, Final

from handler.http import answer_shapes
from handler.http.problem_details import (
    CONFLICT,
    INVALID,
    KINDS,
    MEDIA_TYPE,
    NOT_FOUND,
    NOT_JSON,
    TOO_LARGE,
    TOO_MANY_JOBS,
    UNAVAILABLE,
    UNIDENTIFIED,
    WRONG_MEDIA_TYPE,
    Kind,
)
from handler.settings import Settings

VERSION: Final = "1.0.0"
_BODY: Final = (NOT_JSON, TOO_LARGE, WRONG_MEDIA_TYPE, INVALID)
_STATUSES: Final = ["QUEUED", "RUNNING", "SUCCEEDED", "FAILED", "CANCELLED"]
_LOCATION: Final = {"Location": {"description": "Where the job is.", "schema": {"type": "string"}, "required": True}}
_APPLIED: Final = {
    "Preference-Applied": {"description": "The preferences that were honoured.", "schema": {"type": "string"}}
}

_JOB_LINKS: Final = {
    "links": {
        operation: {"operationId": operation, "parameters": {"id": "$response.body#/id"}}
        for operation in ("getJob", "cancelJob", "redriveJob")
    }
}
_EXAMPLE: Final = {
    "name": "Greeting",
    "parameters": {"who": "World"},
    "steps": [
        {"id": "greeting", "action": "TEXT.JOIN", "parameters": {"text1": "Hello", "text2": "{< who >}"}},
        {"action": "TEXT.UPPERCASE", "parameters": {"text": "{: greeting :}"}},
    ],
}


def openapi_document(server: str, settings: Settings) -> dict[str, Any]:
    """The document, for callers who reach the API at `server`."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Conduit",
            "version": VERSION,
            "summary": "Runs jobs that are written as JSON.",
            "description": f"A payload may have {settings.payload_limit} bytes and {settings.step_limit} steps. "
            "Another tenant's job looks like one that does not exist.",
        },
        "servers": [{"url": server}],
        "security": [{"gateway": []}],
        "tags": [{"name": "jobs"}, {"name": "catalogue"}],
        "paths": _paths(),
        "components": {
            "schemas": answer_shapes.components(),
            "securitySchemes": {
                "gateway": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "What the gateway's authorizer takes: by default a JSON Web Token.",
                }
            },
        },
    }


def _paths() -> dict[str, Any]:
    return {
        "/jobs": {"post": _submit(), "get": _list_jobs()},
        "/jobs/validate": {"post": _validate()},
        "/jobs/{id}": {"get": _get_job()},
        "/jobs/{id}/steps/{step}": {"get": _get_step()},
        "/jobs/{id}/cancel": {"post": _cancel()},
        "/jobs/{id}/redrive": {"post": _redrive()},
        "/blocks": {"get": _list_blocks()},
        "/blocks/{name}": {"get": _get_block()},
        "/schema": {"get": _schema()},
        "/openapi.json": {"get": _read("openapi", "This document", None)},
        "/docs": {"get": _docs()},
    }


def _submit() -> dict[str, Any]:
    return {
        "operationId": "submitJob",
        "tags": ["jobs"],
        "summary": "Run a job",
        "description": "Waits for the job's end as long as a request may last; then the job goes on in the background. "
        "The same id and payload again is the same job: nothing runs twice.",
        "parameters": [
            _header("Prefer", "`respond-async`, `wait=N` (seconds) and `handling=strict`, as in RFC 7240."),
            _header(
                "Idempotency-Key", "Serves as the job's id where the payload has none: 1 to 64 of A-Z a-z 0-9 _ -."
            ),
        ],
        "requestBody": _json_body("JobPayload", required=True, example=_EXAMPLE),
        "responses": {
            "200": _answer("The job was sent before; this is how it stands.", "Job", _LOCATION | _APPLIED),
            "201": _answer("The job ended, well or not.", "Job", _LOCATION | _APPLIED) | _JOB_LINKS,
            "202": _answer("The job goes on in the background.", "Job", _LOCATION | _APPLIED) | _JOB_LINKS,
            **_problems(*_BODY, CONFLICT, TOO_MANY_JOBS, UNAVAILABLE),
        },
    }


def _validate() -> dict[str, Any]:
    return {
        "operationId": "validateJob",
        "tags": ["jobs"],
        "summary": "Find everything that can be known to be wrong with a job, without running it",
        "description": "Takes any JSON: what is no job at all is a finding, too.",
        "requestBody": {"required": True, "content": {"application/json": {"schema": {}, "example": _EXAMPLE}}},
        "responses": {
            "200": _answer("What was found.", "Validation"),
            **_problems(NOT_JSON, TOO_LARGE, WRONG_MEDIA_TYPE),
        },
    }


def _list_jobs() -> dict[str, Any]:
    limit = {"type": "integer", "minimum": 1, "maximum": 100, "default": 20}
    return {
        "operationId": "listJobs",
        "tags": ["jobs"],
        "summary": "Your jobs, newest first",
        "parameters": [
            _query("status", "Only jobs of this status.", {"type": "string", "enum": _STATUSES}),
            _query("limit", "How many.", limit),
            _query("cursor", "Where the page before ended.", {"type": "string", "pattern": "^[A-Za-z0-9_-]+$"}),
        ],
        "responses": {"200": _answer("A page.", "JobPage"), **_problems(INVALID, UNAVAILABLE)},
    }


def _get_job() -> dict[str, Any]:
    tag = {"ETag": {"description": "Changes when the answer does.", "schema": {"type": "string"}, "required": True}}
    return {
        "operationId": "getJob",
        "tags": ["jobs"],
        "summary": "One job with its steps",
        "parameters": [_job_id(), _header("If-None-Match", "An `ETag` that the caller has.")],
        "responses": {
            "200": _answer("The job.", "Job", tag),
            "304": {"description": "It is as the caller has it.", "headers": tag},
            **_problems(NOT_FOUND, UNAVAILABLE),
        },
    }


def _get_step() -> dict[str, Any]:
    step = {"name": "step", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
    return {
        "operationId": "getStep",
        "tags": ["jobs"],
        "summary": "One step, with its result however large it is",
        "parameters": [_job_id(), {**step, "description": "The step's id."}],
        "responses": {"200": _answer("The step.", "Step"), **_problems(NOT_FOUND, UNAVAILABLE)},
    }


def _cancel() -> dict[str, Any]:
    return {
        "operationId": "cancelJob",
        "tags": ["jobs"],
        "summary": "Ask a job to end before its next step",
        "parameters": [_job_id()],
        "responses": {
            "202": _answer("It was asked.", "Job", _LOCATION),
            **_problems(NOT_FOUND, CONFLICT, UNAVAILABLE),
        },
    }


def _redrive() -> dict[str, Any]:
    return {
        "operationId": "redriveJob",
        "tags": ["jobs"],
        "summary": "Run a failed or cancelled job on from its failed step, or an earlier one",
        "parameters": [_job_id()],
        "requestBody": _json_body("Redrive", required=False),
        "responses": {
            "202": _answer("It goes on in the background.", "Job", _LOCATION),
            **_problems(*_BODY, NOT_FOUND, CONFLICT, TOO_MANY_JOBS, UNAVAILABLE),
        },
    }


def _list_blocks() -> dict[str, Any]:
    operation = _read("listBlocks", "Every block that this deployment has", "BlockList")
    first = {"operationId": "getBlock", "parameters": {"name": "$response.body#/blocks/0/action"}}
    operation["responses"]["200"]["links"] = {"getBlock": first}
    return operation


def _get_block() -> dict[str, Any]:
    name = {"name": "name", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
    operation = _read("getBlock", "One block", "Block")
    operation["parameters"] = [{**name, "description": "Its name, in any case of letters."}]
    operation["responses"] |= _problems(NOT_FOUND)
    return operation


def _schema() -> dict[str, Any]:
    operation = _read("getSchema", "JSON Schema of a job, blocks included, for editors", None)
    operation["responses"]["200"]["content"] = {"application/schema+json": {"schema": {"type": "object"}}}
    return operation


def _docs() -> dict[str, Any]:
    operation = _read("docs", "These pages", None)
    operation["responses"]["200"]["content"] = {"text/html": {"schema": {"type": "string"}}}
    return operation


def _read(operation_id: str, summary: str, shape: str | None) -> dict[str, Any]:
    return {
        "operationId": operation_id,
        "tags": ["catalogue"],
        "summary": summary,
        "responses": {"200": _answer(f"{summary}.", shape), **_problems()},
    }


def _answer(description: str, shape: str | None, headers: dict[str, Any] | None = None) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{shape}"} if shape else {"type": "object"}
    answer: dict[str, Any] = {"description": description, "content": {"application/json": {"schema": schema}}}
    return {**answer, "headers": headers} if headers else answer


def _problems(*kinds: Kind) -> dict[str, Any]:
    """The error answers: those named, and what every route can answer."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        str(kind.status): {"description": kind.title, "content": {MEDIA_TYPE: {"schema": schema}}} | _headers_of(kind)
        for kind in sorted({UNIDENTIFIED, *kinds}, key=KINDS.index)
    }


def _headers_of(kind: Kind) -> dict[str, Any]:
    if kind not in (TOO_MANY_JOBS, UNAVAILABLE):
        return {}
    seconds = {"description": "Seconds to wait first.", "schema": {"type": "integer"}, "required": True}
    return {"headers": {"Retry-After": seconds}}


def _json_body(shape: str, *, required: bool, example: dict[str, Any] | None = None) -> dict[str, Any]:
    content: dict[str, Any] = {"schema": {"$ref": f"#/components/schemas/{shape}"}}
    if example is not None:
        content["example"] = example
    return {"required": required, "content": {"application/json": content}}


def _header(name: str, description: str) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    if name == "Idempotency-Key":
        schema["pattern"] = "^[A-Za-z0-9_-]{1,64}$"
    return {"name": name, "in": "header", "required": False, "description": description, "schema": schema}


def _query(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "description": description, "schema": schema}


def _job_id() -> dict[str, Any]:
    schema = {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$"}
    return {"name": "id", "in": "path", "required": True, "description": "The job's id.", "schema": schema}
