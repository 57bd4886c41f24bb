"""EventBridge Scheduler: one of its schedules per schedule of a tenant. They send messages to the queue of jobs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from infra.aws.clients import SchedulerClient
from infra.errors import TryLaterError, code_of, translate

SCHEDULED_TIME: Final = "<aws.scheduler.scheduled-time>"
"""EventBridge Scheduler replaces this with the time of the firing
(https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html)."""
LATEST: Final = 86_400
"""The seconds for which EventBridge Scheduler tries to deliver a firing: a later firing is dropped anyway."""
_ABSENT: Final = "ResourceNotFoundException"
_PRESENT: Final = "ConflictException"


@dataclass(frozen=True, slots=True, kw_only=True)
class Timetable:
    """When a schedule fires, in EventBridge's terms.

    Attributes:
        expression: ``cron(…)``, ``rate(…)`` or ``at(…)``.
        timezone: IANA name of the expression's time zone.
        start: for a rate, the first firing, in seconds since 1970.
        enabled: whether it fires at all.
    """

    expression: str
    timezone: str
    start: float | None
    enabled: bool


class Scheduler:
    """The schedules of one group.

    Args:
        client: returns the client; called for each call, so that it is built at the first.
        group: the schedule group's name.
        role_arn: the role that EventBridge Scheduler assumes to send to the queue.
        queue_arn: the queue of jobs.
    """

    def __init__(self, client: Callable[[], SchedulerClient], *, group: str, role_arn: str, queue_arn: str) -> None:
        self._client = client
        self._group = group
        self._role_arn = role_arn
        self._queue_arn = queue_arn

    async def put(self, tenant: str, schedule_id: str, timetable: Timetable) -> None:
        """Make or replace a schedule.

        Raises:
            InfraError: see `infra.errors`.
        """
        request = self._request(tenant, schedule_id, timetable)
        if self._updated(request) or self._created(request) or self._updated(request):
            return
        raise TryLaterError(f"A schedule of the group {self._group} is being made and deleted at the same time.")

    def _updated(self, request: Mapping[str, Any]) -> bool:
        """Replace the schedule; return whether it existed."""
        try:
            self._client().update_schedule(**request)
        except Exception as error:
            if code_of(error) == _ABSENT:
                return False
            raise translate(error, f"UpdateSchedule in the group {self._group}") from error
        return True

    def _created(self, request: Mapping[str, Any]) -> bool:
        """Create the schedule; return whether it did not exist."""
        try:
            self._client().create_schedule(**request)
        except Exception as error:
            if code_of(error) == _PRESENT:
                return False
            raise translate(error, f"CreateSchedule in the group {self._group}") from error
        return True

    async def delete(self, tenant: str, schedule_id: str) -> None:
        """Delete a schedule. A missing one counts as deleted.

        Raises:
            InfraError: see `infra.errors`.
        """
        try:
            self._client().delete_schedule(GroupName=self._group, Name=schedule_name(tenant, schedule_id))
        except Exception as error:
            if code_of(error) != _ABSENT:
                raise translate(error, f"DeleteSchedule in the group {self._group}") from error

    def _request(self, tenant: str, schedule_id: str, timetable: Timetable) -> dict[str, Any]:
        request: dict[str, Any] = {
            "GroupName": self._group,
            "Name": schedule_name(tenant, schedule_id),
            "ScheduleExpression": timetable.expression,
            "ScheduleExpressionTimezone": timetable.timezone,
            "State": "ENABLED" if timetable.enabled else "DISABLED",
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "Target": self._target(tenant, schedule_id),
        }
        if timetable.start is not None:
            request["StartDate"] = timetable.start
        return request

    def _target(self, tenant: str, schedule_id: str) -> Mapping[str, Any]:
        target: dict[str, Any] = {
            "Arn": self._queue_arn,
            "RoleArn": self._role_arn,
            "Input": firing_body(tenant, schedule_id, SCHEDULED_TIME),
            "RetryPolicy": {"MaximumEventAgeInSeconds": LATEST},
        }
        if self._queue_arn.endswith(".fifo"):  # the queue needs content-based deduplication: nothing else can be set
            target["SqsParameters"] = {"MessageGroupId": schedule_name(tenant, schedule_id)}
        return target


def firing_body(tenant: str, schedule_id: str, at: str) -> str:
    """The message of one firing."""
    return json.dumps({"schedule": {"tenant": tenant, "id": schedule_id, "at": at}}, separators=(",", ":"))


def schedule_name(tenant: str, schedule_id: str) -> str:
    """A schedule's name at EventBridge: a digest, since a tenant's name may have any characters.

    No id holds a ``#``, so no two schedules of two tenants have one name.
    """
    return hashlib.sha256(f"{tenant}#{schedule_id}".encode()).hexdigest()
