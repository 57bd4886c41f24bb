"""The cases of the language through `lambda_handler`: over HTTP and by the queue."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from handler import wiring
from handler.app import lambda_handler
from handler.console.local.lambda_event import HttpRequest, Identity, LocalContext, http_event, schedule_event
from infra.local import EmbeddedAws, embedded
from tests.examples import share

CASES = [
    json.loads(line)
    for line in (Path(__file__).parents[2] / "compat" / "language_cases.jsonl").read_text().splitlines()
]
TENANT = "ada"
IDS = count(1)
PARKED = 60.0
"""Seconds by which the clock advances while the queue is empty."""


@dataclass
class Clock:
    """The time of the invocations."""

    now: float = 1_800_000_000.0

    def time(self) -> float:
        return self.now

    monotonic = time


@dataclass
class Deployment:
    """One deployment, its poller and its schedule."""

    aws: EmbeddedAws
    clock: Clock

    def invoke(self, event: dict[str, Any]) -> Any:
        context = LocalContext(aws_request_id="r", ends_at=self.clock.now + 30.0, now=self.clock.monotonic)
        return lambda_handler(event, context)

    def ask(self, method: str, target: str, body: Any = None) -> Any:
        request = HttpRequest(method=method, target=target, headers={}, body=None if body is None else json.dumps(body))
        event = http_event(request, Identity(subject=TENANT), request_id="r", at=self.clock.now)
        answer = self.invoke(event)
        assert answer["statusCode"] < 300, answer
        return json.loads(answer["body"])

    def send(self, job: dict[str, Any]) -> None:
        queue: Any = self.aws.clients.sqs()
        queue.send_message(QueueUrl=self.aws.queue_url, MessageBody=json.dumps(job))

    def work(self) -> None:
        """Process the messages in the queue; delayed messages are left to the schedule."""
        for _ in range(100):
            records = self.aws.receive()["Records"]
            if not records:
                return
            failed = self.invoke({"Records": records})["batchItemFailures"]
            for record in records:
                again = record["messageId"] in {failure["itemIdentifier"] for failure in failed}
                (self.aws.release if again else self.aws.delete)(record["receiptHandle"])

    def ended(self, job_id: str) -> dict[str, Any]:
        """The job, once it has ended."""
        for _ in range(50):
            self.work()
            job: dict[str, Any] = self.ask("GET", f"/jobs/{job_id}")
            if job["finished_at"] is not None:
                return job
            self.clock.now += PARKED
            self.invoke(schedule_event(event_id="s", at=self.clock.now))
        raise AssertionError("the job never ends")


@pytest.fixture(scope="module")
def deployment() -> Iterator[Deployment]:
    clock = Clock()
    with embedded() as aws, pytest.MonkeyPatch.context() as patch:
        patch.setattr(wiring, "time", clock)
        patch.setenv("QUEUE_TENANT", TENANT)
        yield Deployment(aws, clock)


def named(case: dict[str, Any]) -> dict[str, Any]:
    """The case's job with an id, which no expected result contains."""
    return {**case["payload"], "id": f"case-{next(IDS)}"}


def check(job: dict[str, Any], expected: dict[str, Any]) -> None:
    assert job["status"] == ("SUCCEEDED" if expected["success"] else "FAILED")
    assert [(step["path"], step["status"]["name"]) for step in job["steps"]] == [
        (step["path"], step["status"]) for step in expected["steps"]
    ]
    for step, wanted in zip(job["steps"], expected["steps"], strict=True):
        if "result" in wanted and step["action"] not in {"FOR_EACH", "WHILE"}:  # lists built from items are omitted
            assert json.dumps(step["result"]) == json.dumps(wanted["result"]), step["path"]
        if "position" in wanted:
            assert step["position"] == wanted["position"]
    assert (job["failed_step"] and job["failed_step"]["path"]) == expected["failed_step"]
    for name in ("output", "variables"):
        if name in expected:
            assert json.dumps(job[name]) == json.dumps(expected[name])


@pytest.mark.share
@pytest.mark.parametrize("case", share(CASES, 2), ids=lambda case: case["name"])
def test_a_case_ends_over_http_as_the_language_says(case: dict[str, Any], deployment: Deployment) -> None:
    job = named(case)
    deployment.ask("POST", "/jobs", job)
    check(deployment.ended(job["id"]), case["expect"])


@pytest.mark.share
@pytest.mark.parametrize("case", share(CASES, 2, first=1), ids=lambda case: case["name"])
def test_a_case_ends_by_the_queue_as_the_language_says(case: dict[str, Any], deployment: Deployment) -> None:
    job = named(case)
    deployment.send(job)
    check(deployment.ended(job["id"]), case["expect"])


@pytest.mark.parametrize(("setting", "most", "records"), [("ITEMS_LIMIT", 2, 3), ("RECORDS_LIMIT", 3, 2)])
def test_a_deployment_sets_how_large_a_loop_may_be(
    setting: str, most: int, records: int, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(setting, str(most))
    step = {"action": "OBJECT.COPY", "parameters": {"value": 1}}
    loop = {"id": "l", "for_each": list(range(records)), "do": [{"id": "a", **step}, {"id": "b", **step}]}
    job = {"id": f"limit-{next(IDS)}", "steps": [loop]}
    deployment.ask("POST", "/jobs", job)
    ended = deployment.ended(job["id"])
    assert [(step["path"], step["status"]["name"]) for step in ended["steps"]] == [("l", "STEP_LIMIT_EXCEED")]
