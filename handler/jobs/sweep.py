"""The sweep: picks up what a crash, a lost message or a bus out of reach left behind.

It keeps nothing and may itself crash: what it did not get to is still due in the next minute.
"""

from __future__ import annotations

from typing import Final

from handler.invocation.log import log_fields
from handler.invocation.time_left import TimeLeft
from handler.jobs.runner import Runner
from handler.ports import Ports
from handler.recording.publisher import OUTBOX_SECONDS, Publisher
from infra.errors import InfraError
from infra.jobs_table import Refused
from infra.records import JobRecord

SHARD_LIMIT: Final = 100
"""Jobs of one shard in one sweep; a minute later come the next."""
DOUBLINGS: Final = 6
LONGEST_WAIT: Final = 3600.0
"""Seconds that `due` moves on at the most; it doubles from a minute on."""


async def sweep(ports: Ports, lifetime: TimeLeft) -> int:
    """Send again what is due; gives how many jobs that was."""
    swept = 0
    try:
        due = await ports.table.list_due(ports.now(), limit=SHARD_LIMIT)
    except InfraError as error:
        ports.log_failure("sweep", "The sweeper could not see what is due", error)
        return 0
    for job in due:
        if not lifetime.has_time(ports.now(), ports.settings.reserve):
            break
        try:
            swept += await _wake(ports, job)
        except InfraError as error:
            ports.log_failure(
                "sweep", "A job that is due could not be woken; it stays due", error, **log_fields(job.key)
            )
    return swept


async def _wake(ports: Ports, seen: JobRecord) -> bool:
    """Bring one job back; gives whether it was due indeed (the index may be late)."""
    now = ports.now()
    job = await ports.table.read(seen.key, now)
    if job is None or job.due is None or job.due > now:
        return False
    ports.metrics.count("Swept")
    if job.finished:
        job = await Publisher(ports).settle(job)
        if job.due is None:
            return True
    elif await ports.table.read_payload(job) is None:
        return await _end_lost(ports, job)
    else:
        minute = int(now // 60)
        await Runner(ports).send_pointer(job, salt=f"-m{minute}")
    await ports.table.postpone_due(job, now + min(LONGEST_WAIT, OUTBOX_SECONDS * 2 ** min(job.sweeps, DOUBLINGS)))
    return True


async def _end_lost(ports: Ports, job: JobRecord) -> bool:
    now = ports.now()
    if job.held(now):  # its owner has read the payload, and gets on without it
        await ports.table.postpone_due(job, job.lease_until + OUTBOX_SECONDS)
        return True
    answer = await ports.table.end_lost(job, now=now, due=now + OUTBOX_SECONDS)
    if not isinstance(answer, Refused):
        ports.log.error("A job's payload is gone; it was ended as FAILED", extra=log_fields(job.key))
        ports.metrics.count("Jobs", Status="FAILED")
        ports.metrics.count("Faults")
        await Publisher(ports).settle(answer.job)
    return True
