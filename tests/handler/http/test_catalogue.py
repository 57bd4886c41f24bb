"""The API's documents about blocks, jobs, and the API itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.handler.http.client import Client, expect_problem

EVENTS = Path(__file__).parent.parent.parent / "events"


def test_the_catalogue_shows_what_a_block_takes_and_whether_the_caller_may_use_it(client: Client) -> None:
    blocks = {block["action"]: block for block in client.get("/blocks").json["blocks"]}
    join = blocks["TEXT.JOIN"]
    assert join == client.get("/blocks/text.join").json == client.get(f"/blocks/{join['name']}").json
    assert join["parameters"]["required"] == ["text1", "text2"]
    assert join["parameters"]["properties"]["join_with"]["default"] == " "
    assert (join["allowed"], join["tags"]) == (True, [])
    assert join["description"]


def test_a_tag_that_the_deployment_adds_is_in_the_catalogue_and_decides_who_may_use_the_block(
    client: Client, world: Any
) -> None:
    world.set(block_tags=(("HTTP.*", "http"), ("TEXT.?OIN", "words")))
    for scope, allowed in (("", False), ("http", True), ("words", False)):
        client.scope = scope
        blocks = {block["action"]: block for block in client.get("/blocks").json["blocks"]}
        assert (blocks["HTTP.GET"]["tags"], blocks["HTTP.GET"]["allowed"]) == (["http"], allowed)
        assert blocks["HTTP.GET"] == client.get("/blocks/http.get").json
        assert (blocks["TEXT.JOIN"]["tags"], blocks["TEXT.JOIN_LIST"]["tags"]) == (["words"], [])
        schema = client.get("/schema").body
        assert ('"HTTP.GET"' in schema, '"TEXT.JOIN"' in schema) == (allowed, scope == "words")


def test_a_job_without_the_tag_that_the_deployment_adds_is_forbidden_the_block(client: Client, world: Any) -> None:
    world.set(block_tags=(("TEXT.*", "words"),))
    step = {"action": "TEXT.UPPERCASE", "parameters": {"text": "ab"}}
    assert client.send("POST", "/jobs", {"steps": [step]}).json["steps"][0]["status"]["name"] == "FORBIDDEN_BLOCK"
    problems = client.send("POST", "/jobs/validate", {"steps": [step], "name": 5, "id": "x"}).json
    (problem,) = client.send("POST", "/jobs/validate", {"steps": [step]}).json["problems"]
    assert (problem["code"], "words" in problem["message"]) == ("FORBIDDEN_BLOCK", True)
    assert {found["code"] for found in problems["problems"]} == {"INVALID_FIELD", "FORBIDDEN_BLOCK"}
    client.scope = "words"
    assert client.send("POST", "/jobs", {"steps": [step]}).json["steps"][0]["result"] == "AB"


def test_an_unknown_block_is_404_with_the_one_that_was_meant(client: Client) -> None:
    problem = expect_problem(client.get("/blocks/TEXT.JION"), 404, "not-found")
    assert "TEXT.JOIN" in problem["detail"]


def test_the_pages_about_the_api_come_with_their_types(client: Client) -> None:
    assert client.get("/schema").headers["Content-Type"] == "application/schema+json"
    assert client.get("/openapi.json").json["openapi"].startswith("3.1")
    page = client.get("/docs")
    assert page.headers["Content-Type"].startswith("text/html")
    assert "SwaggerUIBundle(" in page.body
    assert 'src="http' not in page.body
