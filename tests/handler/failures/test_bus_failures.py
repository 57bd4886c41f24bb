"""EventBridge fails: no successful job is reported as failed, and every update is published later."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.handler.failures.cloud import Cloud
from tests.handler.failures.sent import PURE
from tests.handler.failures.wire import Failure

BUS = {
    "out of reach": Failure("events"),
    "broken": Failure("events", "InternalException", 500),
    "throttled": Failure("events", "ThrottlingException"),
    "access denied": Failure("events", "AccessDeniedException"),
}


@pytest.mark.parametrize("kind", BUS)
def test_a_sender_gets_the_job_though_the_bus_fails_and_the_updates_follow(cloud: Cloud, kind: str) -> None:
    cloud.fail(BUS[kind])
    answer = cloud.post(PURE)
    assert (answer["statusCode"], answer["json"]["status"]) == (201, "SUCCEEDED")
    assert "stay recorded" in cloud.log.errors()[-1]["message"]
    assert (BUS[kind].code or "EndpointConnectionError") in cloud.log.errors()[-1]["reason"]
    assert cloud.metrics()["PublishFailures"] == 3
    assert cloud.events() == []
    cloud.recover()
    assert cloud.events() == ["pure/1/1", "pure/1/2", "pure/1/end"]


@pytest.mark.parametrize("kind", BUS)
def test_a_message_is_not_acknowledged_before_its_updates_are_safe(cloud: Cloud, kind: str) -> None:
    cloud.send(PURE)
    cloud.fail(BUS[kind])
    assert cloud.deliver() == [json.dumps(PURE)]  # only the message kept track of them
    assert cloud.deliver() == []  # from now on the sweeper does
    due = [item for item in cloud.aws.table_items() if item.get("due")]
    assert len(due) == 1
    cloud.recover()
    assert cloud.events() == ["pure/1/1", "pure/1/2", "pure/1/end"]
    assert cloud.job("pure")["status"] == "SUCCEEDED"


def test_entries_that_the_bus_does_not_take_are_sent_again_and_others_are_not(cloud: Cloud) -> None:
    calls: list[int] = []

    def take_first(operation: str, body: dict[str, Any], send: Any) -> dict[str, Any] | None:
        if operation != "PutEvents":
            return None
        calls.append(len(body["Entries"]))
        taken = send({"Entries": body["Entries"][:1]})["Entries"]
        failed = [{"ErrorCode": "ThrottlingException", "ErrorMessage": "slow down"} for _ in body["Entries"][1:]]
        return {"FailedEntryCount": len(failed), "Entries": [*taken, *failed]}

    cloud.wire.partial = take_first
    assert cloud.post(PURE)["statusCode"] == 201
    assert calls == [3, 2, 1]
    assert cloud.events() == ["pure/1/1", "pure/1/2", "pure/1/end"]
    assert not cloud.log.errors()


def test_entries_that_the_bus_never_takes_stay_recorded_until_it_does(cloud: Cloud) -> None:
    def refuse_the_second(operation: str, body: dict[str, Any], send: Any) -> dict[str, Any] | None:
        if operation != "PutEvents":
            return None
        results: list[dict[str, str]] = []
        for entry in body["Entries"]:
            refused = '/2"' in entry["Detail"]
            results += (
                [{"ErrorCode": "InternalFailure", "ErrorMessage": "no"}]
                if refused
                else send({"Entries": [entry]})["Entries"]
            )
        return {"FailedEntryCount": sum("ErrorCode" in result for result in results), "Entries": results}

    cloud.wire.partial = refuse_the_second
    assert cloud.post(PURE)["statusCode"] == 201
    assert "pure/1/2" not in cloud.events()
    cloud.recover()
    assert set(cloud.events()) == {"pure/1/1", "pure/1/2", "pure/1/end"}
