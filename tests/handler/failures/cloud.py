"""The deployment in front of a failing wire: callers, the poller, the schedule, and a clock that a test advances."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from handler.app import lambda_handler
from handler.console.local.lambda_event import HttpRequest, Identity, LocalContext, http_event, schedule_event
from infra.local import EmbeddedAws
from tests.handler.failures.wire import Failure, Wire

TENANT = "queue"
"""Callers over HTTP have the tenant of the queue here, so that jobs of both can be read."""


@dataclass
class Lines:
    """A log that a test reads."""

    lines: list[dict[str, Any]] = field(default_factory=list)

    def begin(self, context: Any, level: str) -> None:
        """Do nothing; see `handler.invocation.log`."""

    def _note(self, level: str, msg: str, extra: Mapping[str, Any]) -> None:
        self.lines.append({"level": level, "message": msg, **extra})

    def info(self, msg: str, *, extra: Mapping[str, Any]) -> None:
        self._note("info", msg, extra)

    def warning(self, msg: str, *, extra: Mapping[str, Any]) -> None:
        self._note("warning", msg, extra)

    def error(self, msg: str, *, extra: Mapping[str, Any]) -> None:
        self._note("error", msg, extra)

    def exception(self, msg: str, *, extra: Mapping[str, Any]) -> None:
        self._note("exception", msg, extra)

    def errors(self) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["level"] in {"error", "exception"}]


@dataclass
class Clock:
    """The time of the invocations."""

    now: float = 1_800_000_000.0

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now


@dataclass
class Cloud:
    """One deployment and its callers.

    Attributes:
        aws: the embedded AWS.
        wire: the connection to it.
        log: the handler's log.
        clock: its time.
        charged: idempotency keys of the effects that happened, in order.
    """

    aws: EmbeddedAws
    wire: Wire
    log: Lines
    clock: Clock
    capsys: pytest.CaptureFixture[str]
    charged: list[str] = field(default_factory=list)
    _invocations: int = 0

    def fail(self, *failures: Failure) -> None:
        """Let services fail from now on."""
        self.wire.failures[:] = failures

    def invoke(self, event: Mapping[str, Any], seconds: float = 30.0) -> Any:
        """One invocation."""
        self._invocations += 1
        name = f"request-{self._invocations}"
        context = LocalContext(aws_request_id=name, ends_at=self.clock.now + seconds, now=self.clock.monotonic)
        return lambda_handler(event, context)

    def request(
        self, method: str, target: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """One HTTP request; the answer's body as ``json``."""
        sent = HttpRequest(
            method=method,
            target=target,
            headers={"content-type": "application/json", **(headers or {})},
            body=None if body is None else json.dumps(body),
        )
        event = http_event(sent, Identity(subject=TENANT), request_id="r", at=self.clock.now)
        answer: dict[str, Any] = self.invoke(event)
        return {**answer, "json": json.loads(answer["body"]) if answer["body"] else None}

    def post(self, job: Mapping[str, Any], **headers: str) -> dict[str, Any]:
        return self.request("POST", "/jobs", job, {name.replace("_", "-"): value for name, value in headers.items()})

    def job(self, job_id: str) -> dict[str, Any]:
        answer = self.request("GET", f"/jobs/{job_id}")
        assert answer["statusCode"] == 200, answer
        job: dict[str, Any] = answer["json"]
        return job

    def send(self, body: Any) -> None:
        """Send a message to the queue of jobs."""
        text = body if isinstance(body, str) else json.dumps(body)
        self.aws._sqs.send_message(QueueUrl=self.aws.queue_url, MessageBody=text)

    def event(self) -> dict[str, Any]:
        """The event with which the poller would call the function: received messages, not acknowledged yet."""
        return self.aws.receive()

    def deliver(self, event: Mapping[str, Any] | None = None, seconds: float = 30.0) -> list[str]:
        """Act as the poller: delete the messages that did not fail. Returns the bodies of those that failed."""
        records = (event or self.event())["Records"]
        if not records:
            return []
        answer = self.invoke({"Records": records}, seconds)
        failed = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
        faults, self.wire.failures[:] = list(self.wire.failures), []  # the poller is AWS's own
        for record in records:
            settle = self.aws.release if record["messageId"] in failed else self.aws.delete
            settle(record["receiptHandle"])
        self.wire.failures[:] = faults
        return [record["body"] for record in records if record["messageId"] in failed]

    def sweep(self) -> int:
        answer: dict[str, int] = self.invoke(schedule_event(event_id="s", at=self.clock.now))
        return answer["swept"]

    def recover(self) -> None:
        """AWS works again and time passes: the schedule and the poller run each minute."""
        self.wire.heal()
        for _ in range(10):
            self.clock.now += 90
            self.sweep()
            for _ in range(5):
                self.deliver()
            waiting = [item for item in self.aws.table_items() if item["sk"] == "JOB" and item.get("due")]
            if not waiting and not self.event()["Records"]:
                return
        raise AssertionError("something never comes to rest")

    def events(self) -> list[str]:
        """The ids of the events on the bus, without tenant and run, in order."""
        return [event["detail"]["event_id"].split("/", 1)[1] for event in self.aws.bus_events()]

    def metrics(self) -> dict[str, float]:
        """The counters written since the last call, by name, summed over all dimensions."""
        counters: dict[str, float] = {}
        for line in self.capsys.readouterr().out.splitlines():
            record = json.loads(line)
            for metric in record["_aws"]["CloudWatchMetrics"][0]["Metrics"]:
                key = metric["Name"]
                values = record[key]
                counters[key] = counters.get(key, 0) + sum(values if isinstance(values, list) else [values])
        return counters
