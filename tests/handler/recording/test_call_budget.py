"""The number of calls that a job costs, counted where botocore sends them."""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from moto.backends import get_backend

from blocks.block import REGISTRY, Block, Effect
from handler.caller import Caller
from handler.doors.sqs import receive
from handler.invocation.event_loop import run_coroutine
from handler.invocation.time_left import TimeLeft
from handler.jobs.service import Jobs
from handler.payload.parse import parse
from handler.settings import Settings
from handler.wiring import CLOCK, wire
from infra.local import ACCOUNT, REGION, embedded
from infra.table.attributes import weight
from tests.examples import ALL, examples

INTERVAL = 1.0
"""Seconds after which records are flushed, unless the deployment says otherwise."""
UNIT = 1024
"""Bytes of a write unit."""
JOIN = {"action": "TEXT.JOIN", "parameters": {"text1": "a", "text2": "b"}}


@dataclass
class Clock:
    """A clock that blocks advance, and each read advances a little."""

    time: float = 1_800_000_000.0

    def now(self) -> float:
        self.time += 1e-5
        return self.time


@dataclass
class Calls:
    """The number of calls of each service, by operation, and their write units of the table."""

    sent: Counter[str] = field(default_factory=Counter)
    units: int = 0
    job_units: int = 1
    """Write units of JOB when it was put; an update costs as much as the item after it."""

    def hear(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        self.sent[f"{model.service_model.service_name}.{model.name}"] += 1
        if model.name == "UpdateItem":
            self.units += self.job_units
        for action in params.get("TransactItems", ()):
            self.units += 2 * (math.ceil(weight(action["Put"]["Item"]) / UNIT) if "Put" in action else self.job_units)
        for item in self._items(params):
            units = math.ceil(weight(item) / UNIT)
            self.units += units
            self.job_units = units if item["sk"] == {"S": "JOB"} else self.job_units

    @staticmethod
    def _items(params: dict[str, Any]) -> list[dict[str, Any]]:
        if "Item" in params:
            return [params["Item"]]
        tables = params.get("RequestItems", {}).values()
        return [request["PutRequest"]["Item"] for requests in tables for request in requests]

    def of(self, service: str) -> int:
        return sum(count for name, count in self.sent.items() if name.startswith(service))


def empty_tables() -> None:
    for table in get_backend("dynamodb")[ACCOUNT][REGION].tables.values():
        table.items.clear()


@dataclass
class Deployed:
    ports: Any
    calls: Calls
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.ports = replace(self.ports, runtime=replace(self.ports.runtime, now=self.clock.now))

    def cost(self, door: str, kinds: str, seconds: Sequence[float], effect: Effect) -> tuple[int, float]:
        """Run a job of pure steps (``p``) and steps with an effect (``e``), each with its seconds; returns the number
        of calls of the table, and the job's duration."""
        steps = [
            {"action": "PROBE.PURE" if kind == "p" else f"PROBE.{effect.upper()}", "parameters": {"seconds": taken}}
            for kind, taken in zip(kinds, seconds, strict=True)
        ]
        began, before = self.clock.now(), self.calls.of("dynamodb")
        if door == "http":
            assert self.submit(steps)["status"] == "SUCCEEDED"
        else:
            assert self.receive(steps) == {"batchItemFailures": []}
        calls, taken = self.calls.of("dynamodb") - before, self.clock.now() - began
        empty_tables()  # moto copies the whole table before each transaction
        return calls, taken

    def receive(self, steps: list[dict[str, Any]]) -> object:
        record = {
            "messageId": f"m-{self.clock.now()}".replace(".", "-"),
            "receiptHandle": "r",
            "body": parse({"steps": steps}).canonical(),
            "attributes": {"ApproximateReceiveCount": "1"},
        }
        return run_coroutine(receive({"Records": [record]}, self.ports, TimeLeft(self.ports.now() + 1000, 1000)))

    def submit(self, steps: list[dict[str, Any]], tenant: str = "t", **fields: Any) -> dict[str, Any]:
        sent = parse({"steps": steps, **fields})
        lifetime = TimeLeft(self.ports.now() + 1000, 1000)
        return run_coroutine(Jobs(self.ports).submit(Caller(tenant=tenant), sent, lifetime=lifetime)).job


@pytest.fixture(scope="module")
def aws() -> Iterator[None]:
    with embedded():
        yield


@pytest.fixture
def deployed(aws: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployed]:  # noqa: ARG001
    CLOCK.restart()
    monkeypatch.setenv("HTTP_SECONDS", "1000")
    ports = wire(Settings.from_environment(os.environ))
    calls = Calls()
    heard = [client.meta.events for client in (ports.table._items._client(), ports.bus._client())]  # type: ignore[attr-defined]  # the real ones
    for events in heard:
        events.register("provide-client-params", calls.hear)
    yield Deployed(ports, calls)
    for events in heard:
        events.unregister("provide-client-params", calls.hear)
    empty_tables()


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
    assert deployed.receive([JOIN] * steps) == {"batchItemFailures": []}
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


def most_calls(kinds: str, taken: float) -> int:
    """The promised maximum for a job of ``p`` and ``e``."""
    return 3 + 2 * math.ceil(taken / INTERVAL) + 2 * kinds.count("e")


@pytest.fixture
def probes(deployed: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks that advance the test's clock; events of steps are off, because they take moto longer than the rest."""

    deployed.ports = replace(
        deployed.ports, settings=deployed.ports.settings.model_copy(update={"step_events": "none"})
    )

    def work(*, seconds: float = 0) -> float:
        deployed.clock.time += seconds
        return seconds

    for effect in get_args(Effect):
        name = "PURE" if effect == "none" else effect.upper()
        block: Block[..., Any] = Block(work, name=name, category="PROBE", effect=effect)
        monkeypatch.setitem(REGISTRY._blocks, block.action, block)


@pytest.mark.share
@pytest.mark.usefixtures("probes")
@pytest.mark.parametrize("door", ["http", "queue"])
@pytest.mark.parametrize("effect", ["at_least_once", "at_most_once"])
def test_a_job_with_effects_costs_two_more_calls_for_each_of_them(
    deployed: Deployed, effect: Effect, door: str
) -> None:
    jobs = list(product(("e", "ppe", "eeeeep", "epepepep", "p" * 40 + "ep" * 4), (0.0, 0.3)))
    for kinds, seconds in jobs if ALL else jobs[(door == "http") ^ (effect == "at_most_once") :: 2]:
        calls, taken = deployed.cost(door, kinds, [seconds] * len(kinds), effect)
        assert calls <= most_calls(kinds, taken), f"{kinds}, each step {seconds} s"


@pytest.mark.hypothesis
@pytest.mark.slow
@pytest.mark.usefixtures("probes")
def test_any_job_keeps_to_its_calls(deployed: Deployed) -> None:
    @given(data=st.data())
    @settings(max_examples=examples(25))
    def keeps(data: st.DataObject) -> None:
        kinds = data.draw(st.text("pe", max_size=30) | st.text("ppppppe", max_size=60))
        durations = st.sampled_from([0.0, 0.0, 0.01, 0.2, 0.5, 0.999, 1.0, 2.5])
        seconds = data.draw(st.lists(durations, min_size=len(kinds), max_size=len(kinds)))
        effect = data.draw(st.sampled_from(["at_least_once", "at_most_once"]))
        calls, taken = deployed.cost(data.draw(st.sampled_from(["http", "queue"])), kinds, seconds, effect)
        assert calls <= most_calls(kinds, taken) + ("e" not in kinds) * (len(kinds) // 25)

    keeps()


@pytest.mark.usefixtures("probes")
@pytest.mark.parametrize(("kinds", "seconds"), [("p" * 100, 0.0), ("p" * 20, 0.7), ("pepepe", 0.6), ("pep", 0.0)])
def test_a_transaction_is_paid_for_only_where_two_calls_are_too_many(
    deployed: Deployed, kinds: str, seconds: float
) -> None:
    """A transaction costs twice the write units. A pure job makes none, nor does one with slow or few effects."""
    deployed.cost("http", kinds, [seconds] * len(kinds), "at_least_once")
    assert "dynamodb.TransactWriteItems" not in deployed.calls.sent
    deployed.cost("http", "pe" * 6, [0.0] * 12, "at_least_once")
    assert deployed.calls.sent["dynamodb.TransactWriteItems"] > 0


@pytest.mark.parametrize("name", ["", "n" * 64, "n" * 256, "\u20ac" * 256, "\U0001f600" * 256], ids=len)
@pytest.mark.parametrize("fails", [False, True])
def test_the_record_that_is_written_most_has_the_size_on_the_page(deployed: Deployed, name: str, fails: bool) -> None:
    """docs/records.md: under a kilobyte, unless names, tenants and actions together take more than half of it."""
    tenant, job_id, step_id, action = "t" * 36, "j" * 64, "x" * 64, "NO.SUCH"
    steps = [JOIN] * 19 + ([{"action": action, "id": step_id}] if fails else [])
    deployed.submit(steps, tenant=tenant, id=job_id, **({"name": name} if name else {}))
    job = {"pk": {"S": f"{tenant}#{job_id}"}, "sk": {"S": "JOB"}}
    client = deployed.ports.table._items._client()
    weighs = weight(client.get_item(TableName=deployed.ports.settings.table_name, Key=job)["Item"])
    most = 405 + (4 + len(name.encode()) if name else 0) + 2 * len(tenant + job_id)
    most += 110 + len(2 * step_id + action) if fails else 0
    assert most - 40 <= weighs <= most
    extra = 2 * (math.ceil(weighs / UNIT) - 1)
    payload = math.ceil((len(name.encode()) + 1500) / UNIT)
    assert deployed.calls.units <= 4 + 3 + payload + extra
