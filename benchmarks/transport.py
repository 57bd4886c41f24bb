"""Botocore without a network: requests are built and signed, and answered in this process instead of being sent."""

from __future__ import annotations

import io
import json
from typing import Any

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.httpsession import URLLib3Session

from benchmarks.answers import Answers


class _Raw(io.BytesIO):
    """A body as botocore reads it."""

    def stream(self, **_: Any) -> list[bytes]:
        return [self.read()]


def cut() -> Answers:
    """From now on, no request of botocore leaves this process; returns the object that answers instead."""
    answers = Answers()

    def send(_: URLLib3Session, request: AWSPreparedRequest) -> AWSResponse:
        target = request.headers["X-Amz-Target"]
        operation = (target.decode() if isinstance(target, bytes) else target).rpartition(".")[2]
        body = json.dumps(answers.answer(operation, json.loads(request.body))).encode()
        headers = {"content-type": "application/x-amz-json-1.0", "content-length": str(len(body))}
        return AWSResponse(request.url, 200, headers, _Raw(body))

    URLLib3Session.send = send
    return answers
