"""A batch through `lambda_handler`, with the threads and clients of a deployment."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.client import BaseClient

from blocks.block import REGISTRY, Block
from handler.app import lambda_handler
from handler.console.local.lambda_event import LocalContext
from infra.local import EmbeddedAws, embedded

SUM = {"action": "MATH.SUM", "parameters": {"value1": 1, "value2": 2}}


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddedAws]:
    def note(call__: Any) -> str:
        logging.getLogger("block").warning("noted", extra={"own": call__.idempotency_key})
        return str(call__.idempotency_key)

    def sleep() -> None:
        time.sleep(5)

    REGISTRY.load()
    for block in (
        Block(note, category="PROBE", effect="none"),
        Block(note, name="CHARGE", category="PROBE", effect="at_least_once"),
        Block(sleep, category="PROBE", effect="none"),
    ):
        monkeypatch.setitem(REGISTRY._blocks, block.action, block)
    with embedded() as aws:
        yield aws


def send(aws: EmbeddedAws, *bodies: dict[str, Any] | str) -> dict[str, Any]:
    queue: Any = aws.clients.sqs()
    for body in bodies:
        queue.send_message(QueueUrl=aws.queue_url, MessageBody=body if isinstance(body, str) else json.dumps(body))
    return aws.receive()


def invoke(event: dict[str, Any]) -> list[str]:
    context = LocalContext(aws_request_id="r", ends_at=time.monotonic() + 30.0, now=time.monotonic)
    return [failure["itemIdentifier"] for failure in lambda_handler(event, context)["batchItemFailures"]]


def statuses(aws: EmbeddedAws) -> dict[str, str]:
    found = [item for item in aws.table_items() if item["sk"] == "JOB"]
    return {str(item["job_id"]): str(item["status"]) for item in found}


def jobs(count: int, *steps: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"id": f"j{number}", "steps": list(steps)} for number in range(count)]


@pytest.mark.parametrize(("operation", "step"), [("PutItem", SUM), ("UpdateItem", {"action": "PROBE.CHARGE"})])
def test_calls_of_all_jobs_of_a_batch_are_on_their_way_at_once(
    operation: str, step: dict[str, Any], aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The table answers only after ten jobs have called it."""
    together, make = threading.Barrier(10, timeout=20), BaseClient._make_api_call

    def call(client: BaseClient, name: str, request: dict[str, Any]) -> Any:
        if name == operation and request.get("Key", request.get("Item", {})).get("sk") == {"S": "JOB"}:
            together.wait()
        return make(client, name, request)

    event = send(aws, *jobs(10, step))
    monkeypatch.setattr(BaseClient, "_make_api_call", call)
    assert invoke(event) == []
    assert set(statuses(aws).values()) == {"SUCCEEDED"}


def test_ten_jobs_share_calls_for_reads_records_and_events(aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch) -> None:
    calls, make = Counter[str](), BaseClient._make_api_call

    def call(client: BaseClient, name: str, request: dict[str, Any]) -> Any:
        calls[name] += 1
        return make(client, name, request)

    event = send(aws, *jobs(10, SUM, SUM))
    monkeypatch.setattr(BaseClient, "_make_api_call", call)
    assert invoke(event) == []
    monkeypatch.undo()
    assert calls["BatchGetItem"] == 1
    assert calls["GetItem"] == 0
    assert calls["PutItem"] == 10
    assert calls["BatchWriteItem"] < 10
    assert calls["PutEvents"] < 10
    assert len({event["detail"]["event_id"] for event in aws.bus_events()}) == 30


def test_each_line_of_the_log_names_its_own_job(aws: EmbeddedAws, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(send(aws, *jobs(10, {"action": "PROBE.CHARGE"}, {"action": "PROBE.NOTE"}))) == []
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    noted = [line for line in lines if line.get("message") == "noted"]
    assert len(noted) == 20
    for line in noted:
        assert line["own"].split("/")[1:] == [line["job_id"], "1", line["path"]]


def test_a_poison_message_and_a_step_that_never_ends_cost_the_others_nothing(aws: EmbeddedAws) -> None:
    stuck = {"id": "stuck", "steps": [{"action": "PROBE.SLEEP", "timeout": 0.1}]}
    assert invoke(send(aws, *jobs(4, SUM), stuck, "no job", {"id": "odd", "steps": [{"action": "NO.SUCH"}]})) == []
    assert statuses(aws) == {f"j{number}": "SUCCEEDED" for number in range(4)} | {"stuck": "FAILED", "odd": "FAILED"}
    assert [letter["body"] for letter in aws.dead_letters()] == ["no job"]


@pytest.mark.usefixtures("aws")
def test_an_empty_batch_has_no_failures() -> None:
    assert invoke({"Records": []}) == []


def test_a_message_alone_starts_no_thread(aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: threading.Thread) -> None:
        raise AssertionError("a thread was started")

    event = send(aws, *jobs(1, SUM))
    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert invoke(event) == []
