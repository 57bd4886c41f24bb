"""The `Idempotency-Key` that a service receives: one key for each action of a job, despite retries and crashes."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import pytest

from handler import wiring
from handler.app import lambda_handler
from tests.http.servers import Request, Server, answer

FAIL = {"id": "fail", "action": "LOGIC.FAIL", "parameters": {"message": "no"}}


def post(server: Server, id_: str = "post", path: str = "/", **more: Any) -> dict[str, Any]:
    return {"id": id_, "action": "HTTP.REQUEST", "parameters": {"url": server.url(path)}, **more}


def keys(server: Server) -> list[str]:
    return [request.headers["idempotency-key"] for request in server.requests]


def an_hour_later(clock: Any) -> None:
    clock._start = time.time() + 3600 - time.monotonic()


def work(aws: Any) -> None:
    while (batch := aws.receive())["Records"]:
        lambda_handler(batch)
        for record in batch["Records"]:
            aws.delete(record["receiptHandle"])


@pytest.fixture
def server(opened: Any) -> Any:
    with Server(lambda _: answer(200)) as made:
        opened(made.port)
        yield made


def test_a_key_is_of_one_tenant_job_and_step_and_names_none_of_them(ask: Any, server: Server) -> None:
    for job, tenant in (("a", "me"), ("b", "me"), ("a", "other")):
        ask("POST", "/jobs", {"id": job, "steps": [post(server), post(server, "again")]}, tenant)
    found = keys(server)
    assert len(found) == len(set(found)) == 6
    assert all(re.fullmatch("[0-9a-f]{64}", key) for key in found)


def test_a_redrive_sends_another_key(ask: Any, aws: Any, server: Server) -> None:
    ask("POST", "/jobs", {"id": "redriven", "steps": [post(server), FAIL]})
    ask("POST", "/jobs/redriven/redrive", {"from_step": "post"})
    work(aws)
    first, second = keys(server)
    assert first != second


def test_a_call_that_is_tried_again_in_a_later_invocation_sends_its_key_again(
    ask: Any, aws: Any, opened: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The retry's delay is longer than 5 seconds: the job is parked, and another process continues it."""

    def respond(_: Request) -> bytes:
        return answer(200 if len(busy.requests) > 1 else 503)

    with Server(respond) as busy:
        opened(busy.port)
        _, job = ask("POST", "/jobs", {"id": "parked", "steps": [post(busy, retry={"attempts": 2, "delay": 20})]})
        assert job["waiting"]["for"] == "retry"
        wiring.wire.cache_clear()  # another process
        monkeypatch.setattr(wiring.InvocationClock, "restart", an_hour_later)
        pointer = {"resume": {"tenant": "me", "job_id": "parked"}}
        aws.clients.sqs().send_message(QueueUrl=aws.queue_url, MessageBody=json.dumps(pointer))
        work(aws)
        assert ask("GET", "/jobs/parked")[1]["status"] == "SUCCEEDED"
    assert len(busy.requests) == 2
    assert len(set(keys(busy))) == 1
