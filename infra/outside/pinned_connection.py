"""Opens connections to checked addresses, even if the name resolves differently a moment later.

The name is resolved once. All its addresses must pass `infra.outside.addresses.admit`, and sockets are connected only
with the values that it returns; the peer of the connected socket must pass it, too. TLS still checks the name.
See docs/decisions/013-calls-of-services.md.
"""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from urllib3.connection import HTTPConnection, HTTPSConnection

from infra.outside.addresses import Admitted, Judgement, admit
from infra.outside.deadline_socket import Now, PlainSocket, TlsSocket
from infra.outside.errors import HttpFailedError
from infra.outside.resolver import Resolver

CONNECT_SECONDS: Final = 5.0
"""How long connecting may take, TLS included."""
MakeSocket = Callable[[Admitted], PlainSocket]


@dataclass(frozen=True, slots=True)
class Place:
    """The destination of a connection and its terms: a connection is reused only for the same place.

    Attributes:
        judgement: which addresses the host may have.
    """

    scheme: str
    host: str
    port: int
    judgement: Judgement


class Opener:
    """Opens connections.

    Args:
        resolver: looks names up.
        now: the clock of the deadlines, in seconds.
        trust: the certificates that servers are checked against; ``None`` for the usual ones.
        make_socket: makes an unconnected socket for an accepted address.
    """

    def __init__(
        self, resolver: Resolver, now: Now, trust: ssl.SSLContext | None = None, make_socket: MakeSocket | None = None
    ) -> None:
        self._resolver = resolver
        self._now = now
        self._trust = trust
        self._make_socket = make_socket if make_socket is not None else _make_socket

    def open(self, place: Place, ends_at: float) -> Connection:
        """Open a new connection, with TLS if the scheme requires it.

        Raises:
            HttpRefusedError: the host has an address that may not be called.
            HttpFailedError: the host has no address, cannot be reached in time, or cannot prove its name.
        """
        sock = self._connect(place, ends_at)
        connection: Connection
        if place.scheme == "https":
            trust = self._trust if self._trust is not None else usual_trust()
            connection = _TlsConnection(place.host, place.port, ssl_context=trust)
        else:
            connection = _PlainConnection(place.host, place.port)
        connection.pinned = sock
        try:
            connection.connect()
        except BaseException as error:
            sock.close()
            connection.close()
            if isinstance(error, ssl.SSLCertVerificationError):
                raise HttpFailedError(f"{place.host} cannot prove its name: {error.verify_message}") from None
            if isinstance(error, (OSError, http.client.HTTPException)):
                raise HttpFailedError(f"no connection to {place.host}: {reason_of(error)}") from None
            raise
        return connection

    def _connect(self, place: Place, ends_at: float) -> PlainSocket:
        """A TCP connection to one of the host's addresses. Nothing else here opens one."""
        found = self._resolver.resolve(place.host, place.port, ends_at - self._now())
        admitted = [admit(family, address, place.host, place.judgement) for family, address in found]
        ends_at = min(ends_at, self._now() + CONNECT_SECONDS)
        reason = "the time is up"
        for number, candidate in enumerate(admitted):
            share = (ends_at - self._now()) / (len(admitted) - number)
            sock = self._make_socket(candidate)
            try:
                sock.until(self._now() + share, self._now)
                sock.connect(candidate.address)
                admit(candidate.family, sock.getpeername(), place.host, place.judgement)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sock.until(ends_at, self._now)
            except OSError as error:
                sock.close()
                reason = reason_of(error)
            except BaseException:
                sock.close()
                raise
            else:
                return sock
        raise HttpFailedError(f"no connection to {place.host}: {reason}")


class _Pinned(HTTPConnection):
    """A connection of urllib3 that receives its socket and never opens another.

    Attributes:
        pinned: the connected socket, taken by `connect`.
    """

    pinned: PlainSocket | None = None

    def _new_conn(self) -> socket.socket:
        sock, self.pinned = self.pinned, None
        if sock is None:
            raise ConnectionError("the connection is closed")
        return sock

    def getresponse(self) -> http.client.HTTPResponse:  # type: ignore[override]  # see below
        """The answer. urllib3's own method logs the URL if headers are malformed, and a URL may contain a secret."""
        return http.client.HTTPConnection.getresponse(self)

    def until(self, ends_at: float, now: Now) -> None:
        """Stop waiting for data at `ends_at`."""
        sock: Any = self.sock
        sock.until(ends_at, now)


class _PlainConnection(_Pinned):
    """HTTP."""


class _TlsConnection(_Pinned, HTTPSConnection):
    """HTTPS."""


Connection = _PlainConnection | _TlsConnection


def reason_of(error: BaseException) -> str:
    """Why a connection broke, in a few words."""
    if isinstance(error, TimeoutError):
        return "the time is up"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error) or type(error).__name__


def _make_socket(admitted: Admitted) -> PlainSocket:
    return PlainSocket(admitted.family, socket.SOCK_STREAM)


@cache
def usual_trust() -> ssl.SSLContext:
    """Trust the certificates of the system and those of botocore, since some systems have none."""
    import botocore  # noqa: PLC0415  # only for its place

    context = trusting(ssl.create_default_context())
    bundled = Path(botocore.__file__).with_name("cacert.pem")
    if bundled.exists():
        context.load_verify_locations(bundled)
    return context


def trusting(context: ssl.SSLContext) -> ssl.SSLContext:
    """Make the context create sockets with deadlines, and return it.

    Raises:
        ValueError: the context does not check certificates and names.
    """
    if context.verify_mode is not ssl.CERT_REQUIRED or not context.check_hostname:
        raise ValueError("the context must check certificates and host names")
    context.sslsocket_class = TlsSocket
    return context
