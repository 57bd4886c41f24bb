"""Reading jobs, steps and lists."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from tests.handler.http.client import FAIL, JOIN, Client, expect_problem

FORGED = ("1e300", "-1e300", "1e-300", "1e38", "-1", "0", "100000000000", "NaN", "Infinity", "true", '"1"', "1" * 39)
EVENTS = Path(__file__).parent.parent.parent / "events"


def test_a_job_is_read_as_it_was_answered(client: Client) -> None:
    sent = client.post("/jobs", {"id": "a", "steps": [JOIN, FAIL, JOIN], "variables": {"v": [1.5, None, "é"]}})
    assert client.get("/jobs/a").json == sent.json


def test_a_job_that_did_not_change_is_304(client: Client, world: Any) -> None:
    client.post("/jobs", {"id": "a", "steps": [JOIN]}, prefer="respond-async")
    tag = client.get("/jobs/a").headers["ETag"]
    for header in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        answer = client.get("/jobs/a", if_none_match=header)
        assert (answer.status, answer.body, answer.headers["ETag"]) == (304, "", tag)
    assert client.get("/jobs/a", if_none_match='"other"').status == 200
    world.drain_queue()
    assert client.get("/jobs/a", if_none_match=tag).status == 200


def test_a_step_is_read_by_its_id_even_one_with_a_slash(client: Client) -> None:
    sent = client.post("/jobs", {"id": "a", "steps": [JOIN, {**JOIN, "id": "b/c é"}]}).json
    assert client.get("/jobs/a/steps/1").json == sent["steps"][0]
    assert client.get("/jobs/a/steps/b/c é").json == sent["steps"][1]
    assert client.get("/jobs/a/steps/b%2Fc%20%C3%A9").json == sent["steps"][1]
    expect_problem(client.get("/jobs/a/steps/2"), 404, "not-found")


def test_a_step_whose_id_looks_percent_encoded_is_not_taken_for_another(client: Client) -> None:
    """The gateway decodes the path once. If it were decoded again, `50%2525 off` would find the step `50%25 off`."""
    sent = client.post("/jobs", {"id": "a", "steps": [{**JOIN, "id": "50%25"}, {**JOIN, "id": "50%"}]}).json
    assert client.get("/jobs/a/steps/50%2525").json == sent["steps"][0]
    assert client.get("/jobs/a/steps/50%25").json == sent["steps"][1]


def test_results_too_large_for_one_answer_have_an_address_of_their_own(client: Client, world: Any) -> None:
    world.set(payload_limit=1_000_000)
    text = '"\\' * 60_000  # each character is escaped twice
    steps = [{"action": "TEXT.UPPERCASE", "parameters": {"text": "{< text >}"}}] * 20
    client.post("/jobs", {"id": "a", "parameters": {"text": text}, "steps": [JOIN, *steps]})
    answer = client.get("/jobs/a")
    assert len(json.dumps(answer.body)) < 6 * 1024 * 1024
    omitted = [step for step in answer.json["steps"] if step.get("result_omitted")]
    assert omitted
    assert all(step["result"] is None for step in omitted)
    assert answer.json["steps"][0]["result"] == "Hello World"
    assert client.get(f"/jobs/a/steps/{omitted[0]['id']}").json["result"] == text


def test_a_list_shows_the_newest_first_page_by_page(client: Client, world: Any) -> None:
    for number in range(5):
        world.clock.now += 1
        client.post("/jobs", {"id": f"j{number}", "steps": [FAIL if number % 2 else JOIN], "variables": {"v": 1}})
    first = client.get("/jobs?limit=2").json
    assert [job["id"] for job in first["jobs"]] == ["j4", "j3"]
    assert "steps" not in first["jobs"][0]
    assert "variables" not in first["jobs"][0]
    assert set(first["cursor"]) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")
    second = client.get(f"/jobs?limit=2&cursor={first['cursor']}").json
    third = client.get(f"/jobs?limit=2&cursor={second['cursor']}").json
    assert [job["id"] for job in second["jobs"] + third["jobs"]] == ["j2", "j1", "j0"]
    assert third["cursor"] is None
    assert [job["id"] for job in client.get("/jobs?status=FAILED").json["jobs"]] == ["j3", "j1"]


@pytest.mark.parametrize("fraction", [0.0004, 0.0005, 0.0009, 0.4996])
def test_a_list_from_the_time_that_an_answer_shows_begins_with_its_job(
    client: Client, world: Any, fraction: float
) -> None:
    world.clock.now = int(world.clock.now) + fraction
    made = client.post("/jobs", {"id": "a", "steps": []}).json["created_at"]
    assert [job["id"] for job in client.get(f"/jobs?created_after={made}").json["jobs"]] == ["a"]
    assert client.get(f"/jobs?created_before={made}").json["jobs"] == []


@pytest.mark.parametrize(
    "query",
    [
        *["limit=0", "limit=101", "limit=x", "limit=", "limit=1&limit=2", "limit=-1", "limit=99999999999", "limit=٣"],
        *["status=DONE", "status=", "cursor=", "cursor=!", "cursor=abc", "cursor=W10", "cursor=bnVsbA"],
        "cursor=" + base64.urlsafe_b64encode(b"[" * 5000).decode().rstrip("="),
        "cursor=" + base64.urlsafe_b64encode(b'["a",' + b"9" * 400 + b"]").decode().rstrip("="),
        "cursor=" + base64.urlsafe_b64encode(b'["a",1e999]').decode().rstrip("="),
        "cursor=" + base64.urlsafe_b64encode(b'["a#b",1]').decode().rstrip("="),
        # Values that DynamoDB would refuse, or that no clock shows.
        *("cursor=" + base64.urlsafe_b64encode(f'["a",{number}]'.encode()).decode().rstrip("=") for number in FORGED),
    ],
)
def test_a_query_that_cannot_be_is_422(client: Client, query: str) -> None:
    problem = expect_problem(client.get(f"/jobs?{query}"), 422, "invalid")
    assert problem["errors"][0]["pointer"] == f"/{query.split('=', maxsplit=1)[0]}"


@pytest.mark.parametrize(
    ("target", "pointer", "hint"),
    [
        ("/jobs?stauts=FAILED", "/stauts", "status"),
        ("/jobs?limit=1&Limit=2", "/Limit", "limit"),
        ("/jobs/a?steps=1", "/steps", ""),
        ("/jobs/a/steps/1?x", "/x", ""),
        ("/blocks?category=TEXT", "/category", ""),
        ("/schema?a~b/c=1", "/a~0b~1c", ""),
    ],
)
def test_a_query_parameter_that_nothing_reads_is_422_and_not_ignored(
    client: Client, target: str, pointer: str, hint: str
) -> None:
    client.post("/jobs", {"id": "a", "steps": [JOIN]})
    [error] = expect_problem(client.get(target), 422, "invalid")["errors"]
    assert (error["pointer"], error["code"]) == (pointer, "UNKNOWN_FIELD")
    assert hint in error["message"]


@pytest.mark.parametrize("target", ["/jobs?x=1", "/jobs/validate?x=1", "/jobs/a/cancel?x=1", "/jobs/a/redrive?x=1"])
def test_a_change_with_an_unknown_query_parameter_changes_nothing(client: Client, world: Any, target: str) -> None:
    expect_problem(client.post(target, {"id": "a", "steps": [JOIN]}), 422, "invalid")
    assert world.items.calls == []


def test_many_long_unknown_query_parameters_are_named_in_a_short_answer(client: Client) -> None:
    query = "&".join(f"{'x' * 200}{number}=1" for number in range(200))
    assert len(client.get(f"/jobs?{query}").body) < 10_000
