"""The OpenAPI document: well-formed, complete, and true of what the API answers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from handler.http.catalogue_endpoints import CatalogueEndpoints
from handler.http.job_endpoints import JobEndpoints
from tests.handler.http.client import FAIL, JOIN, Answer, Client


@pytest.fixture
def document(client: Client) -> dict[str, Any]:
    read: dict[str, Any] = client.get("/openapi.json").json
    return read


def test_the_document_is_valid_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1.")
    OpenAPIV31SpecValidator(document).validate()


def test_every_route_is_in_the_document_and_nothing_else(document: dict[str, Any], world: Any) -> None:
    routes = [
        *JobEndpoints(world.jobs, world.settings).routes,
        *CatalogueEndpoints(world.ports.registry, world.settings).routes,
    ]
    described = {(method.upper(), path) for path, item in document["paths"].items() for method in item}
    assert described == {(route.method, route.template.replace("+}", "}")) for route in routes}


def test_every_operation_can_say_that_nobody_is_asking(document: dict[str, Any]) -> None:
    assert all("401" in operation["responses"] for item in document["paths"].values() for operation in item.values())
    assert document["security"]


def exchanges(client: Client, world: Any) -> list[tuple[str, str, Answer]]:
    """One request for each documented answer that does not need a failure of AWS, and what came back."""
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
    ]
    world.set(max_running_jobs=1)
    client.post("/jobs", {"steps": [JOIN]}, prefer="respond-async")
    made.append(("post", "/jobs", client.post("/jobs", {"steps": []})))
    return made


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
    assert seen == {200, 201, 202, 304, 400, 404, 409, 413, 415, 422, 429}


def test_the_example_of_the_document_runs(client: Client, document: dict[str, Any]) -> None:
    example = document["paths"]["/jobs"]["post"]["requestBody"]["content"]["application/json"]["example"]
    assert client.post("/jobs", json.loads(json.dumps(example))).json["steps"][1]["result"] == "HELLO WORLD"
