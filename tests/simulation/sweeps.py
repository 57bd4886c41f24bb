"""More jobs than a sweep has time for: which of them it reads, and in which order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Final

from handler.invocation.time_left import TimeLeft
from handler.jobs import sweep
from handler.ports import Ports
from infra.jobs.job_items import JOB, job_item, partition
from infra.jobs.records import JobKey, JobRecord
from tests.simulation.poller import TENANT
from tests.simulation.profiles import QUIET
from tests.simulation.races import Found
from tests.simulation.shards import few_shards
from tests.simulation.world import World

CROWD: Final = 2 * sweep.PAGE + 10
"""Jobs of each kind: more than two pages."""


class Crowd:
    """A table in which many jobs are due: some crashed, and for as many the message is overdue.

    Args:
        seed: decides the order of events.
        seconds: the time that each sweep may take.
    """

    def __init__(self, seed: int, seconds: float, trace: Callable[[str], None] | None = None) -> None:
        random = Random(seed)  # noqa: S311 (a history, not a secret)
        self.world = World(random, replace(QUIET, lives=(seconds,)), trace=trace)
        self.violations: list[str] = []
        self._looked: list[str] = []
        for number in range(CROWD):
            self._put(f"a{number}", status="RUNNING", lease="1-x", lease_until=self.world.scheduler.now - 60.0)
            self._put(f"b{number}", status="QUEUED")
        self.world.table.watchers.append(self._look)

    def _put(self, job_id: str, **facts: object) -> None:
        now = self.world.scheduler.now
        job = JobRecord(
            key=JobKey(TENANT, job_id),
            name=None,
            status="QUEUED",
            payload="p",
            payload_hash="p",
            created_at=now - 600.0,
            expires_at=int(now) + 86_400,
            fence=1,
            due=now - 30.0,
        )._replace(**facts)
        self.world.table.items[partition(job.key), JOB] = job_item(job)

    def _look(self, before: object, after: dict[str, object]) -> None:
        if before is not None and after["sk"] == JOB:
            self._looked.append(str(after["job_id"]))

    def run(self) -> list[str]:
        """One sweep; returns its violations."""
        began, ended = self.world.scheduler.now, list[float]()

        async def work(ports: Ports, lifetime: TimeLeft) -> float:
            await sweep.sweep(ports, lifetime)
            return lifetime.ends_at - ports.now()

        self.world.table.watchers.pop(0)  # these jobs have no payload, so the audit of a world does not apply
        self.world.start("sweep", work, ended=ended.append)
        while self.world.scheduler.workers:
            self.world.scheduler.step()
        first_queued = next((at for at, name in enumerate(self._looked) if name.startswith("b")), len(self._looked))
        late = [name for name in self._looked[first_queued:] if name.startswith("a")]
        if late or (first_queued < len(self._looked) and first_queued < CROWD):
            self.violations.append(
                f"QUEUE FIRST: the sweep woke {self._looked[first_queued]} before {CROWD} crashed jobs"
            )
        due = [item for item in self.world.table.items.values() if float(str(item.get("due", "inf"))) <= began]
        if due and ended and ended[0] > self.world.settings.reserve:
            self.violations.append(f"ENDED EARLY: the sweep had {ended[0]:.0f} s left, and {len(due)} jobs are due")
        return self.violations


def sweep_crowds() -> Found | None:
    """One sweep with time for all jobs, and one with time for some."""
    with few_shards():
        for seconds in (900.0, 6.0):
            violations = Crowd(1, seconds).run()
            if violations:
                return Found(f"a sweep of {seconds:.0f} s over {2 * CROWD} jobs", tuple(violations))
    return None
