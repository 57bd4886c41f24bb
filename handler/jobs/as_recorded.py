"""Converts records for the engine, and derives from them the state of open loops and of the next step."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from handler.engine import Conduit, ConduitStep
from handler.engine.flow.restore import RecordsMismatchError
from infra.jobs.records import StepRecord


def as_steps(records: Sequence[StepRecord]) -> list[dict[str, Any]]:
    """Records in the form for `Conduit.restore`."""
    return [
        {
            "path": record.path,
            "phase": record.phase,
            "action": record.action,
            "status": {"name": record.status},
            "result": json.loads(record.result) if record.result is not None else None,
            "result_json": record.result,
            "variables_json": record.variables,
            "error": json.loads(record.error) if record.error else None,
            "attempts": record.attempts,
            "opened": json.loads(record.opened) if record.opened else None,
            "opened_json": record.opened,
            "started_at": record.started_at,
            "finished_at": record.finished_at,
        }
        for record in records
    ]


def open_tallies(payload: Mapping[str, Any], records: Sequence[StepRecord]) -> dict[str, dict[str, int]]:
    """The progress of open loops, by their paths: ``{"count", "done", "failed"}``.

    The engine decides which items have failed: a failure may be allowed, caught, or inside a loop that tolerates it.

    Args:
        payload: the accepted payload.
        records: the records that count, in order.
    """
    begun = {record.path for record in records if record.phase == "open" and record.action == "FOR_EACH"}
    begun -= {record.path for record in records if record.phase == "close"}
    if not begun:
        return {}
    loops: dict[str, ConduitStep] = {}

    def watch(step: ConduitStep, _: int) -> None:
        if step.path in begun:
            loops[step.path] = step

    try:
        job = Conduit.restore(payload, as_steps(records), payload.get("variables") or {}, watch=watch)
    except (RecordsMismatchError, ValueError, TypeError):  # a damaged job still gets an answer
        return {}
    job.walk.settle_ended()
    return {path: step.run.tally for path, step in loops.items() if step.run is not None}


def next_step(
    payload: Mapping[str, Any], records: Sequence[StepRecord], waiting: Mapping[str, Any]
) -> ConduitStep | None:
    """The step at which a parked job waits; ``None`` if records or payload are damaged.

    Args:
        payload: the accepted payload.
        records: the records that count, in order.
        waiting: the job's wait, from its record.
    """
    try:
        job = Conduit.restore(payload, as_steps(records), payload.get("variables") or {}, waiting=waiting)
    except (RecordsMismatchError, ValueError, TypeError):
        return None
    frame = job.walk.frame
    return frame.begin_turn(job.recorded + 1) if frame.next < len(frame.steps) else None
