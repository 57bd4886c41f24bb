"""SQS fails, or everything at once: no job is lost, and no message is acknowledged too early."""

from __future__ import annotations

import json

import pytest

from tests.handler.failures.cloud import Cloud
from tests.handler.failures.sent import PAID, PURE
from tests.handler.failures.wire import Failure

QUEUE = {
    "out of reach": Failure("sqs", operations=("SendMessage",)),
    "broken": Failure("sqs", "InternalFailure", 500, operations=("SendMessage",)),
    "access denied": Failure("sqs", "AccessDeniedException", 403, operations=("SendMessage",)),
    "without its queue": Failure("sqs", "QueueDoesNotExist", operations=("SendMessage",)),
}


@pytest.mark.parametrize("kind", QUEUE)
def test_an_accepted_job_runs_though_the_queue_failed_to_take_it(cloud: Cloud, kind: str) -> None:
    cloud.fail(QUEUE[kind])
    assert cloud.post(PURE, prefer="respond-async")["statusCode"] == 202  # recorded, and due: the sweeper sends it
    assert "sweeper" in cloud.log.errors()[-1]["message"]
    assert cloud.metrics()["ServiceFailures"] == 1
    assert cloud.log.errors()[-1]["door"] == "run"
    cloud.recover()
    assert cloud.job("pure")["status"] == "SUCCEEDED"


@pytest.mark.parametrize("kind", QUEUE)
def test_a_job_is_not_lost_when_its_hand_over_cannot_be_sent(cloud: Cloud, kind: str) -> None:
    steps = [{"action": "PROBE.CHARGE", "parameters": {"seconds": 20}} for _ in range(3)]
    cloud.send({"id": "long", "steps": steps})
    cloud.fail(QUEUE[kind])
    assert len(cloud.deliver()) == 1  # only the message keeps track of the job yet
    cloud.recover()
    assert cloud.job("long")["status"] == "SUCCEEDED"
    assert len(set(cloud.charged)) == 3


@pytest.mark.parametrize("kind", QUEUE)
def test_a_message_that_can_never_work_stays_until_the_dead_letter_queue_takes_it(cloud: Cloud, kind: str) -> None:
    cloud.send("not a job")
    cloud.fail(QUEUE[kind])
    assert cloud.deliver() == ["not a job"]
    assert cloud.metrics()["ServiceFailures"] == 1
    assert cloud.log.errors()[-1]["door"] == "queue"
    cloud.wire.heal()
    assert cloud.deliver() == []
    assert [letter["body"] for letter in cloud.aws.dead_letters()] == ["not a job"]


def test_an_outage_of_everything_loses_nothing(cloud: Cloud) -> None:
    cloud.send(PAID)
    cloud.fail(Failure("dynamodb"), Failure("events"), Failure("sqs"))
    answer = cloud.post(PURE)
    assert (answer["statusCode"], answer["headers"]["Retry-After"]) == (503, "5")
    assert cloud.sweep() == 0
    cloud.recover()
    assert cloud.job("paid")["status"] == "SUCCEEDED"
    assert cloud.charged == ["queue/paid/1/1", "queue/paid/1/2"]


def test_without_permission_to_anything_no_message_is_lost(cloud: Cloud) -> None:
    cloud.send(PURE)
    denied = [Failure(service, "AccessDeniedException", 403) for service in ("dynamodb", "events")]
    cloud.fail(*denied, Failure("sqs", "AccessDeniedException", 403, operations=("SendMessage",)))
    for _ in range(5):
        assert cloud.deliver() == [json.dumps(PURE)]
    assert {line["error"] for line in cloud.log.errors()} == {"MisconfiguredError"}
    cloud.recover()
    assert cloud.job("pure")["status"] == "SUCCEEDED"
