"""The wire between botocore and the embedded AWS, which a test can make fail like a service."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from botocore.awsrequest import AWSPreparedRequest
from botocore.exceptions import EndpointConnectionError
from moto.core.botocore_stubber import BotocoreStubber

Answer = tuple[int, dict[str, str], str]
Original = Callable[[BotocoreStubber, AWSPreparedRequest], Any]
SERVICES = {"DynamoDB": "dynamodb", "AWSEvents": "events", "AmazonSQS": "sqs", "TrentService": "kms"}
HEADERS = {"Content-Type": "application/x-amz-json-1.0", "x-amzn-RequestId": "test"}


@dataclass(frozen=True, slots=True)
class Failure:
    """How a service fails.

    Attributes:
        service: ``dynamodb``, ``events`` or ``sqs``.
        code: the error code of its answer; empty if it does not answer.
        status: of that answer.
        operations: calls that fail; all if empty.
        holding: only calls whose body contains this string fail.
        after: the number of calls that succeed first.
    """

    service: str
    code: str = ""
    status: int = 400
    operations: tuple[str, ...] = ()
    holding: str = ""
    after: int = 0


@dataclass
class Wire:
    """The wire that each request passes.

    Attributes:
        failures: the present failures.
        partial: returns the answer to a request instead of AWS, or ``None``.
        calls: ``service.Operation`` of each request, retries included.
        slept: the waits before retries, in seconds; no time really passes.
    """

    original: Original
    failures: list[Failure] = field(default_factory=list)
    partial: (
        Callable[[str, dict[str, Any], Callable[[dict[str, Any]], dict[str, Any]]], dict[str, Any] | None] | None
    ) = None
    calls: list[str] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)
    _passed: dict[Failure, int] = field(default_factory=dict)

    def pass_on(self, stubber: BotocoreStubber, request: AWSPreparedRequest) -> Any:
        """Answer a request of botocore. A request to EventBridge Scheduler, which uses REST, is passed on."""
        if "X-Amz-Target" not in request.headers:
            return self.original(stubber, request)
        prefix, _, operation = _text(request.headers["X-Amz-Target"]).partition(".")
        service = SERVICES[prefix.partition("_")[0]]
        self.calls.append(f"{service}.{operation}")
        body = _text(request.body)
        for failure in self.failures:
            if self._hits(failure, service, operation, body):
                return self._fail(failure, request)
        if self.partial is not None:

            def send(other: dict[str, Any]) -> dict[str, Any]:
                changed = AWSPreparedRequest("POST", request.url, request.headers, json.dumps(other).encode(), False)
                answer: dict[str, Any] = json.loads(self.original(stubber, changed)[2])
                return answer

            answer = self.partial(operation, json.loads(body), send)
            if answer is not None:
                return 200, HEADERS, json.dumps(answer)
        return self.original(stubber, request)

    def _hits(self, failure: Failure, service: str, operation: str, body: str) -> bool:
        if failure.service != service or (failure.operations and operation not in failure.operations):
            return False
        if failure.holding not in body:
            return False
        self._passed[failure] = self._passed.get(failure, 0) + 1
        return self._passed[failure] > failure.after

    @staticmethod
    def _fail(failure: Failure, request: AWSPreparedRequest) -> Answer:
        if not failure.code:
            raise EndpointConnectionError(endpoint_url=request.url)
        body = json.dumps({"__type": f"com.amazonaws#{failure.code}", "message": f"{failure.code} for a test"})
        return failure.status, HEADERS, body

    def heal(self) -> None:
        """Everything works again."""
        self.failures.clear()
        self.partial = None


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value or "")
