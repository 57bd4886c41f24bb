"""The operations that answer steps, in the OpenAPI document."""

from __future__ import annotations

from typing import Any, Final

from handler.http.openapi.parts import BODY, answer, job_id, json_body, problems, step_path
from handler.http.problem_details import CONFLICT, FORBIDDEN, GONE, NOT_FOUND, UNAVAILABLE

_REFUSALS: Final = (*BODY, FORBIDDEN, NOT_FOUND, CONFLICT, GONE, UNAVAILABLE)
_EXAMPLE: Final = {"ok": True, "value": {"limit": 500}}


def answer_paths(*, public: bool) -> dict[str, Any]:
    """The operations; the public ones only if the deployment has public routes."""
    paths: dict[str, Any] = {"/jobs/{id}/steps/{step}/answer": {"post": _answer()}}
    return {**paths, "/callbacks/{token}": {"post": _call_back(), "get": _ask()}} if public else paths


def _answer() -> dict[str, Any]:
    return {
        "operationId": "answerStep",
        "tags": ["jobs"],
        "summary": "Answer a step that waits for a person (`wait_for`)",
        "description": "The first answer counts: sending it again is 200, a different answer 409. An answer before the "
        "step's turn is kept until then.",
        "parameters": [job_id(), step_path()],
        "requestBody": json_body("Answer", required=False, example=_EXAMPLE),
        "responses": {"200": answer("The answer counts; this is the step.", "Step"), **problems(*_REFUSALS)},
    }


def _call_back() -> dict[str, Any]:
    return {
        "operationId": "answerCallback",
        "tags": ["jobs"],
        "summary": "Answer a step at its callback URL",
        "security": [],
        "parameters": [_token()],
        "requestBody": json_body("Answer", required=False, example=_EXAMPLE),
        "responses": {
            "200": answer("The answer counts; this is the step.", "Step"),
            **problems(*_REFUSALS, public=True),
        },
    }


def _ask() -> dict[str, Any]:
    page = {"text/html": {"schema": {"type": "string"}}}
    return {
        "operationId": "readCallback",
        "tags": ["jobs"],
        "summary": "A page with the question. Loading it changes nothing",
        "security": [],
        "parameters": [_token()],
        "responses": {
            "200": {"description": "The question.", "content": page},
            "410": {"description": "The question can no longer be answered.", "content": page},
            **problems(NOT_FOUND, UNAVAILABLE, public=True),
        },
    }


def _token() -> dict[str, Any]:
    schema = {"type": "string", "minLength": 1}
    return {"name": "token", "in": "path", "required": True, "schema": schema, "description": "The URL's token."}
