"""Door: direct invocation, by hand, a workflow or a test. The event is a payload, the answer its job."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from handler.jobs import Jobs
from handler.lifetime import Lifetime
from handler.payload import PayloadLimits, parse
from handler.ports import Ports
from handler.worker import Worker


async def run_job(event: Mapping[str, Any], ports: Ports, lifetime: Lifetime, *, request_id: str) -> dict[str, Any]:
    """Run the job and give it as it stands at the end of the invocation.

    Args:
        event: the payload.
        ports: the world.
        lifetime: of this invocation.
        request_id: the job's id where the payload has none; may be empty.

    Raises:
        InvalidPayload: the event is no job; the message says what is wrong.
        ConflictError: another job has the id.
        UnavailableError: AWS fails.
    """
    caller = Worker(ports).caller()
    payload = parse(event, PayloadLimits(caller.payload_limit, ports.settings.nesting_limit))
    if payload.id is None and request_id:
        payload = payload.with_id(request_id)
    return await Jobs(ports).run(caller, payload, lifetime=lifetime)
