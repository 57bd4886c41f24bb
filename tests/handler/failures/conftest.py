"""A deployment on the embedded AWS in which a test decides what fails and when time passes."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import botocore.endpoint
import pytest
from botocore.awsrequest import AWSPreparedRequest
from moto.core.botocore_stubber import BotocoreStubber

from blocks.block import REGISTRY, Block
from handler import app, wiring
from infra.local import embedded
from tests.handler.failures.cloud import TENANT, Clock, Cloud, Lines
from tests.handler.failures.wire import Wire
from tests.simulation.shards import few_shards


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Cloud]:
    """With the block ``PROBE.CHARGE``, whose effect happens at least once and records its idempotency key."""
    wire, log, clock = Wire(BotocoreStubber.process_request), Lines(), Clock()

    async def sleep(seconds: float) -> None:
        wire.slept.append(seconds)

    def answer(stubber: BotocoreStubber, request: AWSPreparedRequest) -> Any:
        """A plain function: a class does not bind a bound method, so `pass_on` would not get the stubber."""
        return wire.pass_on(stubber, request)

    monkeypatch.setattr(BotocoreStubber, "process_request", answer)
    monkeypatch.setattr(botocore.endpoint, "time", SimpleNamespace(sleep=wire.slept.append))
    monkeypatch.setattr(wiring, "asyncio", SimpleNamespace(sleep=sleep))
    monkeypatch.setattr(wiring, "time", clock)
    monkeypatch.setattr(wiring, "LOG", log)
    monkeypatch.setattr(app, "LOG", log)
    monkeypatch.setenv("QUEUE_TENANT", TENANT)
    with embedded() as aws, few_shards():
        made = Cloud(aws, wire, log, clock, capsys)

        def charge(call__: Any, *, seconds: float = 0) -> str:
            made.charged.append(call__.idempotency_key)
            clock.now += seconds
            return "charged"

        REGISTRY.load()
        block = Block(charge, category="PROBE", effect="at_least_once")
        monkeypatch.setitem(REGISTRY._blocks, block.action, block)
        yield made
