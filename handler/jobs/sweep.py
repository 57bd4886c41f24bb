"""The sweep: wakes jobs whose wait is over, and jobs that a crash, a lost message or a failing bus has interrupted.

It keeps no state and may itself crash: jobs that it did not reach are still due in the next minute.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final

from handler.invocation.log import log_fields
from handler.invocation.time_left import TimeLeft
from handler.jobs.pointers import Pointers
from handler.ports import Ports
from handler.recording.ownership import OUTBOX_SECONDS, QUEUED_SECONDS
from handler.recording.publisher import Publisher
from infra.errors import InfraError
from infra.jobs.job_items import FIRST_SHARDS, QUEUED_SHARDS
from infra.jobs.parking import is_asleep
from infra.jobs.records import JobKey, JobRecord
from infra.table.items import Start

PAGE: Final = 25
"""How many jobs of a shard are woken before the next shard's turn."""
LANES: Final = 10
"""How many jobs are woken at once, if calls can run in parallel."""
DOUBLINGS: Final = 6
LONGEST_WAIT: Final = 3600.0
"""The most seconds by which `due` is moved; they double with each sweep."""

Wakes = Callable[[], Coroutine[Any, Any, int]]


async def sweep(ports: Ports, lifetime: TimeLeft) -> int:
    """Wake due jobs until the invocation's time is used up; return how many were due.

    Crashed and waiting jobs come before those that have a message in the queue. If calls can run in parallel, several
    jobs are woken at once, so that the speed depends only on the table and the queue.
    """
    if ports.side_by_side is None:
        return await _sweep_all(lifetime, ports, _alone)
    crew, shared = ports.side_by_side(ports)

    async def at_once(wakes: Wakes) -> int:
        return sum(await crew.run([wakes] * LANES))

    return await _sweep_all(lifetime, shared, at_once)


async def _alone(wakes: Wakes) -> int:
    return await wakes()


async def _sweep_all(lifetime: TimeLeft, ports: Ports, run: Callable[[Wakes], Coroutine[Any, Any, int]]) -> int:
    swept = 0
    for shards in (FIRST_SHARDS, QUEUED_SHARDS):
        due = _Due(ports, lifetime, shards)
        swept += await run(due.wake)
        if not due.goes_on:
            break
    return swept


class _Due:
    """The due jobs of some shards: a page of each shard in turn, the earliest jobs of a shard first.

    Args:
        ports: the use cases' ports.
        lifetime: the time of the invocation.
        shards: the shards.

    Attributes:
        goes_on: whether there is time left and the index still answers.
    """

    def __init__(self, ports: Ports, lifetime: TimeLeft, shards: Sequence[str]) -> None:
        self._ports = ports
        self._lifetime = lifetime
        self._began = ports.now()
        self._shards: deque[tuple[str, Start | None]] = deque((shard, None) for shard in shards)
        self._keys: deque[JobKey] = deque()
        self.goes_on = True

    async def wake(self) -> int:
        """Wake one job after another until none is left; return how many were due. May run several times at once."""
        swept = 0
        while (key := await self._next()) is not None:
            swept += await _wake(self._ports, key)
        return swept

    async def _next(self) -> JobKey | None:
        while self.goes_on:
            if not self._lifetime.has_time(self._ports.now(), self._ports.settings.reserve):
                self.goes_on = False
            elif self._keys:
                return self._keys.popleft()
            elif self._shards:
                await self._read(*self._shards.popleft())
            else:
                break
        return None

    async def _read(self, shard: str, start: Start | None) -> None:
        try:
            page = await self._ports.table.index.list_due(shard, self._began, limit=PAGE, start=start)
        except InfraError as error:
            if self.goes_on:  # several shards were read at once: log one line only
                self._ports.log_failure("sweep", "The sweeper could not see what is due", error, shard=shard)
            self.goes_on = False
            return
        self._keys.extend(page.keys)
        if page.next is not None:
            self._shards.append((shard, page.next))


async def _wake(ports: Ports, key: JobKey) -> bool:
    """Wake one job; return whether it was due (the index may lag)."""
    try:
        now = ports.now()
        job = await ports.table.read(key, now)
        if job is None or job.due is None or job.due > now:
            return False
        ports.metrics.count("Swept")
        await _wake_due(ports, job, now)
    except InfraError as error:
        ports.log_failure("sweep", "A job that is due could not be woken; it stays due", error, **log_fields(key))
        return False
    return True


async def _wake_due(ports: Ports, job: JobRecord, now: float) -> None:
    wait = QUEUED_SECONDS
    if job.finished:
        wait = OUTBOX_SECONDS
        job = await Publisher(ports).settle(job)
        if job.due is None:
            return
    elif job.held(now):  # it was cancelled or answered: the owner notices this at the next commit
        await ports.table.move_due(job, job.lease_until)
        return
    elif is_asleep(job, now):
        wait = OUTBOX_SECONDS
        job = await Publisher(ports).settle_parked(job)
        if job.due is not None and job.due > now:
            return
    elif not await Pointers(ports).send(job, salt=f"-m{int(now // 60)}"):
        wait = OUTBOX_SECONDS
    due = now + min(LONGEST_WAIT, wait * 2 ** min(job.sweeps, DOUBLINGS))
    if is_asleep(job, now) and job.resume_at is not None:
        due = min(due, job.resume_at)  # `due` alone ends waits beyond 15 minutes, and the bus may be down longer
    await ports.table.move_due(job, due, swept=True)
