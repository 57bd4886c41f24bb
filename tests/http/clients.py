"""Clients that may call the loopback, and secrets in memory."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from infra.outside.hosts import Reach
from infra.outside.http_client import HttpClient
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
    """Makes clients that may call `localhost` on the given ports; keywords set further options of ``Reach``."""
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
