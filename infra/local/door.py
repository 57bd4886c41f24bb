"""The embedded AWS behind a loopback port, for processes that talk to it over HTTP.

Moto's own server needs Flask; passing requests to the dispatcher of moto's mock needs no further package. Requests are
handled one at a time: moto checks a condition and writes in two steps, which no other write may separate.
"""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

_SCOPE: Final = re.compile(r"Credential=[^/]+/\d+/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request")
"""Region and service in the signature of a request."""
_GOOD: Final = range(200, 300)
_CHANGED_BY_US: Final = frozenset({"content-length", "connection", "server", "date"})

Seen = Callable[[str, str, bytes, bytes], None]
"""Receives the service, the operation, and the bodies of a call and of its answer."""


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Let moto handle one call at a time, from any thread: the jobs of a batch make calls in parallel."""
    from moto.core.botocore_stubber import BotocoreStubber  # noqa: PLC0415  # only a developer's machine has moto

    process, lock = BotocoreStubber.process_request, threading.RLock()

    def process_alone(stubber: Any, request: Any) -> Any:
        with lock:
            return process(stubber, request)

    BotocoreStubber.process_request = process_alone  # type: ignore[method-assign, assignment]  # what a patch is
    try:
        yield
    finally:
        BotocoreStubber.process_request = process  # type: ignore[method-assign]  # as above


class LocalDoor:
    """Listens on a free loopback port until it is closed.

    Args:
        seen: called under the lock after moto has handled a call, before the answer is sent: with the service, the
            operation (for a REST service, its method), and the bodies of the request and the answer.
    """

    def __init__(self, seen: Seen | None = None) -> None:
        self.lock = threading.RLock()
        """Held during each call. Code of this process that uses the embedded AWS directly must hold it, too."""
        self._server = _Server(("127.0.0.1", 0), partial(_Call, self.lock, seen))
        threading.Thread(target=self._server.serve_forever, name="aws", daemon=True).start()

    @property
    def address(self) -> str:
        """The value for `AWS_ENDPOINT_URL`."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()


class _Call(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # which keeps connections open
    disable_nagle_algorithm = True

    def __init__(self, lock: Any, seen: Seen | None, *args: Any) -> None:
        self._lock = lock
        self._seen = seen
        super().__init__(*args)

    def _pass_on(self) -> None:
        from botocore.awsrequest import AWSPreparedRequest  # noqa: PLC0415  # only a served deployment has a door
        from botocore.compat import HTTPHeaders  # noqa: PLC0415
        from moto.core.models import botocore_stubber  # noqa: PLC0415  # only a developer's machine has moto

        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        scope = _SCOPE.search(self.headers.get("Authorization", ""))
        if scope is None:
            self._answer(403, {}, b'{"__type": "MissingAuthenticationToken"}')
            return
        headers = HTTPHeaders()
        for name, value in self.headers.items():
            headers[name] = value
        url = f"https://{scope[2]}.{scope[1]}.amazonaws.com{self.path}"
        request = AWSPreparedRequest(method=self.command, url=url, headers=headers, body=body, stream_output=False)
        with self._lock:
            answer = botocore_stubber.process_request(request)
            if answer is None:
                self._answer(404, {}, b'{"__type": "UnknownService"}')
                return
            status, sent, text = answer
            content = text.encode() if isinstance(text, str) else text
            if status in _GOOD and self._seen is not None:
                operation = self.headers.get("X-Amz-Target", self.command).rpartition(".")[2]
                self._seen(scope[2], operation, body, content)
        self._answer(status, sent, content)

    do_GET = do_POST = do_PUT = do_DELETE = _pass_on  # noqa: N815  # http.server's names

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in _CHANGED_BY_US:
                self.send_header(name, str(value))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing: lines about calls would fill most of the log."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        if not isinstance(
            sys.exc_info()[1], OSError
        ):  # a client that ended in the middle of a call is not worth a log line
            super().handle_error(request, client_address)  # type: ignore[arg-type] # typeshed names the types of sockets
