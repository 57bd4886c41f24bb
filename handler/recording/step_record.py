"""What is recorded of a step of the engine."""

from __future__ import annotations

import json
from typing import Any, Final

from handler.engine import ConduitStatus, ConduitStep
from infra.records import JobRecord, StepRecord

MICROSECONDS: Final = 1_000_000
"""In a second: the unit of a step's recorded times, of which its duration is a whole number too."""
_DONE: Final = (ConduitStatus.DONE.name, ConduitStatus.DONE.value)  # an enum looks both up anew each time


def step_record(step: ConduitStep, job: JobRecord, lease: str) -> StepRecord:
    """The record of a step that has its final status, under the claim that has that lease."""
    name, value = _DONE if step.status is ConduitStatus.DONE else (step.status.name, step.status.value)
    began, ended, took = step.started_at, step.finished_at, None
    if began is not None and ended is not None:
        first, last = int(began * MICROSECONDS + 0.5), int(ended * MICROSECONDS + 0.5)
        began, ended, took = first / MICROSECONDS, last / MICROSECONDS, (last - first) / 1000
    return StepRecord(  # by position, in the order of its fields: fifteen names would cost more than all the rest
        job.key,
        step.position - 1,
        lease,
        step.id,
        step.action,
        name,
        value,
        step.result_json,
        _json(step.error) if step.error else None,
        step.attempts,
        began,
        ended,
        took,
        step.variables_json,
        job.expires_at,
    )


def failed_step(step: ConduitStep) -> str:
    """What a job's record says of the step that failed it."""
    status = {"name": step.status.name, "value": step.status.value}
    return _json({"id": step.id, "position": step.position, "action": step.action, "status": status})


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))
