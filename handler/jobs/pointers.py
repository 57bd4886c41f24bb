"""Pointers: the messages that wake a known job."""

from __future__ import annotations

import hashlib
import json
from typing import Final

from handler.invocation.log import log_fields
from handler.ports import Ports
from handler.recording.ownership import OUTBOX_SECONDS
from infra.errors import InfraError
from infra.jobs.records import JobKey, JobRecord
from infra.messaging.job_queue import LONGEST_DELAY

_MOST_BYTES: Final = 4096
"""The largest pointer, in characters; ours have a few hundred."""


class Pointers:
    """Sends pointers.

    Args:
        ports: the use cases' ports.
    """

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def hand_over(self, job: JobRecord, *, salt: str = "") -> bool:
        """Send the pointer of a job that can continue. If that fails, the sweeper sends one in a minute.

        Args:
            job: the job as it was accepted or released.
            salt: distinguishes the pointer from an earlier one for the same state (FIFO queues drop duplicates).

        Returns:
            Whether it was sent.
        """
        wait = max(0.0, job.resume_at - self._ports.now()) if job.resume_at is not None else 0.0
        if await self.send(job, delay=min(wait, LONGEST_DELAY), salt=salt):
            return True
        try:
            await self._ports.table.move_due(job, self._ports.now() + wait + OUTBOX_SECONDS)
        except InfraError as error:
            self._ports.log_failure("run", "The sweeper will hand a job over late", error, **log_fields(job.key))
        return False

    async def wake_later(self, job: JobRecord) -> None:
        """Send the pointer of a parked job, if SQS can delay a message that long.

        `due` wakes the job anyway: for longer waits, on a FIFO queue, and if sending fails.
        """
        wait = (job.resume_at or 0.0) - self._ports.now()
        if wait <= LONGEST_DELAY and not self._ports.settings.queue_url.endswith(".fifo"):
            await self.send(job, delay=max(0.0, wait))

    async def send(self, job: JobRecord, *, delay: float = 0.0, salt: str = "") -> bool:
        """Send a pointer; return whether it was sent."""
        body = json.dumps({"resume": {"tenant": job.key.tenant, "job_id": job.key.job_id}}, separators=(",", ":"))
        name = digest(job.key)
        state = f"{job.run}-{job.fence}-{job.hand_overs}-{job.woken}"
        try:
            await self._ports.queue.send(
                body,
                delay=delay,
                group=name,
                deduplication=f"{name}-{state}{salt}",
                fair=tenant_digest(job.key.tenant),
            )
        except InfraError as error:
            self._ports.log_failure(
                "run", "A job could not be handed over; the sweeper will", error, **log_fields(job.key)
            )
            return False
        return True


def pointer(body: str) -> JobKey | None:
    """The job that a message points to, or ``None`` if the message is not a pointer.

    Unknown fields are ignored, because a later release may have sent the pointer.
    """
    if '"resume"' not in body or len(body) > _MOST_BYTES:
        return None
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        return None
    match fields:
        case {"resume": {"tenant": str(tenant), "job_id": str(job_id)}, **others} if "steps" not in others:
            return JobKey(tenant, job_id)
    return None


def tenant_digest(tenant: str) -> str:
    """A message group for a tenant, in characters that SQS allows: SQS shares a queue fairly between groups."""
    return hashlib.sha256(tenant.encode()).hexdigest()[:32]


def digest(key: JobKey) -> str:
    """A digest of a job's key, in characters and a length that SQS allows; tenants may have any characters."""
    return hashlib.sha256(f"{key.tenant}#{key.job_id}".encode()).hexdigest()[:32]
