"""The time limit of a call, however a server behaves."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from infra.outside import resolver as resolving
from infra.outside.addresses import Admitted
from infra.outside.deadline_socket import PlainSocket
from infra.outside.errors import HttpFailedError
from infra.outside.hosts import Reach
from infra.outside.http_client import HttpClient
from infra.outside.http_request import make_call
from infra.outside.pinned_connection import CONNECT_SECONDS, Opener
from infra.outside.resolver import Resolver
from infra.outside.secret import NoSecrets
from tests.http.servers import Server

LIMIT = 0.3
SLACK = 0.6
"""Seconds past the limit that a busy machine may take; without the limit, these tests would take much longer."""


def drip(data: bytes) -> Any:
    """A server that sends single bytes, each before the socket's own timeout."""

    def script(connection: Any) -> None:
        connection.recv(65536)
        for number in range(len(data)):
            connection.sendall(data[number : number + 1])
            time.sleep(0.05)

    return script


def silent(connection: Any) -> None:
    connection.recv(65536)
    while connection.recv(65536):
        pass


def deaf(connection: Any) -> None:
    time.sleep(LIMIT + SLACK)
    connection.close()


@pytest.mark.parametrize(
    ("script", "body"),
    [
        (silent, None),
        (drip(b"HTTP/1.1 200 OK\r\nX-Slow: " + b"y" * 1000), None),
        (drip(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"y" * 1000), None),
        (drip(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\ny\r\n" * 1000), None),
        (deaf, "x" * 262_144),
    ],
    ids=["never answers", "drips its head", "drips its body", "drips chunks", "never reads"],
)
def test_a_server_that_takes_too_long_is_a_failed_call_at_the_limit(
    make_client: Any, send: Any, script: Any, body: str | None
) -> None:
    with Server(script=script) as server:
        client, began = make_client(server.port), time.monotonic()
        with pytest.raises(HttpFailedError, match="the time is up"):
            send(client, "POST", server.url(), content={"text": body} if body else {}, seconds=LIMIT)
        assert LIMIT - 0.05 <= time.monotonic() - began < LIMIT + SLACK


def test_redirects_and_retries_share_one_limit(make_client: Any, send: Any) -> None:
    def respond(_: Any) -> bytes:
        time.sleep(LIMIT / 4)
        return b"HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n"

    with Server(respond) as server:
        client, began = make_client(server.port), time.monotonic()
        with pytest.raises(HttpFailedError):
            send(client, "GET", server.url(), redirects=10, seconds=LIMIT)
        assert time.monotonic() - began < LIMIT + SLACK


def test_a_look_up_that_hangs_is_left_to_itself_at_the_limit(make_client: Any, send: Any) -> None:
    free = threading.Event()
    resolver = Resolver(lambda *_: free.wait(30) and [])
    began = time.monotonic()
    with pytest.raises(HttpFailedError, match="was not found within"):
        send(make_client(resolver=resolver), "GET", "https://slow.example/", seconds=LIMIT)
    assert time.monotonic() - began < LIMIT + SLACK
    free.set()


def test_look_ups_that_hang_do_not_pile_up_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolving, "MOST_STUCK", 3)
    free = threading.Event()
    resolver = Resolver(lambda *_: free.wait(30) and [])
    for _ in range(3):
        with pytest.raises(HttpFailedError, match="was not found within"):
            resolver.resolve("slow.example", 443, 0.0)
    with pytest.raises(HttpFailedError, match="look-ups are stuck"):
        resolver.resolve("slow.example", 443, 0.0)
    free.set()


class Recorded(PlainSocket):
    """A socket that never connects, and records its timeout."""

    given: list[float]

    def connect(self, _address: Any) -> None:
        self.given.append(self.gettimeout() or 0.0)
        raise TimeoutError


@pytest.mark.parametrize(("seconds", "most"), [(30.0, CONNECT_SECONDS), (2.0, 2.0)])
def test_connecting_takes_at_most_five_seconds_for_all_addresses_together(seconds: float, most: float) -> None:
    given: list[float] = []

    def make_socket(admitted: Admitted) -> PlainSocket:
        made = Recorded(admitted.family)
        made.given = given
        return made

    addresses = [(2, 1, 6, "", (f"8.8.8.{number}", 443)) for number in range(4)]
    opener = Opener(Resolver(lambda *_: list(addresses)), lambda: 1000.0, make_socket=make_socket)
    client = HttpClient(Reach(), 1000, opener, lambda: 1000.0)
    with pytest.raises(HttpFailedError, match="the time is up"):
        client.send(make_call(method="GET", url="https://many.example/", seconds=seconds), NoSecrets())
    assert given == pytest.approx([most / 4, most / 3, most / 2, most])


def test_the_next_address_is_tried_where_one_does_not_answer(make_client: Any, send: Any) -> None:
    with Server() as server, Server() as gone:
        dead = gone.port
        gone.__exit__(None, None, None)
        addresses = [(2, 1, 6, "", ("127.0.0.1", dead)), (2, 1, 6, "", ("127.0.0.1", server.port))]
        resolver = Resolver(lambda *_: list(addresses))
        assert send(make_client(server.port, resolver=resolver), "GET", server.url())["status"] == 200


def test_a_call_that_is_interrupted_leaves_no_connection_behind(make_client: Any, send: Any) -> None:
    class Interruption(BaseException):
        pass

    class Clock:
        calls, stops_at = 0, 0

        def __call__(self) -> float:
            self.calls += 1
            if self.calls == self.stops_at:
                raise Interruption
            return time.time()

    with Server() as server:
        clock = Clock()
        client = make_client(server.port, now=clock)
        send(client, "GET", server.url())
        clock.stops_at = clock.calls + 4
        with pytest.raises(Interruption):
            send(client, "GET", server.url())
        assert send(client, "GET", server.url())["status"] == 200
