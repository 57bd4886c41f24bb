"""Brings recorded updates to the bus, in order, and notes how far it got. What it tells of is committed before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from handler.ports import Ports
from handler.recording.events import StepUpdates, job_finished
from infra.errors import InfraError
from infra.event_bus import Entry
from infra.jobs_table import Written
from infra.records import JobRecord, StepRecord

OUTBOX_SECONDS: Final = 60.0
"""After so long the sweeper looks at what should have been published, handed over or begun by then."""
_QUIET: Final = frozenset({"DONE", "SKIPPED", "IF_CONDITION_FAILED"})


class Publisher:
    """The way to the bus.

    Args:
        ports: the world.
    """

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def publish(self, job: JobRecord, steps: Sequence[StepRecord]) -> int:
        """Publish what is committed and not on the bus yet.

        Args:
            job: as it stands; what counts as published already stands in it.
            steps: the job's records in order; none are needed once all of them are on the bus.

        Returns:
            What `job.published` may become: everything before it is on the bus. Never less than it is.
        """
        waiting = steps[job.published : job.cursor]
        updates = StepUpdates(job, limit=self._ports.settings.event_limit)
        entries = [(step.index, updates.entry(step)) for step in waiting if self._is_told(step)]
        if job.finished and not job.all_published:
            entries.append((job.steps, job_finished(job)))
        missing = await self._send(job, entries)
        if missing:
            return max(job.published, min(missing))
        return job.steps + 1 if job.finished else max(job.published, job.cursor)

    def _is_told(self, step: StepRecord) -> bool:
        wanted = self._ports.settings.step_events
        return wanted == "all" or (wanted == "failures" and step.status not in _QUIET)

    async def _send(self, job: JobRecord, entries: Sequence[tuple[int, Entry]]) -> set[int]:
        """Send them; gives the indexes of what did not reach the bus."""
        if not entries:
            return set()
        codes: list[str] = []
        try:
            taken = set(await self._ports.bus.publish([entry for _, entry in entries], missed=codes.append))
        except InfraError as error:
            self._tell(job, len(entries), str(error))
            return {index for index, _ in entries}
        missing = {index for at, (index, _) in enumerate(entries) if at not in taken}
        if missing:
            self._tell(job, len(missing), f"the bus did not take them: {', '.join(sorted(set(codes)))}")
        return missing

    def _tell(self, job: JobRecord, count: int, why: str) -> None:
        self._ports.metrics.count("PublishFailures", count)
        self._ports.log.error(
            "Updates did not reach the bus; they stay recorded and are published later",
            extra={"tenant": job.key.tenant, "job_id": job.key.job_id, "entries": count, "reason": why},
        )

    async def settle(self, job: JobRecord, steps: Sequence[StepRecord] | None = None) -> JobRecord:
        """Publish what is left of a finished job and note it, where something else than a message stands for it.

        Args:
            job: as it stands.
            steps: its records, if they are at hand.

        Returns:
            The job with `published` as far as the bus has got. What is missing is safe while `due` is set.
        """
        if job.all_published and job.due is None:
            return job
        if steps is None:
            steps = [] if job.published >= job.cursor else await self._ports.table.read_steps(job)
        published = await self.publish(job, steps)
        if job.due is not None and (published > job.published or published > job.steps):
            answer = await self._ports.table.mark_published(job, published)
            if isinstance(answer, Written):
                return answer.job
        return job._replace(published=published)
