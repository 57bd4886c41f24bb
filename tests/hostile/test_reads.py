"""A read of a job loads only the records that count, however often the job was redriven."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from handler.app import lambda_handler
from handler.console.local.lambda_event import HttpRequest, Identity, http_event
from infra.local import EmbeddedAws
from infra.table.dynamo_items import DynamoItems
from infra.table.items import Item

STEPS = 6
REDRIVES = 3


def ask(method: str, target: str, body: Any = None) -> Any:
    request = HttpRequest(method=method, target=target, headers={}, body=json.dumps(body).encode() if body else None)
    answer = lambda_handler(http_event(request, Identity(), request_id="r", at=time.time()))
    assert answer["statusCode"] < 300, answer["body"]
    return json.loads(answer["body"])


def redrive(aws: EmbeddedAws, **body: Any) -> None:
    ask("POST", "/jobs/r/redrive", body)
    event = aws.receive()
    assert lambda_handler(event) == {"batchItemFailures": []}
    for record in event["Records"]:
        aws.delete(record["receiptHandle"])


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[Item]:
    """The step items that are read from the table."""
    read = list[Item]()
    for name in ("query", "get_all"):
        method = getattr(DynamoItems, name)

        async def call(self: DynamoItems, *args: Any, method: Any = method, **kwargs: Any) -> list[Item]:
            found: list[Item] = await method(self, *args, **kwargs)
            read.extend(item for item in found if str(item["sk"]).startswith("STEPS#"))
            return found

        monkeypatch.setattr(DynamoItems, name, call)
    return read


def make_job(failing: str = "no") -> dict[str, Any]:
    pad = {"action": "TEXT.PAD", "parameters": {"text": "x", "length": 150_000}}  # each in its own item
    fail = {"id": "f", "action": "LOGIC.FAIL", "parameters": {"message": failing}}
    return {"id": "r", "steps": [*({"id": f"s{at}", **pad} for at in range(STEPS)), fail]}


def test_redrives_from_the_start_make_a_read_no_longer(aws: EmbeddedAws, loaded: list[Item]) -> None:
    assert len(ask("POST", "/jobs", make_job())["steps"]) == STEPS + 1
    for _ in range(REDRIVES):
        redrive(aws, from_step="s0")
    loaded.clear()
    shown = ask("GET", "/jobs/r")
    assert (shown["run"], len(shown["steps"])) == (REDRIVES + 1, STEPS + 1)
    assert [step["status"]["name"] for step in shown["steps"]] == ["DONE"] * STEPS + ["ASSERTION_ERROR"]
    assert len(loaded) <= STEPS + 1
    loaded.clear()
    assert ask("GET", "/jobs/r/steps/s3")["result"] == " " * 149_999 + "x"
    assert len(loaded) <= 4


def test_redrives_that_keep_steps_read_each_of_them_once(aws: EmbeddedAws, loaded: list[Item]) -> None:
    ask("POST", "/jobs", make_job())
    for at in (3, 4, 2, 5):
        redrive(aws, from_step=f"s{at}")
    loaded.clear()
    shown = ask("GET", "/jobs/r")
    assert [step["status"]["name"] for step in shown["steps"]] == ["DONE"] * STEPS + ["ASSERTION_ERROR"]
    assert len(loaded) <= STEPS + 1
    assert {step["id"] for step in shown["steps"]} == {f"s{at}" for at in range(STEPS)} | {"f"}


def test_small_steps_share_items_and_are_all_found_after_redrives(aws: EmbeddedAws) -> None:
    steps = [{"id": f"s{at}", "action": "MATH.SUM", "parameters": {"value1": at, "value2": 0}} for at in range(240)]
    ask("POST", "/jobs", {"id": "r", "steps": [*steps, make_job()["steps"][-1]]})
    for at in (130, 131, 60):
        redrive(aws, from_step=f"s{at}")
    shown = ask("GET", "/jobs/r")
    assert [step["result"] for step in shown["steps"][:-1]] == list(range(240))
    assert all(ask("GET", f"/jobs/r/steps/s{at}")["result"] == at for at in (0, 59, 60, 129, 130, 239))
