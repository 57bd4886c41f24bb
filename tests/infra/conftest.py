"""Tables for the tests of the contract of `infra.table.items`, and a driver for coroutines without an event loop."""

from __future__ import annotations

import os
import random
import socket
import subprocess
import time
import urllib.request
import uuid
from collections.abc import Coroutine, Iterator
from typing import Any, Protocol, TypeVar, cast

import botocore.session
import pytest
from moto.backends import get_backend

from infra.aws.backoff import Backoff
from infra.local import ACCOUNT, REGION, TABLE, EmbeddedAws, embedded
from infra.table.dynamo_items import DynamoItems
from infra.table.items import Items
from tests.simulation import faults
from tests.simulation.scheduler import Scheduler, Worker
from tests.simulation.table import SimulatedItems, SimulatedTable

MINISTACK = "MINISTACK"
"""The variable with the program's path; `make contract-ministack` installs the program and sets it."""

Result = TypeVar("Result")


class Drive(Protocol):
    def __call__(self, coroutine: Coroutine[Any, Any, Result]) -> Result: ...


@pytest.fixture
def drive() -> Drive:
    """Run a coroutine to its end; it continues at once after each yield."""

    def run(coroutine: Coroutine[Any, Any, Result]) -> Result:
        while True:
            try:
                coroutine.send(None)
            except StopIteration as stop:
                return cast("Result", stop.value)

    return run


@pytest.fixture
def waits() -> list[float]:
    """The waits, in seconds."""
    return []


@pytest.fixture
def backoff(waits: list[float]) -> Backoff:
    """A backoff that records each wait instead of waiting."""

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    return Backoff(sleep=sleep, random=lambda: 0.5, tries=4)


@pytest.fixture
def aws() -> Iterator[EmbeddedAws]:
    with embedded() as embedded_aws:
        yield embedded_aws


@pytest.fixture(scope="module")
def shared_aws() -> Iterator[EmbeddedAws]:
    """An embedded AWS for all tests of a module."""
    with embedded() as embedded_aws:
        yield embedded_aws


@pytest.fixture(params=["moto", "simulated", "ministack"])
def items(request: pytest.FixtureRequest, backoff: Backoff) -> Iterator[Items]:
    """An empty table, in each implementation."""
    if request.param == "moto":
        shared: EmbeddedAws = request.getfixturevalue("shared_aws")
        yield DynamoItems(shared.clients.dynamodb, shared.table, backoff)
        get_backend("dynamodb")[ACCOUNT][REGION].tables[shared.table].items.clear()
    elif request.param == "simulated":
        scheduler = Scheduler(random.Random(0), faults.NONE)  # noqa: S311 (a seed, not a secret)
        yield SimulatedItems(SimulatedTable(), scheduler, Worker("test"))
    else:
        yield from _on_ministack(request.getfixturevalue("ministack"), backoff)


@pytest.fixture(scope="session")
def ministack() -> Iterator[str]:
    """The address of a ministack that listens only on this machine, while the tests run."""
    if MINISTACK not in os.environ:
        pytest.skip(f"{MINISTACK} is not set: `make contract-ministack` runs this on ministack too")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {**os.environ, "BIND_HOST": "127.0.0.1", "IOT_MTLS_ENABLED": "0", "GATEWAY_PORT": str(port)}
    with subprocess.Popen(  # noqa: S603 (the program named by the person who runs the tests)
        [os.environ[MINISTACK]], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            _wait_for(f"http://127.0.0.1:{port}/_ministack/health", process)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        assert process.poll() is None, "ministack ended before it listened"
        try:
            with urllib.request.urlopen(url, timeout=1):  # noqa: S310 (our own address)
                return
        except OSError:
            time.sleep(0.05)  # another process, whose clock cannot be injected
    pytest.fail("ministack did not listen within ten seconds")


def _on_ministack(url: str, backoff: Backoff) -> Iterator[Items]:
    session = botocore.session.Session()
    session.set_credentials("test", "test")
    client = session.create_client("dynamodb", region_name="eu-central-1", endpoint_url=url)
    table = f"contract-{uuid.uuid4().hex}"
    client.create_table(TableName=table, **TABLE)
    yield DynamoItems(lambda: client, table, backoff)
    client.delete_table(TableName=table)
