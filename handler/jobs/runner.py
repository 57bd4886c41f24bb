"""One run of a job in one invocation: the engine with a recorder, and what is left to do when it stops.

A job comes here claimed, or *late*: known to nobody, run at once, and accepted when its first write is due.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from handler.caller import Rights
from handler.engine import Conduit, Execution, InvocationTime, Outcome, Runtime
from handler.invocation.log import job_logged, log_fields
from handler.invocation.timestamps import iso
from handler.jobs.run_log import RunLog
from handler.jobs.view import job_view, variables_after
from handler.ports import Ports
from handler.recording.publisher import OUTBOX_SECONDS, Publisher
from handler.recording.recorder import Recorder
from handler.recording.run import FencedOutError, Run
from infra.errors import InfraError
from infra.jobs_table import Refused
from infra.records import JobKey, JobRecord, StepRecord

LONGEST_DELAY: Final = 900.0
"""Seconds that a message can be held back (SQS's quota); a longer wait takes several."""


@dataclass(frozen=True, slots=True)
class Ended:
    """Every step has its outcome, and the job its end."""

    job: JobRecord
    """As it stands, published as far as the bus has got."""
    view: Callable[[], dict[str, Any]]
    """Its JSON; made only for those who want to see it."""
    safe: bool
    """Whether what is not on the bus yet is covered by `due`."""


@dataclass(frozen=True, slots=True)
class HandedOver:
    """The job waits for another invocation."""

    job: JobRecord
    view: Callable[[], dict[str, Any]]
    sent: bool
    """Whether the pointer that wakes it is on its way; if not, the sweeper sends one."""


@dataclass(frozen=True, slots=True)
class Lost:
    """Somebody else has the job. What this run did since its last commit counts for nothing."""

    job: JobRecord | None
    accepted: bool
    """Whether the job had been accepted, by this run or before it."""


class Runner:
    """Runs jobs.

    Args:
        ports: the world.
    """

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def run(self, run: Run, *, until: float | None = None) -> Ended | HandedOver | Lost:
        """Run a job until it ends, or its time does.

        Args:
            run: the job, claimed or late.
            until: when somebody who waits for an answer must have it.

        Raises:
            InfraError: AWS failed. The job stays as last committed; its lease, message or sender brings it back.
        """
        with job_logged(run.job.key, run.job.run):
            return await self._run(run, until)

    async def _run(self, run: Run, until: float | None) -> Ended | HandedOver | Lost:
        recorder = Recorder(self._ports, run)
        log = RunLog(self._ports, recorder)
        try:
            outcome = await self._execute(run, recorder, log, until)
        except FencedOutError as refusal:
            self._ports.metrics.count("FencedOut")
            return Lost(refusal.job, refusal.accepted)
        if outcome is Outcome.PAUSED:
            log.handed_over()
            sent = await self.send_pointer(recorder.job)
            return HandedOver(recorder.job, partial(job_view, recorder.job, run.written, recorder.steps), sent)
        log.ended()
        return await self._close(run, recorder)

    async def _execute(self, run: Run, recorder: Recorder, log: RunLog, until: float | None) -> Outcome:
        conduit = restored(run, self._ports)
        conduit.before_step = log.before_step
        conduit.on_step_update = log.on_step_update
        conduit.on_job_finish = recorder.on_job_finish
        outcome = await conduit.run(self._runtime(run, until))
        if outcome is Outcome.PAUSED:
            assert conduit.paused is not None  # noqa: S101  # says why, whenever a run pauses
            await recorder.let_go(conduit, conduit.paused)
            self._ports.metrics.count("HandOvers")
        return outcome

    def _runtime(self, run: Run, until: float | None) -> Runtime:
        settings = self._ports.settings
        invocation: InvocationTime | None = run.lifetime.for_steps(settings.reserve, until)
        if run.job.hand_overs >= settings.max_hand_overs:
            invocation = None  # the recorder ends the step that nobody has time for, however little there is
        return replace(self._ports.runtime, invocation=invocation, job_ends_at=run.job.ends_at)

    async def _close(self, run: Run, recorder: Recorder) -> Ended:
        job = recorder.job
        self._ports.metrics.count("Jobs", Status=job.status)
        if job.finished_at is not None:
            self._ports.metrics.time("JobDuration", (job.finished_at - job.created_at) * 1000, Status=job.status)
        try:
            job = await recorder.publish_rest()
        except InfraError as error:  # the end is committed: it is told to whoever asked, and published later
            self._ports.log_failure("run", "A finished job could not be settled yet", error, **log_fields(job.key))
        view = partial(job_view, job, run.written, recorder.steps)
        return Ended(job, view, safe=job.all_published or job.due is not None)

    async def send_pointer(self, job: JobRecord, *, salt: str = "") -> bool:
        """Send the message that wakes a job, when the step at its cursor may go on.

        Args:
            job: as it was released.
            salt: sets it apart from an earlier message about the same state (FIFO queues drop repetitions).

        Returns:
            Whether it was sent; if not, `due` makes the sweeper send it.
        """
        body = json.dumps({"resume": {"tenant": job.key.tenant, "job_id": job.key.job_id}}, separators=(",", ":"))
        wait = max(0.0, job.resume_at - self._ports.now()) if job.resume_at is not None else 0.0
        try:
            await self._ports.queue.send(
                body,
                delay=min(wait, LONGEST_DELAY),
                group=_digest(job.key),
                deduplication=f"{_digest(job.key)}-{job.run}-{job.fence}-{job.hand_overs}{salt}",
            )
        except InfraError as error:
            self._ports.log_failure(
                "run", "A job could not be handed over; the sweeper will", error, **log_fields(job.key)
            )
            return False
        return True

    async def end_lost(self, job: JobRecord, why: str) -> JobRecord | None:
        """End a claimed job as FAILED that can never run; gives it as it stands, or ``None`` if it is not ours."""
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


def _digest(key: JobKey) -> str:
    """A job's name in the characters and the length that SQS allows; tenants have names of any kind."""
    return hashlib.sha256(f"{key.tenant}#{key.job_id}".encode()).hexdigest()[:32]


def restored(run: Run, ports: Ports) -> Conduit:
    """The job as the engine knows it, going on where its records end."""
    job, rights = run.job, Rights.decode(run.payload.rights)
    died = max(0, job.attempts - 1) if run.accepted else 0
    conduit = Conduit.restore(
        run.written,
        _as_steps(run.steps),
        variables_after(run.written, run.steps),
        tries=job.tries,
        attempts=died + job.tries,
        id=job.key.job_id,
        tags=rights.tags,
        step_limit=rights.step_limit,
        block_tags=ports.settings.block_tags,
        global_values=ports.global_values(job.key.tenant),
    )
    conduit.created_at = iso(job.created_at)
    conduit.execution = Execution(key=f"{job.key.tenant}/{job.key.job_id}/{job.run}", fence=job.fence)
    if job.cancel:
        conduit.cancel()
    return conduit


def _as_steps(records: Sequence[StepRecord]) -> list[dict[str, Any]]:
    return [
        {
            "status": {"name": record.status},
            "result": json.loads(record.result) if record.result is not None else None,
            "result_json": record.result,
            "error": json.loads(record.error) if record.error else None,
            "attempts": record.attempts,
        }
        for record in records
    ]
