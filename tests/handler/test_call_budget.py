"""How many calls a job costs, counted where botocore sends them."""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from blocks.block import REGISTRY, Block
from handler.caller import Caller
from handler.jobs import Jobs
from handler.lifetime import Lifetime
from handler.loop import drive
from handler.payload import parse
from handler.settings import Settings
from handler.sqs import receive
from handler.wiring import CLOCK, wire
from infra.attributes import weight
from infra.local import embedded

UNIT = 1024
"""Bytes of a write unit."""
JOIN = {"action": "TEXT.JOIN", "parameters": {"text1": "a", "text2": "b"}}


@dataclass
class Calls:
    """What was sent to each service, by operation, and the write units it took of the table."""

    sent: Counter[str] = field(default_factory=Counter)
    units: int = 0

    def hear(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        self.sent[f"{model.service_model.service_name}.{model.name}"] += 1
        if model.name == "UpdateItem":
            self.units += 1  # of JOB, which is kept under a kilobyte: see the test of its size
        for item in self._items(params):
            self.units += math.ceil(weight(item) / UNIT)

    @staticmethod
    def _items(params: dict[str, Any]) -> list[dict[str, Any]]:
        if "Item" in params:
            return [params["Item"]]
        tables = params.get("RequestItems", {}).values()
        return [request["PutRequest"]["Item"] for requests in tables for request in requests]

    def of(self, service: str) -> int:
        return sum(count for name, count in self.sent.items() if name.startswith(service))


@dataclass
class Deployed:
    ports: Any
    calls: Calls

    def submit(self, steps: list[dict[str, Any]], **fields: Any) -> dict[str, Any]:
        sent = parse({"steps": steps, **fields})
        lifetime = Lifetime(self.ports.now() + 30, 30)
        return drive(Jobs(self.ports).submit(Caller(tenant="t"), sent, lifetime=lifetime)).job


@pytest.fixture
def deployed() -> Iterator[Deployed]:
    with embedded():
        CLOCK.restart()
        ports = wire(Settings.from_environment(os.environ))
        calls = Calls()
        for client in (ports.table._items._client(), ports.bus._client()):  # type: ignore[attr-defined]  # the real ones
            client.meta.events.register("provide-client-params", calls.hear)
        yield Deployed(ports, calls)


@pytest.mark.parametrize("steps", [1, 9, 20])
def test_a_pure_job_over_http_costs_three_calls_of_the_table_and_one_of_the_bus_for_ten_updates(
    deployed: Deployed, steps: int
) -> None:
    assert deployed.submit([JOIN] * steps)["status"] == "SUCCEEDED"
    assert deployed.calls.sent == {
        "dynamodb.BatchWriteItem": 1,
        "dynamodb.PutItem": 1,
        "dynamodb.UpdateItem": 1,
        "events.PutEvents": math.ceil((steps + 1) / 10),
    }


@pytest.mark.parametrize("steps", [1, 20])
def test_a_pure_job_from_the_queue_costs_two_calls_of_the_table(deployed: Deployed, steps: int) -> None:
    record = {
        "messageId": "m",
        "receiptHandle": "r",
        "body": parse({"steps": [JOIN] * steps}).canonical(),
        "attributes": {"ApproximateReceiveCount": "1"},
    }
    answer = drive(receive({"Records": [record]}, deployed.ports, Lifetime(deployed.ports.now() + 30, 30)))
    assert answer == {"batchItemFailures": []}
    assert deployed.calls.of("dynamodb") == 2
    assert deployed.calls.of("events") == math.ceil((steps + 1) / 10)


@pytest.mark.parametrize(("steps", "size"), [(20, 10), (5, 3000)])
def test_a_pure_job_costs_the_write_units_of_its_results_and_four_more(
    deployed: Deployed, steps: int, size: int
) -> None:
    step = {"action": "TEXT.JOIN", "parameters": {"text1": "{< text >}", "text2": "b"}}
    deployed.submit([step] * steps, parameters={"text": "x" * size})
    payload = math.ceil((size + 100 + 100 * steps) / UNIT)
    assert deployed.calls.units <= steps * math.ceil((size + 350) / UNIT) + 4 + payload - 1


@pytest.mark.parametrize("kinds", ["e", "eee", "ppe", "pep", "eeeeep"])
def test_a_job_with_effects_costs_two_more_calls_for_each_of_them(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch, kinds: str
) -> None:
    def touch() -> int:
        return 1

    block: Block[..., Any] = Block(touch, category="PROBE", effect="at_least_once")
    monkeypatch.setitem(REGISTRY._blocks, block.action, block)
    deployed.submit([{"action": "PROBE.TOUCH"} if kind == "e" else JOIN for kind in kinds])
    assert deployed.calls.of("dynamodb") <= 3 + 2 + 2 * kinds.count("e")


def test_the_record_that_is_written_most_stays_under_a_kilobyte(deployed: Deployed) -> None:
    fail = {"action": "NO.SUCH", "id": "x" * 64}
    deployed.submit([JOIN] * 19 + [fail], id="j" * 64, name="n" * 64)
    key = {"pk": {"S": "t#" + "j" * 64}, "sk": {"S": "JOB"}}
    client = deployed.ports.table._items._client()
    assert weight(client.get_item(TableName=deployed.ports.settings.table_name, Key=key)["Item"]) <= UNIT
