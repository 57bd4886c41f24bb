"""Processes one message of the queue: a job, or a pointer to an existing job.

A message is acknowledged only when its job no longer needs it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from handler.caller import Caller
from handler.engine.flow.restore import RecordsMismatchError
from handler.invocation.log import log_fields
from handler.invocation.time_left import TimeLeft
from handler.jobs.messages import AGAIN, DONE, LATER, Closing, Message, Verdict
from handler.jobs.pointers import Pointers, pointer
from handler.jobs.runner import Ended, HandedOver, Lost, Parked, Result, Runner, Unstarted
from handler.jobs.submission import NewJob
from handler.payload.limits import limits_of
from handler.payload.parse import InvalidPayloadError, JobPayload, parse
from handler.ports import Ports
from handler.recording.ownership import OUTBOX_SECONDS, QUEUED_SECONDS
from handler.recording.publisher import Publisher
from handler.recording.run import Run
from infra.errors import InfraError, NewerRecordError
from infra.jobs.jobs_table import Refused
from infra.jobs.parking import is_asleep, parked
from infra.jobs.records import JobKey, JobRecord
from infra.messaging.job_queue import LONGEST_DELAY

CLAIMS: Final = 3
"""How often a claim that conflicts with other writes is tried."""
LATEST: Final = 1.0
"""The most seconds between the end of a lease and the next delivery of a message."""
LONGEST_HIDDEN: Final = 43_200.0 - 900.0
"""Seconds that a message can be hidden: SQS allows 12 hours from its receipt, and an invocation lasts 15 minutes."""
LAST_RECEIVES: Final = 5
"""From this many receives before a message becomes a dead letter, its job is accepted even if it could not begin."""


class Worker:
    """Processes messages one by one.

    Args:
        ports: the use cases' ports.
    """

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._runner = Runner(ports)
        self._pointers = Pointers(ports)
        self._publisher = Publisher(ports)
        self._closing = Closing(ports, self._publisher)

    async def work(self, message: Message, lifetime: TimeLeft) -> Verdict:
        """Process a message, as far as this invocation's time allows."""
        try:
            if not lifetime.has_time(self._ports.now(), self._ports.settings.reserve):
                return await self._give_back(message)
            key = pointer(message.body)
            if key is not None:
                return await self._resume(key, message, lifetime)
            if '"workflow"' in message.body or '"schedule"' in message.body:
                from handler.jobs.queue_starts import names_start  # noqa: PLC0415  # few messages need it

                if names_start(message.body):
                    return await self._begin_named(message, lifetime)
            return await self._begin(message, lifetime)
        except InvalidPayloadError as problem:
            return await self._closing.reject(message, str(problem), (one.code for one in problem.problems))
        except NewerRecordError as error:
            self._closing.failed(message, error)
            return Verdict(done=False, wait=LONGEST_HIDDEN)
        except InfraError as error:
            return self._closing.failed(message, error)

    async def _give_back(self, message: Message) -> Verdict:
        """There is no time to begin. If the message has few receives left, accept the job, so that `due` wakes it."""
        if message.receives < self._ports.settings.max_receives - LAST_RECEIVES:
            return Verdict(done=False, wait=0.0)
        key = pointer(message.body)
        if key is not None:
            job = await self._ports.table.read(key, self._ports.now())
            if job is not None and job.finished and job.due is None and not job.all_published:
                await self._ports.table.set_due(job, self._ports.now() + OUTBOX_SECONDS)
            return DONE  # `due` covers the job
        answer = await self._new_job(message)[1].accept(self._ports, due=self._ports.now() + OUTBOX_SECONDS)
        if isinstance(answer, Refused):  # its id exists: the next receive handles that
            return Verdict(done=False, wait=0.0)
        return DONE

    def caller(self) -> Caller:
        """The caller of jobs from the queue. Its tenant and rights come from the deployment, never from a message."""
        settings = self._ports.settings
        return Caller(
            tenant=settings.queue_tenant,
            tags=frozenset(settings.queue_tags),
            step_limit=settings.step_limit,
            payload_limit=settings.payload_limit,
        )

    # ------------------------------------------------------------------ a job

    def _new_job(self, message: Message) -> tuple[JobPayload, NewJob]:
        caller = self.caller()
        sent = parse(message.body, limits_of(caller, self._ports.settings))
        return sent, NewJob.of(self._ports, caller, sent if sent.id else sent.with_id(message.id))

    async def _begin(self, message: Message, lifetime: TimeLeft) -> Verdict:
        sent, offer = self._new_job(message)
        return await self._begin_new(offer, message, lifetime, named=sent.id is not None)

    async def _begin_named(self, message: Message, lifetime: TimeLeft) -> Verdict:
        """Process a message that names a workflow or a schedule."""
        from handler.jobs.queue_starts import Later, Start, find_start  # noqa: PLC0415  # as above

        start = await find_start(self._ports, self.caller(), message.body, message.id)
        match start:
            case Start(job, named):
                return await self._begin_new(job, message, lifetime, named=named)
            case JobRecord():
                return await self._take(start, message, lifetime)
            case Later(seconds):
                return Verdict(done=False, wait=seconds)
        return DONE

    async def _begin_new(self, offer: NewJob, message: Message, lifetime: TimeLeft, *, named: bool) -> Verdict:
        """Run a new job. `named`: whether its id is independent of the message's id."""
        if message.receives > 1:
            return await self._begin_again(message, offer, lifetime, named=named)
        if named:  # the sender may have sent it before: an existing job is not run again
            known = await self._ports.table.read(offer.job.key, self._ports.now())
            if known is not None:
                return await self._handle_known(known, message, offer, lifetime)
        run = offer.late_run(self._ports, lifetime, outbox=True)
        result = await self._runner.run(run, keeps_message=message.group is not None)
        met = result.job if isinstance(result, Lost) and not result.accepted else None
        if met is not None and not offer.is_known_as(met):
            return await self._reject_taken(message, offer)
        return await self._concluded(result, message)

    async def _handle_known(self, known: JobRecord, message: Message, offer: NewJob, lifetime: TimeLeft) -> Verdict:
        if not offer.is_known_as(known):
            return await self._reject_taken(message, offer)
        return await self._take(known, message, lifetime)

    async def _begin_again(self, message: Message, offer: NewJob, lifetime: TimeLeft, *, named: bool) -> Verdict:
        """Process a message that was received before: accept its job before it runs, so that attempts are counted."""
        answer = await offer.accept(self._ports, due=self._ports.now() + QUEUED_SECONDS)
        if answer.job is None:
            return AGAIN
        if isinstance(answer, Refused) and not offer.is_known_as(answer.job):
            return await self._reject_taken(message, offer)
        if not named and not answer.job.finished and message.group is None:
            # The job has this message's id. If the message were redriven from a dead-letter queue, it would have
            # another id and its job would run twice, so a pointer replaces it. In a FIFO queue, it stays and blocks its
            # group.
            sent_on = await self._pointers.hand_over(answer.job, salt=f"-{message.receives}")
            return DONE if sent_on else AGAIN
        return await self._take(answer.job, message, lifetime)

    async def _reject_taken(self, message: Message, offer: NewJob) -> Verdict:
        problem = f"another job has the id {offer.job.key.job_id!r}"
        return await self._closing.reject(message, problem, ["CONFLICT"])

    # ------------------------------------------------------------------ a pointer

    async def _resume(self, key: JobKey, message: Message, lifetime: TimeLeft) -> Verdict:
        job = await self._ports.table.read(key, self._ports.now())
        if job is None:
            self._ports.log.warning("A message names a job that does not exist; it is dropped", extra=log_fields(key))
            return DONE
        return await self._take(job, message, lifetime)

    async def _take(self, job: JobRecord, message: Message, lifetime: TimeLeft) -> Verdict:
        """Claim the job and run it, unless it is finished, has another owner, or waits for its time."""
        ports, now = self._ports, self._ports.now
        until = lifetime.ends_at + ports.settings.lease_margin
        for _ in range(CLAIMS):
            if job.finished:
                return await self._closing.finish(job, message)
            if job.held(now()):
                return self._held(job)
            if is_asleep(job, now()):
                return await self._keep_parked(job, message)
            if job.attempts and ports.turns is not None:  # it may have killed its process
                if lifetime.used:
                    return LATER
                ports.turns.stay_alone()
            answer = await ports.table.claim(job, token=ports.token(), until=until, now=now())
            if not isinstance(answer, Refused):
                crashed = job.lease is not None
                return await self._run_claimed(answer.job, message, lifetime, crashed=crashed)
            if answer.job is None:
                return DONE
            job = answer.job
        return Verdict(done=False, wait=LATEST)

    async def _keep_parked(self, job: JobRecord, message: Message) -> Verdict:
        """Handle a parked job whose wait is not over: publish pending updates, and keep or acknowledge the message."""
        job = await self._publisher.settle_parked(job)
        left = (job.resume_at or 0.0) - self._ports.now()
        retries = (parked(job) or {}).get("for") == "retry"
        if message.group is not None:  # a retry blocks its group, a wait does not
            return Verdict(done=False, wait=min(left, LONGEST_HIDDEN)) if retries else DONE
        return DONE if left > LONGEST_DELAY else Verdict(done=False, wait=left)

    async def _run_claimed(self, job: JobRecord, message: Message, lifetime: TimeLeft, *, crashed: bool) -> Verdict:
        ports = self._ports
        if job.cursor or job.attempts > 1 or job.tries:
            ports.metrics.count("Resumes")
        if crashed:
            ports.metrics.count("Crashes")
            ports.log.warning(
                "An earlier invocation ended in the middle of this job",
                extra={**log_fields(job.key), "position": job.cursor + 1, "attempts": job.attempts},
            )
        payload = await ports.table.records.read_payload(job)
        steps = await ports.table.records.read_steps(job)
        written = _read(payload.payload) if payload is not None else None
        if payload is None or written is None or len(steps) < job.cursor:
            why = "its payload or its records are gone"
            return self._lost(await self._runner.end_unrunnable(job, why))
        published = job.published
        if published < job.cursor:  # updates that a dead owner had committed but not published
            published = await self._publisher.publish(job, steps, until=lifetime.ends_at - ports.settings.reserve)
        run = Run(
            job=job,
            payload=payload,
            written=written,
            steps=steps,
            accepted=True,
            lifetime=lifetime,
            published=published,
            outbox=message.receives == 1,
        )
        try:
            result = await self._runner.run(run, keeps_message=message.group is not None)
        except RecordsMismatchError as error:
            return self._lost(await self._runner.end_unrunnable(job, str(error)))
        return await self._concluded(result, message)

    @staticmethod
    def _lost(ended: JobRecord | None) -> Verdict:
        return DONE if ended is not None else AGAIN

    # ------------------------------------------------------------------ the end of a message

    async def _concluded(self, result: Result, message: Message) -> Verdict:
        if isinstance(result, Ended):
            return DONE if result.safe else await self._closing.deliver_again(result.job)
        if isinstance(result, Unstarted):
            return await self._give_back(message)
        if isinstance(result, HandedOver):
            if message.group is not None:  # its message blocks the group, which keeps the order
                return Verdict(done=False, wait=self._left(result.job))
            return DONE if result.sent else AGAIN
        if isinstance(result, Parked):
            if message.group is not None and result.retries:
                return Verdict(done=False, wait=self._left(result.job))
            return DONE  # `due` covers the job
        if result.job is None:
            return AGAIN
        if result.job.finished:
            return await self._closing.finish(result.job, message)
        return self._held(result.job)

    def _held(self, job: JobRecord) -> Verdict:
        """Another owner has the job: perhaps a message of this batch, which ends before its lease."""
        if self._ports.turns is not None:
            return LATER
        return Verdict(done=False, wait=max(LATEST, job.lease_until - self._ports.now() + LATEST))

    def _left(self, job: JobRecord) -> float:
        """Seconds until the job continues, at most the longest time that a message can be hidden."""
        left = 0.0 if job.resume_at is None else job.resume_at - self._ports.now()
        return min(max(0.0, left), LONGEST_HIDDEN)


def _read(text: str) -> Mapping[str, Any] | None:
    """Parse a stored payload; ``None`` if it is damaged."""
    try:
        written = json.loads(text)
    except ValueError:
        return None
    return written if isinstance(written, dict) and isinstance(written.get("steps"), list) else None
