"""Parts from which the operations of the OpenAPI document are built."""

from __future__ import annotations

from typing import Any, Final

from handler.http.problem_details import (
    INVALID,
    KINDS,
    MEDIA_TYPE,
    NOT_JSON,
    TOO_LARGE,
    TOO_MANY_JOBS,
    UNAVAILABLE,
    UNIDENTIFIED,
    WRONG_MEDIA_TYPE,
    ProblemKind,
)
from handler.jobs.cursor import CURSOR_PATTERN
from handler.payload.values import ID_PATTERN, SENT_ID_PATTERN
from handler.workflows.paging import ENTRIES, PAGE

BODY: Final = (NOT_JSON, TOO_LARGE, WRONG_MEDIA_TYPE, INVALID)
"""Problems that any body can have."""
LOCATION: Final = {"Location": {"description": "The job's address.", "schema": {"type": "string"}, "required": True}}
APPLIED: Final = {
    "Preference-Applied": {"description": "The preferences that were honoured.", "schema": {"type": "string"}}
}
JOB_LINKS: Final = {
    "links": {
        operation: {"operationId": operation, "parameters": {"id": "$response.body#/id"}}
        for operation in ("getJob", "cancelJob", "redriveJob")
    }
}


def answer(description: str, shape: str | None, headers: dict[str, Any] | None = None) -> dict[str, Any]:
    """A reply whose body has the named component's shape; ``None`` allows any object."""
    schema = {"$ref": f"#/components/schemas/{shape}"} if shape else {"type": "object"}
    response: dict[str, Any] = {"description": description, "content": {"application/json": {"schema": schema}}}
    return {**response, "headers": headers} if headers else response


def submission() -> dict[str, Any]:
    """The successful replies to a job that is sent or started."""
    headers = LOCATION | APPLIED
    return {
        "200": answer("The job was sent before; this is its current state.", "Job", headers),
        "201": answer("The job has ended, successfully or not.", "Job", headers) | JOB_LINKS,
        "202": answer("The job continues in the background.", "Job", headers) | JOB_LINKS,
    }


def problems(*kinds: ProblemKind, public: bool = False) -> dict[str, Any]:
    """The error replies: the named ones and, unless `public`, those that every route needs."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        str(kind.status): {"description": kind.title, "content": {MEDIA_TYPE: {"schema": schema}}} | _headers_of(kind)
        for kind in sorted({*kinds} if public else {UNIDENTIFIED, *kinds}, key=KINDS.index)
    }


def _headers_of(kind: ProblemKind) -> dict[str, Any]:
    if kind not in (TOO_MANY_JOBS, UNAVAILABLE):
        return {}
    seconds = {"description": "Seconds to wait.", "schema": {"type": "integer"}, "required": True}
    return {"headers": {"Retry-After": seconds}}


def json_body(shape: str, *, required: bool, example: dict[str, Any] | None = None) -> dict[str, Any]:
    """A body that has the named component's shape."""
    content: dict[str, Any] = {"schema": {"$ref": f"#/components/schemas/{shape}"}}
    if example is not None:
        content["example"] = example
    return {"required": required, "content": {"application/json": content}}


def step_path() -> dict[str, Any]:
    """The path parameter that holds a step's path."""
    schema = {"type": "string", "minLength": 1}
    return {"name": "step", "in": "path", "required": True, "schema": schema, "description": "The step's path."}


def header(name: str, description: str) -> dict[str, Any]:
    """An optional request header."""
    schema: dict[str, Any] = {"type": "string"}
    if name == "Idempotency-Key":
        schema["pattern"] = SENT_ID_PATTERN
    return {"name": name, "in": "header", "required": False, "description": description, "schema": schema}


def query(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    """An optional query parameter."""
    return {"name": name, "in": "query", "required": False, "description": description, "schema": schema}


def cursor() -> dict[str, Any]:
    """The parameter that continues a list."""
    return query("cursor", "The `cursor` of the previous page.", {"type": "string", "pattern": CURSOR_PATTERN})


def page() -> list[dict[str, Any]]:
    """The parameters that page through a list."""
    limit = {"type": "integer", "minimum": 1, "maximum": PAGE, "default": ENTRIES}
    return [query("limit", "The largest number of entries.", limit), cursor()]


def job_id() -> dict[str, Any]:
    """The path parameter that holds a job's id."""
    schema = {"type": "string", "pattern": ID_PATTERN}
    return {"name": "id", "in": "path", "required": True, "description": "The job's id.", "schema": schema}
