"""Keeps connections alive between calls, steps and invocations."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from infra.outside.deadline_socket import Now

if TYPE_CHECKING:
    from infra.outside.pinned_connection import Connection, Place

LONGEST_IDLE: Final = 50.0
"""How many seconds an unused connection is kept. AWS load balancers close theirs after 60."""
MOST_IDLE: Final = 16
"""The largest number of idle connections."""


class Connections:
    """Idle connections by address and terms.

    Args:
        now: the clock, in seconds. It must keep running while Lambda freezes the process.
    """

    def __init__(self, now: Now) -> None:
        self._now = now
        self._idle: list[tuple[Place, float, Connection]] = []
        self._lock = threading.Lock()

    def take(self, place: Place) -> Connection | None:
        """Take an idle connection to this address that is still open; the caller owns it from now on."""
        oldest = self._now() - LONGEST_IDLE
        with self._lock:
            self._drop(lambda kept: kept[1] < oldest)
            found = next((kept for kept in reversed(self._idle) if kept[0] == place), None)
            if found is None:
                return None
            self._idle.remove(found)
        connection = found[2]
        if connection.is_connected:  # it has nothing to read: neither its end nor unexpected bytes
            return connection
        connection.close()
        return None

    def keep(self, place: Place, connection: Connection) -> None:
        """Keep a connection whose last response was read completely."""
        with self._lock:
            self._idle.append((place, self._now(), connection))
            if len(self._idle) > MOST_IDLE:
                first = self._idle[0]
                self._drop(lambda kept: kept is first)

    def __del__(self) -> None:  # clients with outdated settings are dropped without a call of `close`
        self.close()

    def close(self) -> None:
        """Close them all."""
        with self._lock:
            self._drop(lambda _: True)

    def _drop(self, unwanted: Callable[[tuple[Place, float, Connection]], bool]) -> None:
        for kept in [kept for kept in self._idle if unwanted(kept)]:
            self._idle.remove(kept)
            kept[2].close()
