"""Runs every attempt to reach a canary server that the client must not call.

In this network, each address that is not public leads to the canary, including translated forms, as a gateway inside a
company might do. The suite resolves its own names; the system resolves all others.
"""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass, field
from typing import Any

from infra.outside.addresses import Admitted
from infra.outside.deadline_socket import PlainSocket
from infra.outside.errors import HttpError, HttpFailedError, HttpInvalidError, HttpRefusedError
from infra.outside.hosts import Reach
from infra.outside.http_client import HttpClient
from infra.outside.http_request import make_call
from infra.outside.pinned_connection import Opener
from infra.outside.resolver import Resolver
from infra.outside.secret import NoSecrets, Secret
from tests.forgery.spellings import NAMES, PUBLIC, Attempt, attempts
from tests.http.servers import Request, Server, answer

FRONT = "front.example"
"""A host that may be called, and that redirects to an address of the attempt."""


class InsideSocket(PlainSocket):
    """A socket in that network."""

    def connect(self, address: Any) -> None:
        if address[0] == PUBLIC:
            raise ConnectionRefusedError(111, "Connection refused")
        super().connect(("127.0.0.1", address[1]))
        self.peer = address

    def getpeername(self) -> Any:
        return self.peer


def make_socket(_: Admitted) -> InsideSocket:
    return InsideSocket(socket.AF_INET, socket.SOCK_STREAM)


def getaddrinfo(host: bytes, port: int, *more: int) -> Any:
    name = host.decode()
    known = ["127.0.0.1"] if name == FRONT else NAMES.get(name)
    if known is None:
        return socket.getaddrinfo(host, port, *more)
    families = [socket.AF_INET6 if ":" in address else socket.AF_INET for address in known]
    return [(family, 1, 6, "", (address, port)) for family, address in zip(families, known, strict=True)]


@dataclass
class Result:
    """The outcomes of all attempts.

    Attributes:
        refused: those that the client refused.
        invalid: those whose URL is invalid.
        failed: those that reached no server.
        answered: those that got an answer.
        hits: those that connected to the canary, whether they sent anything or not.
    """

    attempts: int = 0
    refused: list[Attempt] = field(default_factory=list)
    invalid: list[Attempt] = field(default_factory=list)
    failed: list[Attempt] = field(default_factory=list)
    answered: list[Attempt] = field(default_factory=list)
    hits: list[Attempt] = field(default_factory=list)


class UrlSecret(NoSecrets):
    """A store with one secret, which is a URL."""

    def __init__(self, url: str) -> None:
        self.url = url

    def get(self, name: str, seconds: float) -> Secret | None:  # noqa: ARG002  # the protocol's
        return Secret(name, self.url, frozenset({"127.0.0.1", "0x7f.1", "::1"}), frozenset({"url"}))


def run_attempts() -> Result:
    """Make every attempt."""
    result = Result()
    with Server() as canary, Server() as front:
        reach = Reach(plain=True, ports=(canary.port, front.port), private_hosts=(FRONT,), loopback=True)
        for attempt in attempts(canary.port):
            client = HttpClient(
                reach, 1000, Opener(Resolver(getaddrinfo), time.time, make_socket=make_socket), time.time
            )
            before = canary.connections
            _try(client, attempt, front, result)
            client.close()
            result.attempts += 1
            if canary.connections > before:
                result.hits.append(attempt)
    return result


def _try(client: HttpClient, attempt: Attempt, front: Server, result: Result) -> None:
    def redirect(_: Request) -> bytes:
        return answer(302, location=attempt.url)

    front.respond = redirect
    url: Any = {"secret": "hook"} if attempt.secret else attempt.url
    if attempt.through:
        url = f"http://{FRONT}:{front.port}/"
    try:
        client.send(make_call(method="GET", url=url, redirects=3, seconds=1.0), UrlSecret(attempt.url))
    except HttpRefusedError:
        result.refused.append(attempt)
    except HttpInvalidError:
        result.invalid.append(attempt)
    except (HttpFailedError, HttpError):
        result.failed.append(attempt)
    else:
        result.answered.append(attempt)
