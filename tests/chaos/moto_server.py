"""moto behind a loopback port, for processes that talk to AWS over HTTP: ``python -m tests.chaos.moto_server PORT``.

moto's own server needs Flask and what comes with it; passing requests on to the dispatcher that moto's mock uses needs
nothing. One request at a time: moto checks a condition and writes in two moves, and nothing may come between.
"""

from __future__ import annotations

import re
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

from botocore.awsrequest import AWSPreparedRequest
from botocore.compat import HTTPHeaders
from moto import mock_aws
from moto.core.models import botocore_stubber

_SCOPE: Final = re.compile(r"Credential=[^/]+/\d+/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request")
"""Region and service, as the signature of a request names them."""
_one_at_a_time: Final = threading.Lock()


class MotoHandler(BaseHTTPRequestHandler):
    """Passes a request on to moto, as though it had gone to the service that it is signed for."""

    protocol_version = "HTTP/1.1"  # connections are kept
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        """Signal the process that waits for the server."""
        self._answer(200, {}, b"moto")

    def do_POST(self) -> None:
        """Every call of DynamoDB, EventBridge and SQS."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        scope = _SCOPE.search(self.headers.get("Authorization", ""))
        if scope is None:
            self._answer(403, {}, b'{"__type": "MissingAuthenticationToken"}')
            return
        headers = HTTPHeaders()
        for name, value in self.headers.items():
            headers[name] = value
        url = f"https://{scope[2]}.{scope[1]}.amazonaws.com{self.path}"
        request = AWSPreparedRequest(method="POST", url=url, headers=headers, body=body, stream_output=False)
        with _one_at_a_time:
            answer = botocore_stubber.process_request(request)
        if answer is None:
            self._answer(404, {}, b'{"__type": "UnknownService"}')
            return
        status, sent, text = answer
        self._answer(status, sent, text.encode() if isinstance(text, str) else text)

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in {"content-length", "connection", "server", "date"}:
                self.send_header(name, str(value))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: a line for each request would be most of the log."""


class MotoServer(ThreadingHTTPServer):
    """Answers on a loopback port until it is ended. Its clients die in the middle of requests, which is expected."""

    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)  # type: ignore[arg-type] # typeshed names the types of sockets


if __name__ == "__main__":
    with mock_aws(), MotoServer(("127.0.0.1", int(sys.argv[1])), MotoHandler) as server:
        server.serve_forever()
