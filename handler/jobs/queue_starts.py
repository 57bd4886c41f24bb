"""Messages that start a stored workflow: by its name, or because a schedule fired."""

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
from infra.records import JobKey, JobRecord

AGAIN_IN: Final = 300.0
"""Seconds until a firing that found no room is looked at again: an hour takes 12 of the 20 receives of a message."""


@dataclass(frozen=True, slots=True)
class Later:
    """The message has to come again.

    Attributes:
        seconds: when.
    """

    seconds: float


@dataclass(frozen=True, slots=True)
class Start:
    """A job that is not known yet.

    Attributes:
        job: what it would be accepted as.
        named: whether its id would be the same if the message were sent once more.
    """

    job: NewJob
    named: bool


async def find_start(ports: Ports, caller: Caller, body: str, message_id: str) -> Start | JobRecord | Later | Dropped:
    """What a message that names a workflow or a schedule asks for; logs why nothing starts.

    Args:
        ports: the world.
        caller: the tenant of the queue, whose workflow is started; a schedule has a tenant of its own.
        body: the message.
        message_id: the job's id where it is given none.

    Returns:
        A new job, or the job that was started by an earlier message, or why there is none.

    Raises:
        InvalidPayloadError: it can never work.
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
