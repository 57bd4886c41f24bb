"""Clients that may call the loopback, and calls of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from infra.outside.http_client import HttpClient
from infra.outside.http_request import make_call
from infra.outside.secret import NoSecrets
from tests.http.clients import KnownSecrets, loopback_clients


@pytest.fixture
def make_client() -> Iterator[Callable[..., HttpClient]]:
    """Makes clients that may call `localhost` on these ports; keywords set further options."""
    with loopback_clients() as make:
        yield make


@pytest.fixture
def known_secrets() -> type[KnownSecrets]:
    return KnownSecrets


@pytest.fixture
def send() -> Callable[..., dict[str, Any]]:
    """Makes a call: ``send(client, "GET", url, ...)``."""

    def make(client: HttpClient, method: str, url: Any, *, secrets: Any = None, **more: Any) -> dict[str, Any]:
        return client.send(make_call(method=method, url=url, **({"seconds": 5.0} | more)), secrets or NoSecrets())

    return make
