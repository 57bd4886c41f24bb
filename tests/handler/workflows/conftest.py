from __future__ import annotations

from typing import Any

import pytest

from tests.handler.http.client import Client

GREET = {
    "description": "Greets somebody.",
    "inputs": {"type": "object", "properties": {"who": {"type": "string", "default": "World", "maxLength": 20}}},
    "steps": [{"id": "greeting", "action": "TEXT.JOIN", "parameters": {"text1": "Hello", "text2": "{< who >}"}}],
}


@pytest.fixture
def client(world: Any) -> Client:
    world.set(public_routes=True, public_url="https://jobs.example.com/")
    return Client(world)


@pytest.fixture
def trusted(world: Any, monkeypatch: pytest.MonkeyPatch) -> Client:
    """The same tenant with the tag that ``PROBE.SPECIAL`` needs."""
    from blocks.block import REGISTRY, Block  # noqa: PLC0415

    block = Block(lambda: None, name="SPECIAL", category="PROBE", tags=["special"], effect="none")
    monkeypatch.setitem(REGISTRY._blocks, block.action, block)
    return Client(world, scope="special")


@pytest.fixture
def stranger(world: Any) -> Client:
    """Another tenant."""
    return Client(world, tenant="stranger")


@pytest.fixture
def anonymous(world: Any) -> Client:
    """A caller without an identity."""
    return Client(world, tenant="")
