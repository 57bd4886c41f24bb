"""Door: direct invocation. The event is a job or names a stored workflow. The answer is the job's final state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from handler.invocation.time_left import TimeLeft
from handler.jobs.queue_worker import Worker
from handler.jobs.service import Jobs
from handler.jobs.workflow_starts import WorkflowStarts
from handler.payload.body import read_object
from handler.payload.limits import limits_of
from handler.payload.parse import parse
from handler.ports import Ports
from handler.workflows.start import read_start_message


async def run_job(event: Mapping[str, Any], ports: Ports, lifetime: TimeLeft, *, request_id: str) -> dict[str, Any]:
    """Run the job and return its state at the end of the invocation.

    Args:
        event: a job's payload, or ``{"workflow": name, "parameters": {…}}``.
        ports: the use cases' ports.
        lifetime: the time of this invocation.
        request_id: the job's id if the payload has none; may be empty.

    Raises:
        InvalidPayloadError: the event is not a job; the message says what is wrong.
        NotFoundError: the workflow does not exist.
        ConflictError: another job has the id.
        UnavailableError: a call of AWS failed.
    """
    caller = Worker(ports).caller()
    limits = limits_of(caller, ports.settings)
    if "steps" not in event:
        request = read_start_message(read_object(event, limits))
        return await WorkflowStarts(Jobs(ports), ports).run(caller, request, lifetime=lifetime, new_id=request_id)
    payload = parse(event, limits)
    if payload.id is None and request_id:
        payload = payload.with_id(request_id)
    return await Jobs(ports).run(caller, payload, lifetime=lifetime)
