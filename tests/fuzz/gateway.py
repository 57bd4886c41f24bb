"""A gateway for the fuzzer: HTTP in, events of an HTTP API to the real handler on the embedded AWS, HTTP out.

The sender of a token in `TENANTS` is that tenant, and any other has no identity, as if the gateway's authorizer were
missing: so the fuzzer also tests the handler with unverified requests.
"""

from __future__ import annotations

import base64
import json
import os
import sys
import time
import uuid
from collections import Counter
from contextlib import redirect_stdout, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import StringIO
from typing import Any

from handler.app import lambda_handler
from handler.console.local.lambda_event import HttpRequest, Identity, LocalContext, http_event
from infra.local import EmbeddedAws, embedded

SECONDS = 30.0
SERVER_ERROR = 500
TENANTS = {"Bearer fuzzer": "fuzzer", "Bearer neighbour": "neighbour"}


class Gateway(HTTPServer):
    """Serves one request after another in the main thread, the only one in which the alarm that stops steps works.

    Attributes:
        seen: the number of answers with each status.
        aws: the AWS with the handler's queue.
    """

    seen: Counter[int]
    aws: EmbeddedAws

    def call(self, event: dict[str, Any]) -> Any:
        context = LocalContext(aws_request_id=str(uuid.uuid4()), ends_at=time.monotonic() + SECONDS, now=time.monotonic)
        with redirect_stdout(StringIO()) as logged:  # metrics too
            answer = lambda_handler(event, context)
        if answer.get("statusCode", 0) >= SERVER_ERROR:
            sys.stderr.write(logged.getvalue())  # why
        return answer

    def work(self) -> None:
        """Process the queue's next messages, so that accepted jobs finish."""
        batch = self.aws.receive()
        if not batch["Records"]:
            return
        failed = {failure["itemIdentifier"] for failure in self.call(batch)["batchItemFailures"]}
        for record in batch["Records"]:
            if record["messageId"] not in failed:
                self.aws.delete(record["receiptHandle"])


class Exchange(BaseHTTPRequestHandler):
    """One request and its answer."""

    server: Gateway

    def answer(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        body = self.rfile.read(length)
        tenant = TENANTS.get(self.headers.get("authorization", ""))
        headers = {key: value for key, value in self.headers.items() if key.lower() != "authorization"}
        request = HttpRequest(method=self.command, target=self.path, headers=headers)
        event = http_event(request, Identity(subject=tenant or ""), request_id=str(uuid.uuid4()), at=time.time())
        if tenant is None:
            del event["requestContext"]["authorizer"]
        if body:
            event |= {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}
        response = self.server.call(event)
        self.server.seen[response["statusCode"]] += 1
        self.send_response(response["statusCode"])
        content = response["body"].encode()
        for header, value in (response["headers"] | {"Content-Length": str(len(content))}).items():
            self.send_header(header, value)
        self.end_headers()
        self.wfile.write(content)
        self.server.work()

    def __getattr__(self, name: str) -> Any:
        """Answer every method alike: the API decides which methods it has."""
        if name.startswith("do_"):
            return self.answer
        raise AttributeError(name)

    def log_message(self, *_: Any) -> None:
        """Log nothing: the fuzzer reports the requests."""


def main() -> None:
    """Serve until interrupted. The first line of the output has the port, the second the counts."""
    os.environ["PUBLIC_ROUTES"] = "true"
    with embedded() as aws, Gateway(("127.0.0.1", 0), Exchange) as gateway:
        gateway.aws, gateway.seen = aws, Counter()
        print(gateway.server_address[1], flush=True)  # noqa: T201 # read by the fuzzer
        with suppress(KeyboardInterrupt):
            gateway.serve_forever()
        json.dump(gateway.seen, sys.stdout)


if __name__ == "__main__":
    main()
