"""Resolves names to addresses, within a time limit."""

from __future__ import annotations

import socket
from collections.abc import Callable
from ipaddress import ip_address
from typing import Any, Final

from infra.aside import Aside, StuckError, TimeIsUpError
from infra.outside.errors import HttpFailedError

Info = tuple[int, Any]
"""The family of an address, and the address in the form for `socket.connect`."""
GetAddrInfo = Callable[[bytes, int, int, int], list[tuple[Any, Any, Any, Any, Any]]]
MOST_STUCK: Final = 32
"""The most abandoned look-ups. Each occupies a thread until the system's resolver gives up, after 5 to 30 s."""


class Resolver:
    """Looks names up.

    ``getaddrinfo`` cannot be interrupted, so it runs in a thread that is abandoned when the time is up.

    Args:
        getaddrinfo: `socket.getaddrinfo`, called with the host in bytes, which is ASCII already.
    """

    def __init__(self, getaddrinfo: GetAddrInfo = socket.getaddrinfo) -> None:
        self._getaddrinfo = getaddrinfo
        self._aside = Aside("resolver", MOST_STUCK)

    def resolve(self, host: str, port: int, seconds: float) -> list[Info]:
        """Every address of a host, each once, in the system's order.

        Raises:
            HttpFailedError: the host has no address, or the look-up took longer than `seconds`.
        """
        try:
            found = self._look_up(host, port) if _is_numeric(host) else self._look_up_aside(host, port, seconds)
        except (OSError, UnicodeError) as error:
            raise HttpFailedError(f"{host} has no address: {getattr(error, 'strerror', None) or error}") from None
        addresses = list(dict.fromkeys((int(family), address) for family, _, _, _, address in found))
        if not addresses:
            raise HttpFailedError(f"{host} has no address")
        return addresses

    def _look_up(self, host: str, port: int) -> list[tuple[Any, Any, Any, Any, Any]]:
        return self._getaddrinfo(host.encode("ascii"), port, 0, socket.SOCK_STREAM)

    def _look_up_aside(self, host: str, port: int, seconds: float) -> list[tuple[Any, Any, Any, Any, Any]]:
        try:
            return self._aside.run(lambda: self._look_up(host, port), seconds)
        except StuckError:
            raise HttpFailedError(
                f"the address of {host} cannot be looked up: {MOST_STUCK} look-ups are stuck"
            ) from None
        except TimeIsUpError:
            raise HttpFailedError(f"the address of {host} was not found within {seconds:.1f} s") from None


def _is_numeric(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
