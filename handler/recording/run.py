"""One run of a job, for its recorder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

from handler.invocation.time_left import TimeLeft
from infra.jobs.records import JobRecord, PayloadRecord, StepRecord


class FencedOutError(Exception):
    """A commit was refused: another owner has the job.

    Attributes:
        job: the job's current record, or ``None`` if it does not exist.
        accepted: whether the job had been accepted, in this run or before.
    """

    def __init__(self, job: JobRecord | None, *, accepted: bool) -> None:
        super().__init__("a commit was refused: another owner has the job")
        self.job = job
        self.accepted = accepted


@dataclass(slots=True, kw_only=True)
class Run:
    """The state of a run at its start. It never changes.

    Attributes:
        job: the claimed record; for a new job, its future record under our lease.
        payload: the job's payload record.
        written: the payload, parsed.
        steps: the records that count.
        accepted: whether `job` is in the table.
        lifetime: the time of the invocation.
        published: the index of the first unpublished record, if it is higher than in `job`.
        outbox: whether a message covers the job's end: it is acknowledged only after everything is published, so the
            last commit needs no `due`.
        answer_by: when the waiting caller must have the answer.
        pause_at: when the waiting caller gives up; the run pauses before its first step after that.
    """

    job: JobRecord
    payload: PayloadRecord
    written: Mapping[str, Any]
    steps: Sequence[StepRecord] = ()
    accepted: bool
    lifetime: TimeLeft
    published: int = 0
    outbox: bool
    answer_by: float = inf
    pause_at: float | None = None
