"""Access to jobs, and errors that reveal nothing."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from infra.errors import MisconfiguredError, TryLaterError
from tests.handler.http.client import FAIL, JOIN, Client, expect_problem

EVENTS = Path(__file__).parent.parent.parent / "events"


ROUTES = [
    *["POST /jobs", "POST /jobs/validate", "GET /jobs", "GET /jobs/a", "GET /jobs/a/steps/1", "POST /jobs/a/cancel"],
    *["POST /jobs/a/redrive", "GET /blocks", "GET /blocks/TEXT.JOIN", "GET /schema", "GET /openapi.json", "GET /docs"],
    *["GET /nope", "DELETE /jobs"],
]


@pytest.mark.parametrize("route", ROUTES)
def test_every_route_needs_an_identity(world: Any, route: str) -> None:
    method, _, target = route.partition(" ")
    answer = Client(world, tenant="").send(method, target, {"id": "a", "steps": []})
    expect_problem(answer, 401, "unidentified")
    assert answer.headers["WWW-Authenticate"]
    assert world.items.calls == []


@pytest.mark.parametrize("route", ["GET /jobs/a", "GET /jobs/a/steps/1", "POST /jobs/a/cancel", "POST /jobs/a/redrive"])
def test_another_tenants_job_looks_like_none(client: Client, world: Any, route: str) -> None:
    client.post("/jobs", {"id": "a", "steps": [FAIL]})
    method, _, target = route.partition(" ")
    stranger = Client(world, tenant="stranger")
    theirs, missing = stranger.send(method, target), stranger.send(method, target.replace("/a", "/b"))
    expect_problem(theirs, 404, "not-found")
    assert theirs.body.replace("'a'", "'b'") == missing.body
    assert client.get("/jobs/a").json["status"] == "FAILED"


def test_a_list_shows_no_other_tenants_jobs_not_even_by_their_cursor(client: Client, world: Any) -> None:
    for id_ in "abc":
        world.clock.now += 1
        client.post("/jobs", {"id": id_, "steps": []})
    cursor = client.get("/jobs?limit=1").json["cursor"]
    stranger = Client(world, tenant="stranger")
    assert stranger.get("/jobs").json == {"jobs": [], "cursor": None}
    assert stranger.get(f"/jobs?cursor={cursor}").json["jobs"] == []


def test_two_tenants_may_use_one_id(world: Any) -> None:
    one, other = Client(world, tenant="one"), Client(world, tenant="other")
    assert one.post("/jobs", {"id": "a", "name": "1", "steps": []}).status == 201
    assert other.post("/jobs", {"id": "a", "name": "2", "steps": []}).status == 201
    assert (one.get("/jobs/a").json["name"], other.get("/jobs/a").json["name"]) == ("1", "2")


def test_a_tenant_whose_name_looks_like_a_key_reads_no_other_tenants_job(world: Any) -> None:
    assert Client(world, tenant="t#a").post("/jobs", {"id": "b", "steps": []}).status == 201
    assert Client(world, tenant="t").get("/jobs/a%23b").status == 404
    assert Client(world, tenant="t").get("/jobs/b").status == 404


@pytest.mark.parametrize("error", [TryLaterError("throttled"), MisconfiguredError("no table arn:aws:dynamodb:secret")])
def test_a_failure_of_aws_is_503_with_a_time_to_wait_and_without_a_word_of_why(
    client: Client, world: Any, error: Exception
) -> None:
    def fail(_: str) -> None:
        raise error

    world.items.before = fail
    for answer in (client.post("/jobs", {"steps": [JOIN]}), client.get("/jobs/a"), client.get("/jobs")):
        expect_problem(answer, 503, "unavailable")
        assert int(answer.headers["Retry-After"]) > 0
        assert "arn:" not in answer.body


def test_an_unexpected_error_is_500_and_in_the_log_but_not_in_the_answer(
    client: Client, world: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: str) -> None:
        raise RuntimeError("secret of the inside")

    world.items.before = fail
    answer = client.get("/jobs/a")
    expect_problem(answer, 500, "fault")
    assert "secret" not in answer.body
    assert "Traceback" not in answer.body
    assert "secret of the inside" in caplog.text


def test_the_log_has_nothing_of_a_payload_unless_the_deployment_wants_it(
    client: Client, world: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="conduit.test")
    job = {"id": "a", "name": "sesame", "variables": {"card": "sesame"}, "steps": [FAIL, {"action": "sesame\nFORGED"}]}
    client.post("/jobs", job)
    assert all("sesame" not in str(vars(record)) for record in caplog.records)
    world.set(log_payloads=True)
    client.post("/jobs", job)
    assert any("sesame" in str(vars(record)) for record in caplog.records)
