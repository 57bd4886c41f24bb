"""Makes the records of the engine's steps."""

from __future__ import annotations

import json
from typing import Any, Final

from handler.engine import ConduitStatus, ConduitStep
from infra.jobs.records import JobRecord, Phase, StepRecord

MICROSECONDS: Final = 1_000_000
"""Microseconds in a second. Recorded times and durations are whole microseconds."""
_TRY: Final = "try"
"""The kind of step whose result is derived from its inner steps."""


def step_record(step: ConduitStep, index: int, job: JobRecord, lease: str) -> StepRecord:
    """The record of a step with its final status.

    Args:
        step: the step; for a loop or a try this makes the *close* record.
        index: the record's index.
        job: the job.
        lease: the lease of the claim.
    """
    status, began, ended, took = step.status, step.started_at, step.finished_at, None
    if began is not None and ended is not None:
        first, last = round(began * MICROSECONDS), round(ended * MICROSECONDS)
        began, ended, took = first / MICROSECONDS, last / MICROSECONDS, (last - first) / 1000
    phase: Phase
    result, phase, opened = step.result_json, "step", None
    if step.spec is not None:
        if step.kind == _TRY and status is ConduitStatus.DONE:
            result = _json(step.return_value)
        if step.position != index + 1:
            tally = getattr(step.run, "tally", None)
            phase, opened = "close", _json(tally) if tally else None
    # Positional: keyword arguments, and `status.name`, would take 5 % more CPU of a job of 100 steps.
    return StepRecord(
        job.key,
        index,
        lease,
        step.id,
        step.inner_path or step.id,
        step.action,
        status._name_,
        status._value_,
        result,
        _json(step.error) if step.error else None,
        step.attempts,
        began,
        ended,
        took,
        step.variables_json,
        job.expires_at,
        phase,
        opened,
    )


def open_record(step: ConduitStep, index: int, job: JobRecord, lease: str) -> StepRecord:
    """The *open* record at the beginning of a loop or a try: it has no outcome yet."""
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
    """The failed step, as JSON for the job's record."""
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
