"""The limit of a tenant's unfinished jobs (`MAX_RUNNING_JOBS`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from handler.caller import Caller
from handler.errors import TooManyJobsError
from handler.ports import Ports
from infra.jobs.jobs_index import Place

PAGE: Final = 100
"""Jobs in one read of the list."""
PAGES: Final = 10
"""The most reads of one check: only the newest 1,000 jobs are counted."""
RETRY_AFTER: Final = 5
"""Seconds after which to try again; by then a job may have ended."""


@dataclass(slots=True)
class Room:
    """A tenant's number of unfinished jobs, and its limit.

    Attributes:
        unfinished: the number of unfinished jobs; counting stops at the limit.
        limit: ``None`` for no limit.
    """

    unfinished: int
    limit: int | None

    def check(self) -> None:
        """Refuse another unfinished job beyond the tenant's limit.

        Raises:
            TooManyJobsError: the limit is reached.
        """
        if self.limit is not None and self.unfinished >= self.limit:
            raise TooManyJobsError(
                f"Your tenant has {self.unfinished} unfinished jobs, and may have {self.limit}; wait for one to end.",
                retry_after=RETRY_AFTER,
            )

    def take(self) -> None:
        """Count one more unfinished job."""
        self.unfinished += 1


async def check_room(ports: Ports, caller: Caller) -> None:
    """Refuse another unfinished job when the tenant has reached its limit.

    Raises:
        TooManyJobsError: the limit is reached.
        InfraError: see `infra.errors`.
    """
    (await find_room(ports, caller)).check()


async def find_room(ports: Ports, caller: Caller) -> Room:
    """Count the tenant's unfinished jobs.

    Counts the jobs of the index. A pure job that runs over HTTP is not in the index before its first commit.

    Raises:
        InfraError: see `infra.errors`.
    """
    room = Room(0, caller.max_running_jobs)
    if room.limit is None:
        return room
    place = None
    for _ in range(PAGES):
        jobs, more = await ports.table.index.list_jobs(caller.tenant, limit=PAGE, after=place)
        room.unfinished += sum(not job.finished and job.expires_at >= ports.now() for job in jobs)
        if room.unfinished >= room.limit or not more or not jobs:
            break
        place = Place(jobs[-1].key.job_id, jobs[-1].created_at)
    return room
