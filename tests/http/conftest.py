"""Clients that may call the loopback, and an API whose jobs may."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from handler.app import lambda_handler
from infra.local import embedded
from tests.http.clients import known_secrets, make_client

__all__ = ["known_secrets", "make_client"]


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
