"""The OpenAPI 3.1 document of the API."""

from __future__ import annotations

from typing import Any, Final

from handler.http.openapi.answers import answer_paths
from handler.http.openapi.operators import operator_paths
from handler.http.openapi.parts import (
    BODY,
    LOCATION,
    answer,
    header,
    job_id,
    json_body,
    page,
    problems,
    query,
    step_path,
    submission,
)
from handler.http.openapi.shapes import components
from handler.http.openapi.workflows import workflow_paths
from handler.http.problem_details import (
    CONFLICT,
    INVALID,
    NOT_FOUND,
    NOT_JSON,
    TOO_LARGE,
    TOO_MANY_JOBS,
    UNAVAILABLE,
    WRONG_MEDIA_TYPE,
)
from handler.jobs.listing import STATUSES, WAITS
from handler.payload.values import ID_PATTERN, MAX_NAME
from handler.settings import Settings

VERSION: Final = "2.0.0"
_EXAMPLE: Final = {
    "name": "Greeting",
    "parameters": {"who": "World"},
    "steps": [
        {"id": "greeting", "action": "TEXT.JOIN", "parameters": {"text1": "Hello", "text2": "{< who >}"}},
        {"action": "TEXT.UPPERCASE", "parameters": {"text": "{: greeting :}"}},
    ],
}


def openapi_document(server: str, settings: Settings) -> dict[str, Any]:
    """The document for callers that reach the API at `server`."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Conduit",
            "version": VERSION,
            "summary": "Runs jobs that are written as JSON.",
            "description": f"A payload has at most {settings.payload_limit} bytes and {settings.step_limit} steps. "
            "Another tenant's job looks like one that does not exist.",
        },
        "servers": [{"url": server}],
        "security": [{"gateway": []}],
        "tags": [{"name": "jobs"}, {"name": "workflows"}, {"name": "catalogue"}],
        "paths": {
            **_paths(),
            **operator_paths(),
            **answer_paths(public=settings.public_routes),
            **workflow_paths(public=settings.public_routes),
        },
        "components": {
            "schemas": components(),
            "securitySchemes": {
                "gateway": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "The credentials of the gateway's authorizer: by default a JSON Web Token.",
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
        "description": "Waits for the job's end while a request may last; then the job continues in the background. "
        "Sending the same id and payload again returns the same job: nothing runs twice.",
        "parameters": [
            header("Prefer", "`respond-async`, `wait=N` (seconds) and `handling=strict`, as in RFC 7240."),
            header("Idempotency-Key", "The job's id if the payload has none: 1 to 64 of A-Z a-z 0-9 _ -."),
        ],
        "requestBody": json_body("JobPayload", required=True, example=_EXAMPLE),
        "responses": {
            **submission(),
            **problems(*BODY, CONFLICT, TOO_MANY_JOBS, UNAVAILABLE),
        },
    }


def _validate() -> dict[str, Any]:
    return {
        "operationId": "validateJob",
        "tags": ["jobs"],
        "summary": "Report all problems of a job that can be found without running it",
        "description": "Accepts any JSON: input that is not a job is reported as a finding.",
        "requestBody": {"required": True, "content": {"application/json": {"schema": {}, "example": _EXAMPLE}}},
        "responses": {
            "200": answer("The findings.", "Validation"),
            **problems(NOT_JSON, TOO_LARGE, WRONG_MEDIA_TYPE),
        },
    }


def _list_jobs() -> dict[str, Any]:
    time = {"type": "string", "format": "date-time"}
    return {
        "operationId": "listJobs",
        "tags": ["jobs"],
        "summary": "Your jobs, newest first",
        "parameters": [
            query("status", "Only jobs of this status.", {"type": "string", "enum": list(STATUSES)}),
            query("name", "Only jobs whose name begins with this.", {"type": "string", "maxLength": MAX_NAME}),
            query("workflow", "Only jobs of this workflow.", {"type": "string", "pattern": ID_PATTERN}),
            query("waiting", "Only jobs with this kind of wait.", {"type": "string", "enum": list(WAITS)}),
            query("created_after", "Only jobs created at this time or later.", time),
            query("created_before", "Only jobs created before this time.", time),
            *page(),
        ],
        "responses": {"200": answer("A page.", "JobPage"), **problems(INVALID, UNAVAILABLE)},
    }


def _get_job() -> dict[str, Any]:
    tag = {"ETag": {"description": "Changes with the answer.", "schema": {"type": "string"}, "required": True}}
    return {
        "operationId": "getJob",
        "tags": ["jobs"],
        "summary": "One job with its steps",
        "parameters": [
            job_id(),
            query("include", "Also the payload, and each step's resolved parameters.", {"enum": ["payload"]}),
            header("If-None-Match", "The `ETag` of an earlier answer."),
        ],
        "responses": {
            "200": answer("The job.", "Job", tag),
            "304": {"description": "The job has not changed since that answer.", "headers": tag},
            **problems(INVALID, NOT_FOUND, UNAVAILABLE),
        },
    }


def _get_step() -> dict[str, Any]:
    return {
        "operationId": "getStep",
        "tags": ["jobs"],
        "summary": "One step, with its whole result",
        "parameters": [job_id(), step_path()],
        "responses": {"200": answer("The step.", "Step"), **problems(NOT_FOUND, UNAVAILABLE)},
    }


def _cancel() -> dict[str, Any]:
    return {
        "operationId": "cancelJob",
        "tags": ["jobs"],
        "summary": "Ask a job to end before its next step",
        "parameters": [job_id()],
        "responses": {
            "202": answer("The cancel was requested.", "Job", LOCATION),
            **problems(NOT_FOUND, CONFLICT, UNAVAILABLE),
        },
    }


def _redrive() -> dict[str, Any]:
    return {
        "operationId": "redriveJob",
        "tags": ["jobs"],
        "summary": "Redrive a failed or cancelled job from its failed step, or an earlier one",
        "parameters": [job_id()],
        "requestBody": json_body("Redrive", required=False),
        "responses": {
            "202": answer("The job continues in the background.", "Job", LOCATION),
            **problems(*BODY, NOT_FOUND, CONFLICT, TOO_MANY_JOBS, UNAVAILABLE),
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
    operation["parameters"] = [{**name, "description": "The block's name, in upper or lower case."}]
    operation["responses"] |= problems(NOT_FOUND)
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
        "responses": {"200": answer(f"{summary}.", shape), **problems()},
    }
