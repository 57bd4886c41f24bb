"""The OpenAPI document: well-formed, complete, and true of the API's answers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from handler.http.api import Api
from tests.handler.http.client import FAIL, JOIN, Answer, Client


@pytest.fixture
def document(client: Client, world: Any) -> dict[str, Any]:
    world.set(public_routes=True)
    read: dict[str, Any] = client.get("/openapi.json").json
    return read


def test_the_document_is_valid_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1.")
    OpenAPIV31SpecValidator(document).validate()


def test_every_route_is_in_the_document_and_nothing_else(document: dict[str, Any], world: Any) -> None:
    routes = Api(world.jobs, world.ports).router.routes
    described = {(method.upper(), path) for path, item in document["paths"].items() for method in item}
    assert described == {(route.method, route.template.replace("+}", "}")) for route in routes}


def test_every_operation_that_needs_an_identity_documents_401(document: dict[str, Any]) -> None:
    operations = [(path, one) for path, item in document["paths"].items() for one in item.values()]
    public = {path for path, one in operations if one.get("security") == []}
    assert public == {"/callbacks/{token}", "/hooks/{token}"}
    assert all("401" in one["responses"] for path, one in operations if path not in public)
    assert document["security"]


def exchanges(client: Client, world: Any) -> list[tuple[str, str, Answer]]:
    """One request for each documented answer that needs no failure of AWS, and its answer."""
    job = {"id": "a", "name": "N", "steps": [JOIN, {**JOIN, "parameters": {}}, JOIN], "variables": {"v": 1}}
    made = [
        ("post", "/jobs", client.post("/jobs", job)),
        ("post", "/jobs", client.post("/jobs", job)),
        ("post", "/jobs", client.post("/jobs", {**job, "name": "M"})),
        ("post", "/jobs", client.post("/jobs", {"id": "b", "steps": [FAIL]}, prefer="respond-async, handling=lenient")),
        ("post", "/jobs", client.post("/jobs", "{")),
        ("post", "/jobs", client.post("/jobs", {"step": []})),
        ("post", "/jobs", client.post("/jobs", {"steps": []}, content_type="text/plain")),
        ("post", "/jobs", client.post("/jobs", " " * 300_000)),
        ("post", "/jobs/validate", client.post("/jobs/validate", job)),
        ("post", "/jobs/validate", client.post("/jobs/validate", {"steps": [{"action": "x", "if": "{# nope #}"}]})),
        ("get", "/jobs", client.get("/jobs?limit=1")),
        ("get", "/jobs", client.get("/jobs?limit=0")),
        ("get", "/jobs/{id}", client.get("/jobs/a")),
        ("get", "/jobs/{id}", client.get("/jobs/a", if_none_match="*")),
        ("get", "/jobs/{id}", client.get("/jobs/nope")),
        ("get", "/jobs/{id}/steps/{step}", client.get("/jobs/a/steps/2")),
        ("get", "/jobs/{id}/steps/{step}", client.get("/jobs/a/steps/9")),
        ("post", "/jobs/{id}/cancel", client.post("/jobs/b/cancel")),
        ("post", "/jobs/{id}/cancel", client.post("/jobs/a/cancel")),
        ("post", "/jobs/{id}/redrive", client.post("/jobs/a/redrive", {"from_step": "1"})),
        ("post", "/jobs/{id}/redrive", client.post("/jobs/a/redrive", {"from": "1"})),
        ("get", "/blocks", client.get("/blocks")),
        ("get", "/blocks/{name}", client.get("/blocks/TEXT.JOIN")),
        ("get", "/blocks/{name}", client.get("/blocks/NO")),
        ("get", "/schema", client.get("/schema")),
        ("get", "/openapi.json", client.get("/openapi.json")),
        ("get", "/docs", client.get("/docs")),
        *_exchanges_of_workflows(client),
        *_exchanges_of_answers(client, world),
    ]
    world.set(max_running_jobs=1)
    client.post("/jobs", {"steps": [JOIN]}, prefer="respond-async")
    made.append(("post", "/jobs", client.post("/jobs", {"steps": []})))
    return made


def _exchanges_of_answers(client: Client, world: Any) -> list[tuple[str, str, Answer]]:
    world.set(public_routes=True, public_url="https://jobs.example.com")
    url = {"id": "url", "set": {"url": "{% steps.ok.callback.url %}"}}
    steps = [url, {"id": "ok", "wait_for": {"timeout": 600, "form": {"type": ["number", "null"]}}}]
    steps.append({"id": "tagged", "wait_for": {"timeout": 600, "tags": ["boss"]}})
    waiting = {"id": "w", "variables": {"url": None}, "steps": steps}
    callback = client.post("/jobs", waiting).json["variables"]["url"].removeprefix("https://jobs.example.com")
    path, public = "/jobs/{id}/steps/{step}/answer", "/callbacks/{token}"
    return [
        ("post", path, client.post("/jobs/w/steps/url/answer", {})),
        ("post", path, client.post("/jobs/w/steps/tagged/answer", {})),
        ("post", path, client.post("/jobs/w/steps/ok/answer", {"value": "x"})),
        ("post", path, client.post("/jobs/w/steps/ok/answer", {"value": "x" * 70_000})),
        ("post", path, client.post("/jobs/w/steps/ok/answer", "{}", content_type="text/plain")),
        ("get", public, client.get(callback)),
        ("get", public, client.get("/callbacks/x.y")),
        ("post", path, client.post("/jobs/w/steps/ok/answer", {"value": 1})),
        ("post", public, client.post(callback, {"value": 1})),
        ("post", public, client.post(callback, {"value": 2})),
        ("post", public, client.post("/callbacks/x.y", {})),
        ("get", public, client.get(callback)),
        ("post", "/jobs/{id}/cancel", client.post("/jobs/w/cancel")),
        ("post", path, client.post("/jobs/w/steps/tagged/answer", {})),
    ]


def _exchanges_of_workflows(client: Client) -> list[tuple[str, str, Answer]]:
    workflow = {"steps": [JOIN], "inputs": {"properties": {"event": {}}}, "description": "Joins."}
    schedule = {"workflow": "w", "every": "5 minutes"}
    hook = {"workflow": "w", "verify": "none", "respond": "output"}
    made = [
        ("put", "/workflows/{name}", client.send("PUT", "/workflows/w", workflow)),
        ("put", "/workflows/{name}", client.send("PUT", "/workflows/w", workflow)),
        ("put", "/workflows/{name}", client.send("PUT", "/workflows/w", {**workflow, "id": "x"})),
        ("put", "/workflows/{name}", client.send("PUT", "/workflows/f", {"steps": [FAIL]})),
        ("put", "/workflows/{name}", client.send("PUT", "/workflows/", workflow)),  # an HTTP API cuts "%3Fw" off
        ("get", "/workflows", client.get("/workflows?limit=1")),
        ("get", "/workflows", client.get("/workflows?name=w")),
        ("get", "/workflows/{name}", client.get("/workflows/w?version=1")),
        ("get", "/workflows/{name}", client.get("/workflows/w?version=x")),
        ("get", "/workflows/{name}", client.get("/workflows/v")),
        ("post", "/workflows/{name}/jobs", client.post("/workflows/w/jobs", {"id": "wj"})),
        ("post", "/workflows/{name}/jobs", client.post("/workflows/w/jobs", {"id": "wj"})),
        ("post", "/workflows/{name}/jobs", client.post("/workflows/w/jobs", {"id": "wj", "version": 1})),
        ("post", "/workflows/{name}/jobs", client.post("/workflows/w/jobs", {}, prefer="respond-async")),
        ("post", "/workflows/{name}/jobs", client.post("/workflows/w/jobs", {"parameters": {"x": 1}})),
        ("post", "/workflows/{name}/jobs", client.post("/workflows/v/jobs")),
        ("put", "/schedules/{id}", client.send("PUT", "/schedules/s", schedule)),
        ("put", "/schedules/{id}", client.send("PUT", "/schedules/s", {**schedule, "enabled": False})),
        ("put", "/schedules/{id}", client.send("PUT", "/schedules/s", {"workflow": "w"})),
        ("get", "/schedules", client.get("/schedules")),
        ("get", "/schedules/{id}", client.get("/schedules/s")),
        ("get", "/schedules/{id}", client.get("/schedules/t")),
        ("put", "/hooks/{name}", client.send("PUT", "/hooks/h", hook)),
        ("put", "/hooks/{name}", client.send("PUT", "/hooks/h", {**hook, "rotate": True})),
        ("put", "/hooks/{name}", client.send("PUT", "/hooks/h", {**hook, "verify": {"x": 1}})),
        ("get", "/hooks", client.get("/hooks")),
        ("get", "/hooks/{name}", client.get("/hooks/h")),
        ("delete", "/workflows/{name}", client.send("DELETE", "/workflows/w")),
    ]
    for name in ("h", "failing"):
        respond = "accepted" if name == "h" else "output"
        workflow_name = "w" if name == "h" else "f"
        client.send("PUT", f"/hooks/{name}", {"workflow": workflow_name, "verify": "none", "respond": respond})
        url = client.get(f"/hooks/{name}").json["url"]
        made += [("post", "/hooks/{token}", client.post(url, body)) for body in ("{}", "{}", " " * 300_000)]
    return [
        *made,
        ("post", "/hooks/{token}", client.post("/hooks/x.y")),
        ("delete", "/hooks/{name}", client.send("DELETE", "/hooks/h")),
        ("delete", "/hooks/{name}", client.send("DELETE", "/hooks/h")),
        ("delete", "/schedules/{id}", client.send("DELETE", "/schedules/s")),
        ("delete", "/workflows/{name}", client.send("DELETE", "/workflows/w")),
    ]


def test_every_answer_is_documented_with_its_type_its_headers_and_its_shape(
    client: Client, world: Any, document: dict[str, Any]
) -> None:
    seen = set()
    for method, path, answer in exchanges(client, world):
        responses = document["paths"][path][method]["responses"]
        assert str(answer.status) in responses, (method, path, answer)
        response = responses[str(answer.status)]
        seen.add(answer.status)
        for name, header in response.get("headers", {}).items():
            assert name in answer.headers or not header.get("required")
        if "content" not in response:
            assert answer.body == ""
            continue
        (kind,) = response["content"]
        assert answer.headers["Content-Type"].split(";")[0] == kind
        if "json" in kind:
            schema = {**response["content"][kind]["schema"], "components": document["components"]}
            assert [error.message for error in Draft202012Validator(schema).iter_errors(answer.json)] == []
    assert seen == {200, 201, 202, 204, 304, 400, 403, 404, 409, 410, 413, 415, 422, 429}


def test_the_example_of_the_document_runs(client: Client, document: dict[str, Any]) -> None:
    example = document["paths"]["/jobs"]["post"]["requestBody"]["content"]["application/json"]["example"]
    assert client.post("/jobs", json.loads(json.dumps(example))).json["steps"][1]["result"] == "HELLO WORLD"
