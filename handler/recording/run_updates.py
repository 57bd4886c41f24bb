"""Publishes the updates of one run: periodically during the run, and the rest after its end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from handler.ports import Ports
from handler.recording.publisher import Publisher
from handler.recording.run import Run
from infra.jobs.records import JobRecord, StepRecord

BUS_REST: Final = 30.0
"""Seconds to wait after a failure of the bus: a retry costs time that the job's steps need."""
EVENT_BATCH: Final = 10
"""The number of updates that fill one call of the bus and are sent at once."""


class RunUpdates:
    """The updates of one run.

    Args:
        ports: the use cases' ports.
        run: the run.
        began: when the run began.

    Attributes:
        reached: the next value of the job's `published`: all updates before it are on the bus.
    """

    def __init__(self, ports: Ports, run: Run, began: float) -> None:
        self._ports, self._run = ports, run
        self._publisher = Publisher(ports)
        self._published_at = began
        self._bus_rests_until = 0.0
        self.reached = max(run.job.published, run.published)

    async def publish_now_and_then(self, job: JobRecord, steps: Sequence[StepRecord]) -> None:
        """Publish during the run, if updates are due: a step's update must not wait for the end of a long job.

        Args:
            job: the job as last committed.
            steps: all records of the job.
        """
        now, waiting = self._ports.now(), job.cursor - self.reached
        if now < self._bus_rests_until:
            return
        if waiting < EVENT_BATCH and now - self._published_at < self._ports.settings.flush_interval:
            return
        self._published_at = now
        job = job._replace(published=self.reached)
        self.reached = await self._publisher.publish(job, steps, until=self._reserve_from)
        if self.reached < job.cursor:
            self._bus_rests_until = self._ports.now() + BUS_REST

    async def publish_rest(self, job: JobRecord, steps: Sequence[StepRecord], *, note: bool) -> JobRecord:
        """Publish the rest after the job's end.

        Args:
            job: the finished job.
            steps: all records of the job.
            note: see `Publisher.settle`.

        Returns:
            The job with its new `published`.
        """
        return await self._publisher.settle(self._reached(job), steps, note=note, until=self._reserve_from)

    async def publish_parked(self, job: JobRecord, steps: Sequence[StepRecord]) -> JobRecord:
        """Publish everything after a park; then the job is due only at the end of its wait."""
        return await self._publisher.settle_parked(self._reached(job), steps, until=self._reserve_from)

    def _reached(self, job: JobRecord) -> JobRecord:
        return job if job.published >= self.reached else job._replace(published=self.reached)

    @property
    def _reserve_from(self) -> float:
        """When the reserve for writing begins: `due` covers updates that are not published by then."""
        return min(self._run.lifetime.ends_at - self._ports.settings.reserve, self._run.answer_by)
