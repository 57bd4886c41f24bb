"""Jobs in the table: reads, and the conditional writes of the protocol, each named for what it means.

A conditional write answers `Written`, or `Refused` with the job as it stands. The SDK repeats a write whose reply was
lost, and the repetition is refused because of what the first one wrote: each write here knows its own work again and
answers `Written` then. The reasons for each condition are in ``docs/records.md``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from infra import items as store
from infra.attributes import ITEM_LIMIT
from infra.conditions import Absent, All, AnyOf, Below, Condition, Equals, OneOf, unchanged
from infra.items import BY_TENANT, DUE, TRANSACTION_BYTES, TRANSACTION_ITEMS, Items, Put, Start, Update
from infra.job_items import (
    JOB,
    PAYLOAD,
    SHARDS,
    STEP,
    changes,
    job_item,
    job_record,
    partition,
    payload_item,
    payload_record,
    step_key,
    step_record,
)
from infra.recognition import is_accepted, is_as_held, is_committed
from infra.records import FINISHED, JobKey, JobRecord, PayloadRecord, StepRecord
from infra.step_item import step_items

_UNFINISHED: Final = ("QUEUED", "RUNNING")
_REST: Final = 2048
"""Bytes of a record that are no result, error or variables, at the most: keys, ids, an action's name, numbers."""


@dataclass(frozen=True, slots=True)
class Written:
    """The write was done, now or by an earlier try whose reply was lost."""

    job: JobRecord
    """As it stands."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The job was not as the write expects it; nothing was written."""

    job: JobRecord | None
    """As it stands, or ``None`` where there is none."""


Answer = Written | Refused


@dataclass(frozen=True, slots=True)
class Place:
    """Where a list of a tenant's jobs goes on: after this job."""

    job_id: str
    created_at: float


class JobsTable:
    """The jobs of all tenants. Methods raise what `infra.items.Items` raises.

    Args:
        items: the table.
    """

    def __init__(self, items: Items) -> None:
        self._items = items

    # Reads. Strongly consistent, but for the two that read an index.

    async def read(self, key: JobKey, now: float) -> JobRecord | None:
        """The job, or ``None`` where there is none or it has expired by `now` (DynamoDB deletes days later)."""
        item = await self._items.get(partition(key), JOB)
        job = job_record(item) if item else None
        return job if job and job.expires_at >= now else None

    async def read_payload(self, job: JobRecord) -> PayloadRecord | None:
        """What the job was accepted with; ``None`` if it is gone, which no code of ours does."""
        item = await self._items.get(partition(job.key), PAYLOAD + job.payload)
        return payload_record(job.key, item) if item else None

    async def read_steps(self, job: JobRecord) -> list[StepRecord]:
        """The records that count, in order: of each step before the cursor the one under the lease that committed."""
        items = await self._items.query(partition(job.key), STEP) if job.cursor else []
        records = (step_record(job.key, item) for item in items)
        return [
            record for record in records if record.index < job.cursor and record.lease == job.lease_of(record.index)
        ]

    async def read_step(self, job: JobRecord, index: int) -> StepRecord | None:
        """The record that counts of one step, or ``None`` if it is not recorded."""
        lease = job.lease_of(index)
        if index >= job.cursor or lease is None:
            return None
        item = await self._items.get(partition(job.key), step_key(index, lease))
        return step_record(job.key, item) if item else None

    async def list_jobs(self, tenant: str, *, limit: int, after: Place | None = None) -> tuple[list[JobRecord], bool]:
        """A page of a tenant's jobs, newest first, expired ones among them, and whether there may be more.

        Args:
            tenant: whose.
            limit: how many at most.
            after: the last job of the page before.
        """
        start: Start | None = None
        if after is not None:
            pk = partition(JobKey(tenant, after.job_id))
            start = {"pk": pk, "sk": JOB, BY_TENANT.key: tenant, BY_TENANT.sort: after.created_at}
        page = await self._items.query_index(BY_TENANT, tenant, limit=limit, start=start, newest_first=True)
        return [job_record(item) for item in page.items], page.next is not None

    async def list_due(self, now: float, *, limit: int) -> list[JobRecord]:
        """Up to `limit` jobs of each shard that were due by `now`, as the index shows them: maybe a little late."""
        jobs: list[JobRecord] = []
        for shard in SHARDS:
            page = await self._items.query_index(DUE, shard, limit=limit, at_most=now)
            jobs += [job_record(item) for item in page.items]
        return jobs

    # Writes.

    async def put(self, payload: PayloadRecord | None, steps: Sequence[StepRecord]) -> None:
        """Put records that do not count yet: the commit that follows makes them count. Repeating it changes nothing."""
        if items := _records(payload, steps):
            await self._items.put_all(items)

    async def accept(self, job: JobRecord, now: float) -> Answer:
        """Make the job known, whatever it has come to by now, if none of its id is there (or only an expired one)."""
        answer = await self._items.put_if(job_item(job), _absent(now))
        put = isinstance(answer, store.Applied)  # the whole item: it need not be read again
        return Written(job) if put else self._answer(answer, lambda found: is_accepted(found, job))

    async def accept_at_once(
        self, job: JobRecord, payload: PayloadRecord, steps: Sequence[StepRecord], now: float
    ) -> Answer:
        """`put` and `accept` in one call, all or nothing, at twice the write units; what `fits_at_once` is taken."""
        write = Put(job_item(job), _absent(now))
        refused = await self._items.put_all_with(_records(payload, steps), write)
        return self._answer(refused, lambda found: is_accepted(found, job)) if refused else Written(job)

    async def claim(self, job: JobRecord, *, token: str, until: float, now: float) -> Answer:
        """Take the job as it was read, if it is unfinished and nobody holds it.

        The claim has the next fence and a lease of its own, and counts as an attempt of the step at the cursor.

        Args:
            job: as it was read.
            token: random, new for each claim.
            until: when the lease ends.
            now: the time.
        """
        if job.finished or job.held(now):
            return Refused(job)
        fence = job.fence + 1
        lease = f"{fence}-{token}"
        claimed = job._replace(
            status="RUNNING",
            fence=fence,
            lease=lease,
            lease_until=until,
            due=until,
            attempts=job.attempts + 1,
            sweeps=0,
        )
        # The fence tells every claim apart; lease, cursor and attempts what an owner whose lease is over still writes.
        as_read = All(
            OneOf("status", _UNFINISHED),
            Equals("fence", job.fence),
            Equals("run", job.run),
            Equals("cursor", job.cursor),
            Equals("attempts", job.attempts),
            unchanged("lease", job.lease),
        )
        return await self._update(job, claimed, as_read, lambda found: found.lease == lease)

    async def commit(self, held: JobRecord, after: JobRecord) -> Answer:
        """Write what the owner of a claim has come to: the one write that makes its step records count.

        Args:
            held: as the owner last saw the job, its lease included.
            after: as it shall be; without a lease, the owner lets go of it.
        """
        return await self._update(held, after, _as_held(held), lambda found: is_committed(found, held, after))

    async def commit_at_once(self, held: JobRecord, after: JobRecord, steps: Sequence[StepRecord]) -> Answer:
        """`put` and `commit` in one call, all or nothing, at twice the write units; what `fits_at_once` is taken.

        A transaction does not show the job as it stands then, and every commit must see a ``cancel``: so it demands
        that nobody has set one since the owner last saw the job. If somebody has, it is made once more, knowing of it.
        """
        changed, removed = changes(held, after)
        unseen = All(_as_held(held), unchanged("cancel", held.cancel or None))
        write = Update(pk=partition(held.key), sk=JOB, condition=unseen, set=changed, remove=removed)
        refused = await self._items.put_all_with(_records(None, steps), write)
        if refused is None:
            return Written(after)
        found = job_record(refused.item) if refused.item else None
        if found is not None and found.cancel and not held.cancel and is_as_held(found, held):
            return await self.commit_at_once(held._replace(cancel=True), after._replace(cancel=True), steps)
        return self._answer(refused, lambda found: is_committed(found, held, after))

    async def mark_published(self, job: JobRecord, published: int) -> Answer:
        """Note how far the bus has got with a finished job; with everything on it, nothing is due any more."""
        full = published > job.steps
        after = job._replace(published=published, due=None if full else job.due, sweeps=0 if full else job.sweeps)
        ended = _as_ended(job)
        condition = ended if full else All(ended, Below("published", published))
        return await self._update(job, after, condition, lambda _: False)

    async def set_due(self, job: JobRecord, due: float) -> Answer:
        """Have the sweeper look at a finished job."""
        return await self._update(job, job._replace(due=due), _as_ended(job), lambda _: False)

    async def cancel(self, job: JobRecord) -> Answer:
        """Ask for the job's end. Its owner sees it with the next claim or commit."""
        unfinished = All(Equals("run", job.run), OneOf("status", _UNFINISHED))
        answer = await self._items.update_if(partition(job.key), JOB, condition=unfinished, set={"cancel": True})
        return self._answer(answer, lambda found: found.run == job.run and found.cancel)

    async def redrive(self, job: JobRecord, after: JobRecord) -> Answer:
        """Run a finished job on, if it is as it was read."""

        def own(found: JobRecord) -> bool:
            return (found.run, found.payload, found.due) == (after.run, after.payload, after.due)

        return await self._update(job, after, _as_ended(job), own)

    async def postpone_due(self, job: JobRecord, due: float) -> Answer:
        """Have the sweeper look again later, if nothing happened to the job since it looked."""
        as_seen = All(unchanged("due", job.due), unchanged("lease", job.lease))
        return await self._update(job, job._replace(due=due, sweeps=job.sweeps + 1), as_seen, lambda _: False)

    async def end_lost(self, job: JobRecord, *, now: float, due: float) -> Answer:
        """End a job as FAILED that nobody holds and that can never run, since its payload is gone."""
        after = job._replace(status="FAILED", lease=None, lease_until=0.0, finished_at=now, due=due)
        as_read = All(
            OneOf("status", _UNFINISHED),
            Equals("fence", job.fence),
            Equals("run", job.run),
            unchanged("lease", job.lease),
        )
        return await self._update(job, after, as_read, lambda found: found.run == job.run and found.status == "FAILED")

    async def _update(
        self, before: JobRecord, after: JobRecord, condition: Condition, own: Callable[[JobRecord], bool]
    ) -> Answer:
        changed, removed = changes(before, after)
        answer = await self._items.update_if(
            partition(before.key), JOB, condition=condition, set=changed, remove=removed
        )
        return self._answer(answer, own)

    @staticmethod
    def _answer(answer: store.Applied | store.ConditionFailed, own: Callable[[JobRecord], bool]) -> Answer:
        job = job_record(answer.item) if answer.item else None
        if job is not None and (isinstance(answer, store.Applied) or own(job)):
            return Written(job)
        return Refused(job)


def _records(payload: PayloadRecord | None, steps: Sequence[StepRecord]) -> list[store.NewItem]:
    return [*([payload_item(payload)] if payload else []), *step_items(steps)]


def fits_at_once(payload: PayloadRecord | None, steps: Sequence[StepRecord]) -> bool:
    """Whether these records can be put in one transaction, JOB beside them, whatever that weighs."""
    if len(steps) + (payload is not None) >= TRANSACTION_ITEMS:
        return False
    texts = [payload.payload, payload.rights] if payload else []
    for step in steps:
        texts += [text for text in (step.result, step.variables, step.error) if text]
    size = sum(len(text) if text.isascii() else len(text.encode()) for text in texts)
    return size <= TRANSACTION_BYTES - ITEM_LIMIT - TRANSACTION_ITEMS * _REST


def _absent(now: float) -> Condition:
    return AnyOf(Absent("pk"), Below("expires_at", now))


def _as_held(held: JobRecord) -> All:
    """The owner holds the job as it left it."""
    if held.lease is None:
        raise ValueError(f"{held.key}: only the owner of a claim commits, and this job is not claimed")
    return All(Equals("lease", held.lease), Equals("cursor", held.cursor), Equals("attempts", held.attempts))


def _as_ended(job: JobRecord) -> All:
    """The job is finished as it was read: no redrive, and no write of an earlier run, came between."""
    return All(Equals("run", job.run), Equals("status", job.status), OneOf("status", tuple(sorted(FINISHED))))
