"""The use cases of jobs: send, read, list, cancel and redrive. Independent of HTTP and SQS."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any, Final

from handler.caller import Caller
from handler.errors import ConflictError, NotFoundError, UnavailableError
from handler.invocation.time_left import TimeLeft
from handler.jobs.as_recorded import open_tallies
from handler.jobs.listing import EVERY_JOB, JobFilter, list_jobs
from handler.jobs.lookup import find_job, read_written
from handler.jobs.pointers import Pointers
from handler.jobs.reading import get_job
from handler.jobs.redrive import Redrive, redrive
from handler.jobs.room import check_room
from handler.jobs.runner import Ended, Lost, Result, Runner, Unstarted
from handler.jobs.submission import NewJob, Submission, is_pure
from handler.jobs.view import awaited_step, job_view, not_run, result_of, shown_steps, step_ids, step_view
from handler.payload.parse import JobPayload
from handler.ports import RETRY_AFTER, Ports
from handler.recording.ownership import QUEUED_SECONDS
from handler.workflows.origin import Origin
from infra.jobs.jobs_table import Refused
from infra.jobs.records import JobKey, JobRecord

WRITES: Final = 5
"""How often a write that conflicts with other writes is tried."""


class Jobs:
    """The use cases of callers.

    Every method raises `UnavailableError` when AWS fails, and sees only the jobs of the caller's tenant.

    Args:
        ports: the use cases' ports.
    """

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._runner = Runner(ports)
        self._pointers = Pointers(ports)

    # ------------------------------------------------------------------ sending

    async def submit(
        self,
        caller: Caller,
        payload: JobPayload,
        *,
        lifetime: TimeLeft,
        respond_async: bool = False,
        wait: float | None = None,
        origin: Origin | None = None,
    ) -> Submission:
        """Accept a job, and run it while its sender waits.

        Args:
            caller: the sender.
            payload: the job; without an id it gets one.
            lifetime: the time of this invocation.
            respond_async: whether only to accept the job; the queue then runs it.
            wait: the most seconds that the sender waits. After them, a pure job is stopped; a job with effects pauses
                at its next step, since a late reply is better than an effect that was stopped halfway.
            origin: the stored workflow of the job, if any.

        Raises:
            ConflictError: another job has the id.
            TooManyJobsError: the tenant has reached its limit of unfinished jobs.
        """
        with self._served("submit"):
            new_job = self._new_job(caller, payload, origin)
            if payload.id is not None and (known := await self._known(new_job)) is not None:
                return known  # an existing job does not count again
            await check_room(self._ports, caller)
            now, settings = self._ports.now(), self._ports.settings
            if respond_async or (wait is not None and wait <= 0) or not lifetime.has_time(now, settings.reserve):
                return await self._enqueue(new_job)
            until, pause_at = now + settings.http_seconds, None
            if wait is not None and is_pure(self._ports.registry, payload.steps):
                until = min(until, now + wait)
            elif wait is not None:
                pause_at = now + wait
            run = new_job.late_run(self._ports, lifetime, outbox=False, pause_at=pause_at)
            return await self._submitted(new_job, await self._runner.run(run, until=until))

    async def run(
        self, caller: Caller, payload: JobPayload, *, lifetime: TimeLeft, origin: Origin | None = None
    ) -> dict[str, Any]:
        """Run a job until this invocation ends, and return the job (direct invocation).

        Raises:
            ConflictError: another job has the id.
        """
        with self._served("run"):
            new_job = self._new_job(caller, payload, origin)
            if payload.id is not None and (known := await self._known(new_job)) is not None:
                return known.job
            run = new_job.late_run(self._ports, lifetime, outbox=False)
            return (await self._submitted(new_job, await self._runner.run(run))).job

    def _new_job(self, caller: Caller, payload: JobPayload, origin: Origin | None) -> NewJob:
        identified = payload if payload.id else payload.with_id(self._ports.token())
        return NewJob.of(self._ports, caller, identified, origin)

    async def _known(self, new_job: NewJob) -> Submission | None:
        """The existing job, if this job was sent before with its id. It is not run again."""
        found = await self._ports.table.read(new_job.job.key, self._ports.now())
        return None if found is None else await self._sent_before(new_job, found)

    async def _submitted(self, new_job: NewJob, result: Result) -> Submission:
        if isinstance(result, Ended):
            return Submission("created", result.view())
        if isinstance(result, Unstarted):
            return await self._enqueue(new_job)
        if not isinstance(result, Lost):
            return Submission("accepted", result.view())
        if result.job is None:
            raise UnavailableError("The job was lost while it ran; send it again.", retry_after=RETRY_AFTER)
        if not result.accepted:
            return await self._sent_before(new_job, result.job)
        return Submission("created" if result.job.finished else "accepted", await self._view(result.job))

    async def _enqueue(self, new_job: NewJob) -> Submission:
        answer = await new_job.accept(self._ports, due=self._ports.now() + QUEUED_SECONDS)
        if not isinstance(answer, Refused):
            await self._pointers.hand_over(answer.job)
            return Submission("accepted", job_view(answer.job, new_job.written, ()))
        if answer.job is None:
            raise UnavailableError("The job could not be accepted; send it again.", retry_after=RETRY_AFTER)
        return await self._sent_before(new_job, answer.job)

    async def _sent_before(self, new_job: NewJob, found: JobRecord) -> Submission:
        """Handle an id that exists: it belongs to this job, sent before, or to another job."""
        if not new_job.is_known_as(found):
            raise _taken(found.key.job_id)
        return Submission("known", await self._view(found))

    async def find_known(self, caller: Caller, job_id: str, digest: str | None) -> Submission | None:
        """The job that was sent before with this id, or ``None``.

        Args:
            caller: the sender.
            job_id: its id.
            digest: the digest of the request; ``None`` if the id alone decides.

        Raises:
            ConflictError: another job has the id.
        """
        with self._served("submit"):
            found = await self._ports.table.read(JobKey(caller.tenant, job_id), self._ports.now())
            if found is None:
                return None
            if digest is not None and found.payload_hash != digest:
                raise _taken(job_id)
            return Submission("known", await self._view(found))

    # ------------------------------------------------------------------ reading

    async def get(self, caller: Caller, job_id: str, *, with_payload: bool = False) -> dict[str, Any]:
        """A job with its steps; if requested, with its payload and its steps' parameters.

        Raises:
            NotFoundError: there is no job with this id.
        """
        with self._served("get"):
            return await get_job(self._ports, caller, job_id, with_payload=with_payload)

    async def get_step(self, caller: Caller, job_id: str, step_id: str) -> dict[str, Any]:
        """One step with its whole result.

        Raises:
            NotFoundError: the job does not exist, or has no such step.
        """
        with self._served("get_step"):
            job = await find_job(self._ports, caller, job_id)
            written = await read_written(self._ports, job)
            ids = step_ids(written)
            index = ids.index(step_id) if step_id in ids else -1
            record = await self._ports.table.records.read_step(job, index) if index >= 0 else None
            if record is not None and record.path == step_id and record.phase == "step":
                return step_view(record)
            records = await self._ports.table.records.read_steps(job)
            for outcome, view in shown_steps(records, open_tallies(written, records)):
                if view["path"] == step_id:
                    return view | result_of(outcome)
            if index < 0 and (waits := awaited_step(job, written, records, step_id)) is not None:
                return waits
            if index < 0:
                raise NotFoundError(f"The job {job_id!r} has no step {step_id!r}.")
            return next(view for view in not_run(job, written, records) if view["path"] == step_id)

    async def list_jobs(
        self, caller: Caller, wanted: JobFilter = EVERY_JOB, *, limit: int = 20, cursor: str | None = None
    ) -> dict[str, Any]:
        """The tenant's jobs, newest first, without their steps.

        Args:
            caller: the sender of the request.
            wanted: the filter.
            limit: the size of the page, from 1 to 100.
            cursor: where the previous page ended.

        Raises:
            InvalidRequestError: the limit or the cursor is not valid.
        """
        with self._served("list"):
            return await list_jobs(self._ports, caller, wanted, limit=limit, cursor=cursor)

    # ------------------------------------------------------------------ changing

    async def cancel(self, caller: Caller, job_id: str) -> dict[str, Any]:
        """Ask a job to end before its next step; return the job. Raises the errors of `ask_to_end`."""
        with self._served("cancel"):
            return await self._view(await self.ask_to_end(caller, job_id))

    async def ask_to_end(self, caller: Caller, job_id: str) -> JobRecord:
        """Like `cancel`, but return the record.

        Raises:
            NotFoundError: there is no job with this id.
            ConflictError: the job is finished.
        """
        with self._served("cancel"):
            job = await find_job(self._ports, caller, job_id)
            if not job.finished:
                job = await self._ask_to_end(job)
                if not job.finished:
                    return job
            raise ConflictError(f"The job {job_id!r} is finished; there is nothing left to cancel.")

    async def _ask_to_end(self, job: JobRecord) -> JobRecord:
        """Set the flag, and wake the job if this write has set it; return the job."""
        for _ in range(WRITES):
            if job.finished or job.cancel:
                return job
            answer = await self._ports.table.cancel(job, self._ports.now())
            if not isinstance(answer, Refused):
                await self._pointers.send(answer.job)
                return answer.job
            if answer.job is None:
                raise NotFoundError(f"There is no job {job.key.job_id!r}.")
            job = answer.job
        raise UnavailableError("Other requests are writing to this job; try again.", retry_after=RETRY_AFTER)

    async def redrive(
        self,
        caller: Caller,
        job_id: str,
        *,
        from_step: str | None = None,
        parameters: Mapping[str, Any] | None = None,
        variables: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Redrive a finished job from its failed step, or from an earlier one; return the job.

        Args:
            caller: the sender of the request. The job keeps its rights if the caller has them too; otherwise it
                continues with the caller's rights.
            job_id: the job.
            from_step: the path of the step to resume from; by default the failed one.
            parameters: replace all parameters that the job was sent with.
            variables: replace all variables that the job was sent with.

        Raises:
            NotFoundError: there is no job with this id.
            ConflictError: the job is unfinished, did not fail, or expires too soon.
            InvalidRequestError: the job cannot continue from `from_step`.
            TooManyJobsError: the tenant has reached its limit of unfinished jobs.
        """
        with self._served("redrive"):
            job = await find_job(self._ports, caller, job_id)
            await check_room(self._ports, caller)
            wanted = Redrive(caller, from_step, parameters, variables)
            return await self._view(await self._redrive(job, wanted))

    async def redrive_failed(self, caller: Caller, job_id: str) -> JobRecord:
        """Redrive a finished job from its failed step, without checking the tenant's limit. Raises like `redrive`."""
        with self._served("redrive"):
            return await self._redrive(await find_job(self._ports, caller, job_id), Redrive(caller, None, None, None))

    async def _redrive(self, job: JobRecord, wanted: Redrive) -> JobRecord:
        driven = await redrive(self._ports, job, await read_written(self._ports, job), wanted)
        await self._pointers.hand_over(driven)
        return driven

    async def _view(self, job: JobRecord) -> dict[str, Any]:
        return job_view(job, await read_written(self._ports, job), await self._ports.table.records.read_steps(job))

    def _served(self, door: str) -> AbstractContextManager[None]:
        return self._ports.served(door)


def _taken(job_id: str) -> ConflictError:
    return ConflictError(f"Another job has the id {job_id!r}; send this one with another id.")
