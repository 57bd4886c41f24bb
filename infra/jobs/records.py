"""The records of a job: one `JobRecord`, its `PayloadRecord`s, and its `StepRecord`s.

Indexes here count from 0: `cursor` is the number of records that count, and the index of the next one. The final number
is known only at the end. Times are seconds since the epoch, as floats.

See docs/decisions/004-positions.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple, get_args

JobStatus = Literal["QUEUED", "RUNNING", "SUCCEEDED", "FAILED", "CANCELLED"]
FINISHED: Final = frozenset[JobStatus]({"SUCCEEDED", "FAILED", "CANCELLED"})
REDRIVABLE: Final[tuple[JobStatus, ...]] = ("FAILED", "CANCELLED")
JOB_STATUSES: Final[tuple[JobStatus, ...]] = get_args(JobStatus)
UNFINISHED: Final = tuple(status for status in JOB_STATUSES if status not in FINISHED)
Phase = Literal["step", "open", "close"]
"""The role of a record: a step's only one, or the first or last one of a loop or a try."""
VERSION: Final = 1
"""The version of the record format. A job of a higher version is left to the later release that wrote it."""


@dataclass(frozen=True, slots=True)
class JobKey:
    """The key of a job: ids are unique within a tenant."""

    tenant: str
    job_id: str


class JobSummary(NamedTuple):
    """A job in a list: exactly the attributes of the index ``by-tenant``."""

    key: JobKey
    name: str | None
    status: JobStatus
    run: int
    workflow: str | None
    waiting: str | None
    created_at: float
    started_at: float | None
    finished_at: float | None
    failed_step: str | None
    expires_at: int

    @property
    def finished(self) -> bool:
        return self.status in FINISHED


class JobRecord(NamedTuple):
    """The small item that is written often. It has no payload and no results: the cost of a write grows with its size.

    A tuple, since each commit makes a changed copy or two, and those of a frozen dataclass take five times as long.
    """

    key: JobKey
    name: str | None
    status: JobStatus
    payload: str
    """The key of the `PayloadRecord` that counts."""
    payload_hash: str
    """Hash of the payload that was accepted first; never changes. The same id with another hash is a conflict."""
    created_at: float
    expires_at: int
    """DynamoDB's time to live, in whole seconds. An expired item counts as absent: AWS deletes lazily."""
    workflow: str | None = None
    """JSON of ``{name, version}`` of the stored workflow that the job came from, or ``None``."""
    cursor: int = 0
    """The number of records that count, and the index of the next one."""
    published: int = 0
    """Index of the first unpublished record; ``cursor + 1`` when the end is published too."""
    fence: int = 0
    """Grows by one with each claim."""
    lease: str | None = None
    """``<fence>-<random>`` of the current claim, or ``None`` if the job has no owner."""
    lease_until: float = 0.0
    leases: tuple[tuple[int, str], ...] = ()
    """``((first index, lease), …)``: the lease under which each range of records was written."""
    attempts: int = 0
    """Claims of the step at the cursor."""
    started: bool = False
    """Whether that step has an effect and has begun."""
    tries: int = 0
    """The tries that the step's ``retry`` has used up."""
    last_error: str | None = None
    """JSON of ``{error, attempts, started_at, finished_at}`` of that step's last try, while it waits for the next."""
    hand_overs: int = 0
    """Hand-overs since the last record."""
    run: int = 1
    """Grows by one with each redrive."""
    cancel: bool = False
    woken: int = 0
    """Grows by one with each cancel and each answer: a job may park only if its owner knows the latest value."""
    waiting: str | None = None
    """JSON of ``{for, path, until, since, woken, …}``: the wait of the step at the cursor. The job is parked while
    ``since`` exists; a claim removes it."""
    idle: tuple[tuple[float, float], ...] = ()
    """``((ended, redriven), …)``: the periods between runs, which do not count for a loop's ``timeout``."""
    signals: tuple[tuple[str, str], ...] = ()
    """``((path, random), …)``: the answers that count."""
    sender: str | None = None
    """The principal who sent the job, if one of its steps needs it."""
    redriven_by: str | None = None
    """The principal who last redrove the job, under the same condition."""
    secret: str | None = None
    """Key of the job's callback tokens: 16 random bytes in hexadecimal digits."""
    version: int = VERSION
    due: float | None = None
    """When the sweeper checks the job next; ``None`` if nothing is left to do."""
    sweeps: int = 0
    """How often the sweeper moved `due` without effect; each time doubles the wait."""
    started_at: float | None = None
    finished_at: float | None = None
    ends_at: float = math.inf
    """When the job must have ended, counted from its acceptance or last redrive, without parked time."""
    timeout_at: float | None = None
    """When the job's own ``timeout`` expires; waits do not move it."""
    resume_at: float | None = None
    """When the step at the cursor continues, while it waits from one invocation to a later one."""
    failed_step: str | None = None
    """JSON of ``{id, position, action, status}`` of the first step that failed, or ``None``."""

    @property
    def finished(self) -> bool:
        return self.status in FINISHED

    @property
    def all_published(self) -> bool:
        """Whether all events are published, including that of the end."""
        return self.published > self.cursor

    @property
    def summary(self) -> JobSummary:
        """The job in the form for lists."""
        return JobSummary(
            self.key,
            self.name,
            self.status,
            self.run,
            self.workflow,
            self.waiting,
            self.created_at,
            self.started_at,
            self.finished_at,
            self.failed_step,
            self.expires_at,
        )

    def held(self, now: float) -> bool:
        """Whether the job has an owner. After its lease it has none, although the former owner may still be writing."""
        return self.lease is not None and self.lease_until >= now

    def lease_of(self, index: int) -> str | None:
        """The lease of the record that counts at `index`."""
        return self.stretch_of(index)[1]

    def stretch_of(self, index: int) -> tuple[int, str | None]:
        """The range that contains `index`: the index of its first record, and its lease."""
        found: tuple[int, str | None] = (0, None)
        for first, owner in self.leases:
            if first <= index:
                found = (first, owner)
        return found


_PLACES: Final = {name: place for place, name in enumerate(JobRecord._fields)}


def _replace(job: JobRecord, /, **changes: Any) -> JobRecord:
    """Return a record with other values: `JobRecord._replace`, without asking for each field whether it changes."""
    values = [*job]
    for name, value in changes.items():
        values[_PLACES[name]] = value
    return tuple.__new__(JobRecord, values)


JobRecord._replace = _replace  # type: ignore[assignment, method-assign]  # 3 % of the CPU of a job of 10 steps


@dataclass(slots=True, kw_only=True)
class PayloadRecord:
    """An accepted job and its rights. Written once, never changed."""

    key: JobKey
    hash: str
    """The hash of payload and rights together, as in the item's key ``PAYLOAD#<hash>``."""
    payload: str
    """The job as JSON."""
    rights: str
    """The accepted rights as JSON: tags and limits of the sender."""
    expires_at: int


class StepRecord(NamedTuple):
    """One record of a step. A tuple, since each step makes one, and a frozen dataclass takes four times as long."""

    key: JobKey
    index: int  # type: ignore[assignment]  # hides a tuple's own method `index`
    """Its number less 1."""
    lease: str
    """The claim that wrote it."""
    step_id: str
    path: str
    """The step's place: its id at the top level, ``orders.3.post`` in item 3 of a loop."""
    action: str
    status: str
    status_value: int
    result: str | None
    """Canonical JSON, or ``None`` for a step without a result."""
    error: str | None
    """JSON of ``{type, message[, details]}``, or ``None``."""
    attempts: int
    started_at: float | None
    finished_at: float | None
    duration_ms: float | None
    variables: str | None
    """JSON of ``{"set": {name: value}, "deleted": [name]}``: the step's changes, or ``None`` if there are none."""
    expires_at: int
    phase: Phase = "step"
    opened: str | None = None
    """JSON with the loop's data that an *open* record keeps."""

    @property
    def position(self) -> int:
        return self.index + 1
