"""Makes the JSON of a job, only from its records, so that every door gives the same answer."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from handler.engine.status import ConduitStatus
from handler.invocation.timestamps import iso, iso_or_none
from handler.jobs.as_recorded import next_step, open_tallies
from handler.payload.fields import KINDS
from handler.recording.events import output_of
from infra.jobs.parking import parked
from infra.jobs.records import JobRecord, JobSummary, StepRecord

RESULTS_LIMIT: Final = 2_500_000
"""Bytes of results in one answer. Lambda returns at most 6 MB, and the JSON is quoted in it once more."""
RECORDS_LIMIT: Final = 1_000
"""The most records of a job whose answer also has the steps inside loops."""
LOOPS: Final = frozenset({"FOR_EACH", "WHILE"})
"""Actions of loops."""
LOOP_KEYS: Final = frozenset({"for_each", "while"})
"""The fields that make a step a loop."""
Tallies = Mapping[str, dict[str, int]]
NO_TALLIES: Final[Tallies] = {}
_KINDS: Final = {kind.key: kind.action for kind in KINDS.values() if kind.action is not None}
"""The actions of steps without a block, by the key of their kind."""
_NOT_RUN: Final = {"name": ConduitStatus.NONE.name, "value": ConduitStatus.NONE.value}


def summary(job: JobRecord | JobSummary) -> dict[str, Any]:
    """The job in the form for lists, without its steps and variables."""
    return {
        "id": job.key.job_id,
        "name": job.name,
        "status": job.status,
        "success": job.status == "SUCCEEDED" if job.finished else (False if job.failed_step else None),
        "run": job.run,
        "workflow": json.loads(job.workflow) if job.workflow else None,
        "created_at": iso(job.created_at),
        "started_at": iso_or_none(job.started_at),
        "finished_at": iso_or_none(job.finished_at),
        "waiting": waiting_view(job),
        "failed_step": json.loads(job.failed_step) if job.failed_step else None,
    }


def waiting_view(job: JobRecord | JobSummary) -> dict[str, Any] | None:
    """The ``waiting`` of a parked job: ``{for, path, until}``; ``None`` for any other job."""
    waiting = parked(job)
    if waiting is None:
        return None
    return {"for": waiting["for"], "path": waiting["path"], "until": iso(waiting["until"])}


def job_view(job: JobRecord, payload: Mapping[str, Any], records: Sequence[StepRecord]) -> dict[str, Any]:
    """The whole job.

    Args:
        job: the job's record.
        payload: the accepted payload; empty if it is missing.
        records: the records that count, in order. Steps that have not run are taken from the payload.
    """
    room = RESULTS_LIMIT
    steps: list[dict[str, Any]] = []
    is_long = len(records) > RECORDS_LIMIT
    loops = loop_paths(records) if is_long else frozenset()
    for record, view in shown_steps(records, open_tallies(payload, records)):
        if loops and is_inside(record.path, loops):
            continue
        size = len(record.result) if record.result else 0
        omitted = size > room
        steps.append({**view, "result": None, "result_omitted": True} if omitted else view | result_of(record))
        room -= 0 if omitted else size
    steps += not_run(job, payload, records)
    view = summary(job)
    failed_step = view.pop("failed_step")
    output = output_of(job, records)
    return {
        **view,
        "variables": variables_after(payload, records),
        "output": json.loads(output) if output is not None else None,
        "failed_step": failed_step,
        "steps": steps,
        **({"items_omitted": True} if is_long else {}),
    }


def loop_paths(records: Iterable[StepRecord]) -> frozenset[str]:
    """The paths of the loops that have begun."""
    return frozenset(record.path for record in records if record.phase == "open" and record.action in LOOPS)


def is_inside(path: str, loops: frozenset[str]) -> bool:
    """Whether a step is inside one of these loops."""
    parts = path.split(".")
    return any(".".join(parts[:length]) in loops for length in range(1, len(parts)))


def shown_steps(
    records: Sequence[StepRecord], tallies: Tallies = NO_TALLIES
) -> Iterator[tuple[StepRecord, dict[str, Any]]]:
    """Each step with the record of its outcome, without its result, in order of position.

    A loop or a try is listed at the position of its *open* record, with the outcome of its *close* record.

    Args:
        records: the records that count, in order.
        tallies: the progress of open loops, from `open_tallies`.
    """
    closed = {record.path: record for record in records if record.phase == "close"}
    for record in records:
        if record.phase == "close":
            continue
        outcome = closed.get(record.path, record) if record.phase == "open" else record
        view = _step(outcome, record.position)
        if record.phase == "open" and record.action == "FOR_EACH":
            view["items"] = _items_of(record, outcome, tallies)
        yield outcome, view


def _items_of(opened: StepRecord, outcome: StepRecord, tallies: Tallies) -> dict[str, int]:
    """How many items a loop has, and how many ended DONE or failed."""
    if outcome.opened is not None and outcome is not opened:
        counted: dict[str, int] = json.loads(outcome.opened)
        return counted
    count = int(json.loads(opened.opened or "{}").get("count", 0))
    return tallies.get(opened.path) or {"count": count, "done": 0, "failed": 0}


def not_run(job: JobRecord, payload: Mapping[str, Any], records: Sequence[StepRecord]) -> list[dict[str, Any]]:
    """The written steps without a record, as NONE. A step that waits for its next try shows its last try."""
    recorded = Counter(record.path for record in records if record.phase != "close")
    kept: dict[str, Any] = json.loads(job.last_error or "{}")
    last = kept if kept.get("attempts") and parked(job) is not None else {}  # a `wait` has times, but no try
    path = (parked(job) or {}).get("path")
    shown = []
    for index, step in enumerate(payload.get("steps") or []):
        if recorded[_id(index, step)] > 0:
            recorded[_id(index, step)] -= 1
            continue
        view = _waiting(index, step)
        shown.append(view | tried(last) if view["path"] == path else view)
    return shown


def awaited_step(
    job: JobRecord, payload: Mapping[str, Any], records: Sequence[StepRecord], path: str
) -> dict[str, Any] | None:
    """The step at that path, if the job waits there. It has no record yet, but may have been tried."""
    waiting = parked(job)
    if waiting is None or waiting.get("path") != path:
        return None
    step = next_step(payload, records, waiting)
    if step is None or step.path != path:
        return None
    last: dict[str, Any] = json.loads(job.last_error or "{}")
    view = unrecorded_step(path, job.cursor + 1, step.action) | {"id": step.id}
    return view | tried(last) if last.get("attempts") else view


def tried(last: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of the last try, for a step that waits for its next one."""
    began, ended = last.get("started_at"), last.get("finished_at")
    took = None if began is None or ended is None else max(0.0, round((ended - began) * 1000, 3))
    return {
        "attempts": last.get("attempts", 0),
        "error": last.get("error"),
        "started_at": iso_or_none(began),
        "finished_at": iso_or_none(ended),
        "duration_ms": took,
    }


def step_view(record: StepRecord, *, omit_result: bool = False) -> dict[str, Any]:
    """One step; ``"result_omitted": true`` replaces a result that is too large for a list."""
    view = _step(record, record.position)
    return {**view, "result": None, "result_omitted": True} if omit_result else view | result_of(record)


def result_of(record: StepRecord) -> dict[str, Any]:
    """The result of a step, in the form for its view."""
    return {"result": None if record.result is None else json.loads(record.result)}


def _step(record: StepRecord, position: int) -> dict[str, Any]:
    return {
        "id": record.step_id,
        "path": record.path,
        "position": position,
        "action": record.action,
        "status": {"name": record.status, "value": record.status_value},
        "result": None,
        "error": json.loads(record.error) if record.error else None,
        "attempts": record.attempts,
        "started_at": iso_or_none(record.started_at),
        "finished_at": iso_or_none(record.finished_at),
        "duration_ms": record.duration_ms,
    }


def variables_after(payload: Mapping[str, Any], records: Iterable[StepRecord]) -> dict[str, Any]:
    """The job's variables after these steps: the initial ones with the changes of each step."""
    variables = dict(payload.get("variables") or {})
    for record in records:
        if record.variables:
            changed = json.loads(record.variables)
            for name in changed["deleted"]:
                variables.pop(name, None)
            variables.update(changed["set"])
    return variables


def step_ids(payload: Mapping[str, Any]) -> list[str]:
    """The ids of a payload's steps; for a step without one, its position."""
    return [_id(index, step) for index, step in enumerate(payload.get("steps") or [])]


def _id(index: int, step: Mapping[str, Any]) -> str:
    given = step.get("id")
    return str(index + 1) if given is None else str(given)


def _waiting(index: int, step: Mapping[str, Any]) -> dict[str, Any]:
    action = next((action for key, action in _KINDS.items() if key in step), str(step.get("action", "")))
    return unrecorded_step(_id(index, step), index + 1, action)


def unrecorded_step(path: str, position: int, action: str) -> dict[str, Any]:
    """A step that has no record."""
    return {
        "id": path.rpartition(".")[2],
        "path": path,
        "position": position,
        "action": action,
        "status": dict(_NOT_RUN),
        "result": None,
        "error": None,
        "attempts": 0,
        "started_at": None,
        "finished_at": None,
        "duration_ms": None,
    }
