"""The API on a port of a developer's machine, with its worker, its sweeper, and a log of what reaches the bus.

The network is read and written by threads; the function runs in the main thread alone, one invocation at a time, since
only there a step can be stopped at its time limit. So a request waits while a job runs.
"""

from __future__ import annotations

import queue
import re
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from handler.console.errors import InputError
from handler.console.job_text import log_lines, shorten
from handler.console.lambda_event import HttpRequest
from handler.console.local_lambda import HttpResponse
from handler.console.workstation import Workstation

IDLE_SECONDS: Final = 0.2
LARGEST_BODY: Final = 10 * 1024 * 1024
"""Bytes; API Gateway's own limit of a request."""


_LONGEST_LINE: Final = 1024
_CHUNK_SIZE: Final = re.compile(rb"[0-9A-Fa-f]{1,8}")


class AddressError(InputError):
    """The port cannot be opened. The message says why."""


class _UnreadableBodyError(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class _Call:
    request: HttpRequest
    answer: Future[HttpResponse] = field(default_factory=Future)


class LocalServer:
    """One deployment behind a port.

    Args:
        station: the deployment.
        host: address to listen on.
        port: port to listen on; 0 for any that is free.
        log: takes each line of the log.

    Raises:
        AddressError: the port cannot be opened.
    """

    def __init__(self, station: Workstation, host: str, port: int, log: Callable[[str], None]) -> None:
        self._station = station
        self._log = log
        self._calls: queue.SimpleQueue[_Call] = queue.SimpleQueue()
        try:
            self._http = ThreadingHTTPServer((host, port), partial(_Door, self._calls, log))
        except OSError as error:
            raise AddressError(f"Cannot listen on {host}:{port}: {error.strerror or error}") from None
        self._http.daemon_threads = True

    @property
    def address(self) -> str:
        """Where it listens."""
        host, port = self._http.server_address[:2]
        return f"http://{host if isinstance(host, str) else host.decode()}:{port}"

    def run(self) -> None:
        """Serve until an exception ends it, such as Ctrl-C."""
        threading.Thread(target=self._http.serve_forever, name="http", daemon=True).start()
        try:
            while True:
                self.turn()
        finally:
            self._http.shutdown()
            self._http.server_close()

    def turn(self) -> None:
        """Answer one request if one comes soon, work the queue, and log what reached the bus."""
        try:
            call = self._calls.get(timeout=IDLE_SECONDS)
        except queue.Empty:
            pass
        else:
            self._answer(call)
        self._station.work()
        for line in log_lines(self._station.services.take_events()):
            self._log(f"  bus  {line}")

    def _answer(self, call: _Call) -> None:
        try:
            call.answer.set_result(self._station.function.request(call.request))
        except Exception as error:  # noqa: BLE001  # whatever it was, the server goes on
            call.answer.set_exception(error)
            self._log(f"  the function failed: {error!r}")
        except BaseException:
            # Ctrl-C. The thread that waits must not wait for ever, nor raise an interrupt of its own.
            call.answer.set_exception(ConnectionAbortedError("the server ends"))
            raise


class _Door(BaseHTTPRequestHandler):
    """One connection: turns what arrives into a call and its answer into HTTP."""

    protocol_version = "HTTP/1.1"
    server_version = "conduit"

    def __init__(self, calls: queue.SimpleQueue[_Call], log: Callable[[str], None], *args: Any) -> None:
        self._calls = calls
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
        call = _Call(HttpRequest(method=self.command, target=self.path, headers=headers, body=body))
        self._calls.put(call)
        try:
            response = call.answer.result()
        except Exception:  # noqa: BLE001  # whatever it was, the gateway says no more than this
            self._refuse(500, "Internal Server Error")
            return
        self._send(response.status, response.headers, response.body)

    def _read_body(self) -> bytes:
        """The body, whose length stands in a header or before each of its chunks (RFC 9112, 7.1)."""
        if "Transfer-Encoding" in self.headers:
            if self.headers["Transfer-Encoding"].strip().lower() != "chunked":
                raise _UnreadableBodyError(501, "Of the transfer encodings only chunked is known.")
            return self._read_chunks()
        length = self.headers.get("Content-Length", "0")
        if not length.isascii() or not length.isdigit():
            raise _UnreadableBodyError(400, "Content-Length is a number of bytes.")
        return self._read(int(length), 0)

    def _read_chunks(self) -> bytes:
        body = b""
        while True:
            size = self.rfile.readline(_LONGEST_LINE).partition(b";")[0].strip()
            if not _CHUNK_SIZE.fullmatch(size):
                raise _UnreadableBodyError(400, "A chunk begins with its size.")
            if int(size, 16) == 0:
                break
            body += self._read(int(size, 16), len(body))
            self.rfile.readline(_LONGEST_LINE)
        while self.rfile.readline(_LONGEST_LINE).strip():  # trailers mean nothing here
            pass
        return body

    def _read(self, length: int, before: int) -> bytes:
        if before + length > LARGEST_BODY:
            raise _UnreadableBodyError(413, f"A request may have {LARGEST_BODY} bytes.")
        return self.rfile.read(length)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = _forward  # noqa: N815  # http.server's names

    def _refuse(self, status: int, message: str) -> None:
        self.close_connection = True  # the body was not read, so nothing after it can be
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

    def log_message(self, format: str, *args: Any) -> None:
        self._log(shorten(format % args, 200))
