"""A record that is too large for DynamoDB fails its step, and is never reported as an error of AWS."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from handler.app import lambda_handler
from handler.console.local.lambda_event import HttpRequest, Identity, http_event
from infra.local import EmbeddedAws, embedded
from infra.table import attributes

LIMIT = 20_000
"""Bytes of an item, instead of DynamoDB's 400 KB, which the engine's records never reach."""


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddedAws]:
    monkeypatch.setattr(attributes, "ITEM_LIMIT", LIMIT)
    with embedded() as aws:
        yield aws


def pad(length: int, **more: Any) -> dict[str, Any]:
    return {"action": "TEXT.PAD", "parameters": {"text": "x", "length": length}, **more}


def ask(method: str, target: str, body: Any = None) -> tuple[int, Any]:
    request = HttpRequest(method=method, target=target, headers={}, body=json.dumps(body).encode() if body else None)
    answer = lambda_handler(http_event(request, Identity(), request_id="r", at=time.time()))
    return answer["statusCode"], json.loads(answer["body"])


def by_http(job: dict[str, Any]) -> Any:
    status, answer = ask("POST", "/jobs", job)
    assert status == 201
    return answer


def by_queue(job: dict[str, Any]) -> Any:
    record = {
        "messageId": "m1",
        "receiptHandle": "h",
        "body": json.dumps(job),
        "attributes": {"ApproximateReceiveCount": "1"},
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:q",
    }
    assert lambda_handler({"Records": [record]}) == {"batchItemFailures": []}
    return ask("GET", f"/jobs/{job['id']}")[1]


def direct(job: dict[str, Any]) -> Any:
    return lambda_handler(job)


@pytest.fixture(params=[by_http, by_queue, direct], ids=lambda door: door.__name__)
def run(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("QUEUE_TENANT", "local")  # so that the API shows the queue's jobs
    return request.param


def statuses(job: Any) -> dict[str, str]:
    return {step["path"]: step["status"]["name"] for step in job["steps"]}


def test_the_step_that_is_too_large_fails_and_the_rest_follows_from_that(run: Any) -> None:
    steps = [pad(10, id="a"), pad(LIMIT, id="b"), pad(10, id="c"), pad(10, id="d", forced=True)]
    job = run({"id": "j", "steps": steps})
    assert statuses(job) == {"a": "DONE", "b": "RESULT_LIMIT_EXCEED", "c": "SKIPPED", "d": "DONE"}
    assert (job["status"], job["failed_step"]["path"]) == ("FAILED", "b")
    error = job["steps"][1]["error"]
    assert (error["type"], job["steps"][1]["result"]) == ("RESULT_LIMIT_EXCEED", None)
    assert "AWS" not in error["message"]


def test_of_several_steps_the_one_that_is_too_large_is_to_blame(run: Any) -> None:
    steps = [pad(length, id=f"s{at}") for at, length in enumerate((9_000, 9_000, LIMIT, 9_000))]
    assert statuses(run({"id": "j", "steps": steps})) == {
        "s0": "DONE",
        "s1": "DONE",
        "s2": "RESULT_LIMIT_EXCEED",
        "s3": "SKIPPED",
    }


def test_variables_that_the_table_cannot_keep_are_not_changed(run: Any) -> None:
    steps = [
        {"id": "a", "set": {"v": "{= fixed(1, 0) =}"}, "allow_failure": True},
        {"id": "b", "set": {"v": "{< long >}"}, "allow_failure": True},
        {"id": "c", "action": "TEXT.JOIN", "parameters": {"text1": "{# v #}", "text2": "!"}},
    ]
    job = run({"id": "j", "parameters": {"long": "x" * 12_000}, "steps": steps})  # stored as result and as variable
    assert statuses(job) == {"a": "DONE", "b": "RESULT_LIMIT_EXCEED", "c": "DONE"}
    assert (job["steps"][2]["result"], job["variables"]) == ("1 !", {"v": "1"})


def test_a_loop_whose_list_the_table_cannot_keep_does_not_begin(run: Any) -> None:
    inner = {"id": "a", **pad(10)}
    loop = {"id": "l", "for_each": ["{< s >}", "{< s >}"], "do": [inner]}
    job = run({"id": "j", "parameters": {"s": "x" * 12_000}, "steps": [loop, pad(10, id="c")]})
    assert statuses(job) == {"l": "RESULT_LIMIT_EXCEED", "c": "SKIPPED"}


def test_a_payload_that_the_table_cannot_keep_is_not_a_failure_of_a_step() -> None:
    status, _ = ask("POST", "/jobs", {"id": "j", "parameters": {"s": "x" * LIMIT}, "steps": [pad(10)]})
    assert status == 503, "a payload's limit is below an item's: only a misconfigured deployment gets here"
