"""The API on a port of a developer's machine.

Each connection has a thread, which answers requests that only read jobs or change records. The main thread answers
requests that may run steps, one at a time: only there can a step be stopped at its time limit. The timetable has its
own thread, so that a long job does not delay the sweep and the schedules.
"""

from __future__ import annotations

import queue
import re
import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Protocol

from handler.console.errors import InputError
from handler.console.local.lambda_event import HttpRequest
from handler.console.local.local_lambda import HttpResponse
from handler.console.shown.job_text import shorten

LOOK_SECONDS: Final = 0.2
"""Seconds between calls of the timetable, and seconds for which a turn waits for a request."""
BACKLOG: Final = 128
"""Connections that may wait to be accepted; a browser opens several at once."""
LARGEST_BODY: Final = 10 * 1024 * 1024
"""Bytes; API Gateway's limit for a request."""


_LONGEST_LINE: Final = 1024
_RUN_NOTHING: Final = frozenset({"cancel", "redrive", "answer", "validate"})
_CHUNK_SIZE: Final = re.compile(rb"[0-9A-Fa-f]{1,8}")


class AddressError(InputError):
    """The port cannot be opened. The message says why."""


class _UnreadableBodyError(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Function(Protocol):
    """Answers requests; implemented by `handler.console.local.local_lambda.LocalLambda`."""

    def request(self, request: HttpRequest) -> HttpResponse: ...


@dataclass(frozen=True)
class _Call:
    request: HttpRequest
    answer: Future[HttpResponse] = field(default_factory=Future)


def listen(host: str, port: int) -> socket.socket:
    """Open a listening socket, which can be passed to another process.

    Args:
        host: address to listen on.
        port: port to listen on; 0 for any that is free.

    Raises:
        AddressError: the port cannot be opened.
    """
    try:
        return socket.create_server((host, port), backlog=BACKLOG)
    except OSError as error:
        raise AddressError(f"Cannot listen on {host}:{port}: {error.strerror or error}") from None


def address_of(listener: socket.socket) -> str:
    """The URL at which a socket listens."""
    host, port = listener.getsockname()[:2]
    return f"http://{host}:{port}"


class LocalServer:
    """The API of one deployment behind a port.

    Args:
        function: answers the requests.
        listener: the socket; see `listen`.
        log: called with each line of the log.
        timetable: called every `LOOK_SECONDS`; sweeps and fires schedules when they are due.
    """

    def __init__(
        self, function: Function, listener: socket.socket, log: Callable[[str], None], timetable: Callable[[], object]
    ) -> None:
        self._function = function
        self._log = log
        self._timetable = timetable
        self._ended = threading.Event()
        self._calls: queue.SimpleQueue[_Call] = queue.SimpleQueue()
        self._one_at_a_time = threading.Lock()
        self._http = ThreadingHTTPServer(
            listener.getsockname()[:2], partial(_Connection, self._take, log), bind_and_activate=False
        )
        self._http.socket.close()
        self._http.socket = listener
        self._http.daemon_threads = True

    def run(self) -> None:
        """Serve until an exception ends it, such as Ctrl-C."""
        threading.Thread(target=self._http.serve_forever, name="http", daemon=True).start()
        threading.Thread(target=self._keep_time, name="timetable", daemon=True).start()
        try:
            while True:
                self.turn()
        finally:
            self._ended.set()
            self._http.shutdown()
            self._http.server_close()

    def turn(self) -> None:
        """Answer one request that may run a job, if one arrives within `LOOK_SECONDS`."""
        try:
            call = self._calls.get(timeout=LOOK_SECONDS)
        except queue.Empty:
            return
        self._answer(call)

    def _keep_time(self) -> None:
        while not self._ended.wait(LOOK_SECONDS):
            try:
                with self._one_at_a_time:
                    self._timetable()
            except Exception as error:  # noqa: BLE001  # the next call may succeed
                self._log(f"  the timetable failed: {error!r}")

    def _take(self, request: HttpRequest) -> HttpResponse:
        """Answer a request. Called by the thread of its connection."""
        if not may_run_job(request):
            with self._one_at_a_time:
                return self._call(request)
        call = _Call(request)
        self._calls.put(call)
        return call.answer.result()

    def _answer(self, call: _Call) -> None:
        try:
            call.answer.set_result(self._call(call.request))
        except Exception as error:  # noqa: BLE001  # the server continues after any error
            call.answer.set_exception(error)
        except BaseException:
            # Ctrl-C. The waiting thread must neither block permanently nor raise an interrupt itself.
            call.answer.set_exception(ConnectionAbortedError("the server is stopping"))
            raise

    def _call(self, request: HttpRequest) -> HttpResponse:
        try:
            return self._function.request(request)
        except Exception as error:
            self._log(f"  the function failed: {error!r}")
            raise


def may_run_job(request: HttpRequest) -> bool:
    """Whether the API may run steps before it answers. Only the main thread may: only there do time limits work."""
    path = request.target.partition("?")[0]
    return request.method == "POST" and path.rpartition("/")[2] not in _RUN_NOTHING


class _Connection(BaseHTTPRequestHandler):
    """One connection: makes a call of each HTTP request, and an HTTP response of its answer."""

    protocol_version = "HTTP/1.1"
    server_version = "conduit"

    def __init__(self, take: Callable[[HttpRequest], HttpResponse], log: Callable[[str], None], *args: Any) -> None:
        self._take = take
        self._log = log
        super().__init__(*args)

    def _forward(self) -> None:
        try:
            body = self._read_body() or None
        except _UnreadableBodyError as error:
            self._refuse(error.status, str(error))
            return
        headers: dict[str, str] = {}
        for name, value in self.headers.items():
            known = headers.get(name.lower())
            headers[name.lower()] = value if known is None else f"{known},{value}"
        request = HttpRequest(method=self.command, target=self.path, headers=headers, body=body)
        try:
            response = self._take(request)
        except Exception:  # noqa: BLE001  # API Gateway says no more either
            self._refuse(500, "Internal Server Error")
            return
        self._send(response.status, response.headers, response.body)

    def _read_body(self) -> bytes:
        """Read the body. A header gives its length, or each chunk begins with the chunk's length (RFC 9112, 7.1)."""
        if "Transfer-Encoding" in self.headers:
            if self.headers["Transfer-Encoding"].strip().lower() != "chunked":
                raise _UnreadableBodyError(501, "The only supported transfer encoding is chunked.")
            return self._read_chunks()
        length = self.headers.get("Content-Length", "0")
        if not length.isascii() or not length.isdigit():
            raise _UnreadableBodyError(400, "Content-Length must be a number of bytes.")
        return self._read(int(length), 0)

    def _read_chunks(self) -> bytes:
        body = b""
        while True:
            size = self.rfile.readline(_LONGEST_LINE).partition(b";")[0].strip()
            if not _CHUNK_SIZE.fullmatch(size):
                raise _UnreadableBodyError(400, "A chunk must begin with its size.")
            if int(size, 16) == 0:
                break
            body += self._read(int(size, 16), len(body))
            self.rfile.readline(_LONGEST_LINE)
        while self.rfile.readline(_LONGEST_LINE).strip():  # trailers are ignored
            pass
        return body

    def _read(self, length: int, before: int) -> bytes:
        if before + length > LARGEST_BODY:
            raise _UnreadableBodyError(413, f"A request may have at most {LARGEST_BODY} bytes.")
        return self.rfile.read(length)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = _forward  # noqa: N815  # http.server's names

    def _refuse(self, status: int, message: str) -> None:
        self.close_connection = True  # the body is unread, so no further request can be read
        self._send(status, {"Content-Type": "text/plain"}, message.encode())

    def _send(self, status: int, headers: Any, body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() != "content-length":
                self.send_header(name, value)
        if status not in {204, 304}:
            known = next((value for name, value in headers.items() if name.lower() == "content-length"), None)
            length = known if self.command == "HEAD" and known is not None else str(len(body))
            self.send_header("Content-Length", length)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD" and status not in {204, 304}:
            self.wfile.write(body)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log only requests that change something or fail: a page that polls each second would fill the log."""
        if self.command not in {"GET", "HEAD"} or not str(code).startswith(("2", "3")):
            super().log_request(code, size)

    def log_message(self, format: str, *args: Any) -> None:
        self._log(shorten(format % args, 200))
