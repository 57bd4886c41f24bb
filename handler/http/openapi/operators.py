"""The operators' operations in the OpenAPI document."""

from __future__ import annotations

from typing import Any, Final

from handler.http.openapi.parts import BODY, answer, cursor, job_id, json_body, problems
from handler.http.problem_details import INVALID, NOT_FOUND, UNAVAILABLE
from handler.jobs.bulk import TAKEN, What

_FAILED: Final = {"status": "FAILED", "created_after": "2026-11-26T09:00:00Z", "limit": 100}
_QUEUED: Final = {"status": "QUEUED", "workflow": "import", "limit": 100}


def operator_paths() -> dict[str, Any]:
    """The paths."""
    return {
        "/jobs/cancel": {"post": _change("cancel", "Cancel many jobs", _QUEUED)},
        "/jobs/redrive": {"post": _change("redrive", "Redrive many jobs", _FAILED)},
        "/jobs/{id}/runs": {"get": _list_runs()},
        "/jobs/{id}/steps/{step}/items": {"get": _list_items()},
    }


def _change(what: What, summary: str, example: dict[str, Any]) -> dict[str, Any]:
    return {
        "operationId": f"{what}Jobs",
        "tags": ["jobs"],
        "summary": summary,
        "description": f"Jobs of one status ({' or '.join(TAKEN[what])}), filtered as in a list, newest first. "
        "A job that cannot be changed is skipped, with the reason; repeat with `cursor` until it is null.",
        "requestBody": json_body("Bulk", required=True, example=example),
        "responses": {
            "200": answer("The outcome for each job.", "BulkOutcome"),
            **problems(*BODY, UNAVAILABLE),
        },
    }


def _list_runs() -> dict[str, Any]:
    return {
        "operationId": "listRuns",
        "tags": ["jobs"],
        "summary": "The runs of a job, earliest first, the current one last",
        "parameters": [job_id()],
        "responses": {"200": answer("The runs.", "Runs"), **problems(NOT_FOUND, UNAVAILABLE)},
    }


def _list_items() -> dict[str, Any]:
    step = {"name": "step", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
    return {
        "operationId": "listItems",
        "tags": ["jobs"],
        "summary": "The items of a loop that have begun, each with its steps",
        "parameters": [job_id(), {**step, "description": "The loop's path."}, cursor()],
        "responses": {"200": answer("A page.", "ItemPage"), **problems(INVALID, NOT_FOUND, UNAVAILABLE)},
    }
