"""What operators ask for: runs, and changes of many jobs at once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.handler.http.client import FAIL, JOIN, Client, expect_problem


def stranger(client: Client) -> Client:
    return replace(client, tenant="other")


def test_runs_are_listed_with_their_ends_and_first_failures(client: Client, world: Any) -> None:
    steps = [JOIN, {"id": "check", "action": "LOGIC.ASSERT", "parameters": {"value": "{< ok >}"}}]
    client.post("/jobs", {"id": "a", "parameters": {"ok": False}, "steps": steps})
    first = client.get("/jobs/a").json
    assert client.get("/jobs/a/runs").json["runs"] == [
        {
            "run": 1,
            "status": "FAILED",
            "started_at": first["started_at"],
            "finished_at": first["finished_at"],
            "failed_step": first["failed_step"],
        }
    ]
    world.clock.now += 60
    client.post("/jobs/a/redrive", {"parameters": {"ok": True}})
    earlier, current = client.get("/jobs/a/runs").json["runs"]
    assert (earlier["run"], earlier["status"], earlier["failed_step"]) == (1, "FAILED", first["failed_step"])
    assert (current["run"], current["status"], current["finished_at"], current["failed_step"]) == (
        2,
        "QUEUED",
        None,
        None,
    )
    world.work_off()
    earlier, current = client.get("/jobs/a/runs").json["runs"]
    assert (earlier["status"], current["status"]) == ("FAILED", "SUCCEEDED")
    assert earlier["finished_at"] < current["started_at"] <= current["finished_at"]


def test_runs_of_another_tenants_job_do_not_exist(client: Client) -> None:
    client.post("/jobs", {"id": "a", "steps": [JOIN]})
    expect_problem(stranger(client).get("/jobs/a/runs"), 404, "not-found")
    expect_problem(client.get("/jobs/b/runs"), 404, "not-found")
    expect_problem(client.get("/jobs/a/runs?limit=1"), 422, "invalid")


def test_failed_jobs_are_run_on_in_bulk(client: Client, world: Any) -> None:
    for number in range(3):
        world.clock.now += 10
        client.post("/jobs", {"id": f"j{number}", "steps": [FAIL]})
    client.post("/jobs", {"id": "good", "steps": [JOIN]})
    since = client.get("/jobs/j1").json["created_at"]
    answer = client.post("/jobs/redrive", {"status": "FAILED", "created_after": since, "limit": 100})
    assert (answer.status, answer.json) == (200, {"done": ["j2", "j1"], "skipped": [], "cursor": None})
    assert [client.get(f"/jobs/{id_}").json["run"] for id_ in ("j0", "j1", "j2", "good")] == [1, 2, 2, 1]


def test_bulk_goes_on_at_its_cursor(client: Client, world: Any) -> None:
    for number in range(3):
        world.clock.now += 10
        client.post("/jobs", {"id": f"j{number}", "steps": [FAIL]})
    first = client.post("/jobs/redrive", {"status": "FAILED", "limit": 2}).json
    assert first["done"] == ["j2", "j1"]
    second = client.post("/jobs/redrive", {"status": "FAILED", "limit": 2, "cursor": first["cursor"]}).json
    assert second == {"done": ["j0"], "skipped": [], "cursor": None}


def test_bulk_stops_when_the_invocation_has_no_time_left_and_says_where_to_go_on(client: Client, world: Any) -> None:
    for number in range(2):
        world.clock.now += 10
        client.post("/jobs", {"id": f"j{number}", "steps": [FAIL]})
    short = replace(client, life=0.0)
    first = short.post("/jobs/redrive", {"status": "FAILED"}).json
    assert first["done"] == ["j1"]
    second = short.post("/jobs/redrive", {"status": "FAILED", "cursor": first["cursor"]}).json
    assert (second["done"], second["cursor"]) == (["j0"], None)


def test_waiting_jobs_are_cancelled_in_bulk(client: Client, world: Any) -> None:
    for id_ in ("a", "b"):
        client.post("/jobs", {"id": id_, "name": f"import {id_}", "steps": [JOIN]}, prefer="respond-async")
    answer = client.post("/jobs/cancel", {"status": "QUEUED", "name": "import a"})
    assert answer.json == {"done": ["a"], "skipped": [], "cursor": None}
    world.work_off()
    assert [client.get(f"/jobs/{id_}").json["status"] for id_ in ("a", "b")] == ["CANCELLED", "SUCCEEDED"]


def test_what_cannot_be_changed_is_skipped_with_the_reason(client: Client, world: Any) -> None:
    client.post("/jobs", {"id": "a", "steps": [FAIL]})
    world.clock.now = world.record("a").expires_at - 60
    answer = client.post("/jobs/redrive", {"status": "FAILED"}).json
    assert answer["done"] == []
    assert answer["skipped"][0]["id"] == "a"
    assert "expires too soon" in answer["skipped"][0]["why"]


def test_bulk_redrive_keeps_to_the_number_of_unfinished_jobs(client: Client, world: Any) -> None:
    for id_ in ("a", "b", "c"):
        world.clock.now += 10
        client.post("/jobs", {"id": id_, "steps": [FAIL]})
    world.set(max_running_jobs=2)
    answer = client.post("/jobs/redrive", {"status": "FAILED"}).json
    assert answer["done"] == ["c", "b"]
    assert [skipped["id"] for skipped in answer["skipped"]] == ["a"]
    assert "unfinished jobs" in answer["skipped"][0]["why"]


def test_bulk_reaches_no_other_tenants_jobs(client: Client) -> None:
    client.post("/jobs", {"id": "a", "steps": [FAIL]})
    answer = stranger(client).post("/jobs/redrive", {"status": "FAILED"})
    assert (answer.status, answer.json) == (200, {"done": [], "skipped": [], "cursor": None})
    assert client.get("/jobs/a").json["run"] == 1


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        ("cancel", {"status": "FAILED"}, "/status"),
        ("cancel", {"status": "SUCCEEDED"}, "/status"),
        ("redrive", {"status": "SUCCEEDED"}, "/status"),
        ("redrive", {"status": "RUNNING"}, "/status"),
        ("redrive", {"status": "failed"}, "/status"),
        ("redrive", {}, "/status"),
        ("redrive", None, "/status"),
        ("redrive", {"status": "FAILED", "limit": 101}, "/limit"),
        ("redrive", {"status": "FAILED", "limit": "5"}, "/limit"),
        ("redrive", {"status": "FAILED", "limit": True}, "/limit"),
        ("redrive", {"status": "FAILED", "created_after": "today"}, "/created_after"),
        ("redrive", {"status": "FAILED", "cursor": "x"}, "/cursor"),
        ("redrive", {"status": "FAILED", "since": "today"}, "/since"),
        ("redrive", [], ""),
    ],
)
def test_a_bulk_request_that_cannot_be_is_422(client: Client, path: str, body: Any, pointer: str) -> None:
    client.post("/jobs", {"id": "a", "steps": [FAIL]})
    problem = expect_problem(client.post(f"/jobs/{path}", body), 422, "invalid")
    assert problem["errors"][0]["pointer"] == pointer
    assert client.get("/jobs/a").json["run"] == 1
