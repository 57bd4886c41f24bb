"""Runs a job in one invocation: the engine with a recorder, and the work after the engine stops.

A job is either claimed or *late*: a late job is not in the table, runs at once, and is accepted with its first write.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from handler.engine import Conduit, ConduitStep, InvocationTime, Outcome, Paused, Runtime
from handler.engine.steps import forget_results
from handler.invocation.log import job_logged, log_fields
from handler.jobs.pointers import Pointers
from handler.jobs.resume import read_answers, restored
from handler.jobs.run_log import RunLog
from handler.jobs.view import job_view
from handler.ports import Ports
from handler.recording.ownership import OUTBOX_SECONDS
from handler.recording.publisher import Publisher
from handler.recording.recorder import AnsweredError, Recorder
from handler.recording.refused import refuse_largest
from handler.recording.run import FencedOutError, Run
from infra.errors import InfraError, TooLargeError
from infra.jobs.jobs_table import Refused
from infra.jobs.parking import parked
from infra.jobs.records import JobRecord

KEPT_AFTER_A_WAIT: Final = 2 * 86_400.0
"""The records of a waiting job are kept for at least this many seconds after its wait."""
LARGE_RESULTS: Final = 256 * 1024
"""If a job has at least this many bytes of results, it drops them before its last records are written."""
START_DELAY: Final = 60.0
"""If a job's first step begins within so many seconds of acceptance, its waits may be as long as `validate` allows."""


@dataclass(frozen=True, slots=True)
class Ended:
    """All steps and the job have ended."""

    job: JobRecord
    """The current record; its `published` shows how many records are published."""
    view: Callable[[], dict[str, Any]]
    """Its JSON, made on demand."""
    safe: bool
    """Whether `due` covers unpublished updates."""


@dataclass(frozen=True, slots=True)
class HandedOver:
    """The job continues in another invocation."""

    job: JobRecord
    view: Callable[[], dict[str, Any]]
    sent: bool
    """Whether the pointer that wakes it was sent; if not, the sweeper sends one."""


@dataclass(frozen=True, slots=True)
class Parked:
    """The job waits; something other than the current message wakes it."""

    job: JobRecord
    view: Callable[[], dict[str, Any]]
    retries: bool
    """Whether it waits for the next try of a step."""


@dataclass(frozen=True, slots=True)
class Unstarted:
    """The job was neither accepted nor begun: the invocation had too little time left."""


@dataclass(frozen=True, slots=True)
class Lost:
    """Another owner has the job. The run's work since its last commit does not count."""

    job: JobRecord | None
    accepted: bool
    """Whether the job had been accepted, by this run or before it."""


Result = Ended | HandedOver | Parked | Unstarted | Lost


class Runner:
    """Runs jobs.

    Args:
        ports: the use cases' ports.
    """

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._pointers = Pointers(ports)

    async def run(self, run: Run, *, until: float | None = None, keeps_message: bool = False) -> Result:
        """Run a job until it ends, waits, or its time is over.

        Args:
            run: the job, claimed or late.
            until: when the waiting caller must have the answer.
            keeps_message: whether the same message resumes a job that is handed over or retried (a FIFO queue).

        Raises:
            InfraError: AWS failed. The job stays in its last committed state; its message, its sender or (after its
                lease)
            the sweeper resumes it.
        """
        if until is not None:
            run = replace(run, answer_by=until)
        with job_logged(run.job.key, run.job.run):
            return await self._run(run, until, keeps_message=keeps_message)

    async def _run(self, run: Run, until: float | None, *, keeps_message: bool) -> Result:
        recorder = Recorder(self._ports, run)
        log = RunLog(self._ports, run.job)
        recorder.on_failure = log.failed
        try:
            stopped = await self._execute(run, recorder, log, until)
        except FencedOutError as refusal:
            self._ports.metrics.count("FencedOut")
            return Lost(refusal.job, refusal.accepted)
        if stopped is None:
            log.ended(recorder.job)
            return await self._close(run, recorder)
        if isinstance(stopped, Unstarted):
            return stopped
        view = partial(job_view, recorder.job, run.written, recorder.steps)
        if parked(recorder.job) is None:
            log.handed_over(recorder.job)
            self._ports.metrics.count("HandOvers")
            sent = keeps_message or await self._pointers.hand_over(recorder.job)
            return HandedOver(recorder.job, view, sent)
        log.handed_over(recorder.job)
        return await self._park(run, recorder, keeps_message=keeps_message)

    async def _execute(
        self, run: Run, recorder: Recorder, log: RunLog, until: float | None
    ) -> Paused | Unstarted | None:
        """Run the steps; return why the run paused, or ``None`` if the job has ended."""
        runtime = self._runtime(run, until)
        current = run
        while True:
            given = await read_answers(self._ports, current.job) if current.job.signals else {}
            conduit = restored(current, self._ports, given)
            log.follow(conduit)
            conduit.before_step = recorder.before_step
            conduit.on_step_update = recorder.on_step_update
            conduit.on_step_open = recorder.on_step_open
            conduit.on_job_finish = partial(_finish, recorder)
            try:
                outcome = await conduit.run(runtime)
                if outcome is not Outcome.PAUSED:
                    return None
                assert conduit.paused is not None  # noqa: S101  # a paused run has a reason
                paused = conduit.paused
                if run.lifetime.is_used and not recorder.accepted and not recorder.steps and not paused.cut:
                    return Unstarted()
                if await recorder.release(conduit, paused, paused.waiting):
                    return paused
            except AnsweredError as answered:
                current = recorder.continuation(answered.waiting)
            except TooLargeError as error:
                refuse_largest(recorder.steps, recorder.job.cursor, error)
                current = recorder.continuation(None)
            else:  # the job was cancelled or answered at that moment
                current = recorder.continuation(paused.waiting, paused.tries)

    async def _park(self, run: Run, recorder: Recorder, *, keeps_message: bool) -> Parked:
        self._ports.metrics.count("Parked")
        job = recorder.job
        waiting = parked(job) or {}
        retries = waiting.get("for") == "retry"
        try:
            job = await recorder.publish_parked()
        except InfraError as error:  # the park is committed: the job is due in a minute
            self._ports.log_failure("run", "A parked job could not be settled yet", error, **log_fields(job.key))
        if not (keeps_message and retries):
            await self._pointers.wake_later(job)
        return Parked(job, partial(job_view, job, run.written, recorder.steps), retries)

    def _runtime(self, run: Run, until: float | None) -> Runtime:
        settings = self._ports.settings
        invocation: InvocationTime | None = run.lifetime.for_steps(settings.reserve, until)
        if run.job.hand_overs >= settings.max_hand_overs:
            invocation = None  # the recorder ends a step for which no invocation has time
        return self._ports.runtime.of_run(
            invocation=invocation,
            job_ends_at=run.job.ends_at,
            waits_end_by=run.job.expires_at - KEPT_AFTER_A_WAIT + START_DELAY,
        )

    async def _close(self, run: Run, recorder: Recorder) -> Ended:
        job = recorder.job
        self._ports.metrics.count("Jobs", Status=job.status)
        if job.finished_at is not None:
            self._ports.metrics.time("JobDuration", (job.finished_at - job.created_at) * 1000, Status=job.status)
        try:
            job = await recorder.publish_rest()
        except InfraError as error:  # the end is committed; the updates are published later
            self._ports.log_failure("run", "A finished job could not be settled yet", error, **log_fields(job.key))
        view = partial(job_view, job, run.written, recorder.steps)
        return Ended(job, view, safe=job.all_published or job.due is not None)

    async def end_unrunnable(self, job: JobRecord, why: str) -> JobRecord | None:
        """End a claimed job that can never run as FAILED; return its new state, or ``None`` if another owner has it."""
        now = self._ports.now()
        after = job._replace(
            status="FAILED", lease=None, lease_until=0.0, finished_at=now, due=now + OUTBOX_SECONDS, attempts=0
        )
        answer = await self._ports.table.commit(job, after)
        if isinstance(answer, Refused):
            return None
        self._ports.log.error(
            "A job can never run and was ended as FAILED", extra={**log_fields(job.key), "reason": why}
        )
        self._ports.metrics.count("Jobs", Status="FAILED")
        self._ports.metrics.count("Faults")
        return await Publisher(self._ports).settle(answer.job)


async def _finish(recorder: Recorder, job: Conduit, failed: ConduitStep | None) -> None:
    """Record the end of a job. Large results are in its records: drop them here, so that memory holds only one copy."""
    if job.store.results_size > LARGE_RESULTS:
        forget_results(job.steps)
    await recorder.on_job_finish(job, failed)
    # A job refers to itself through its steps: without this, its listeners would live until garbage is collected.
    job.before_step = job.on_step_update = job.on_step_open = job.on_job_finish = None
