"""A Lambda function on a developer's machine: calls the real handler like AWS.

Invocations run one at a time, in the calling thread. It must be the main thread, or the alarm that stops a step does
not work. An invocation's time is limited as on AWS: a job that outlives it is handed over through the queue.

See docs/decisions/007-command-line.md.
"""

from __future__ import annotations

import base64
import json
import sys
import uuid
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from typing import Any, Protocol

from handler.console.local.lambda_event import Event, HttpRequest, Identity, LocalContext, http_event, schedule_event


class Poller(Protocol):
    """The queue, for Lambda's poller; implemented by `infra.local.EmbeddedAws`."""

    def receive(self, most: int = ...) -> Event: ...
    def delete(self, receipt_handle: str) -> None: ...


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """The response that the gateway would send."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body, parsed as JSON."""
        return json.loads(self.body)


@dataclass(frozen=True, kw_only=True)
class LocalLambda:
    """One function with its two callers: the gateway and the queue's poller.

    Attributes:
        handler: ``handler.app.lambda_handler``.
        poller: the job queue.
        now: seconds of a monotonic clock.
        epoch: seconds since the epoch, for the timestamps of events.
        http_seconds: how long an invocation by the gateway may take.
        worker_seconds: how long an invocation by the queue or the schedule may take.
        identity: the caller over HTTP.
        check: called after each invocation; raises an interrupt again that the handler has caught.
    """

    handler: Callable[[Event, Any], Any]
    poller: Poller
    now: Callable[[], float]
    epoch: Callable[[], float]
    http_seconds: float = 29.0
    worker_seconds: float = 300.0
    identity: Identity = field(default_factory=Identity)
    check: Callable[[], None] = lambda: None

    def request(self, request: HttpRequest) -> HttpResponse:
        """Call the function like the gateway."""
        event = http_event(request, self.identity, request_id=str(uuid.uuid4()), at=self.epoch())
        answer = self._invoke(event, self.http_seconds)
        return HttpResponse(answer["statusCode"], _headers(answer), _body(answer))

    def work(self) -> int:
        """Receive one batch from the queue, call the function with it, and delete the messages that did not fail.

        Returns:
            The number of messages.
        """
        event = self.poller.receive()
        records = event["Records"]
        if not records:
            return 0
        answer = self._invoke(event, self.worker_seconds)
        failed = {failure["itemIdentifier"] for failure in (answer or {}).get("batchItemFailures", [])}
        for record in records:
            if record["messageId"] not in failed:
                self.poller.delete(record["receiptHandle"])
        return len(records)

    def sweep(self) -> None:
        """Call the function like its schedule."""
        self._invoke(schedule_event(event_id=str(uuid.uuid4()), at=self.epoch()), self.worker_seconds)

    def _invoke(self, event: Event, seconds: float) -> Any:
        context = LocalContext(aws_request_id=str(uuid.uuid4()), ends_at=self.now() + seconds, now=self.now)
        with redirect_stdout(sys.stderr):  # keep log lines, metrics and prints of blocks out of this command's output
            try:
                return self.handler(event, context)
            finally:
                self.check()  # even if the handler turned the interrupt into an error


def _headers(answer: Mapping[str, Any]) -> dict[str, str]:
    single = {name: str(value) for name, value in (answer.get("headers") or {}).items()}
    several = {name: ",".join(values) for name, values in (answer.get("multiValueHeaders") or {}).items()}
    return {**several, **single}


def _body(answer: Mapping[str, Any]) -> bytes:
    body = answer.get("body") or ""
    return base64.b64decode(body) if answer.get("isBase64Encoded") else body.encode()
