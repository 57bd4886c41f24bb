"""Clients that may call the loopback, and helpers for requests and calls."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from handler.app import lambda_handler
from infra.local import embedded
from infra.outside.hosts import Reach
from infra.outside.http_client import HttpClient
from infra.outside.http_request import make_call
from infra.outside.pinned_connection import Opener
from infra.outside.resolver import Resolver
from infra.outside.secret import NoSecrets, Secret


class KnownSecrets(NoSecrets):
    """Secrets in memory."""

    def __init__(self, *secrets: Secret, renewed: Secret | None = None) -> None:
        self.secrets = {secret.name: secret for secret in secrets}
        self.renewed = renewed
        self.renewals = 0

    def get(self, name: str, seconds: float) -> Secret | None:  # noqa: ARG002
        return self.secrets.get(name)

    def renew(self, secret: Secret, seconds: float) -> Secret | None:  # noqa: ARG002
        self.renewals += 1
        return self.renewed


@pytest.fixture
def make_client() -> Iterator[Callable[..., HttpClient]]:
    """Makes clients that may call `localhost` on these ports; keywords set further options."""
    made: list[HttpClient] = []

    def make(
        *ports: int, limit: int = 204_800, trust: Any = None, resolver: Resolver | None = None, **reach: Any
    ) -> HttpClient:
        now = reach.pop("now", time.time)
        known: dict[str, Any] = {
            "plain": True,
            "ports": ports,
            "private_hosts": ("localhost", "127.0.0.1"),
            "loopback": True,
        }
        opener = Opener(resolver or Resolver(), now, trust)
        made.append(HttpClient(Reach(**(known | reach)), limit, opener, now))
        return made[-1]

    yield make
    for client in made:
        client.close()


@pytest.fixture
def known_secrets() -> type[KnownSecrets]:
    return KnownSecrets


@pytest.fixture
def send() -> Callable[..., dict[str, Any]]:
    """Makes a call: ``send(client, "GET", url, ...)``."""

    def make(client: HttpClient, method: str, url: Any, *, secrets: Any = None, **more: Any) -> dict[str, Any]:
        return client.send(make_call(method=method, url=url, **({"seconds": 5.0} | more)), secrets or NoSecrets())

    return make


@pytest.fixture(scope="module")
def aws() -> Iterator[Any]:
    with embedded() as started:
        yield started


@pytest.fixture
def ask(aws: Any) -> Callable[..., tuple[int, Any]]:  # noqa: ARG001  # set up
    """Sends a request as a tenant."""

    def send(method: str, path: str, body: Any = None, tenant: str = "me") -> tuple[int, Any]:
        event = {
            "version": "2.0",
            "rawPath": path,
            "body": json.dumps(body) if body is not None else None,
            "requestContext": {"http": {"method": method}, "authorizer": {"jwt": {"claims": {"sub": tenant}}}},
        }
        response = lambda_handler(event, None)
        return response["statusCode"], json.loads(response["body"]) if response["body"] else None

    return send


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Allows jobs to call a port of the loopback."""

    def open_port(port: int) -> None:
        for name, value in {"HTTP_PLAIN": "true", "HTTP_PORTS": str(port), "HTTP_PRIVATE_HOSTS": "localhost"}.items():
            monkeypatch.setenv(name, value)

    return open_port
