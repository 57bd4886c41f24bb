"""Publishes committed updates, in order, and records its progress."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf
from typing import Any, Final, NamedTuple

from handler.engine.status import UNEVENTFUL
from handler.ports import Ports
from handler.recording.events import StepUpdates, job_finished, job_waiting
from handler.recording.ownership import OUTBOX_SECONDS
from infra.errors import InfraError
from infra.jobs.jobs_table import Written
from infra.jobs.parking import parked
from infra.jobs.records import JobRecord, StepRecord
from infra.messaging.event_bus import Entry

_ANSWER: Final = "answer"
PATIENCE: Final = 2.0
"""The most seconds by which a slow bus may delay a caller without a deadline."""
_AT_ONCE: Final = 50
"""Entries that are sent before the clock is checked again: five calls of the bus."""


class _Update(NamedTuple):
    """An entry, and the index of the first record in it."""

    first: int
    entry: Entry


class Publisher:
    """Publishes a job's updates.

    Args:
        ports: the use cases' ports.
    """

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def publish(self, job: JobRecord, steps: Sequence[StepRecord], *, until: float = inf) -> int:
        """Publish committed updates that are not on the bus yet.

        Args:
            job: the current record, with `published`.
            steps: the job's records in order; may be empty if all of them are on the bus.
            until: when to stop; `due` covers the rest.

        Returns:
            The new value of `job.published`: all updates before it are on the bus. It never decreases.
        """
        updates = self._updates(job, steps)
        if job.finished and not job.all_published:
            updates.append(_Update(job.cursor, job_finished(job, steps, limit=self._ports.settings.event_limit)))
        reached = await self._send(job, updates, until)
        if reached is not None:
            return max(job.published, reached)
        return job.cursor + 1 if job.finished else max(job.published, job.cursor)

    def _updates(self, job: JobRecord, steps: Sequence[StepRecord]) -> list[_Update]:
        """The updates of committed, unpublished records that the deployment wants."""
        settings = self._ports.settings
        wanted = settings.step_events
        if wanted == "none" or job.published >= job.cursor:
            return []
        waiting = [step for step in steps[job.published : job.cursor] if step.phase != "open"]
        if wanted == "failures":
            waiting = [step for step in waiting if step.status not in UNEVENTFUL]
        updates = StepUpdates(job, steps, limit=settings.event_limit)
        if wanted == "grouped":
            return [_Update(first, entry) for first, entry in updates.groups(waiting)]
        return [_Update(step.index, updates.entry(step)) for step in waiting]

    async def _send(self, job: JobRecord, updates: Sequence[_Update], until: float) -> int | None:
        """Send the updates; return the index of the first record that did not reach the bus, or ``None`` if all did."""
        for start in range(0, len(updates), _AT_ONCE):
            part = updates[start : start + _AT_ONCE]
            if start and self._ports.now() >= until:
                return part[0].first
            missing = await self._send_part(job, part)
            if missing is not None:
                return missing
        return None

    async def _send_part(self, job: JobRecord, updates: Sequence[_Update]) -> int | None:
        codes: list[str] = []
        try:
            taken = set(await self._ports.bus.publish([update.entry for update in updates], missed=codes.append))
        except InfraError as error:
            self._report(job, len(updates), str(error))
            return updates[0].first
        missing = [update.first for at, update in enumerate(updates) if at not in taken]
        if not missing:
            return None
        self._report(job, len(missing), f"the bus rejected entries: {', '.join(sorted(set(codes)))}")
        return min(missing)

    def _report(self, job: JobRecord, count: int, why: str) -> None:
        self._ports.metrics.count("PublishFailures", count)
        self._ports.log.error(
            "Updates did not reach the bus; they stay recorded and are published later",
            extra={"tenant": job.key.tenant, "job_id": job.key.job_id, "entries": count, "reason": why},
        )

    async def settle(
        self,
        job: JobRecord,
        steps: Sequence[StepRecord] | None = None,
        *,
        note: bool = True,
        until: float | None = None,
    ) -> JobRecord:
        """Publish the rest of a finished job, and record this.

        Args:
            job: the current record.
            steps: its records, if available.
            note: whether to write `published` even if nothing is due: otherwise a later message about the job, or a
                redrive, would publish the updates again.
            until: see `publish`; ``None`` for a few seconds from now.

        Returns:
            The job with its new `published`. Unpublished updates are safe while `due` is set.
        """
        if job.all_published and job.due is None:
            return job
        if steps is None:
            steps = await self._left(job)
        published = await self.publish(job, steps, until=self._end_of(until))
        moved = published > job.published or published > job.cursor
        if moved and (note or job.due is not None):
            answer = await self._ports.table.mark_published(job, published)
            if isinstance(answer, Written):
                return answer.job
        return job._replace(published=published)

    async def _left(self, job: JobRecord) -> Sequence[StepRecord]:
        """The records for the unpublished updates of a finished job; for its end alone, only the last record."""
        if job.published < job.cursor:
            return await self._ports.table.records.read_steps(job)
        last = await self._ports.table.records.read_step(job, job.cursor - 1)
        return [] if last is None else [last]

    def _end_of(self, until: float | None) -> float:
        return self._ports.now() + PATIENCE if until is None else until

    async def settle_parked(
        self, job: JobRecord, steps: Sequence[StepRecord] | None = None, *, until: float | None = None
    ) -> JobRecord:
        """Publish the rest of a parked job. Once everything is on the bus, set `due` to `resume_at`.

        Args:
            job: the job as it was parked or read.
            steps: its records, if available.
            until: see `settle`.

        Returns:
            The current record; the given one if the bus did not accept everything, or if the job was claimed meanwhile.
        """
        waiting = parked(job)
        if waiting is None or _is_settled(job, waiting):
            return job
        if steps is None:
            steps = await self._ports.table.records.read_steps(job) if job.published < job.cursor else ()
        ends_at = self._end_of(until)
        published = await self.publish(job, steps, until=ends_at)
        if published < job.cursor:
            return job
        if waiting["for"] == _ANSWER:
            event = _Update(job.cursor, job_waiting(job, waiting))
            if await self._send(job, [event], ends_at) is not None:
                return job
        if job.due == job.resume_at and published == job.published:
            return job
        answer = await self._ports.table.mark_parked(job, published)
        return answer.job if isinstance(answer, Written) else job


def _is_settled(job: JobRecord, waiting: Mapping[str, Any]) -> bool:
    """Whether all updates of a parked job are on the bus: then `due` has been moved to the end of its wait.

    A short wait has this `due` from the start, so its question may be published again.
    """
    if job.due is None or job.due != job.resume_at or job.published < job.cursor:
        return False
    return waiting["for"] != _ANSWER or job.due > float(waiting["since"]) + OUTBOX_SECONDS
