"""Connections to services, kept for their next call."""

from __future__ import annotations

from typing import Any

from infra.outside.connections import LONGEST_IDLE, MOST_IDLE, Connections


class Connection:
    """A connection to nowhere."""

    def __init__(self) -> None:
        self.is_connected = True
        self.closed = False

    def close(self) -> None:
        self.closed = True


def test_of_too_many_idle_connections_the_oldest_is_closed() -> None:
    kept = Connections(lambda: 0.0)
    made: list[Any] = [Connection() for _ in range(MOST_IDLE + 1)]
    places: list[Any] = [f"place {number}" for number in range(MOST_IDLE + 1)]
    for place, connection in zip(places, made, strict=True):
        kept.keep(place, connection)
    assert [connection.closed for connection in made] == [True] + [False] * MOST_IDLE
    assert kept.take(places[0]) is None
    assert kept.take(places[1]) is made[1]
    assert kept.take(places[1]) is None, "it has an owner"


def test_a_connection_that_ended_or_was_idle_for_long_is_closed() -> None:
    time = 0.0
    kept = Connections(lambda: time)
    ended, idle = Connection(), Connection()
    place: Any = "place"
    for connection in (ended, idle):
        kept.keep(place, connection)  # type: ignore[arg-type]  # as much as is used
    ended.is_connected = False
    assert kept.take(place) is idle
    assert kept.take(place) is None
    assert ended.closed
    kept.keep(place, idle)  # type: ignore[arg-type]  # as above
    time = LONGEST_IDLE + 1
    assert kept.take(place) is None
    assert idle.closed
