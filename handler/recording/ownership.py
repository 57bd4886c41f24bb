"""The JOB records that a job's owner writes: the kinds of commit, and the record after each kind."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

from handler.engine import ConduitStatus, Paused
from handler.recording.run import Run
from handler.settings import Settings
from infra.jobs.records import JobRecord, JobStatus

OUTBOX_SECONDS: Final = 60.0
"""Seconds after which the sweeper checks a job whose updates or park should be complete by then."""
QUEUED_SECONDS: Final = 300.0
"""Seconds after which the sweeper sends another message for a job whose first should have been received by then."""
NO_STEP: Final = -1
"""An index that no step has."""
_SHOWN_OF_A_TRY: Final = ("error", "attempts", "started_at", "finished_at")


@dataclass(frozen=True, slots=True)
class Flush:
    """Commits the records so far."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """Commits, and marks that the step at the cursor is about to begin.

    Attributes:
        effect: whether its block has an effect.
        tries: the tries that its ``retry`` has used up.
        path: the step's path, if it has an effect and a condition with `now()` chose it. Once the effect may have
            happened, the condition is not evaluated again. See docs/decisions/026-the-clock-in-conditions.md.
    """

    effect: bool
    tries: int = 0
    path: str | None = None


@dataclass(frozen=True, slots=True)
class End:
    """Commits, and ends the job."""

    status: JobStatus


@dataclass(frozen=True, slots=True)
class Release:
    """Commits, and releases the job before the step at the cursor: handed over or parked.

    Attributes:
        paused: why the engine paused.
        waiting: the wait, if the job parks; without ``until``, other state of the step to store.
    """

    paused: Paused
    waiting: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class TimeOut:
    """Commits, and ends a step that was not answered in time, if there is still no answer.

    Attributes:
        path: the path of the step.
    """

    path: str


Commit = Flush | Attempt | End | Release | TimeOut


def unanswered_of(commit: Commit) -> str | None:
    """The path of the step that must be unanswered for this commit to count."""
    match commit:
        case TimeOut(path):
            return path
        case Release(waiting={"for": "answer", "path": str(path)}):
            return path
    return None


def may_be_refused(commit: Commit) -> bool:
    """Whether an answer or a cancel may make the commit fail although we still own the job."""
    return isinstance(commit, TimeOut) or parks(commit)


def parks(commit: Commit) -> bool:
    """Whether the job waits after the commit, instead of continuing in another invocation."""
    return isinstance(commit, Release) and commit.waiting is not None and "until" in commit.waiting


class Ownership:
    """One claim of a job: counts the attempts of its current step, by this owner and earlier ones.

    Args:
        run: the run.
        settings: the deployment's settings.
        began: when the run began.
    """

    def __init__(self, run: Run, settings: Settings, began: float) -> None:
        if run.job.lease is None:
            raise ValueError(f"{run.job.key}: a run needs the lease of a claim")
        self._run, self._settings, self._began = run, settings, began
        self.lease = run.job.lease
        self.start = run.job.cursor
        self.prior = run.job.attempts - 1 if run.accepted else 0
        self.careful = self.prior > 0
        self._lease_until = run.lifetime.ends_at + settings.lease_margin
        # The state of the step at the cursor; each commit resets it, see `note`.
        self._counted = run.job.cursor if run.accepted else NO_STEP  # the claim is an attempt of this step
        self._marked: tuple[int, int] = (NO_STEP, 0)

    def outcome_of_crashes(self, effect: str) -> ConduitStatus | None:
        """The outcome of the step at which earlier owners stopped, or ``None`` if it is run again."""
        if effect == "at_most_once" and self._run.job.started and self.prior > 0:
            return ConduitStatus.INTERRUPTED
        settings = self._settings
        if self.prior >= settings.max_attempts or self._run.job.hand_overs >= settings.max_hand_overs:
            return ConduitStatus.TIME_LIMIT_EXCEED
        return None

    def must_note(self, index: int, effect: str, tries: int) -> bool:
        """Whether the step's attempt must be written before it begins."""
        unmarked = effect != "none" and self._marked != (index, tries)
        return unmarked or (self.careful and self._counted != index)

    def after(
        self,
        held: JobRecord,
        commit: Commit,
        *,
        cursor: int,
        published: int,
        failed_step: str | None,
        now: float,
        timeout_at: float | None,
        ended: Collection[str] = (),
    ) -> JobRecord:
        """The record that a commit writes.

        Args:
            held: the record as last committed.
            commit: the kind of commit.
            cursor: the number of records that count afterwards.
            published: the index of the first unpublished record.
            failed_step: the job's failed step.
            now: the time.
            timeout_at: when the job's own `timeout` expires.
            ended: paths of the steps that the commit records: their answers are no longer needed.
        """
        signals = held.signals
        after = held._replace(
            published=max(held.published, published),
            failed_step=failed_step,
            attempts=self._attempts(held, commit, cursor),
            signals=tuple(signal for signal in signals if signal[0] not in ended) if signals else (),
            timeout_at=timeout_at,
            lease_until=self._lease_until,
            due=self._lease_until,
            started_at=held.started_at if held.started_at is not None else min(self._began, now),
        )
        if cursor > held.cursor:
            after = self._moved(after, held, cursor)
        match commit:
            case Attempt(effect, tries, path):
                tries = max(after.tries, tries - self.cut_tries(cursor))
                waiting = after.waiting if path is None else after.waiting or _encode({"path": path})
                return after._replace(started=effect or after.started, tries=tries, waiting=waiting)
            case End(status):
                return self._ended(after, status, now)
            case Release(paused, waiting):
                released = self._released(after, paused, now)
                if waiting is None:
                    return released
                return _parked(released, waiting, now) if parks(commit) else released._replace(waiting=_encode(waiting))
        return after

    def note(self, commit: Commit, after: JobRecord) -> None:
        """Note that the commit was written, and reset the state of the step at the cursor."""
        self._counted, self._marked = NO_STEP, (NO_STEP, 0)
        if isinstance(commit, Attempt):
            self._counted = after.cursor
            if commit.effect:
                self._marked = (after.cursor, commit.tries)

    def _moved(self, after: JobRecord, held: JobRecord, cursor: int) -> JobRecord:
        """The record with the cursor behind all put records, and with the state of the step at the new cursor."""
        leases = held.leases
        if not leases or leases[-1][1] != self.lease:
            leases = (*leases, (held.cursor, self.lease))
        return after._replace(
            cursor=cursor,
            leases=leases,
            started=False,
            tries=0,
            last_error=None,
            resume_at=None,
            waiting=None,
            hand_overs=0,
        )

    def _attempts(self, held: JobRecord, commit: Commit, cursor: int) -> int:
        """The attempts of the step at the new cursor: an absolute number, since a write may be repeated."""
        noted = held.attempts if cursor == held.cursor else 0
        counted = self._counted == cursor
        match commit:
            case Attempt():
                return noted if counted else noted + 1
            case Release(Paused(cut=True)) if not self._run.lifetime.is_used:
                return noted if counted else noted + 1
            case Release() if counted:
                return noted - 1  # the step did not begin, or ended without a crash
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
        tries = max(0, paused.tries - self.cut_tries(after.cursor))
        waited = after.tries < tries  # a retry that waits counts as progress
        wait = max(0.0, paused.resume_in)
        return after._replace(
            status="QUEUED",
            lease=None,
            lease_until=0.0,
            started=after.started and (paused.cut or not self._only_we_marked(after.cursor)),
            tries=tries,
            resume_at=now + wait if wait else None,
            hand_overs=(0 if waited else after.hand_overs) + (not self._run.lifetime.is_used),
            due=now + wait + QUEUED_SECONDS,
        )

    def noted_here(self, index: int) -> bool:
        """Whether this run has already marked the step: then the step is about to be tried again."""
        return self._marked[0] == index

    def cut_tries(self, cursor: int) -> int:
        """The tries that ended in a crash: `attempts` counts them, `tries` does not."""
        job = self._run.job
        return cut_tries(job) if self._run.accepted and cursor == self.start else 0

    def _only_we_marked(self, cursor: int) -> bool:
        """Whether we may remove the mark of the step's start. An earlier owner may have begun the step and died."""
        inherited = cursor == self.start and self._run.job.started
        return self._marked[0] == cursor and not inherited


def cut_tries(job: JobRecord) -> int:
    """The tries of the step at the cursor (with an effect) that ended in a crash. `job` is claimed."""
    return max(0, job.attempts - 1) if job.started else 0


def _parked(released: JobRecord, waiting: dict[str, Any], now: float) -> JobRecord:
    """The record of a parked job: until its updates are published, it is due soon."""
    shown = {name: waiting[name] for name in _SHOWN_OF_A_TRY if waiting.get(name) is not None}
    kept = {name: value for name, value in waiting.items() if name not in _SHOWN_OF_A_TRY}
    resume_at = float(kept["until"])
    kept |= {"since": now, "woken": released.woken}
    return released._replace(
        hand_overs=0,
        waiting=_encode(kept),
        last_error=_encode(shown) if shown else None,
        resume_at=resume_at,
        due=min(resume_at, now + OUTBOX_SECONDS),
    )


def _encode(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
