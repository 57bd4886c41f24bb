"""Runs a job record by record, each time in a newly restored engine, and keeps the records that a table would keep."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from handler.engine import Conduit, ConduitStep, Outcome, Runtime

Record = dict[str, Any]


class Recording:
    """The recording of a job: its records, and its variables as they change."""

    def __init__(self, payload: dict[str, Any]) -> None:
        self.payload = payload
        self.records: list[Record] = []
        self.variables: list[dict[str, Any]] = [json.loads(json.dumps(payload.get("variables", {})))]

    def listen(self, job: Conduit) -> Conduit:
        """Record the job's steps from now on."""
        job.on_step_open = lambda job, step: self._add(job, step, "open")
        job.on_step_update = lambda job, step: self._add(job, step, "close" if step.closed_at else "step")
        return job

    def _add(self, job: Conduit, step: ConduitStep, phase: str) -> None:
        assert step.number == len(self.records) + 1 == job.recorded
        record = {
            "path": step.path,
            "phase": phase,
            "action": step.action,
            "status": {"name": step.status.name},
            "result": None if step.result_json is None else json.loads(step.result_json),
            "result_json": step.result_json,
            "error": step.error,
            "attempts": step.attempts,
            "opened": json.loads(step.opened_json) if phase == "open" and step.opened_json else None,
            "opened_json": step.opened_json if phase == "open" else None,
            "started_at": step.started_at,
            "finished_at": step.finished_at,
        }
        self.records.append(json.loads(json.dumps(record)))
        self.variables.append(json.loads(json.dumps(job.variables)))

    def restored(self, records: int, **options: Any) -> Conduit:
        """The job that continues after `records` records, as another process would make it."""
        payload = json.loads(json.dumps(self.payload))
        return Conduit.restore(payload, self.records[:records], self.variables[records], **options)

    def cut(self, records: int) -> Recording:
        """The recording as it was after `records` records."""
        cut = Recording(self.payload)
        cut.records = self.records[:records]
        cut.variables = self.variables[: records + 1]
        return cut


def record_of(payload: dict[str, Any], runtime: Runtime | None = None, **options: Any) -> tuple[Recording, Conduit]:
    """The recording of a job that runs without interruption, and the job."""
    recording = Recording(payload)
    job = recording.listen(Conduit.from_dict(json.loads(json.dumps(payload)), **options))
    assert asyncio.run(job.run(runtime)) is Outcome.FINISHED
    return recording, job


def outline(recording: Recording) -> list[tuple[Any, ...]]:
    """The part of a recording that must not depend on how often the job was resumed: everything but the times."""
    return [
        (
            record["path"],
            record["phase"],
            record["status"]["name"],
            record["result_json"],
            json.dumps(record["error"]),
            record["attempts"],
            (record["opened"] or {}).get("count"),
        )
        for record in recording.records
    ]
