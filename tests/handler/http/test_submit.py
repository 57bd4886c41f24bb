"""POST /jobs: when each answer is sent, and the answers to refused jobs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.handler.http.client import FAIL, JOIN, Client, expect_problem

EVENTS = Path(__file__).parent.parent.parent / "events"


def test_a_job_that_finishes_is_answered_with_201_and_its_steps(client: Client) -> None:
    answer = client.post("/jobs", {"id": "a", "name": "N", "steps": [JOIN]})
    assert (answer.status, answer.headers["Location"]) == (201, "/jobs/a")
    job = answer.json
    assert (job["id"], job["name"], job["status"], job["success"], job["failed_step"]) == (
        "a",
        "N",
        "SUCCEEDED",
        True,
        None,
    )
    step = job["steps"][0]
    assert (step["id"], step["position"], step["action"], step["result"]) == ("1", 1, "TEXT.JOIN", "Hello World")
    assert (step["status"], step["error"], step["attempts"]) == ({"name": "DONE", "value": 0}, None, 1)
    assert all(
        time.endswith("Z") for time in (job["created_at"], job["started_at"], job["finished_at"], step["started_at"])
    )


def test_a_job_that_fails_is_answered_with_201_too_and_says_which_step_failed(client: Client) -> None:
    answer = client.post("/jobs", {"steps": [JOIN, {**FAIL, "id": "check"}, JOIN]})
    assert answer.status == 201
    status = {"name": "ASSERTION_ERROR", "value": 106}
    assert answer.json["failed_step"] == {
        "id": "check",
        "path": "check",
        "position": 2,
        "action": "LOGIC.ASSERT",
        "status": status,
    }
    assert [step["status"]["name"] for step in answer.json["steps"]] == ["DONE", "ASSERTION_ERROR", "SKIPPED"]


@pytest.mark.parametrize(
    "job",
    [
        {"steps": [JOIN], "timeout": 1e300},
        {"steps": [{"wait": {"seconds": f"{{= {10**400} =}}"}}]},
        {"steps": [{"for_each": [1], "timeout": 1e300, "do": [{"id": "a", **JOIN}]}]},
    ],
    ids=["timeout", "wait", "loop"],
)
def test_no_number_in_a_job_is_too_large_for_the_table(client: Client, job: Any) -> None:
    assert client.post("/jobs", job).status == 201


def test_a_job_without_an_id_gets_one(client: Client) -> None:
    answer = client.post("/jobs", {"steps": []})
    assert answer.headers["Location"] == f"/jobs/{answer.json['id']}"


def test_the_same_job_again_is_answered_with_200_and_runs_nothing(client: Client, world: Any) -> None:
    job = {"id": "a", "steps": [{"action": "PROBE.CHARGE", "parameters": {}}]}
    first, again = client.post("/jobs", job), client.post("/jobs", job)
    assert (again.status, again.json, again.headers["Location"]) == (200, first.json, "/jobs/a")
    assert len(world.ran) == 1


def test_another_job_under_the_same_id_is_a_conflict(client: Client) -> None:
    client.post("/jobs", {"id": "a", "steps": []})
    answer = client.post("/jobs", {"id": "a", "steps": [JOIN]})
    expect_problem(answer, 409, "conflict")
    assert answer.headers["Location"] == "/jobs/a"


def test_who_does_not_want_to_wait_is_answered_with_202_before_anything_ran(client: Client, world: Any) -> None:
    answer = client.post("/jobs", {"id": "a", "steps": [JOIN]}, prefer="respond-async")
    assert (answer.status, answer.headers["Location"]) == (202, "/jobs/a")
    assert answer.headers["Preference-Applied"] == "respond-async"
    assert (answer.json["status"], answer.json["steps"][0]["status"]["name"]) == ("QUEUED", "NONE")
    world.drain_queue()
    assert client.get("/jobs/a").json["status"] == "SUCCEEDED"


def test_who_waits_a_second_is_answered_with_202_when_it_is_over(client: Client) -> None:
    steps = [{"action": "PROBE.CHARGE", "parameters": {"seconds": 2}}, JOIN]
    answer = client.post("/jobs", {"id": "a", "steps": steps}, prefer="wait=1")
    assert (answer.status, answer.headers["Preference-Applied"]) == (202, "wait=1")
    assert [step["status"]["name"] for step in answer.json["steps"]] == ["DONE", "NONE"]


def test_a_job_that_outlives_the_request_is_answered_with_202_and_goes_on(client: Client, world: Any) -> None:
    steps = [{"action": "PROBE.CHARGE", "parameters": {"seconds": 20}}] * 3
    answer = client.post("/jobs", {"id": "a", "steps": steps})
    assert answer.status == 202
    world.drain_queue(life=900)
    assert client.get("/jobs/a").json["status"] == "SUCCEEDED"


def test_a_strict_caller_gets_the_errors_and_nothing_runs(client: Client, world: Any) -> None:
    job = {"id": "a", "steps": [{"action": "PROBE.CHARGE", "parameters": {}}, {"action": "TEXT.JION"}]}
    answer = client.post("/jobs", job, prefer="handling=strict")
    problem = expect_problem(answer, 422, "invalid")
    assert [(error["pointer"], error["code"]) for error in problem["errors"]] == [
        ("/steps/1/action", "BLOCK_NOT_FOUND")
    ]
    assert answer.headers["Preference-Applied"] == "handling=strict"
    assert world.ran == []
    assert client.get("/jobs/a").status == 404


def test_a_strict_caller_is_not_stopped_by_a_warning(client: Client) -> None:
    steps = [{"action": "VARIABLE.SET", "parameters": {"name": "w", "value": "x"}}, {**JOIN, "if": "{# w #}"}]
    assert client.post("/jobs", {"steps": steps}, prefer="handling=strict").status == 201


@pytest.mark.parametrize("key", ["order-42", '"order-42"', " order-42 "])
def test_an_idempotency_key_serves_as_the_id(client: Client, key: str) -> None:
    first = client.post("/jobs", {"steps": [JOIN]}, idempotency_key=key)
    again = client.post("/jobs", {"steps": [JOIN]}, idempotency_key=key)
    assert (first.status, first.json["id"], again.status) == (201, "order-42", 200)


def test_an_id_in_the_payload_comes_before_the_idempotency_key(client: Client) -> None:
    assert client.post("/jobs", {"id": "a", "steps": []}, idempotency_key="b").json["id"] == "a"


@pytest.mark.parametrize("key", ["", "a b", "x" * 65, "é", '"'])
def test_an_idempotency_key_that_is_not_an_id_is_refused(client: Client, key: str) -> None:
    for job in ({"steps": []}, {"id": "a", "steps": []}):
        problem = expect_problem(client.post("/jobs", job, idempotency_key=key), 422, "invalid")
        assert problem["errors"][0]["code"] == "INVALID_ID"


@pytest.mark.parametrize("body", [None, "", "{", "nope", b"\xff\xfe", "NaN", '{"steps":[NaN]}'])
@pytest.mark.parametrize("target", ["/jobs", "/jobs/validate"])
def test_a_body_that_is_not_json_is_400(client: Client, target: str, body: Any) -> None:
    expect_problem(client.post(target, body), 400, "not-json")


def test_a_body_that_only_claims_to_be_base64_is_400(client: Client) -> None:
    event = json.loads((EVENTS / "http_jwt.json").read_text()) | {"body": "%%%", "isBase64Encoded": True}
    event["requestContext"]["http"]["method"] = "POST"
    expect_problem(client.invoke(event), 400, "not-json")


def test_a_body_in_base64_is_read(client: Client) -> None:
    assert client.post("/jobs", json.dumps({"id": "a", "steps": []}).encode()).status == 201


def test_json_that_is_not_a_job_is_422_with_every_problem(client: Client) -> None:
    problem = expect_problem(client.post("/jobs", {"tags": ["ADMIN"], "steps": [{}]}), 422, "invalid")
    assert [(error["pointer"], error["code"]) for error in problem["errors"]] == [
        ("/steps/0", "INVALID_FIELD"),
        ("/tags", "RESERVED_FIELD"),
    ]


@pytest.mark.parametrize("target", ["/jobs", "/jobs/validate", "/jobs/a/redrive"])
@pytest.mark.parametrize(("size", "fits"), [(255, True), (256, True), (257, False)])
def test_a_body_past_the_limit_is_413(client: Client, world: Any, target: str, size: int, fits: bool) -> None:
    world.set(payload_limit=256)
    body = b'{"steps":[]' + b" " * (size - 12) + b"}"
    answer = client.post(target, body)
    if fits:
        assert answer.status != 413
    else:
        expect_problem(answer, 413, "too-large")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", "x"])
@pytest.mark.parametrize("target", ["/jobs", "/jobs/validate", "/jobs/a/redrive"])
def test_a_body_of_another_type_is_415(client: Client, target: str, kind: str) -> None:
    expect_problem(client.post(target, {"steps": []}, content_type=kind), 415, "wrong-media-type")


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("PUT", "/workflows/w"),
        ("PUT", "/hooks/h"),
        ("PUT", "/schedules/s"),
        ("PUT", "/secrets/s"),
        ("POST", "/workflows/w/jobs"),
        ("POST", "/jobs/cancel"),
        ("POST", "/jobs/redrive"),
        ("POST", "/jobs/j/steps/ok/answer"),
    ],
)
def test_every_endpoint_with_a_body_takes_json_alone(client: Client, method: str, target: str) -> None:
    expect_problem(client.send(method, target, {}, content_type="text/plain"), 415, "wrong-media-type")


@pytest.mark.parametrize(
    "kind", ["application/json", "Application/JSON; charset=utf-8", "application/vnd.conduit+json"]
)
def test_a_body_of_any_json_type_is_taken(client: Client, kind: str) -> None:
    assert client.post("/jobs", {"steps": []}, content_type=kind).status == 201


def test_too_many_unfinished_jobs_are_429_until_one_ends(client: Client, world: Any) -> None:
    world.set(max_running_jobs=2)
    for id_ in "ab":
        assert client.post("/jobs", {"id": id_, "steps": [JOIN]}, prefer="respond-async").status == 202
    answer = client.post("/jobs", {"steps": [JOIN]})
    expect_problem(answer, 429, "too-many-jobs")
    assert int(answer.headers["Retry-After"]) > 0
    assert Client(world, tenant="another").post("/jobs", {"steps": [JOIN]}).status == 201
    world.drain_queue()
    assert client.post("/jobs", {"steps": [JOIN]}).status == 201


def test_a_job_that_is_known_is_answered_although_its_tenant_is_at_its_limit(client: Client, world: Any) -> None:
    world.set(max_running_jobs=1)
    done = {"id": "done", "steps": [JOIN]}
    client.post("/jobs", done)
    waiting = {"id": "waiting", "steps": [JOIN]}
    client.post("/jobs", waiting, prefer="respond-async")

    assert client.post("/jobs", waiting).status == 200
    assert client.post("/jobs", waiting, prefer="respond-async").status == 200
    again = client.post("/jobs", {"steps": [JOIN]}, idempotency_key="done")
    assert (again.status, again.json["status"]) == (200, "SUCCEEDED")
    expect_problem(client.post("/jobs", {**done, "name": "another"}), 409, "conflict")
    expect_problem(client.post("/jobs", {**done, "id": "new"}), 429, "too-many-jobs")


def test_a_redrive_counts_against_the_limit(client: Client, world: Any) -> None:
    client.post("/jobs", {"id": "failed", "steps": [FAIL]})
    world.set(max_running_jobs=1)
    client.post("/jobs", {"id": "waiting", "steps": [JOIN]}, prefer="respond-async")

    refused = client.post("/jobs/failed/redrive")
    expect_problem(refused, 429, "too-many-jobs")
    assert refused.headers["Retry-After"]
    assert client.get("/jobs/failed").json["status"] == "FAILED"

    world.drain_queue()
    assert client.post("/jobs/failed/redrive").status == 202
    expect_problem(client.post("/jobs", {"steps": [JOIN]}), 429, "too-many-jobs")
