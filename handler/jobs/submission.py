"""A new job: its first records, and the hashes that identify a job that was sent before."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final, Literal

from blocks.block import Registry
from handler.caller import Caller, Rights
from handler.invocation.time_left import TimeLeft
from handler.payload.parse import JobPayload
from handler.ports import Ports
from handler.recording.run import Run
from handler.workflows.origin import Origin
from infra.jobs.jobs_table import Answer
from infra.jobs.records import JobKey, JobRecord, PayloadRecord

DAY: Final = 86_400
_INNER: Final = ("do", "try", "catch", "else")
"""The fields that contain steps; a choice also has steps in its branches."""


Kind = Literal["created", "accepted", "known"]


@dataclass(frozen=True, slots=True)
class Submission:
    """The outcome of sending a job.

    Attributes:
        kind: ``created``: it finished; ``accepted``: it continues in the background; ``known``: it was sent before.
        job: its JSON.
    """

    kind: Kind
    job: dict[str, Any]


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job that was sent and does not exist yet.

    Attributes:
        job: the `JOB` record for its acceptance.
        payload: the `PAYLOAD` record for its acceptance.
        written: the payload as it was sent.
        origin: the stored workflow of the job, if any.
    """

    job: JobRecord
    payload: PayloadRecord
    written: Mapping[str, Any]
    origin: Origin | None = None

    @classmethod
    def of(cls, ports: Ports, caller: Caller, sent: JobPayload, origin: Origin | None = None) -> NewJob:
        """The new job of a caller; `sent` must have an id."""
        if sent.id is None:
            raise ValueError("a new job needs an id")
        now, settings = ports.now(), ports.settings
        created_at = round(now, 3)  # rounded as in answers: a list that starts at the shown time includes this job
        key = JobKey(caller.tenant, sent.id)
        text = sent.canonical()
        payload = payload_record(key, text, caller.rights, int(now) + settings.retention_days * DAY)
        job = JobRecord(
            key=key,
            name=sent.name,
            status="QUEUED",
            payload=payload.hash,
            payload_hash=(origin.digest if origin is not None else None) or digest(sent.meaning(text)),
            workflow=origin.text if origin is not None else None,
            created_at=created_at,
            expires_at=payload.expires_at,
            ends_at=now + settings.job_seconds,
            sender=caller.principal if knows_people(text) else None,
            secret=ports.token() + ports.token(),
        )
        return cls(job, payload, sent.as_job(), origin)

    def is_known_as(self, found: JobRecord) -> bool:
        """Whether the existing job with this id is this job, sent before.

        If the id identifies a firing or a call of a hook, the rest of the request is not compared.
        """
        by_id_alone = self.origin is not None and self.origin.digest is None
        return by_id_alone or found.payload_hash == self.job.payload_hash

    def late_run(self, ports: Ports, lifetime: TimeLeft, *, outbox: bool, pause_at: float | None = None) -> Run:
        """A run that accepts the job with its first write. Until then, the sender has no confirmation."""
        job = self.job._replace(status="RUNNING", fence=1, lease=f"1-{ports.token()}")
        return Run(
            job=job,
            payload=self.payload,
            written=self.written,
            accepted=False,
            lifetime=lifetime,
            outbox=outbox,
            pause_at=pause_at,
        )

    async def accept(self, ports: Ports, *, due: float) -> Answer:
        """Accept the job before it runs."""
        await ports.table.records.put(self.payload, ())
        return await ports.table.accept(self.job._replace(due=due), ports.now())


def is_pure(registry: Registry, steps: Iterable[Mapping[str, Any]]) -> bool:
    """Whether these steps and their inner steps have no block with an effect.

    Args:
        registry: the blocks.
        steps: the accepted steps.
    """
    for step in steps:
        block = registry.get(str(step.get("action", "")))
        branches = (branch["do"] for branch in step.get("choose") or ())
        inner = chain(*(step.get(name) or () for name in _INNER), *branches)
        if (block is not None and block.effect != "none") or not is_pure(registry, inner):
            return False
    return True


def knows_people(text: str) -> bool:
    """Whether a step may need the job's sender: otherwise the record omits the sender."""
    return '"not_sender"' in text


def payload_record(key: JobKey, text: str, rights: Rights, expires_at: int) -> PayloadRecord:
    """A payload with its rights. The hash covers both; otherwise an equal payload could get another caller's rights."""
    encoded = rights.encode()
    return PayloadRecord(
        key=key, hash=digest(f"{text}\n{encoded}"), payload=text, rights=encoded, expires_at=expires_at
    )


def digest(text: str) -> str:
    """SHA-256, as 64 hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()
