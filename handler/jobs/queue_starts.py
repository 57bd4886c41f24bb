"""Handles messages that start a stored workflow, which name the workflow or a schedule that fired."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from handler.caller import Caller
from handler.errors import NotFoundError, TooManyJobsError
from handler.jobs.room import check_room
from handler.jobs.submission import NewJob
from handler.payload.body import read_object
from handler.payload.limits import limits_of
from handler.payload.parse import InvalidPayloadError
from handler.payload.problem import Problem
from handler.ports import Ports
from handler.workflows.firing import PATIENCE, Dropped, find_due, read_firing
from handler.workflows.start import find_job, read_start_message
from infra.jobs.records import JobKey, JobRecord

AGAIN_IN: Final = 300.0
"""Seconds until a firing that met the job limit is tried again: one hour takes 12 of a message's 20 receives."""


@dataclass(frozen=True, slots=True)
class Later:
    """The message must be delivered again.

    Attributes:
        seconds: the delay.
    """

    seconds: float


@dataclass(frozen=True, slots=True)
class Start:
    """A job that does not exist yet.

    Attributes:
        job: the new job.
        named: whether the job's id would be the same if the message were sent again.
    """

    job: NewJob
    named: bool


async def find_start(ports: Ports, caller: Caller, body: str, message_id: str) -> Start | JobRecord | Later | Dropped:
    """Find the job that a message with a workflow or a schedule starts. If none starts, the reason is logged.

    Args:
        ports: the use cases' ports.
        caller: the queue's caller, whose workflow is started; a schedule has its own tenant.
        body: the message.
        message_id: the job's id if the message gives none.

    Returns:
        A new job, the job that an earlier message started, or the reason why none starts.

    Raises:
        InvalidPayloadError: the message can never succeed.
        InfraError: AWS failed.
    """
    value = read_object(body, limits_of(caller, ports.settings))
    if "schedule" in value:
        found = await _find_firing(ports, value)
        if isinstance(found, Dropped):
            ports.metrics.count("DroppedFirings", Reason=found.reason)
            ports.log.warning(
                "A schedule fired and no job was started",
                extra={"message_id": message_id, "reason": found.reason, "why": found.why},
            )
        return found
    request = read_start_message(value)
    job_id = request.id or message_id
    known = await ports.table.read(JobKey(caller.tenant, job_id), ports.now())
    if known is not None:
        if known.payload_hash != request.digest:
            raise InvalidPayloadError([Problem("/id", "INVALID_ID", "Another job has this id.")])
        return known
    try:
        payload, origin = await find_job(ports, caller, request)
    except NotFoundError as error:
        raise InvalidPayloadError([Problem("/workflow", "INVALID_FIELD", str(error))]) from None
    return Start(NewJob.of(ports, caller, payload.with_id(job_id), origin), request.id is not None)


async def _find_firing(ports: Ports, value: Mapping[str, Any]) -> Start | JobRecord | Later | Dropped:
    firing = read_firing(value)
    due = await find_due(ports, firing)
    if isinstance(due, Dropped | JobRecord):
        return due
    try:
        await check_room(ports, due.caller)
    except TooManyJobsError:
        if ports.now() - firing.at < PATIENCE:
            return Later(AGAIN_IN)
        return Dropped("limit", "its tenant has had too many unfinished jobs for an hour")
    return Start(NewJob.of(ports, due.caller, due.payload, due.origin), named=True)


def names_start(body: str) -> bool:
    """Whether a message names a workflow or a schedule, and has no steps of its own."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict) and "steps" not in value and ("workflow" in value or "schedule" in value)
