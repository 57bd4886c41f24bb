"""Starting stored workflows: by request, by direct invocation, and by the call of a hook."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from handler.caller import Caller
from handler.errors import ConflictError, NotFoundError
from handler.invocation.time_left import TimeLeft
from handler.jobs.service import Jobs
from handler.jobs.submission import Submission
from handler.payload.parse import JobPayload
from handler.ports import Ports
from handler.workflows.hook_call import Started, find_hook_job
from handler.workflows.start import StartRequest, find_job

OUTPUT_SECONDS: Final = 10.0
"""How long a hook that answers with its job's output keeps its caller waiting."""


class WorkflowStarts:
    """Starts jobs of stored workflows.

    Every method raises `UnavailableError` when AWS fails.

    Args:
        jobs: the use cases of jobs.
        ports: the world.
    """

    def __init__(self, jobs: Jobs, ports: Ports) -> None:
        self._jobs = jobs
        self._ports = ports

    async def start(
        self,
        caller: Caller,
        request: StartRequest,
        *,
        lifetime: TimeLeft,
        respond_async: bool = False,
        wait: float | None = None,
        judge: Callable[[JobPayload], None] = lambda _: None,
    ) -> Submission:
        """Start a workflow, and run it while its sender waits.

        A request that was sent before, under an id, is the same job, whatever became of the workflow since.

        Args:
            caller: who starts it.
            request: what is started.
            lifetime: of this invocation.
            respond_async: see `Jobs.submit`.
            wait: see there.
            judge: looks at the job before it is accepted; what it raises is raised.

        Raises:
            NotFoundError: there is no such workflow or version.
            InvalidPayloadError: the parameters do not fit its inputs.
            ConflictError: another job has the id.
            TooManyJobsError: the tenant has as many unfinished jobs as it may have.
        """
        if request.id is not None:
            known = await self._jobs.find_known(caller, request.id, request.digest)
            if known is not None:
                return known
        with self._ports.served("submit"):
            payload, origin = await find_job(self._ports, caller, request)
        judge(payload)
        if request.id is not None:
            payload = payload.with_id(request.id)
        return await self._jobs.submit(
            caller, payload, lifetime=lifetime, respond_async=respond_async, wait=wait, origin=origin
        )

    async def run(self, caller: Caller, request: StartRequest, *, lifetime: TimeLeft, new_id: str) -> dict[str, Any]:
        """Run a workflow for as long as this invocation lasts, and return its job as it is then.

        Args:
            caller: who starts it.
            request: what is started.
            lifetime: of this invocation.
            new_id: the job's id where the request has none; may be empty.

        Raises:
            NotFoundError, InvalidPayloadError, ConflictError: see `start`.
        """
        job_id = request.id or new_id
        if job_id:
            known = await self._jobs.find_known(caller, job_id, request.digest)
            if known is not None:
                return known.job
        with self._ports.served("run"):
            payload, origin = await find_job(self._ports, caller, request)
        if job_id:
            payload = payload.with_id(job_id)
        return await self._jobs.run(caller, payload, lifetime=lifetime, origin=origin)

    async def call(self, started: Started, *, lifetime: TimeLeft) -> Submission:
        """Start the job of a hook's call; a call that was received before is the job that it started then.

        Raises:
            ConflictError: the hook's workflow is gone.
            InvalidPayloadError: the call does not fit the workflow's inputs.
            TooManyJobsError: the tenant has as many unfinished jobs as it may have.
        """
        known = await self._jobs.find_known(started.caller, started.job_id, None)
        if known is not None:
            return known
        with self._ports.served("submit"):
            try:
                payload, origin = await find_hook_job(self._ports, started)
            except NotFoundError as error:
                raise ConflictError(str(error)) from None
        waits = started.respond == "output"
        return await self._jobs.submit(
            started.caller,
            payload,
            lifetime=lifetime,
            respond_async=not waits,
            wait=OUTPUT_SECONDS if waits else None,
            origin=origin,
        )
