"""DynamoDB fails: the answers to callers, the log and the metrics, and how the job continues afterwards."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from handler.errors import UnavailableError
from tests.handler.failures.cloud import Cloud
from tests.handler.failures.sent import PAID, PURE
from tests.handler.failures.wire import Failure

DOWN = {
    "out of reach": Failure("dynamodb"),
    "broken": Failure("dynamodb", "InternalServerError", 500),
    "throttled": Failure("dynamodb", "ProvisionedThroughputExceededException"),
    "throttled by rate": Failure("dynamodb", "ThrottlingException"),
    "access denied": Failure("dynamodb", "AccessDeniedException"),
    "without its table": Failure("dynamodb", "ResourceNotFoundException"),
}
PASSING = {"out of reach", "broken", "throttled", "throttled by rate"}


@pytest.mark.parametrize("kind", DOWN)
@pytest.mark.parametrize("prefer", ["wait=20", "respond-async"])
def test_a_sender_gets_503_with_retry_after_while_the_table_fails(cloud: Cloud, kind: str, prefer: str) -> None:
    cloud.fail(DOWN[kind])
    answer = cloud.post(PURE, prefer=prefer)
    assert answer["statusCode"] == 503
    assert answer["headers"]["Content-Type"] == "application/problem+json"
    assert answer["headers"]["Retry-After"] == ("5" if kind in PASSING else "60")
    assert answer["json"]["status"] == 503
    assert "conduit-" not in answer["body"]  # the table's name is not shown to callers
    line = cloud.log.errors()[-1]
    assert line["error"] == ("TryLaterError" if kind in PASSING else "MisconfiguredError")
    assert cloud.aws.table in line["reason"]
    assert cloud.metrics()["ServiceFailures"] == 1
    assert cloud.log.errors()[-1]["door"] == "submit"

    cloud.wire.heal()
    assert cloud.post(PURE, prefer=prefer)["statusCode"] == (201 if prefer == "wait=20" else 202)
    cloud.recover()
    assert cloud.job("pure")["status"] == "SUCCEEDED"
    assert set(cloud.events()) == {"pure/1/1", "pure/1/2", "pure/1/end"}


@pytest.mark.parametrize("kind", DOWN)
def test_a_message_is_not_acknowledged_while_the_table_fails(cloud: Cloud, kind: str) -> None:
    cloud.send(PURE)
    cloud.fail(DOWN[kind])
    for _ in range(3):
        assert cloud.deliver() == [json.dumps(PURE)]
    line = cloud.log.errors()[-1]
    assert line["message_id"]
    assert cloud.aws.table in line["reason"]
    assert cloud.metrics()["ServiceFailures"] == 3
    assert cloud.log.errors()[-1]["door"] == "queue"

    cloud.recover()
    assert cloud.job("pure")["steps"][1]["result"] == 7
    assert set(cloud.events()) == {"pure/1/1", "pure/1/2", "pure/1/end"}


@pytest.mark.parametrize("kind", DOWN)
def test_a_direct_invocation_raises_while_the_table_fails(cloud: Cloud, kind: str) -> None:
    cloud.fail(DOWN[kind])
    with pytest.raises(UnavailableError):
        cloud.invoke(PURE)
    assert cloud.metrics()["ServiceFailures"] == 1
    assert cloud.log.errors()[-1]["door"] == "run"
    cloud.wire.heal()
    assert cloud.invoke(PURE)["status"] == "SUCCEEDED"


@pytest.mark.parametrize("kind", DOWN)
def test_the_sweeper_says_that_it_sees_nothing_while_the_table_fails(cloud: Cloud, kind: str) -> None:
    cloud.fail(DOWN[kind])
    assert cloud.sweep() == 0
    assert cloud.metrics()["ServiceFailures"] == 1
    assert cloud.log.errors()[-1]["door"] == "sweep"
    assert "due" in cloud.log.errors()[-1]["message"]


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", "/jobs"),
        ("GET", "/jobs/pure"),
        ("GET", "/jobs/pure/steps/a"),
        ("POST", "/jobs/pure/cancel"),
        ("POST", "/jobs/pure/redrive"),
    ],
)
def test_reading_and_changing_jobs_is_answered_with_503_while_the_table_fails(
    cloud: Cloud, method: str, target: str
) -> None:
    cloud.post(PURE)
    cloud.fail(DOWN["broken"])
    answer = cloud.request(method, target)
    assert (answer["statusCode"], answer["headers"]["Retry-After"]) == (503, "5")


def test_endpoints_that_need_no_table_work_without_one(cloud: Cloud) -> None:
    cloud.fail(DOWN["broken"])
    assert cloud.request("GET", "/blocks")["statusCode"] == 200
    assert cloud.request("POST", "/jobs/validate", PURE)["json"]["valid"] is True


@pytest.mark.parametrize("writes", range(1, 9))
def test_a_table_that_fails_in_the_middle_of_a_job_costs_at_most_the_step_that_ran(cloud: Cloud, writes: int) -> None:
    writing = ("PutItem", "UpdateItem", "BatchWriteItem")
    cloud.fail(Failure("dynamodb", "InternalServerError", 500, operations=writing, after=writes))
    cloud.send(PAID)
    failed = cloud.deliver()
    begun = len(cloud.charged)
    cloud.recover()
    job = cloud.job("paid")
    assert (job["status"], [step["result"] for step in job["steps"]]) == ("SUCCEEDED", ["charged", "charged"])
    assert set(cloud.events()) == {"paid/1/1", "paid/1/2", "paid/1/end"}
    assert set(cloud.charged) == {"queue/paid/1/1", "queue/paid/1/2"}
    assert len(cloud.charged) <= (3 if failed else 2)
    assert begun <= 2


def test_one_job_that_the_table_refuses_does_not_keep_its_batch_from_being_done(cloud: Cloud) -> None:
    for name in ("one", "two", "three"):
        cloud.send({**PURE, "id": name})
    cloud.fail(Failure("dynamodb", "ProvisionedThroughputExceededException", holding="queue#two"))
    assert [json.loads(body)["id"] for body in cloud.deliver()] == ["two"]
    assert cloud.job("one")["status"] == cloud.job("three")["status"] == "SUCCEEDED"
    cloud.recover()
    assert cloud.job("two")["status"] == "SUCCEEDED"


def test_items_that_the_table_leaves_unwritten_are_written_by_the_next_tries(cloud: Cloud) -> None:
    left = [3]

    def leave(operation: str, body: dict[str, Any], send: Any) -> dict[str, Any] | None:
        if operation != "BatchWriteItem" or not left[0]:
            return None
        left[0] -= 1
        table, puts = next(iter(body["RequestItems"].items()))
        send({"RequestItems": {table: puts[:1]}})
        return {"UnprocessedItems": {table: puts[1:]}} if puts[1:] else {"UnprocessedItems": {}}

    cloud.wire.partial = leave
    assert cloud.post(PURE)["statusCode"] == 201
    assert cloud.job("pure")["steps"][1]["result"] == 7
    assert cloud.wire.slept
    assert not cloud.log.errors()


def test_items_that_the_table_never_writes_are_a_failure_of_the_table(cloud: Cloud) -> None:
    cloud.wire.partial = lambda operation, body, _: (
        {"UnprocessedItems": body["RequestItems"]} if operation == "BatchWriteItem" else None
    )
    answer = cloud.post(PURE)
    assert (answer["statusCode"], answer["headers"]["Retry-After"]) == (503, "5")
    assert "unwritten" in cloud.log.errors()[-1]["reason"]
    cloud.wire.heal()
    assert cloud.post(PURE)["statusCode"] == 201


def test_a_reply_that_is_lost_is_recognised_as_our_own_write(cloud: Cloud) -> None:
    lost: list[dict[str, Any]] = []

    def lose(operation: str, body: dict[str, Any], send: Any) -> dict[str, Any] | None:
        if operation in {"PutItem", "UpdateItem"} and body not in lost:
            lost.append(body)
            send(body)
            raise ReadTimeoutError(endpoint_url="https://dynamodb")
        return None

    cloud.wire.partial = lose
    assert cloud.post(PAID)["json"]["status"] == "SUCCEEDED"
    assert lost
    assert cloud.charged == ["queue/paid/1/1", "queue/paid/1/2"]
