"""A caller of the API of each test's world."""

from __future__ import annotations

from typing import Any

import pytest

from tests.handler.http.client import Client


@pytest.fixture
def client(world: Any) -> Client:
    """The tenant ``tenant``, without tags."""
    return Client(world)
