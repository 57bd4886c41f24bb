"""The tables that the contract of `infra.items` is tested on, and what drives a coroutine without an event loop."""

from __future__ import annotations

import os
import random
import uuid
from collections.abc import Coroutine, Iterator
from typing import Any, Protocol, TypeVar, cast

import pytest

from infra.backoff import Backoff
from infra.clients import Clients
from infra.dynamo_items import DynamoItems
from infra.items import Items
from infra.local import TABLE, EmbeddedAws, embedded
from tests.simulation import faults
from tests.simulation.scheduler import Scheduler, Worker
from tests.simulation.table import SimulatedItems, SimulatedTable

MINISTACK = "MINISTACK_URL"
"""Where a ministack listens; `make contract-ministack` starts one and sets it."""

Result = TypeVar("Result")


class Drive(Protocol):
    def __call__(self, coroutine: Coroutine[Any, Any, Result]) -> Result: ...


@pytest.fixture
def drive() -> Drive:
    """Run a coroutine to its end; whatever it yields, it may go on at once."""

    def run(coroutine: Coroutine[Any, Any, Result]) -> Result:
        while True:
            try:
                coroutine.send(None)
            except StopIteration as stop:
                return cast("Result", stop.value)

    return run


@pytest.fixture
def waits() -> list[float]:
    """The seconds that were waited."""
    return []


@pytest.fixture
def backoff(waits: list[float]) -> Backoff:
    """Waits nothing, and takes a note of it."""

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    return Backoff(sleep=sleep, random=lambda: 0.5, tries=4)


@pytest.fixture
def aws() -> Iterator[EmbeddedAws]:
    with embedded() as embedded_aws:
        yield embedded_aws


@pytest.fixture(params=["moto", "simulated", "ministack"])
def items(request: pytest.FixtureRequest, backoff: Backoff) -> Iterator[Items]:
    """An empty table, once in each of its implementations."""
    if request.param == "moto":
        with embedded() as embedded_aws:
            yield DynamoItems(embedded_aws.clients.dynamodb, embedded_aws.table, backoff)
    elif request.param == "simulated":
        scheduler = Scheduler(random.Random(0), faults.NONE)  # noqa: S311 (a seed, no secret)
        yield SimulatedItems(SimulatedTable(), scheduler, Worker("test"))
    elif MINISTACK in os.environ:
        yield from _ministack(backoff)
    else:
        pytest.skip(f"{MINISTACK} is not set: `make contract-ministack` runs this on ministack, too")


def _ministack(backoff: Backoff) -> Iterator[Items]:
    clients = Clients(region="eu-central-1", endpoint=os.environ[MINISTACK])
    table = f"contract-{uuid.uuid4().hex}"
    client = cast("Any", clients.dynamodb())
    client.create_table(TableName=table, **TABLE)
    yield DynamoItems(clients.dynamodb, table, backoff)
    client.delete_table(TableName=table)
