"""Sends one attack through `lambda_handler` and checks the answer."""

from __future__ import annotations

import json
import time
from itertools import count
from typing import Any

from handler.app import lambda_handler
from handler.console.local.lambda_event import HttpRequest, Identity, LocalContext, http_event
from handler.invocation.event_kind import UnknownEventError
from handler.payload.parse import InvalidPayloadError
from tests.hostile.attack import Attack

SECONDS = 30.0
"""The timeout of an invocation."""
IDS = count(1)
RECORD = {
    "receiptHandle": "h",
    "attributes": {"ApproximateReceiveCount": "1"},
    "eventSource": "aws:sqs",
    "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:q",
}


class NotHeldError(Exception):
    """An attack succeeded: an answer of 500 or more, a message that comes back, or an undeclared error."""


def strike(attack: Attack, sent: Any) -> str:
    """Send the attack; returns a short description of the answer.

    Raises:
        NotHeldError: a stranger must not be able to cause such an answer.
        Exception: nor any exception.
    """
    if attack.door == "event":
        return _unknown(sent)
    if attack.door == "direct":
        return _direct(sent)
    if attack.door == "queue":
        return _message(sent)
    method, target, body = ("POST", "/jobs/validate", sent) if attack.door == "validate" else sent
    return _request(method, target, body)


def _invoke(event: Any) -> Any:
    now = time.monotonic()
    return lambda_handler(
        event, LocalContext(aws_request_id=f"r{next(IDS)}", ends_at=now + SECONDS, now=time.monotonic)
    )


def _request(method: str, target: str, body: bytes | None) -> str:
    headers = {"content-type": "application/json"} if body is not None else {}
    request = HttpRequest(method=method, target=target, headers=headers, body=body)
    answer = _invoke(http_event(request, Identity(), request_id="r", at=time.time()))
    if answer["statusCode"] >= 500:
        raise NotHeldError(f"{answer['statusCode']}: {answer['body'][:300]}")
    return str(answer["statusCode"])


def _message(body: bytes) -> str:
    failed = _invoke({"Records": [{**RECORD, "messageId": f"m{next(IDS)}", "body": body.decode()}]})[
        "batchItemFailures"
    ]
    if failed:
        raise NotHeldError("the message comes back")
    return "taken"


def _direct(job: Any) -> str:
    try:
        answer = _invoke(job)
    except InvalidPayloadError:
        return "refused"
    json.dumps(answer)  # as Lambda does
    steps = answer["steps"]
    longest = max((len(json.dumps(step["error"], ensure_ascii=False).encode()) for step in steps), default=0)
    if longest > 4_200:  # 4 KB, plus JSON's quotes
        raise NotHeldError(f"an error of {longest} bytes")
    return " ".join([answer["status"], *sorted({step["status"]["name"] for step in steps} - {"SUCCESS", "SKIPPED"})])


def _unknown(event: Any) -> str:
    try:
        _invoke(event)
    except UnknownEventError as error:
        if len(str(error)) > 300:
            raise NotHeldError("the error is long") from error
        return "unknown event"
    raise NotHeldError("the event was accepted")
