"""Paths, methods and addresses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.handler.http.client import Client, expect_problem

EVENTS = Path(__file__).parent.parent.parent / "events"


@pytest.mark.parametrize(
    "target",
    ["/", "", "/nope", "/jobs/", "/jobs/a/steps", "/jobs/a/nope", "//jobs", "/Jobs", "/jobs/a/steps/"],
)
def test_an_unknown_path_is_404(client: Client, target: str) -> None:
    expect_problem(client.get(target), 404, "not-found")


@pytest.mark.parametrize(
    ("method", "target", "allow"),
    [
        ("PUT", "/jobs", "GET, HEAD, POST"),
        ("DELETE", "/jobs/a", "GET, HEAD"),
        ("DELETE", "/jobs/validate", "GET, HEAD, POST"),
        ("GET", "/jobs/a/cancel", "POST"),
        ("OPTIONS", "/blocks", "GET, HEAD"),
        ("GET", "/jobs/validate%0A/cancel", "POST"),
        ("BREW", "/docs", "GET, HEAD"),
    ],
)
def test_a_method_that_a_path_lacks_is_405_and_names_those_it_has(
    client: Client, method: str, target: str, allow: str
) -> None:
    answer = client.send(method, target)
    expect_problem(answer, 405, "wrong-method")
    assert answer.headers["Allow"] == allow


@pytest.mark.parametrize("target", ["/blocks", "/jobs", "/nope", "/docs"])
def test_head_is_get_without_the_body(client: Client, target: str) -> None:
    head, get = client.send("HEAD", target), client.get(target)
    assert (head.status, head.body) == (get.status, "")
    assert head.headers == {**get.headers, "Content-Length": str(len(get.body.encode()))}


@pytest.mark.parametrize("end", ["%0A", "%0D%0A", "%0Ax", "%00", "%E2%80%A8"])
@pytest.mark.parametrize(
    "route",
    [
        *["GET /jobs", "POST /jobs", "POST /jobs/validate", "GET /jobs/x", "POST /jobs/x/cancel"],
        *["POST /jobs/x/redrive", "GET /blocks", "GET /schema", "GET /docs", "DELETE /jobs"],
    ],
)
def test_a_control_character_anywhere_in_a_path_is_404(client: Client, route: str, end: str) -> None:
    """A pattern that ends in `$` accepts a trailing line break, and `.` without DOTALL matches none."""
    method, _, target = route.partition(" ")
    for path in (target + end, target.replace("x", f"x{end}") if "x" in target else f"{end}{target}"):
        answer = client.send(method, path)
        assert answer.status in {404, 405}
        if answer.status == 405:  # a path after `/jobs/` without further parts is a job's
            assert method not in answer.headers["Allow"]


def test_a_line_break_in_a_step_id_leads_to_that_step(client: Client) -> None:
    sent = client.post("/jobs", {"id": "a", "steps": [{"id": "first\nsecond", "action": "LOGIC.TRUE"}]})
    assert client.get("/jobs/a/steps/first%0Asecond").json == sent.json["steps"][0]


@pytest.mark.parametrize("id_", ["a b", "é", "x" * 65, "a#b", "..", "%00", "a%23b", "x" * 5000])
@pytest.mark.parametrize(
    "route", ["GET /jobs/{}", "GET /jobs/{}/steps/1", "POST /jobs/{}/cancel", "POST /jobs/{}/redrive"]
)
def test_an_id_that_no_job_can_have_is_404(client: Client, route: str, id_: str) -> None:
    method, _, target = route.partition(" ")
    expect_problem(client.send(method, target.format(id_)), 404, "not-found")


def test_the_address_of_a_job_has_the_stage_that_the_caller_used(world: Any) -> None:
    client = Client(world, stage="prod")
    assert client.post("/prod/jobs", {"id": "a", "steps": []}).headers["Location"] == "/prod/jobs/a"
    assert client.get("/prod/openapi.json").json["servers"] == [{"url": "/prod"}]
