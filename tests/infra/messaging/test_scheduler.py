from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

import pytest
from botocore.exceptions import ClientError

from infra.errors import GiveUpError, InfraError, TryLaterError
from infra.local import EmbeddedAws
from infra.messaging.scheduler import Scheduler, Timetable, schedule_name

if TYPE_CHECKING:
    from tests.infra.conftest import Drive

DAILY = Timetable(expression="cron(0 9 * * ? *)", timezone="Europe/Berlin", start=None, enabled=True)
ROLE = "arn:aws:iam::123456789012:role/scheduler"
QUEUE = "arn:aws:sqs:eu-central-1:123456789012:jobs"


def _scheduler(aws: EmbeddedAws, queue: str = QUEUE) -> Scheduler:
    return Scheduler(aws.clients.scheduler, group="default", role_arn=ROLE, queue_arn=queue)


def _standing(aws: EmbeddedAws, tenant: str, schedule_id: str) -> dict[str, Any]:
    client = cast("Any", aws.clients.scheduler())
    found: dict[str, Any] = client.get_schedule(GroupName="default", Name=schedule_name(tenant, schedule_id))
    return found


def test_a_schedule_sends_tenant_id_and_instant_to_the_one_queue(aws: EmbeddedAws, drive: Drive) -> None:
    drive(_scheduler(aws).put("t", "nightly", DAILY))
    standing = _standing(aws, "t", "nightly")
    assert (standing["ScheduleExpression"], standing["ScheduleExpressionTimezone"]) == (
        "cron(0 9 * * ? *)",
        "Europe/Berlin",
    )
    assert (standing["State"], standing["FlexibleTimeWindow"]) == ("ENABLED", {"Mode": "OFF"})
    assert (standing["Target"]["Arn"], standing["Target"]["RoleArn"]) == (QUEUE, ROLE)
    assert json.loads(standing["Target"]["Input"]) == {
        "schedule": {"tenant": "t", "id": "nightly", "at": "<aws.scheduler.scheduled-time>"}
    }


def test_putting_it_again_replaces_it(aws: EmbeddedAws, drive: Drive) -> None:
    drive(_scheduler(aws).put("t", "nightly", DAILY))
    paused = Timetable(expression="rate(5 minutes)", timezone="UTC", start=2_000_000_000.0, enabled=False)
    drive(_scheduler(aws).put("t", "nightly", paused))
    standing = _standing(aws, "t", "nightly")
    assert (standing["ScheduleExpression"], standing["State"]) == ("rate(5 minutes)", "DISABLED")
    assert standing["StartDate"].timestamp() == 2_000_000_000.0


def test_deleting_it_twice_deletes_it(aws: EmbeddedAws, drive: Drive) -> None:
    scheduler = _scheduler(aws)
    drive(scheduler.put("t", "nightly", DAILY))
    drive(scheduler.delete("t", "nightly"))
    drive(scheduler.delete("t", "nightly"))
    assert cast("Any", aws.clients.scheduler()).list_schedules()["Schedules"] == []


def test_a_fifo_queue_gets_a_group(aws: EmbeddedAws, drive: Drive) -> None:
    drive(_scheduler(aws, QUEUE + ".fifo").put("t", "nightly", DAILY))
    assert _standing(aws, "t", "nightly")["Target"]["SqsParameters"]["MessageGroupId"]


def test_names_of_two_tenants_do_not_meet() -> None:
    assert schedule_name("a", "b") != schedule_name("a#b", "c")
    assert schedule_name("a#b", "c") != schedule_name("a", "b#c"[0:1])
    assert len(schedule_name("x" * 300, "y" * 64)) == 64


class Failing:
    """A client whose calls all fail with a code."""

    def __init__(self, *codes: str) -> None:
        self.codes = list(codes)
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Any:
        def call(**_: Any) -> dict[str, Any]:
            self.calls.append(name)
            code = self.codes.pop(0)
            if code:
                error = Exception(code)
                error.response = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": 400}}  # type: ignore[attr-defined]
                raise error
            return {}

        return call


@pytest.mark.parametrize(
    ("codes", "calls"),
    [
        ([""], ["update_schedule"]),
        (["ResourceNotFoundException", ""], ["update_schedule", "create_schedule"]),
        (
            ["ResourceNotFoundException", "ConflictException", ""],
            ["update_schedule", "create_schedule", "update_schedule"],
        ),
    ],
)
def test_concurrent_writers_update_or_create_a_schedule(drive: Drive, codes: list[str], calls: list[str]) -> None:
    client = Failing(*codes)
    drive(Scheduler(lambda: cast("Any", client), group="g", role_arn=ROLE, queue_arn=QUEUE).put("t", "s", DAILY))
    assert client.calls == calls


@pytest.mark.parametrize(
    ("code", "kind"), [("ThrottlingException", TryLaterError), ("ValidationException", GiveUpError)]
)
def test_a_refusal_of_aws_becomes_an_error_of_infra(drive: Drive, code: str, kind: type[InfraError]) -> None:
    for work in ("put", "delete"):
        scheduler = Scheduler(lambda: cast("Any", Failing(code)), group="g", role_arn=ROLE, queue_arn=QUEUE)
        with pytest.raises(kind):
            drive(scheduler.put("t", "s", DAILY) if work == "put" else scheduler.delete("t", "s"))


class Refusing:
    """A client of EventBridge Scheduler that refuses updates and creations with these codes."""

    def __init__(self, update: str, create: str) -> None:
        self.codes = {"UpdateSchedule": update, "CreateSchedule": create}

    def update_schedule(self, **_: Any) -> None:
        raise self._refusal("UpdateSchedule")

    def create_schedule(self, **_: Any) -> None:
        raise self._refusal("CreateSchedule")

    def _refusal(self, operation: str) -> ClientError:
        return ClientError({"Error": {"Code": self.codes[operation], "Message": "no"}}, operation)


@pytest.mark.parametrize(
    ("create", "kind", "message"),
    [
        ("ConflictException", TryLaterError, "is being made and deleted at the same time"),
        ("ThrottlingException", TryLaterError, "CreateSchedule in the group default failed"),
        ("ValidationException", GiveUpError, "CreateSchedule in the group default failed"),
    ],
)
def test_a_schedule_that_can_be_neither_replaced_nor_made_is_an_error(
    drive: Drive, create: str, kind: type[InfraError], message: str
) -> None:
    client: Any = Refusing("ResourceNotFoundException", create)
    scheduler = Scheduler(lambda: client, group="default", role_arn=ROLE, queue_arn=QUEUE)
    with pytest.raises(kind, match=message):
        drive(scheduler.put("t", "nightly", DAILY))
