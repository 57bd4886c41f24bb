"""Carries the requests of botocore's clients over connections of the standard library instead of urllib3's pool.

It sends a request's head and body in one packet and caches all work that depends only on the address.
Botocore still builds, signs, retries and reads every call, so its events and errors stay the same.

See docs/decisions/025-transport.md.
"""

from __future__ import annotations

import socket
import ssl
from collections import deque
from dataclasses import dataclass
from functools import lru_cache
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import urlsplit

from urllib3.util.wait import wait_for_read

from infra.aws.answer import HttpAnswer, read_answer

if TYPE_CHECKING:
    from botocore.awsrequest import AWSPreparedRequest, AWSResponse

MOST_IDLE: Final = 16
"""Idle connections that are kept for one client: more than the calls that run at once."""
_ONE_PACKET: Final = 256 * 1024
"""Bytes up to which a body is copied behind its head; a larger one is sent separately."""
_ITS_MODULE: Final = "botocore.httpsession"
"""The module of botocore's own `send`. A `send` from another module was installed to see each request."""
_PORTS: Final = {"http": 80, "https": 443}


class UsualSession(Protocol):
    """The part of botocore's own session that is used here."""

    def send(self, request: AWSPreparedRequest) -> AWSResponse: ...
    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class _Target:
    """The destination of a URL.

    Attributes:
        authority: host and port as written in the URL, for the `Host` header.
    """

    scheme: str
    host: str
    port: int
    path: str
    authority: str

    @property
    def place(self) -> tuple[str, str, int]:
        return self.scheme, self.host, self.port


@lru_cache(maxsize=64)
def _target(url: str) -> _Target:
    parts = urlsplit(url)
    path = parts.path or "/"
    return _Target(
        scheme=parts.scheme,
        host=parts.hostname or "",
        port=parts.port or _PORTS[parts.scheme],
        path=f"{path}?{parts.query}" if parts.query else path,
        authority=parts.netloc.rpartition("@")[2],
    )


class AwsTransport:
    """Botocore's HTTP session for one client. Several threads may use it.

    Args:
        usual: botocore's own session. It still makes requests with streamed bodies or answers, and all requests once
            its `send` has been replaced, as recorders and tests do.
        connect_timeout: the most seconds to connect, for each address of the host.
        read_timeout: the most seconds without a byte of the answer.
        ca_bundle: the file or directory of the certificates that servers are checked against; ``None`` for botocore's.
    """

    def __init__(
        self, usual: UsualSession, *, connect_timeout: float, read_timeout: float, ca_bundle: str | None = None
    ) -> None:
        self._usual = usual
        self._connect_timeout = connect_timeout
        self._read_timeout = read_timeout
        self._ca_bundle = ca_bundle
        self._idle: deque[tuple[tuple[str, str, int], socket.socket]] = deque()

    def send(self, request: AWSPreparedRequest) -> AWSResponse:
        """Send a request and read its answer.

        Raises:
            botocore.exceptions.BotoCoreError: the error of botocore's own session, so that its retries recognise it.
        """
        body = request.body or b""
        plain = isinstance(body, bytes) and not request.stream_output and request.method != "HEAD"
        if not plain or type(self._usual).send.__module__ != _ITS_MODULE:
            return self._usual.send(request)
        target = _target(request.url)
        sock = self._take(target) or self._connect(request.url, target)
        try:
            _send(sock, request, target, body)
            answer = read_answer(sock, request.method)
        except Exception as error:
            sock.close()
            raise _explained(error, request) from error
        except BaseException:  # an alarm or the process's end: the connection's next bytes would be a late answer
            sock.close()
            raise
        self._give_back(sock, target, keep=answer.keeps)
        return _answered(request.url, answer)

    def close(self) -> None:
        """Close the connections that are not in use."""
        while self._idle:
            self._idle.pop()[1].close()
        self._usual.close()

    # ------------------------------------------------------------------ connections

    def _take(self, target: _Target) -> socket.socket | None:
        """The idle connection to that place that was used last and is still open."""
        while True:
            try:
                place, sock = self._idle.pop()
            except IndexError:
                return None
            if place == target.place and not _has_news(sock):
                return sock
            sock.close()

    def _give_back(self, sock: socket.socket, target: _Target, *, keep: bool) -> None:
        if keep and len(self._idle) < MOST_IDLE:
            self._idle.append((target.place, sock))
        else:
            sock.close()

    def _connect(self, url: str, target: _Target) -> socket.socket:
        from botocore import exceptions  # noqa: PLC0415  # 135 ms, only for processes that use a client

        try:
            sock = socket.create_connection((target.host, target.port), self._connect_timeout)
        except TimeoutError as error:
            raise exceptions.ConnectTimeoutError(endpoint_url=url, error=error) from error
        except OSError as error:
            raise exceptions.EndpointConnectionError(endpoint_url=url, error=error) from error
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if target.scheme == "https":
                sock = _trust(self._ca_bundle).wrap_socket(sock, server_hostname=target.host)
            sock.settimeout(self._read_timeout)
        except TimeoutError as error:
            sock.close()
            raise exceptions.ConnectTimeoutError(endpoint_url=url, error=error) from error
        except ssl.SSLError as error:
            sock.close()
            raise exceptions.SSLError(endpoint_url=url, error=error) from error
        except OSError as error:
            sock.close()
            raise exceptions.EndpointConnectionError(endpoint_url=url, error=error) from error
        except BaseException:
            sock.close()
            raise
        return sock


@lru_cache(maxsize=4)
def _trust(ca_bundle: str | None) -> ssl.SSLContext:
    """A TLS context with these certificates, read once and not for each connection."""
    from botocore.httpsession import get_cert_path  # noqa: PLC0415  # as above

    where: str = get_cert_path(True) if ca_bundle is None else ca_bundle
    is_folder = Path(where).is_dir()
    context = ssl.create_default_context(capath=where if is_folder else None, cafile=None if is_folder else where)
    # Python 3.13 is strict by default and refuses certificates of some companies' authorities; botocore accepts them.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def _has_news(sock: socket.socket) -> bool:
    """Whether an idle connection has something to read: its end, or unexpected bytes."""
    return wait_for_read(sock, timeout=0.0)


def _send(sock: socket.socket, request: AWSPreparedRequest, target: _Target, body: bytes) -> None:
    lines = [f"{request.method} {target.path} HTTP/1.1", f"Host: {target.authority}", "Accept-Encoding: identity"]
    for name, value in request.headers.items():
        if name.lower() != "host":
            lines.append(f"{name}: {value.decode('latin-1') if isinstance(value, bytes) else value}")
    head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
    if len(body) <= _ONE_PACKET:
        sock.sendall(head + body)
    else:
        sock.sendall(head)
        sock.sendall(body)


def _answered(url: str, answer: HttpAnswer) -> AWSResponse:
    from botocore.awsrequest import AWSResponse  # noqa: PLC0415  # as above

    response = AWSResponse(url, answer.status, answer.headers, answer)
    response.content  # noqa: B018  # botocore's own session reads it here too
    return response


def _explained(error: Exception, request: AWSPreparedRequest) -> Exception:
    """The error that botocore's own session raises for this one."""
    from botocore import exceptions  # noqa: PLC0415  # as above

    theirs: Exception
    if isinstance(error, TimeoutError):
        theirs = exceptions.ReadTimeoutError(endpoint_url=request.url, error=error)
    elif isinstance(error, ssl.SSLError):
        theirs = exceptions.SSLError(endpoint_url=request.url, error=error)
    elif isinstance(error, (OSError, HTTPException)):
        theirs = exceptions.ConnectionClosedError(error=error, request=request, endpoint_url=request.url)
    else:
        theirs = exceptions.HTTPClientError(error=error)
    return theirs
