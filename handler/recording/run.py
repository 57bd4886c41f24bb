"""One run of a job: what its recorder knows of it, and how another owner takes it over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

from handler.invocation.time_left import TimeLeft
from infra.records import JobRecord, PayloadRecord, StepRecord


class FencedOutError(Exception):
    """The job is not ours (any more): a commit was refused.

    Attributes:
        job: its current state, or ``None`` if it does not exist.
        accepted: whether it had been accepted by this run or before it.
    """

    def __init__(self, job: JobRecord | None, *, accepted: bool) -> None:
        super().__init__("a commit was refused: the job is in other hands")
        self.job = job
        self.accepted = accepted


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What a recorder knows of the run that it records.

    Attributes:
        job: the claimed record; of a job that nobody knows of yet, what its record would be under our lease.
        payload: what the job was, or would be, accepted with.
        written: the same, read.
        steps: the records that count.
        accepted: whether `job` is in the table.
        lifetime: of the invocation.
        published: how far the bus has got, if farther than `job` says.
        outbox: whether a message that is not acknowledged before everything is published covers the job's end, so
            that its last commit need not leave anything due.
        answer_by: when somebody who waits for an answer must have it.
        pause_at: when somebody is tired of waiting; the run pauses before the next step that would begin later.
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
