"""Listens to one run of a job and writes its records to the table, then its events to the bus.

It is the job's owner during the run: it has the claim, and knows which records are committed. It follows the rules of
``docs/records.md``; in short:

- a record counts once it is put and one conditional write of JOB has moved the cursor past it;
- a block with an effect begins only after all earlier records count and its own attempt is written;
- a job that is not in the table is accepted as late as is safe;
- an owner whose write is refused has lost the job: it writes and publishes nothing afterwards.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Final

from handler.engine import Conduit, ConduitStatus, ConduitStep, Decision, Paused
from handler.engine.status import DONE, UNEVENTFUL
from handler.ports import Ports, Turns
from handler.recording.commits import Commits
from handler.recording.ownership import (
    NO_STEP,
    Attempt,
    Commit,
    End,
    Flush,
    Ownership,
    Release,
    TimeOut,
    may_be_refused,
)
from handler.recording.run import FencedOutError, Run
from handler.recording.run_updates import RunUpdates
from handler.recording.step_metrics import StepMetrics
from handler.recording.step_record import failed_step, open_record, step_record
from infra.jobs.jobs_table import Refused
from infra.jobs.recognition import is_as_held
from infra.jobs.records import JobRecord, JobStatus, StepRecord
from infra.jobs.records_table import fits_at_once

UNKNOWN: Final = "UNKNOWN"
"""Metric dimension for unknown actions: user input must never become a dimension."""
SMALL_JOB: Final = 20
"""The guaranteed number of table calls holds exactly for jobs of up to this many records."""


_ONCE: Final = "at_most_once"
_ASKS: Final = "wait_for"
"""The kind of step that waits for an answer."""


class AnsweredError(Exception):
    """The step was answered just before its timeout was written: the run continues with the answer.

    Attributes:
        waiting: the state of the waiting step.
    """

    def __init__(self, step: ConduitStep) -> None:
        super().__init__(step.path)
        self.waiting = {"path": step.path, "began": step.started_at}


class Recorder:
    """The owner of one job during one run.

    Args:
        ports: the use cases' ports.
        run: the run.

    Attributes:
        job: the record as last committed; before the first commit of a new job, the future record.
        steps: all records: those that count, and those that wait for the next commit.
        accepted: whether the job is in the table.
        on_failure: called with each step that fails.
    """

    def __init__(self, ports: Ports, run: Run) -> None:
        self._ports, self._now = ports, ports.runtime.now
        self._run = run
        self._began = self._flushed = ports.now()
        self._updates = RunUpdates(ports, run, self._began)
        self._owner = Ownership(run, ports.settings, self._began)
        self._careful = self._owner.careful
        self._flush_wanted = False
        self._flush_interval = ports.settings.flush_interval
        self._commits = Commits(ports, self._began, limited=not self._careful, put=len(run.steps))
        self._turns = ports.turns
        self._kept = NO_STEP  # the index of the step during which this job keeps its turn, until its record is written
        self._may_be_over = run.pause_at is not None or run.job.hand_overs >= ports.settings.max_hand_overs
        self.job = run.job
        self.steps: list[StepRecord] = list(run.steps)
        self._step_metrics = StepMetrics(by_block=ports.settings.block_metrics)
        self.accepted = run.accepted
        self.on_failure: Callable[[ConduitStep], None] = _ignore

    # ------------------------------------------------------------------ the engine's events

    def before_step(
        self, job: Conduit, step: ConduitStep
    ) -> Decision | ConduitStatus | Awaitable[Decision | ConduitStatus]:
        """Whether the step may begin. A block with an effect may begin only after its attempt is written."""
        index = len(self.steps)
        effect = step.block.effect if step.block is not None else "none"
        tries = step.tries
        first = index == self._owner.start and self._run.accepted and not self._owner.noted_here(index)
        if first and (outcome := self._owner.outcome_of_crashes(effect)) is not None:
            return outcome
        if self._may_be_over and self._is_over(index):
            return Decision.PAUSE
        kind: Commit | None = None
        if (effect != "none" or self._careful) and self._owner.must_note(index, effect, tries):
            path = step.path if effect != "none" and job.walk.chosen_by_clock else None
            kind = Attempt(effect != "none", tries, path)
        elif self._flush_wanted:
            kind = Flush()
        turns = self._turns
        if turns is not None and (kind is not None or not turns.has_begun or turns.wants_turn()):
            return self._take_turn(turns, job, kind, effect)
        return Decision.PROCEED if kind is None else self._commit_before(job, kind)

    async def _take_turn(
        self, turns: Turns, job: Conduit, kind: Commit | None, effect: str
    ) -> Decision | ConduitStatus:
        """Wait for the turn. Keep it during an at-most-once step: another job's crash would make it INTERRUPTED."""
        if effect == _ONCE:
            await turns.begin()
            turns.keep_turn(keep=True)
            self._kept = len(self.steps)
        elif kind is None and turns.wants_turn():
            await turns.pass_turn()
        answer = Decision.PROCEED if kind is None else await self._commit_before(job, kind)
        await turns.begin()
        return answer

    async def _commit_before(self, job: Conduit, kind: Commit) -> Decision | ConduitStatus:
        await self._commit(job, kind)
        if self.job.cancel:
            return ConduitStatus.CANCELLED
        await self._updates.publish_now_and_then(self.job, self.steps)
        return Decision.PROCEED

    def _is_over(self, index: int) -> bool:
        """Whether the run ends before this step, even if there is time left."""
        run = self._run
        if run.pause_at is not None and self._now() >= run.pause_at:
            return True
        # After too many hand-overs, a run has no time limit, so that it can end one step; this run has ended it.
        return index != self._owner.start and run.job.hand_overs >= self._ports.settings.max_hand_overs

    def on_step_update(self, job: Conduit, step: ConduitStep) -> Awaitable[None] | None:
        """Keep the record. It is written before the next step, if that step requires it."""
        if step.status is not DONE:
            if step.status.name not in UNEVENTFUL:
                self.on_failure(step)
            if step.kind == _ASKS and step.status is ConduitStatus.TIME_LIMIT_EXCEED and self.accepted:
                return self._time_out(job, step)
        self._keep(step)
        return None

    async def _time_out(self, job: Conduit, step: ConduitStep) -> None:
        """Write at once that there was no answer in time: an answer that was accepted before must not be lost.

        Raises:
            AnsweredError: the step has an answer.
        """
        pending = self.steps[self.job.cursor :]
        if pending and not fits_at_once(None, pending):
            await self._commit(job, Flush())
        self._keep(step)
        if not await self._commit(job, TimeOut(step.path)):
            self.steps.pop()
            raise AnsweredError(step)

    def _keep(self, step: ConduitStep) -> None:
        record, block = step_record(step, len(self.steps), self.job, self._owner.lease), step.block
        self.steps.append(record)
        if self._turns is not None:
            self._turns.recorded(len(record.result or "") + len(record.variables or ""))
        self._step_metrics.add(UNKNOWN if block is None else block.action, record.status, record.duration_ms)
        if step.attempts and block is not None and block.effect != "none":
            self._flush_wanted = True
        now = step.finished_at or self._now()  # a step that ran has just read the clock
        if now - self._flushed >= self._flush_interval:
            self._flush_wanted = True

    def on_step_open(self, _: Conduit, step: ConduitStep) -> None:
        """Keep the *open* record of a loop or a try."""
        self.steps.append(open_record(step, len(self.steps), self.job, self._owner.lease))

    async def on_job_finish(self, job: Conduit, _: ConduitStep | None) -> None:
        """Commit the last steps and the end of the job together."""
        await self._commit(job, End(self._end_status(job)))

    async def release(self, job: Conduit, paused: Paused, waiting: dict[str, Any] | None) -> bool:
        """Release the job for another invocation, before the step at which the run paused.

        Args:
            job: the engine's job.
            paused: why the run paused.
            waiting: the wait, if the job parks.

        Returns:
            Whether the job was released. It does not park but continues if it was cancelled or answered meanwhile. An
            answer to another step does not end this wait.
        """
        while not await self._commit(job, Release(paused, waiting)):
            if self.job.cancel or (waiting is not None and waiting["path"] in dict(self.job.signals)):
                return False
        return True

    def _end_status(self, job: Conduit) -> JobStatus:
        if any(record.status == ConduitStatus.CANCELLED.name for record in self.steps):
            return "CANCELLED"
        return "SUCCEEDED" if job.success else "FAILED"

    # ------------------------------------------------------------------ writing and publishing

    async def _commit(self, job: Conduit, kind: Commit) -> bool:
        held, pending = self.job, self.steps[self.job.cursor :]
        payload, now = None if self.accepted else self._run.payload, self._now
        at_once = await self._commits.put(job, payload, pending, kind)
        failed = failed_step(job.failed_step) if job.failed_step is not None else None
        after = self._owner.after(
            held,
            kind,
            cursor=len(self.steps),
            published=self._updates.reached,
            failed_step=failed,
            now=now(),
            timeout_at=job.timeout_at,
            ended=[record.path for record in pending] if held.signals else (),
        )
        answer = await self._commits.write(held, after, payload, pending, kind, at_once=at_once)
        if isinstance(answer, Refused):
            found = answer.job
            if may_be_refused(kind) and found is not None and self._woken(found):
                self.job = found
                return False
            raise FencedOutError(found, accepted=self.accepted)
        self.job = answer.job
        self.accepted = True
        self._step_metrics.emit(self._ports.metrics)
        self._owner.note(kind, after)
        self._flushed = now()
        self._flush_wanted = False
        if self._turns is not None and self._kept < self.job.cursor:
            self._turns.keep_turn(keep=False)
        if self.job.cancel:
            job.cancel()
        return True

    def _woken(self, found: JobRecord) -> bool:
        """Whether a commit was refused because of a cancel or an answer, although we still own the job.

        An answer that an earlier commit has noticed no longer changes `woken`.
        """
        woken = found.woken != self.job.woken or bool(found.signals)
        return self.accepted and woken and is_as_held(found, self.job)

    def continuation(self, waiting: dict[str, Any] | None, tries: int = 0) -> Run:
        """The continuation of a run that could not park or end a step: all records so far, and the job's current
        record.

        Args:
            waiting: the state of the waiting step, so that the path to it and its turn are not determined again.
            tries: the tries that its ``retry`` has used up.
        """
        job = self.job._replace(tries=max(self.job.tries, tries - self._owner.cut_tries(len(self.steps))))
        if waiting is not None:
            job = job._replace(waiting=json.dumps(waiting))
        return replace(self._run, job=job, steps=tuple(self.steps), accepted=self.accepted)

    async def publish_rest(self) -> JobRecord:
        """Publish the rest after the job's end; return the job with its new `published`."""
        promised = self._commits.made == 1 and not self._run.accepted and self.job.cursor <= SMALL_JOB
        note = not (promised and self.job.status == "SUCCEEDED")
        return await self._updates.publish_rest(self.job, self.steps, note=note)

    async def publish_parked(self) -> JobRecord:
        """Publish everything after a park; then the job is due only at the end of its wait."""
        return await self._updates.publish_parked(self.job, self.steps)


def _ignore(step: ConduitStep) -> None:
    """The default of `on_failure`, without a run log."""
