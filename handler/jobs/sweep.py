"""The sweep: wakes jobs whose time has come, and picks up what a crash, a lost message or a dead bus left behind.

It keeps nothing and may itself crash: what it did not get to is still due in the next minute.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from handler.invocation.log import log_fields
from handler.invocation.time_left import TimeLeft
from handler.jobs.pointers import Pointers
from handler.ports import Ports
from handler.recording.ownership import OUTBOX_SECONDS, QUEUED_SECONDS
from handler.recording.publisher import Publisher
from infra.errors import InfraError
from infra.items import Start
from infra.job_items import FIRST_SHARDS, QUEUED_SHARDS
from infra.parking import is_asleep
from infra.records import JobKey, JobRecord

PAGE: Final = 25
"""Jobs of a shard that are woken before the next shard's turn."""
DOUBLINGS: Final = 6
LONGEST_WAIT: Final = 3600.0
"""Seconds that `due` moves on, at most; it doubles with each sweep."""


async def sweep(ports: Ports, lifetime: TimeLeft) -> int:
    """Wake what is due until the invocation's time is used up; returns how many jobs that was.

    Crashed and waiting jobs come before those whose message is in the queue anyway.
    """
    swept = 0
    for shards in (FIRST_SHARDS, QUEUED_SHARDS):
        count, goes_on = await _sweep_shards(ports, lifetime, shards)
        swept += count
        if not goes_on:
            break
    return swept


async def _sweep_shards(ports: Ports, lifetime: TimeLeft, shards: Sequence[str]) -> tuple[int, bool]:
    """Go through these shards side by side, a page of each in turn; returns the jobs woken, and whether to go on."""
    swept, now = 0, ports.now()
    left: dict[str, Start | None] = dict.fromkeys(shards)
    while left:
        for shard, start in list(left.items()):
            if not lifetime.has_time(ports.now(), ports.settings.reserve):
                return swept, False
            try:
                page = await ports.table.index.list_due(shard, now, limit=PAGE, start=start)
            except InfraError as error:
                ports.log_failure("sweep", "The sweeper could not see what is due", error, shard=shard)
                return swept, False
            for key in page.keys:
                if not lifetime.has_time(ports.now(), ports.settings.reserve):
                    return swept, False
                swept += await _wake(ports, key)
            left[shard] = page.next
            if page.next is None:
                del left[shard]
    return swept, True


async def _wake(ports: Ports, key: JobKey) -> bool:
    """Bring one job back; returns whether it was due (the index may lag)."""
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
    elif job.held(now):  # a cancel or an answer came: its owner sees it with the next commit
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
    await ports.table.move_due(job, due, swept=True)
