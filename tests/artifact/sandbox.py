"""A sandbox like Lambda's: the runtime client in its own process, which gets its calls from our Runtime API server.

A call that exceeds its timeout kills the process, as in Lambda, and the next call starts a new one.
"""

from __future__ import annotations

import json
import queue
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv-artifact" / "bin" / "python"
HANDLER = "handler.app.lambda_handler"
STARTS_WITHIN = 10.0
"""Seconds that Lambda allows a process to import its handler."""
NOTICE_EVERY = 0.05
"""Seconds between two checks whether the process is alive."""


class TimedOutError(Exception):
    """The call ran past the function's timeout, and its process was killed."""


class CrashedError(Exception):
    """The process ended in the middle of the call."""


class FunctionError(Exception):
    """The handler raised, or could not be imported. The message is the runtime client's report."""


@dataclass(frozen=True)
class Invocation:
    """The outcome of one call.

    Attributes:
        result: the handler's answer.
        seconds: from the call to the answer, including the start of the process if it is cold.
        cold: whether the call started the process.
    """

    result: Any
    seconds: float
    cold: bool


@dataclass
class _Call:
    request_id: str
    event: str
    timeout: float
    answer: queue.SimpleQueue[tuple[str, str]]
    deadline: float | None = None
    """Epoch seconds; set when the handler gets the call, because the start of a process does not count."""


class Sandbox:
    """One function: its code, its environment, its timeout.

    Args:
        artifact: the folder in the place of /var/task.
        environment: the function's variables.
        timeout: seconds.
        log: the file for the function's output.
    """

    def __init__(self, artifact: Path, environment: Mapping[str, str], *, timeout: float, log: Path) -> None:
        self.timeout = timeout
        self.log = log
        self._artifact = artifact
        self._environment = dict(environment)
        self._process: subprocess.Popen[bytes] | None = None
        self._server = _Server()

    def invoke(self, event: Any) -> Invocation:
        """Call the handler.

        Raises:
            TimedOutError: the timeout was exceeded.
            CrashedError: the process ended.
            FunctionError: the handler raised.
        """
        began = time.monotonic()
        cold = self._process is None
        if self._process is None:
            self._process = self._start()
        call = self._server.offer(json.dumps(event), self.timeout)
        kind, text = self._answer(call)
        if kind != "response":
            raise FunctionError(text)
        return Invocation(json.loads(text), time.monotonic() - began, cold)

    def kill(self) -> None:
        """Kill the process, as Lambda does when it no longer needs or trusts one."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        self._server.forget()

    def close(self) -> None:
        self.kill()
        self._server.close()

    def _answer(self, call: _Call) -> tuple[str, str]:
        began = time.time()
        while True:
            try:
                return call.answer.get(timeout=NOTICE_EVERY)
            except queue.Empty:
                if time.time() > (call.deadline or began + STARTS_WITHIN):
                    self.kill()
                    raise TimedOutError(f"Task timed out after {self.timeout:.2f} seconds") from None
                if self._process is None or self._process.poll() is not None:
                    self.kill()
                    raise CrashedError(self.log.read_text(encoding="utf-8", errors="replace")[-2000:]) from None

    def _start(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as output:
            return subprocess.Popen(  # noqa: S603 (our own environment)
                [PYTHON, "-m", "awslambdaric", HANDLER],
                cwd=self._artifact,
                env={**self._environment, "AWS_LAMBDA_RUNTIME_API": self._server.address},
                stdout=output,
                stderr=subprocess.STDOUT,
            )


class _Server:
    """The Runtime API: hands each call to a runtime that requests the next one, and receives its answer."""

    def __init__(self) -> None:
        self.waiting: queue.SimpleQueue[_Call] = queue.SimpleQueue()
        self.current: _Call | None = None
        self._http = _HttpServer(("127.0.0.1", 0), _Runtime)
        self._http.daemon_threads = True
        self._http.state = self
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()
        self.address = f"127.0.0.1:{self._http.server_address[1]}"

    def offer(self, event: str, timeout: float) -> _Call:
        call = _Call(str(uuid.uuid4()), event, timeout, queue.SimpleQueue())
        self.waiting.put(call)
        return call

    def forget(self) -> None:
        self.current = None
        while not self.waiting.empty():
            self.waiting.get()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


class _HttpServer(ThreadingHTTPServer):
    state: _Server
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore the connection reset of a killed process; any other error is ours and is shown."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Runtime(BaseHTTPRequestHandler):
    protocol_version: ClassVar[str] = "HTTP/1.1"
    # Otherwise each answer waits 40 ms for an acknowledgement.
    disable_nagle_algorithm: ClassVar[bool] = True
    wbufsize: ClassVar[int] = -1
    server: _HttpServer

    def do_GET(self) -> None:
        state = self.server.state
        call = self._next(state)
        if call is None:
            self.close_connection = True
            return
        state.current = call
        call.deadline = time.time() + call.timeout
        body = call.event.encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Lambda-Runtime-Aws-Request-Id", call.request_id)
        self.send_header("Lambda-Runtime-Deadline-Ms", str(int(call.deadline * 1000)))
        self.send_header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-central-1:000000000000:function:f")
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        text = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        state = self.server.state
        # Without a current call, the handler could not be imported; the first call gets this error.
        call = state.current or (None if state.waiting.empty() else state.waiting.get())
        self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()
        if call is not None:
            call.answer.put(("response" if self.path.endswith("/response") else "error", text))

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing: each call would take three lines."""

    def _next(self, state: _Server) -> _Call | None:
        # A runtime that was killed while it waited leaves this thread behind, which must not take the next call.
        while not self._gone():
            try:
                call = state.waiting.get(timeout=NOTICE_EVERY)
            except queue.Empty:
                continue
            if not self._gone():
                return call
            state.waiting.put(call)
        return None

    def _gone(self) -> bool:
        try:
            self.connection.setblocking(False)
            return self.connection.recv(1, socket.MSG_PEEK) == b""  # a closed connection reads as empty
        except BlockingIOError:
            return False
        except OSError:
            return True
        finally:
            self.connection.setblocking(True)
