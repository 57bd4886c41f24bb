"""Listens to one run of a job and writes what it hears: records to the table, then events to the bus.

It is the job's owner for as long as the run lasts: it knows the claim, what is committed, and what is not. The rules
it keeps are those of ``docs/records.md``; in short:

- a step counts once its record is put and one conditional write of JOB has moved the cursor past it;
- a block with an effect begins only after everything before it counts and its own attempt is noted;
- a job that nobody else knows of is accepted as late as is safe;
- whoever is refused has lost the job: nothing is written or published after that.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Final

from handler.engine import Conduit, ConduitStatus, ConduitStep, Decision, Paused
from handler.ports import Ports
from handler.recording.commits import Commits
from handler.recording.publisher import OUTBOX_SECONDS, Publisher
from handler.recording.run import FencedOutError, Run
from handler.recording.step_metrics import StepMetrics
from handler.recording.step_record import failed_step, step_record
from infra.jobs_table import Refused
from infra.records import JobRecord, JobStatus, StepRecord

BUS_REST: Final = 30.0
"""Seconds that a bus that did not take everything is left alone: trying it costs the job time that its steps need."""
UNKNOWN: Final = "UNKNOWN"
"""The block of a step whose action is none, in the metrics: what users write is no dimension."""
EVENT_BATCH: Final = 10
"""Updates that fill one call of the bus: so many do not wait for more."""


class Recorder:
    """Owner of one job during one run.

    Args:
        ports: the world.
        run: what is run.

    Attributes:
        job: the record as last committed; before the first commit of an unknown job, as it would be.
        steps: all records, of steps that count and of those that wait for the next commit.
        accepted: whether the job stands in the table.
    """

    def __init__(self, ports: Ports, run: Run) -> None:
        if run.job.lease is None:
            raise ValueError(f"{run.job.key}: a run needs the lease of a claim")
        self._ports, self._now = ports, ports.runtime.now
        self._publisher = Publisher(ports)
        self._run = run
        self._lease = run.job.lease
        self._began = self._flushed = self._published_at = ports.now()
        self._start = run.job.cursor
        self._prior = run.job.attempts - 1 if run.accepted else 0
        self._careful = self._prior > 0
        self._counted = run.job.cursor if run.accepted else -1  # the claim counts for the step at the cursor
        self._marked = -1
        self._effect_pending = False
        self._flush_interval = ports.settings.flush_interval
        self._commits = Commits(ports, self._began, limited=not self._careful)
        self._bus_rests_until = 0.0
        self._may_be_over = run.pause_at is not None or run.job.hand_overs >= ports.settings.max_hand_overs
        self._published = max(run.job.published, run.published)
        self.job = run.job
        self.steps: list[StepRecord] = list(run.steps)
        self._step_metrics = StepMetrics(by_block=ports.settings.block_metrics)
        self.accepted = run.accepted

    # ------------------------------------------------------------------ what the engine asks and tells

    def before_step(
        self, job: Conduit, step: ConduitStep
    ) -> Decision | ConduitStatus | Awaitable[Decision | ConduitStatus]:
        """Whether the step may begin; a block with an effect only once that is written down."""
        index = step.position - 1
        assert step.block is not None  # noqa: S101  # only steps that would run are asked for
        effect = step.block.effect
        if index == self._start and self._run.accepted and (blamed := self._blame(effect)) is not None:
            return blamed
        if self._may_be_over and self._is_over(index):
            return Decision.PAUSE
        unmarked = effect != "none" and self._marked != index
        if unmarked or (self._careful and self._counted != index):
            return self._note_attempt(job, started=effect != "none")
        return Decision.PROCEED

    async def _note_attempt(self, job: Conduit, *, started: bool) -> Decision | ConduitStatus:
        await self._commit(job, attempt=True, started=started)
        if self.job.cancel:
            return ConduitStatus.CANCELLED
        await self._publish_now_and_then()
        return Decision.PROCEED

    def _is_over(self, index: int) -> bool:
        """Whether the run ends before this step, although there may be time."""
        run = self._run
        if run.pause_at is not None and self._now() >= run.pause_at:
            return True
        # After too many hand-overs this run has no limit of time: it was to end one step, and has.
        return index != self._start and run.job.hand_overs >= self._ports.settings.max_hand_overs

    def _blame(self, effect: str) -> ConduitStatus | None:
        """What becomes of the step at which earlier owners stopped, if it is not to be run again."""
        if effect == "at_most_once" and self._run.job.started and self._prior > 0:
            return ConduitStatus.INTERRUPTED
        settings = self._ports.settings
        if self._prior >= settings.max_attempts or self._run.job.hand_overs >= settings.max_hand_overs:
            return ConduitStatus.TIME_LIMIT_EXCEED
        return None

    def on_step_update(self, job: Conduit, step: ConduitStep) -> Awaitable[None] | None:
        """Keep the record; gives something to wait for when it is time to write."""
        record, block = step_record(step, self.job, self._lease), step.block
        self.steps.append(record)
        self._step_metrics.add(UNKNOWN if block is None else block.action, record.status, record.duration_ms)
        if step.attempts and block is not None and block.effect != "none":
            self._effect_pending = True
        now = step.finished_at or self._now()  # a step that ran has read the clock a moment ago
        if not self._effect_pending and now - self._flushed < self._flush_interval:
            return None
        if len(self.steps) == self.job.steps or self._writes_before_next(job):
            return None  # the end, or the next step's own write, commits this one too
        return self._flush(job)

    async def on_job_finish(self, job: Conduit, _: ConduitStep | None) -> None:
        """The last steps and the end of the job are one commit."""
        await self._commit(job, end=self._end_status(job))

    async def let_go(self, job: Conduit, paused: Paused) -> None:
        """Release the job for another invocation, before the step at which the run paused."""
        await self._commit(job, paused=paused)

    def _writes_before_next(self, job: Conduit) -> bool:
        """Whether the next step will note its attempt, so that one write serves both."""
        step = job.steps[len(self.steps)]
        if job.cancelled or (job.success is False and not step.forced) or step.status is not ConduitStatus.NONE:
            return False
        return step.block is not None and (self._careful or step.block.effect != "none")

    def _end_status(self, job: Conduit) -> JobStatus:
        if any(record.status == ConduitStatus.CANCELLED.name for record in self.steps):
            return "CANCELLED"
        return "SUCCEEDED" if job.success else "FAILED"

    async def _flush(self, job: Conduit) -> None:
        await self._commit(job)
        await self._publish_now_and_then()

    async def _publish_now_and_then(self) -> None:
        """Publish during the run, now and then: a step's update shall not wait for a long job's end."""
        now, waiting = self._now(), self.job.cursor - self._published
        if now < self._bus_rests_until:
            return
        if waiting < EVENT_BATCH and now - self._published_at < self._ports.settings.flush_interval:
            return
        self._published_at = now
        self._published = await self._publisher.publish(self.job._replace(published=self._published), self.steps)
        if self._published < self.job.cursor:
            self._bus_rests_until = self._now() + BUS_REST

    async def _commit(
        self,
        job: Conduit,
        *,
        attempt: bool = False,
        started: bool = False,
        end: JobStatus | None = None,
        paused: Paused | None = None,
    ) -> None:
        held, pending = self.job, self.steps[self.job.cursor :]
        payload, now = None if self.accepted else self._run.payload, self._now
        at_once = await self._commits.put(job, payload, pending, effect=started, end=end is not None)
        after = self._moved(job, now())._replace(attempts=self._attempts(attempt=attempt, paused=paused))
        if end is not None:
            after = self._ended(after, end, now())
        elif paused is not None:
            after = self._released(after, paused, now())
        elif attempt:
            after = after._replace(started=started or after.started)
        answer = await self._commits.write(held, after, payload, pending, at_once=at_once)
        if isinstance(answer, Refused):
            raise FencedOutError(answer.job, accepted=self.accepted)
        self.job = answer.job
        self.accepted = True
        self._step_metrics.emit(self._ports.metrics)
        self._counted = after.cursor if attempt else -1
        self._marked = after.cursor if attempt and started else -1
        self._flushed = now()
        self._effect_pending = False
        if self.job.cancel:
            job.cancel()

    def _moved(self, job: Conduit, now: float) -> JobRecord:
        """The record with the cursor behind every step that is put, still ours."""
        held, cursor = self.job, len(self.steps)
        after = held._replace(
            published=max(held.published, self._published),
            lease_until=self._lease_until,
            due=self._lease_until,
            started_at=held.started_at if held.started_at is not None else min(self._began, now),
            failed_step=failed_step(job.failed_step) if job.failed_step is not None else None,
        )
        if cursor == held.cursor:
            return after
        leases = held.leases
        if not leases or leases[-1][1] != self._lease:
            leases = (*leases, (held.cursor, self._lease))
        return after._replace(cursor=cursor, leases=leases, started=False, tries=0, resume_at=None, hand_overs=0)

    @property
    def _lease_until(self) -> float:
        return self._run.lifetime.ends_at + self._ports.settings.lease_margin

    def _attempts(self, *, attempt: bool, paused: Paused | None) -> int:
        """Attempts of the step at the new cursor: an absolute number, since a write may be repeated."""
        cursor = len(self.steps)
        noted = self.job.attempts if cursor == self.job.cursor else 0
        counted = self._counted == cursor
        if attempt or (paused is not None and paused.cut):
            return noted if counted else noted + 1
        if paused is not None and counted:
            return noted - 1  # it did not begin, or came to an end of its own: nobody died of it
        return noted

    def _ended(self, after: JobRecord, status: JobStatus, now: float) -> JobRecord:
        late = now > self._run.lifetime.ends_at
        return after._replace(
            status=status,
            lease=None,
            lease_until=0.0,
            finished_at=now,
            due=None if self._run.outbox and not late else now + OUTBOX_SECONDS,
        )

    def _released(self, after: JobRecord, paused: Paused, now: float) -> JobRecord:
        waited = after.tries < paused.tries  # a retry that waits for its time is no job that goes nowhere
        return after._replace(
            status="QUEUED",
            lease=None,
            lease_until=0.0,
            started=after.started and (paused.cut or not self._only_we_marked(after.cursor)),
            tries=paused.tries,
            resume_at=now + paused.resume_in if paused.resume_in > 0 else None,
            hand_overs=(0 if waited else after.hand_overs) + 1,
            due=now + paused.resume_in + OUTBOX_SECONDS,
        )

    def _only_we_marked(self, cursor: int) -> bool:
        """Whether the mark of the step's start is ours to take back: an owner before us may have begun it and died."""
        inherited = cursor == self._start and self._run.job.started
        return self._marked == cursor and not inherited

    async def publish_rest(self) -> JobRecord:
        """After the end: publish what is left; gives the job with `published` as far as the bus has got."""
        return await self._publisher.settle(
            self.job._replace(published=max(self.job.published, self._published)), self.steps
        )
