"""Cancelling and redriving jobs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.handler.http.client import FAIL, JOIN, Client, expect_problem

EVENTS = Path(__file__).parent.parent.parent / "events"


def test_a_job_that_waits_is_cancelled(client: Client, world: Any) -> None:
    client.post("/jobs", {"id": "a", "steps": [JOIN]}, prefer="respond-async")
    answer = client.post("/jobs/a/cancel")
    assert (answer.status, answer.json["id"], answer.headers["Location"]) == (202, "a", "/jobs/a")
    world.drain_queue()
    job = client.get("/jobs/a").json
    assert (job["status"], job["steps"][0]["status"]["name"]) == ("CANCELLED", "CANCELLED")


def test_a_finished_job_is_not_cancelled(client: Client) -> None:
    client.post("/jobs", {"id": "a", "steps": []})
    expect_problem(client.post("/jobs/a/cancel"), 409, "conflict")


def test_a_failed_job_runs_on_from_its_failed_step_with_new_values(client: Client, world: Any) -> None:
    steps = [
        {"action": "PROBE.CHARGE", "parameters": {}},
        {"id": "check", "action": "LOGIC.ASSERT", "parameters": {"value": "{< ok >}"}},
    ]
    client.post("/jobs", {"id": "a", "parameters": {"ok": False}, "steps": steps})
    answer = client.post("/jobs/a/redrive", {"parameters": {"ok": True}})
    assert (answer.status, answer.headers["Location"]) == (202, "/jobs/a")
    world.drain_queue()
    assert client.get("/jobs/a").json["status"] == "SUCCEEDED"
    assert len(world.ran) == 1


def test_a_failed_job_runs_on_from_an_earlier_step_when_asked(client: Client, world: Any) -> None:
    steps = [{"id": "first", "action": "PROBE.CHARGE", "parameters": {}}, FAIL]
    client.post("/jobs", {"id": "a", "steps": steps})
    assert client.post("/jobs/a/redrive", {"from_step": "first"}).status == 202
    world.drain_queue()
    assert len(world.ran) == 2


def test_only_a_failed_job_is_run_on(client: Client) -> None:
    client.post("/jobs", {"id": "a", "steps": []})
    expect_problem(client.post("/jobs/a/redrive"), 409, "conflict")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [({"from_step": 5}, "/from_step"), ({"steps": []}, "/steps"), ([], ""), ({"variables": []}, "/variables")],
)
def test_a_redrive_that_cannot_be_is_422(client: Client, body: Any, pointer: str) -> None:
    client.post("/jobs", {"id": "a", "steps": [FAIL]})
    problem = expect_problem(client.post("/jobs/a/redrive", body), 422, "invalid")
    assert problem["errors"][0]["pointer"] == pointer


def test_a_redrive_from_a_step_that_the_job_lacks_is_422(client: Client) -> None:
    client.post("/jobs", {"id": "a", "steps": [FAIL]})
    problem = expect_problem(client.post("/jobs/a/redrive", {"from_step": "nope"}), 422, "invalid")
    assert problem["errors"][0]["pointer"] == "/from_step"
