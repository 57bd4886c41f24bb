"""Door: direct invocation, by hand, a workflow or a test. The event is a payload, the answer its job."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from handler.invocation.time_left import TimeLeft
from handler.jobs.queue_worker import Worker
from handler.jobs.service import Jobs
from handler.payload.parse import PayloadLimits, parse
from handler.ports import Ports


async def run_job(event: Mapping[str, Any], ports: Ports, lifetime: TimeLeft, *, request_id: str) -> dict[str, Any]:
    """Run the job and give it as it stands at the end of the invocation.

    Args:
        event: the payload.
        ports: the world.
        lifetime: of this invocation.
        request_id: the job's id where the payload has none; may be empty.

    Raises:
        InvalidPayloadError: the event is no job; the message says what is wrong.
        ConflictError: another job has the id.
        UnavailableError: AWS fails.
    """
    caller = Worker(ports).caller()
    settings = ports.settings
    payload = parse(event, PayloadLimits(caller.payload_limit, settings.nesting_limit, settings.step_limit))
    if payload.id is None and request_id:
        payload = payload.with_id(request_id)
    return await Jobs(ports).run(caller, payload, lifetime=lifetime)
