"""The operations of workflows, schedules, hooks and secrets in the OpenAPI document."""

from __future__ import annotations

from typing import Any, Final

from handler.http.openapi.parts import (
    BODY,
    answer,
    header,
    json_body,
    page,
    problems,
    query,
    submission,
)
from handler.http.problem_details import (
    CONFLICT,
    INVALID,
    JOB_FAILED,
    NOT_FOUND,
    TOO_LARGE,
    TOO_MANY_JOBS,
    UNAVAILABLE,
    WRONG_SIGNATURE,
)
from handler.payload.values import ID_PATTERN

_WORKFLOW: Final = {
    "description": "Greets a person.",
    "inputs": {
        "type": "object",
        "properties": {"who": {"type": "string", "default": "World", "maxLength": 40}},
    },
    "steps": [{"id": "greeting", "action": "TEXT.JOIN", "parameters": {"text1": "Hello", "text2": "{< who >}"}}],
}
_START: Final = {"parameters": {"who": "World"}}
_SCHEDULE: Final = {"workflow": "greet", "cron": "0 9 * * 1-5", "timezone": "Europe/Berlin", "overlap": "skip"}
_SECRET: Final = {"value": "the-key-of-the-service", "hosts": ["api.example.com"], "uses": ["auth"]}
_HOOK: Final = {
    "workflow": "deploy",
    "verify": {"github": {"secret": "github-webhook"}},
    "id_from": "header X-GitHub-Delivery",
}


def workflow_paths(*, public: bool) -> dict[str, Any]:
    """The paths; the public ones only if the deployment has public routes."""
    paths = {
        "/workflows": {"get": _list("workflows", "WorkflowPage")},
        "/workflows/{name}": {
            "put": _put(
                "Workflow", "name", "WorkflowBody", _WORKFLOW, "Save a workflow, as its next version", "startWorkflow"
            ),
            "get": _get_workflow(),
            "delete": _delete("Workflow", "name", CONFLICT),
        },
        "/workflows/{name}/jobs": {"post": _start()},
        "/schedules": {"get": _list("schedules", "SchedulePage")},
        "/schedules/{id}": {
            "put": _put("Schedule", "id", "ScheduleBody", _SCHEDULE, "Start a workflow at certain times"),
            "get": _get("Schedule", "id", "One schedule, with its next times"),
            "delete": _delete("Schedule", "id"),
        },
        "/secrets": {"get": _list("secrets", "SecretPage")},
        "/secrets/{name}": {
            "put": _put_secret(),
            "get": _get("Secret", "name", "Describe a secret, without its value"),
            "delete": _delete("Secret", "name"),
        },
        "/hooks": {"get": _list("hooks", "HookPage")},
        "/hooks/{name}": {
            "put": _put("Hook", "name", "HookBody", _HOOK, "Start a workflow when a public address is called"),
            "get": _get("Hook", "name", "One hook, with its address"),
            "delete": _delete("Hook", "name"),
        },
    }
    return {**paths, "/hooks/{token}": {"post": _call()}} if public else paths


def _list(what: str, shape: str) -> dict[str, Any]:
    return {
        "operationId": f"list{what.capitalize()}",
        "tags": ["workflows"],
        "summary": f"Your {what}, by name",
        "parameters": page(),
        "responses": {"200": answer("A page.", shape), **problems(INVALID, UNAVAILABLE)},
    }


def _put(what: str, key: str, body: str, example: dict[str, Any], summary: str, *further: str) -> dict[str, Any]:
    linked = (f"get{what}", f"delete{what}", *further)
    links = {name: {"operationId": name, "parameters": {key: f"$request.path.{key}"}} for name in linked}
    return {
        "operationId": f"put{what}",
        "tags": ["workflows"],
        "summary": summary,
        "parameters": [_name(key)],
        "requestBody": json_body(body, required=True, example=example),
        "responses": {
            "200": {**answer("The entry existed already; this is its current state.", what), "links": links},
            "201": {**answer("Created.", what), "links": links},
            **problems(*BODY, NOT_FOUND, CONFLICT, UNAVAILABLE),
        },
    }


def _put_secret() -> dict[str, Any]:
    operation = _put("Secret", "name", "SecretBody", _SECRET, "Store a secret. Its value can never be read again")
    done = {"204": {"description": "The secret is stored. Its value, hosts and uses replace those of an earlier one."}}
    return {**operation, "responses": {**done, **problems(*BODY, NOT_FOUND, CONFLICT, UNAVAILABLE)}}


def _get(what: str, key: str, summary: str) -> dict[str, Any]:
    return {
        "operationId": f"get{what}",
        "tags": ["workflows"],
        "summary": summary,
        "parameters": [_name(key)],
        "responses": {"200": answer(f"{summary}.", what), **problems(NOT_FOUND, UNAVAILABLE)},
    }


def _get_workflow() -> dict[str, Any]:
    operation = _get("Workflow", "name", "One workflow, in its newest version or an older one")
    version = query("version", "The version; by default the newest.", {"type": "integer", "minimum": 1})
    operation["parameters"].append(version)
    operation["responses"] |= problems(NOT_FOUND, INVALID, UNAVAILABLE)
    return operation


def _delete(what: str, key: str, *further: Any) -> dict[str, Any]:
    return {
        "operationId": f"delete{what}",
        "tags": ["workflows"],
        "summary": f"Delete a {what.lower()}",
        "parameters": [_name(key)],
        "responses": {"204": {"description": "Deleted."}, **problems(NOT_FOUND, UNAVAILABLE, *further)},
    }


def _start() -> dict[str, Any]:
    return {
        "operationId": "startWorkflow",
        "tags": ["workflows"],
        "summary": "Run a job of a workflow",
        "description": "Like `submitJob`, with the workflow's steps. The job keeps the version that it began with.",
        "parameters": [
            _name("name"),
            header("Prefer", "`respond-async` and `wait=N` (seconds), as in RFC 7240."),
            header("Idempotency-Key", "The job's id if the body has none: 1 to 64 of A-Z a-z 0-9 _ -."),
        ],
        "requestBody": json_body("WorkflowStart", required=False, example=_START),
        "responses": {
            **submission(),
            **problems(*BODY, NOT_FOUND, CONFLICT, TOO_MANY_JOBS, UNAVAILABLE),
        },
    }


def _call() -> dict[str, Any]:
    token = {"name": "token", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
    return {
        "operationId": "callHook",
        "tags": ["workflows"],
        "summary": "Call a hook: a job of its workflow starts, with the call as its parameter `event`",
        "security": [],
        "parameters": [{**token, "description": "The token of the hook's address."}],
        "requestBody": {"required": False, "content": {"*/*": {"schema": {}}}},
        "responses": {
            "200": {
                "description": "The call was received before, and this is its job; or, with `respond: output`, the "
                "job's output; or the answer to Slack's `url_verification`.",
                "content": {"application/json": {"schema": {}}},
            },
            "202": answer("The job continues in the background.", "JobSummary"),
            **problems(
                WRONG_SIGNATURE,
                NOT_FOUND,
                CONFLICT,
                TOO_LARGE,
                JOB_FAILED,
                TOO_MANY_JOBS,
                UNAVAILABLE,
                public=True,
            ),
        },
    }


def _name(key: str) -> dict[str, Any]:
    schema = {"type": "string", "pattern": ID_PATTERN}
    return {"name": key, "in": "path", "required": True, "description": "The name.", "schema": schema}
