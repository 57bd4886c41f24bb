"""Real servers on the loopback, each in a thread, which answer requests as a test specifies."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self


@dataclass
class Request:
    """One request, as received."""

    line: str
    headers: dict[str, str]
    body: bytes

    @property
    def method(self) -> str:
        return self.line.split(" ")[0]

    @property
    def target(self) -> str:
        return self.line.split(" ")[1]


Respond = Callable[[Request], bytes | list[bytes]]


def answer(status: int = 200, body: bytes = b"", reason: str = "OK", **headers: str) -> bytes:
    """A whole answer; in a header's name, `_` replaces `-`."""
    head = [f"HTTP/1.1 {status} {reason}", f"Content-Length: {len(body)}"]
    head += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*head, "", ""]).encode() + body


def json_answer(text: str, status: int = 200, **headers: str) -> bytes:
    return answer(status, text.encode(), content_type="application/json", **headers)


@dataclass
class Server:
    """A server on the loopback.

    Attributes:
        respond: returns the bytes of an answer to a request; after a list of bytes, the connection is closed.
        tls: for HTTPS.
        script: handles each connection instead of `respond`.
        requests: all that were received.
        connections: their number.
    """

    respond: Respond = lambda _: answer()
    tls: ssl.SSLContext | None = None
    script: Callable[[socket.socket], None] | None = None
    host: str = "127.0.0.1"
    family: int = socket.AF_INET
    requests: list[Request] = field(default_factory=list)
    connections: int = 0

    def __enter__(self) -> Self:
        self._listener = socket.socket(self.family, socket.SOCK_STREAM)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind((self.host, 0))
        self._listener.listen(64)
        self.port: int = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        self._stopped = False
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped = True
        with contextlib.suppress(OSError):  # wakes `accept`
            socket.create_connection(self._listener.getsockname()[:2], 1).close()
        self._accepting.join(5)  # if it were closed while accepting, the port would accept one more connection
        self._listener.close()
        self.drop()

    def drop(self) -> None:
        """Close every open connection."""
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        self._open.clear()

    def url(self, path: str = "/", scheme: str | None = None) -> str:
        return f"{scheme or ('https' if self.tls else 'http')}://localhost:{self.port}{path}"

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            if self._stopped:
                connection.close()
                return
            self.connections += 1
            self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            if self.tls is not None:
                connection = self.tls.wrap_socket(connection, server_side=True)
                self._open.append(connection)
        except OSError:
            return
        with contextlib.suppress(OSError, ValueError):
            if self.script is not None:
                self.script(connection)
            else:
                self._converse(connection)
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
        connection.close()

    def _converse(self, connection: socket.socket) -> None:
        stream = connection.makefile("rb")
        while request := read_request(stream):
            self.requests.append(request)
            answered = self.respond(request)
            for piece in [answered] if isinstance(answered, bytes) else answered:
                connection.sendall(piece)
            if isinstance(answered, list):
                return


def read_request(stream: Any) -> Request | None:
    line = stream.readline().decode("latin-1").strip()
    if not line:
        return None
    headers = {}
    while text := stream.readline().decode("latin-1").strip():
        name, _, value = text.partition(":")
        headers[name.lower()] = value.strip()
    return Request(line, headers, stream.read(int(headers.get("content-length", 0))))
