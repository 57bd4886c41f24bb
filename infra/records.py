"""What stands in the table: one `JobRecord`, its `PayloadRecord`s, and a `StepRecord` a step.

Positions here count from 0: `cursor` is the number of steps recorded, and the index of the first that is not.
Times are seconds since the epoch, as floats.

See docs/decisions/004-positions.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

JobStatus = Literal["QUEUED", "RUNNING", "SUCCEEDED", "FAILED", "CANCELLED"]
FINISHED: Final = frozenset({"SUCCEEDED", "FAILED", "CANCELLED"})


@dataclass(frozen=True, slots=True)
class JobKey:
    """Which job: ids are unique within a tenant."""

    tenant: str
    job_id: str


class JobRecord(NamedTuple):
    """The small, often written item. It never holds payload or results: a write costs by the size of the item.

    A tuple, since each commit makes a changed copy or two, and those of a frozen dataclass take five times as long.
    """

    key: JobKey
    name: str | None
    status: JobStatus
    steps: int
    """How many steps the job has."""
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
    """Index of the first step that is not recorded."""
    published: int = 0
    """Index of the first step whose update is not on the bus; ``steps + 1`` when the end is there too."""
    fence: int = 0
    """One more with each claim."""
    lease: str | None = None
    """``<fence>-<random>`` of the claim that holds the job, or ``None`` when nobody does."""
    lease_until: float = 0.0
    leases: tuple[tuple[int, str], ...] = ()
    """``((first index, lease), …)``: under which lease each stretch of steps was recorded."""
    attempts: int = 0
    """Claims of the step at the cursor."""
    started: bool = False
    """Whether that step, having an effect, began."""
    tries: int = 0
    """Tries of that step's ``retry`` that are used up."""
    hand_overs: int = 0
    """Hand-overs without a step recorded between them."""
    run: int = 1
    """One more with each redrive."""
    cancel: bool = False
    due: float | None = None
    """When the sweeper shall look; ``None`` when nobody owes this job anything."""
    sweeps: int = 0
    """How often the sweeper moved `due` on in vain; each doubles the wait."""
    started_at: float | None = None
    finished_at: float | None = None
    ends_at: float = math.inf
    """When the job must have ended: so long after its acceptance or its last redrive."""
    resume_at: float | None = None
    """When the step at the cursor may be tried again, while its ``retry`` waits from one invocation to a later one."""
    failed_step: str | None = None
    """JSON of ``{id, position, action, status}`` of the first step that failed, or ``None``."""

    @property
    def finished(self) -> bool:
        return self.status in FINISHED

    @property
    def all_published(self) -> bool:
        """Whether the bus has everything, the end included."""
        return self.published > self.steps

    def held(self, now: float) -> bool:
        """Whether a claim holds the job; one whose lease is over does not, though its owner may still be at work."""
        return self.lease is not None and self.lease_until >= now

    def lease_of(self, index: int) -> str | None:
        """The lease under which the step at `index` was recorded: the record of that lease is the one that counts."""
        lease = None
        for first, owner in self.leases:
            if first <= index:
                lease = owner
        return lease


@dataclass(frozen=True, slots=True, kw_only=True)
class PayloadRecord:
    """What was accepted and the rights it was accepted with. Written once, never changed."""

    key: JobKey
    hash: str
    """Of payload and rights together; the item's ``PAYLOAD#<hash>``."""
    payload: str
    """The job as JSON."""
    rights: str
    """The accepted rights as JSON: tags and limits of whoever sent it."""
    expires_at: int


class StepRecord(NamedTuple):
    """One finished step. A tuple, since each step makes one, and a frozen dataclass takes four times as long."""

    key: JobKey
    index: int  # type: ignore[assignment]  # a tuple's own `index` is of no use here
    """Its position less 1."""
    lease: str
    """The claim that wrote it."""
    step_id: str
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
    """JSON of ``{"set": {name: value}, "deleted": [name]}`` for what the step changed, or ``None`` for nothing."""
    expires_at: int

    @property
    def position(self) -> int:
        return self.index + 1
