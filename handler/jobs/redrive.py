"""Redrives a finished job from its failed step or an earlier one. The steps before it are kept."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from handler.caller import Caller, Rights
from handler.engine import ConduitStatus
from handler.errors import ConflictError, InvalidRequestError, UnavailableError
from handler.jobs.submission import knows_people, payload_record
from handler.jobs.view import step_ids
from handler.payload import json_text
from handler.ports import Ports
from handler.recording.ownership import QUEUED_SECONDS
from handler.recording.publisher import Publisher
from infra.jobs.jobs_table import Refused
from infra.jobs.records import REDRIVABLE, JobRecord, PayloadRecord, StepRecord
from infra.jobs.run_item import current_run

LAST_CALL: Final = 25 * 3600.0
"""A job that expires within so many seconds is not redriven: 24 hours for its run and one for reading its result."""


@dataclass(frozen=True, slots=True)
class Redrive:
    """A request to redrive; see `handler.jobs.service.Jobs.redrive`."""

    caller: Caller
    from_step: str | None
    parameters: Mapping[str, Any] | None
    variables: Mapping[str, Any] | None


async def redrive(ports: Ports, job: JobRecord, written: Mapping[str, Any], wanted: Redrive) -> JobRecord:
    """Make a finished job QUEUED in its next run; return its new state. No message is sent yet.

    Args:
        ports: the use cases' ports.
        job: the job as it was read.
        written: the accepted payload.
        wanted: the request.

    Raises:
        ConflictError, InvalidRequestError: the job cannot be redriven, and nothing changed.
        UnavailableError: the bus does not accept the last updates of the previous run.
    """
    if job.status not in REDRIVABLE:
        state = "succeeded" if job.finished else "is not finished"
        raise ConflictError(f"The job {job.key.job_id!r} {state}; only failed or cancelled jobs can be redriven.")
    if job.expires_at - ports.now() < LAST_CALL:
        raise ConflictError(
            f"The job {job.key.job_id!r} expires too soon to be redriven; send it again under a new id."
        )
    cursor = await _cursor(ports, job, written, wanted.from_step)
    job = await Publisher(ports).settle(job)
    if not job.all_published:  # after the redrive, they would be published with the number of the next run
        raise UnavailableError("The updates of the last run have not reached the bus yet.", retry_after=60)
    payload = await _payload(ports, job, written, wanted)
    await ports.table.records.put_run(current_run(job))
    now = ports.now()
    after = job._replace(
        status="QUEUED",
        run=job.run + 1,
        cursor=cursor,
        leases=tuple((first, lease) for first, lease in job.leases if first < cursor),
        payload=payload.hash,
        published=cursor,
        lease=None,
        lease_until=0.0,
        attempts=0,
        started=False,
        tries=0,
        last_error=None,
        resume_at=None,
        waiting=None,
        signals=(),
        redriven_by=wanted.caller.principal if knows_people(json_text.encode(written)) else None,
        idle=(*job.idle, (job.finished_at or now, now)),
        timeout_at=None,
        hand_overs=0,
        cancel=False,
        sweeps=0,
        due=now + QUEUED_SECONDS,
        ends_at=now + ports.settings.job_seconds,
        finished_at=None,
        failed_step=None,
    )
    answer = await ports.table.redrive(job, after)
    if isinstance(answer, Refused):
        raise ConflictError(f"The job {job.key.job_id!r} has just been redriven by another request.")
    return answer.job


async def _cursor(ports: Ports, job: JobRecord, written: Mapping[str, Any], from_step: str | None) -> int:
    """The index of the first record to replace: that of the failed step, or of an earlier requested step."""
    failed = json.loads(job.failed_step) if job.failed_step else None
    latest = min(failed["position"] - 1, job.cursor) if failed is not None else job.cursor
    was_cancelled = failed is not None and failed["status"]["name"] == ConduitStatus.CANCELLED.name
    if from_step is None and not was_cancelled:
        return latest
    records = await ports.table.records.read_steps(job)
    if from_step is None:
        return _first_cancelled(records, latest)
    for record in records[: latest + 1]:
        if record.path == from_step and record.phase != "close":
            return record.index
    if from_step not in step_ids(written) and all(record.path != from_step for record in records):
        raise InvalidRequestError("/from_step", f"The job {job.key.job_id!r} has no step {from_step!r}.")
    failed_path = records[latest].path if latest < len(records) else "the last one"
    raise InvalidRequestError(
        "/from_step", f"Step {from_step!r} comes after {failed_path!r}, which failed: redrive from there or earlier."
    )


def _first_cancelled(records: Sequence[StepRecord], latest: int) -> int:
    """The place where a cancelled job continues: its first CANCELLED record. That may be the end of a loop, whose ended
    items keep their records.
    """
    cancelled = ConduitStatus.CANCELLED.name
    return next((record.index for record in records if record.status == cancelled), latest)


async def _payload(ports: Ports, job: JobRecord, written: Mapping[str, Any], wanted: Redrive) -> PayloadRecord:
    """The payload of the next run: the accepted one, or a changed one, which is stored first."""
    accepted = await ports.table.records.read_payload(job)
    if accepted is None:
        raise ConflictError(f"The payload of the job {job.key.job_id!r} is gone; send it again under a new id.")
    rights, own = Rights.decode(accepted.rights), wanted.caller.rights
    text = accepted.payload
    if wanted.parameters is not None or wanted.variables is not None:
        changed = {"parameters": wanted.parameters, "variables": wanted.variables}
        text = json_text.encode({**written, **{name: value for name, value in changed.items() if value is not None}})
        size = len(text.encode())
        if size > wanted.caller.payload_limit:
            raise InvalidRequestError(
                "", f"With these values the job has {size} bytes; it may have at most {wanted.caller.payload_limit}."
            )
    payload = payload_record(job.key, text, rights if own.include(rights) else own, job.expires_at)
    if payload.hash != job.payload:
        await ports.table.records.put(payload, ())
    return payload
