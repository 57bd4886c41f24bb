"""What is recorded of a step of the engine."""

from __future__ import annotations

import json
from typing import Any, Final

from handler.engine import ConduitStatus, ConduitStep
from infra.records import JobRecord, StepRecord

MICROSECONDS: Final = 1_000_000
"""In a second: the unit of a step's recorded times, of which its duration is a whole number too."""
_TRY: Final = "try"
"""The kind of step whose result is derived from those inside it."""


def step_record(step: ConduitStep, index: int, job: JobRecord, lease: str) -> StepRecord:
    """The record of a step that has its final status, under the claim that has that lease.

    Args:
        step: the step; of a loop or a try this is the *close* record.
        index: of the record.
        job: whose.
        lease: of the claim.
    """
    began, ended, took = step.started_at, step.finished_at, None
    if began is not None and ended is not None:
        first, last = round(began * MICROSECONDS), round(ended * MICROSECONDS)
        began, ended, took = first / MICROSECONDS, last / MICROSECONDS, (last - first) / 1000
    closes = step.position != index + 1
    tally = getattr(step.run, "tally", None)
    derived = step.kind == _TRY and step.status is ConduitStatus.DONE
    return StepRecord(
        key=job.key,
        index=index,
        lease=lease,
        step_id=step.id,
        path=step.path,
        action=step.action,
        status=step.status.name,
        status_value=step.status.value,
        result=_json(step.return_value) if derived else step.result_json,
        error=_json(step.error) if step.error else None,
        attempts=step.attempts,
        started_at=began,
        finished_at=ended,
        duration_ms=took,
        variables=step.variables_json,
        expires_at=job.expires_at,
        phase="close" if closes else "step",
        opened=_json(tally) if tally and closes else None,
    )


def open_record(step: ConduitStep, index: int, job: JobRecord, lease: str) -> StepRecord:
    """The *open* record of a loop or a try that begins: it has no outcome yet."""
    began = None if step.started_at is None else round(step.started_at * MICROSECONDS) / MICROSECONDS
    return StepRecord(
        key=job.key,
        index=index,
        lease=lease,
        step_id=step.id,
        path=step.path,
        action=step.action,
        status=ConduitStatus.NONE.name,
        status_value=ConduitStatus.NONE.value,
        result=None,
        error=None,
        attempts=0,
        started_at=began,
        finished_at=None,
        duration_ms=None,
        variables=None,
        expires_at=job.expires_at,
        phase="open",
        opened=step.opened_json,
    )


def failed_step(step: ConduitStep) -> str:
    """What a job's record says of the step that failed it."""
    status = {"name": step.status.name, "value": step.status.value}
    described = {
        "id": step.id,
        "path": step.path,
        "position": step.position,
        "action": step.action,
        "status": status,
    }
    return _json(described)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
