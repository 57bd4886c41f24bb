"""The message of a schedule that fires, and the job that it starts.

The message contains only the schedule and the instant; workflow, parameters and rights are read from the table. The
job's id is derived from the schedule and the instant, so that a second message for them is the same job.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Any, Final

from handler.caller import Caller
from handler.errors import NotFoundError
from handler.payload.parse import InvalidPayloadError, JobPayload
from handler.payload.problem import Problem
from handler.ports import Ports
from handler.workflows.origin import Origin
from handler.workflows.schedule import Schedule, job_id_of
from handler.workflows.start import StartRequest, find_job
from handler.workflows.timing import InvalidTimingError, parse_instant
from handler.workflows.workflows import TRIES
from infra.errors import TryLaterError
from infra.jobs.records import FINISHED, JobKey, JobRecord
from infra.table.documents import Document

LATEST: Final = 86_400.0
"""The seconds after its instant until which a firing may start its job; later it is dropped."""
PATIENCE: Final = 3600.0
"""Seconds for which a firing waits in the queue until its tenant is below the limit of unfinished jobs."""
_REMEMBERED: Final = 1000
"""The most listed firings of one schedule whose jobs may be unfinished."""
_LOOKED_AT: Final = 2
"""The number of listed firings that each firing checks if overlaps are allowed: more than it adds."""


@dataclass(frozen=True, slots=True)
class Firing:
    """The content of a schedule's message.

    Attributes:
        tenant, schedule: the tenant and the schedule's id.
        at: the instant of the firing, in seconds since 1970.
    """

    tenant: str
    schedule: str
    at: float


@dataclass(frozen=True, slots=True)
class Due:
    """The job that a firing starts.

    Attributes:
        caller: the caller whose rights the job has.
        payload: the job, with its id.
        origin: the job's workflow.
    """

    caller: Caller
    payload: JobPayload
    origin: Origin


@dataclass(frozen=True, slots=True)
class Dropped:
    """A firing that starts no job.

    Attributes:
        reason: the reason in one word, for the metric.
        why: the reason in a sentence, for the log.
    """

    reason: str
    why: str


def read_firing(value: Mapping[str, Any]) -> Firing:
    """Parse a firing in a message.

    Raises:
        InvalidPayloadError: the message is not a firing.
    """
    match value:
        case {"schedule": {"tenant": str(tenant), "id": str(name), "at": str(at), **more}, **others} if not (
            more or others or not tenant or not name
        ):
            try:
                return Firing(tenant, name, parse_instant(at, UTC))
            except InvalidTimingError:
                pass
    message = 'A schedule\'s message is {"schedule": {"tenant", "id", "at"}} with strings, and nothing else.'
    raise InvalidPayloadError([Problem("/schedule", "INVALID_FIELD", message)])


async def find_due(ports: Ports, firing: Firing) -> Due | JobRecord | Dropped:
    """The job that a firing starts or has already started.

    Raises:
        InvalidPayloadError: the parameters no longer fit the workflow.
        InfraError: AWS failed.
    """
    document = await ports.documents.read(firing.tenant, "schedule", firing.schedule)
    if document is None:
        return Dropped("deleted", "its schedule does not exist")
    if ports.now() - firing.at > LATEST:
        return Dropped("late", "its time is more than a day ago")
    schedule = Schedule.decode(document)
    if not schedule.enabled:
        return Dropped("paused", "its schedule is paused")
    job_id = job_id_of(schedule.id, firing.at)
    known = await ports.table.read(JobKey(firing.tenant, job_id), ports.now())
    if known is not None:
        return known
    caller = schedule.author.caller(firing.tenant, ports.settings)
    request = StartRequest(schedule.workflow, None, schedule.parameters, {}, None)
    try:
        payload, origin = await find_job(ports, caller, request)
    except NotFoundError:
        return Dropped("workflow", f"its workflow {schedule.workflow!r} does not exist")
    if await _note(ports, schedule, firing):
        return Dropped("overlap", "an earlier job of its schedule is unfinished")
    return Due(caller, payload.with_id(job_id), Origin(origin.workflow, origin.version, None))


async def _note(ports: Ports, schedule: Schedule, firing: Firing) -> bool:
    """Store a firing; return whether an unfinished job prevents it from starting one.

    The list contains the firings whose jobs may be unfinished, oldest first. Each firing removes those whose jobs have
    ended.
    """
    at = int(firing.at)
    for _ in range(TRIES):
        before = await ports.documents.read(firing.tenant, "schedule-firings", schedule.id)
        others = [instant for instant in (json.loads(before.body) if before is not None else []) if instant != at]
        busy, left = False, []
        for number, instant in enumerate(others):
            enough = busy if schedule.overlap == "skip" else number >= _LOOKED_AT
            if enough or await _is_unfinished(ports, firing.tenant, schedule.id, instant):
                left.append(instant)
                busy = True
        if busy and schedule.overlap == "skip":
            return True
        now = ports.now()
        after = Document(
            tenant=firing.tenant,
            kind="schedule-firings",
            name=schedule.id,
            body=json.dumps([*left, at][-_REMEMBERED:]),
            stamp=ports.token(),
            created=before.created if before is not None else now,
            updated=now,
        )
        if await ports.documents.write(after, before):
            return False
    raise TryLaterError(f"other firings of the schedule {schedule.id} are writing their list")


async def _is_unfinished(ports: Ports, tenant: str, schedule_id: str, instant: int) -> bool:
    job = await ports.table.read(JobKey(tenant, job_id_of(schedule_id, instant)), ports.now())
    return job is not None and job.status not in FINISHED
