"""The two indexes of jobs: a tenant's jobs by age, and the jobs that are due. Both lag by a moment."""

from __future__ import annotations

from dataclasses import dataclass

from infra.jobs.job_items import JOB, job_summary, key_of, partition
from infra.jobs.records import JobKey, JobSummary
from infra.table.items import BY_TENANT, DUE, Items, Start


@dataclass(frozen=True, slots=True)
class Place:
    """The last job of a page; the next page continues after it."""

    job_id: str
    created_at: float


@dataclass(frozen=True, slots=True)
class DuePage:
    """Keys of jobs that are due in one shard, the earliest first."""

    keys: tuple[JobKey, ...]
    next: Start | None
    """The start of the next page; ``None`` after the last."""


class JobsIndex:
    """The indexes of jobs. Methods raise what `infra.table.items.Items` raises.

    Args:
        items: the table.
    """

    def __init__(self, items: Items) -> None:
        self._items = items

    async def list_jobs(self, tenant: str, *, limit: int, after: Place | None = None) -> tuple[list[JobSummary], bool]:
        """A page of a tenant's jobs, newest first and including expired ones, and whether there may be more.

        Args:
            tenant: the tenant.
            limit: the largest number of jobs.
            after: the last job of the previous page.
        """
        start: Start | None = None
        if after is not None:
            pk = partition(JobKey(tenant, after.job_id))
            start = {"pk": pk, "sk": JOB, BY_TENANT.key: tenant, BY_TENANT.sort: after.created_at}
        page = await self._items.query_index(BY_TENANT, tenant, limit=limit, start=start, newest_first=True)
        return [job_summary(item) for item in page.items], page.next is not None

    async def list_due(self, shard: str, now: float, *, limit: int, start: Start | None = None) -> DuePage:
        """A page of the jobs of a shard that were due by `now`.

        Args:
            shard: one of `FIRST_SHARDS` or `QUEUED_SHARDS`.
            now: the time.
            limit: the largest number of jobs.
            start: `DuePage.next` of the previous page.
        """
        page = await self._items.query_index(DUE, shard, limit=limit, start=start, at_most=now)
        return DuePage(tuple(key_of(str(item["pk"])) for item in page.items), page.next)
