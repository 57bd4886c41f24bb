"""The answer to a request of `infra.aws.transport`, read from its socket.

Services answer in one form: HTTP/1.1, a status, headers, and a body with a `Content-Length`. This module reads that
form. Any other form goes to the standard library's reader, which takes twice as long.
"""

from __future__ import annotations

import io
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from typing import Any, Final

MOST_HEAD: Final = 64 * 1024
"""Bytes of a status line and headers."""
_CHUNK: Final = 64 * 1024
_END: Final = b"\r\n\r\n"
_PLAIN: Final = "HTTP/1.1 "
_FIRST_FINAL, _NO_CONTENT, _NOT_MODIFIED = 200, 204, 304


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """An answer that was read completely.

    Attributes:
        keeps: whether the connection stays open for another request.
    """

    status: int
    headers: dict[str, str]
    body: bytes
    keeps: bool

    def stream(self) -> Iterator[bytes]:
        """The body, in the form that botocore expects."""
        yield self.body


def read_answer(sock: socket.socket, method: str) -> HttpAnswer:
    """Read the answer to a request that was just sent.

    Raises:
        OSError: the connection broke, or the read timed out.
        HTTPException: the connection was closed too early, or the answer is not HTTP.
    """
    read = bytearray()
    while (end := read.find(_END)) < 0:
        if len(read) > MOST_HEAD:
            raise HTTPException("the head of an answer is too long")
        if not (chunk := sock.recv(_CHUNK)):
            raise HTTPException("the connection was closed before an answer came")
        read += chunk
    status, headers = _head(read[:end].decode("latin-1"))
    length = headers.get("content-length", "")
    if status is None or not length.isdecimal() or "transfer-encoding" in headers:
        return _read_otherwise(sock, method, bytes(read))
    begin, ends_at = end + len(_END), end + len(_END) + int(length)
    while (missing := ends_at - len(read)) > 0:
        if not (chunk := sock.recv(min(missing, _CHUNK))):
            raise HTTPException(f"the connection was closed {missing} bytes before the end of an answer")
        read += chunk
    keeps = not missing and headers.get("connection", "").lower() != "close"
    return HttpAnswer(status, headers, bytes(read[begin:ends_at]), keeps)


def _head(text: str) -> tuple[int | None, dict[str, str]]:
    """The status (``None`` if the body may have an unusual form), and the headers by their lower-case names."""
    first, *lines = text.split("\r\n")
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or name[:1].isspace():
            return None, {}
        name, value = name.lower(), value.strip()
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    digits = first.removeprefix(_PLAIN)[:3]
    status = int(digits) if first.startswith(_PLAIN) and digits.isdecimal() else 0
    plain = status >= _FIRST_FINAL and status not in {_NO_CONTENT, _NOT_MODIFIED}
    return status if plain else None, headers


def _read_otherwise(sock: socket.socket, method: str, read: bytes) -> HttpAnswer:
    answer = HTTPResponse(_Replayed(read, sock), method=method)  # type: ignore[arg-type]  # all that it asks of a socket
    try:
        answer.begin()
        body = answer.read()
        return HttpAnswer(answer.status, dict(answer.headers), body, not answer.will_close)
    finally:
        answer.close()


class _Replayed:
    """A socket of which a part was read already; that part is read again first."""

    def __init__(self, read: bytes, sock: socket.socket) -> None:
        self._read, self._sock = read, sock

    def makefile(self, mode: str) -> io.BufferedReader:
        del mode
        return io.BufferedReader(_Rest(self._read, self._sock))


class _Rest(io.RawIOBase):
    def __init__(self, read: bytes, sock: socket.socket) -> None:
        super().__init__()
        self._read, self._sock = read, sock

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._read:
            return self._sock.recv_into(buffer)
        part = self._read[: len(buffer)]
        self._read = self._read[len(part) :]
        buffer[: len(part)] = part
        return len(part)
