"""Sockets with one deadline for all their reads and writes.

A socket's own timeout restarts with each read: a server that sends a byte a second would never reach it.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from typing import Any

Now = Callable[[], float]


class _Deadline(socket.socket):
    """The part that plain and TLS sockets share. It is a mixin, so that its methods override theirs.

    Attributes:
        now: the clock; ``None`` until `until` is called.
        ends_at: the time of that clock at which waiting stops.
    """

    now: Now | None = None
    ends_at: float = 0.0

    def until(self, ends_at: float, now: Now) -> None:
        """Stop waiting for data at `ends_at`.

        Raises:
            TimeoutError: this time has passed already.
        """
        self.ends_at, self.now = ends_at, now
        self._wait_for_the_rest()

    def _wait_for_the_rest(self) -> None:
        if self.now is None:
            return
        left = self.ends_at - self.now()
        if left <= 0:
            raise TimeoutError("the time is up")
        self.settimeout(left)

    def recv(self, *args: Any) -> bytes:
        self._wait_for_the_rest()
        return super().recv(*args)

    def recv_into(self, *args: Any) -> int:
        self._wait_for_the_rest()
        return super().recv_into(*args)

    def send(self, *args: Any) -> int:
        self._wait_for_the_rest()
        return super().send(*args)

    def sendall(self, *args: Any) -> None:
        self._wait_for_the_rest()
        super().sendall(*args)


class PlainSocket(_Deadline):
    """A TCP socket."""


class TlsSocket(_Deadline, ssl.SSLSocket):
    """A TLS socket, for `ssl.SSLContext.sslsocket_class`."""
