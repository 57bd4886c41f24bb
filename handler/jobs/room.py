"""How many unfinished jobs a tenant may have at once (`MAX_RUNNING_JOBS`)."""

from __future__ import annotations

from typing import Final

from handler.caller import Caller
from handler.errors import TooManyJobsError
from handler.ports import Ports
from infra.jobs_index import Place

PAGE: Final = 100
"""Jobs of one read of the list."""
PAGES: Final = 10
"""Reads of one check: only the newest 1,000 jobs are counted."""
RETRY_AFTER: Final = 5
"""Seconds until another job may have ended."""


async def check_room(ports: Ports, caller: Caller) -> None:
    """Refuse another unfinished job where the tenant has as many as it may have.

    It counts what the list knows: a pure job that runs over HTTP is not in it before its first commit.

    Raises:
        TooManyJobsError: there is no room.
        InfraError: see `infra.errors`.
    """
    if caller.max_running_jobs is None:
        return
    unfinished, place = 0, None
    for _ in range(PAGES):
        jobs, more = await ports.table.index.list_jobs(caller.tenant, limit=PAGE, after=place)
        unfinished += sum(not job.finished and job.expires_at >= ports.now() for job in jobs)
        if unfinished >= caller.max_running_jobs:
            raise TooManyJobsError(
                f"Your tenant has {unfinished} unfinished jobs, and may have {caller.max_running_jobs}; wait for one "
                "to end.",
                retry_after=RETRY_AFTER,
            )
        if not more or not jobs:
            return
        place = Place(jobs[-1].key.job_id, jobs[-1].created_at)
