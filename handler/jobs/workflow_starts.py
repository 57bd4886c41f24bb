"""Starts stored workflows: by request, by direct invocation, and by the call of a hook."""

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
"""How long the caller of a hook with ``respond: output`` waits."""


class WorkflowStarts:
    """Starts jobs of stored workflows.

    Every method raises `UnavailableError` when AWS fails.

    Args:
        jobs: the use cases of jobs.
        ports: the use cases' ports.
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

        A repeated request with an id gives the same job, even if the workflow has changed.

        Args:
            caller: the sender.
            request: the start.
            lifetime: the time of this invocation.
            respond_async: see `Jobs.submit`.
            wait: see `Jobs.submit`.
            judge: checks the job before it is accepted, and may raise.

        Raises:
            NotFoundError: there is no such workflow or version.
            InvalidPayloadError: the parameters do not fit its inputs.
            ConflictError: another job has the id.
            TooManyJobsError: the tenant has reached its limit of unfinished jobs.
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
        """Run a workflow until this invocation ends, and return its job.

        Args:
            caller: the sender.
            request: the start.
            lifetime: the time of this invocation.
            new_id: becomes the job's id if the request has none; may be empty.

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
        """Start the job of a hook's call. A call that was received before gives the same job.

        Raises:
            ConflictError: the hook's workflow is gone.
            InvalidPayloadError: the call does not fit the workflow's inputs.
            TooManyJobsError: the tenant has reached its limit of unfinished jobs.
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
