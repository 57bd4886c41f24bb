"""Clients that may call the loopback, and calls of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from infra.outside.http_client import HttpClient
from infra.outside.http_request import make_call
from infra.outside.secret import NoSecrets
from tests.http.clients import known_secrets, make_client

__all__ = ["known_secrets", "make_client"]


@pytest.fixture
def send() -> Callable[..., dict[str, Any]]:
    """Makes a call: ``send(client, "GET", url, ...)``."""

    def make(client: HttpClient, method: str, url: Any, *, secrets: Any = None, **more: Any) -> dict[str, Any]:
        return client.send(make_call(method=method, url=url, **({"seconds": 5.0} | more)), secrets or NoSecrets())

    return make
