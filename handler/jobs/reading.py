"""Reads a job with its steps and, if requested, its payload."""

from __future__ import annotations

import json
from typing import Any

from handler.caller import Caller
from handler.jobs.lookup import find_job
from handler.jobs.retrace import Retrace, with_parameters
from handler.jobs.view import is_inside, job_view, loop_paths
from handler.ports import Ports
from infra.jobs.parking import parked


async def get_job(ports: Ports, caller: Caller, job_id: str, *, with_payload: bool) -> dict[str, Any]:
    """The job with its steps; if requested, also `payload`, `parameters` in each step, and the pending question.

    Raises:
        NotFoundError: there is no job with this id.
        InfraError: AWS failed.
    """
    job = await find_job(ports, caller, job_id)
    payload = await ports.table.records.read_payload(job)
    records = await ports.table.records.read_steps(job)
    written = {} if payload is None else json.loads(payload.payload)
    view = job_view(job, written, records)
    if not with_payload:
        return view
    loops = loop_paths(records) if view.get("items_omitted") else frozenset()
    retrace = Retrace(ports, records, lambda record: not is_inside(record.path, loops))
    if payload is not None:
        retrace.walk(job, payload)
    steps = with_parameters(view["steps"], retrace.parameters)
    waiting = _with_message(view["waiting"], parked(job))
    return {**view, "waiting": waiting, "steps": steps, "payload": None if payload is None else written}


def _with_message(shown: dict[str, Any] | None, waiting: dict[str, Any] | None) -> dict[str, Any] | None:
    """`waiting` with the question that was evaluated when the job parked."""
    message = (waiting or {}).get("message")
    return shown if shown is None or message is None else {**shown, "message": message}
