"""Jobs in the table: reads, and the conditional writes of the protocol, each named after its purpose.

A conditional write returns `Written`, or `Refused` with the current job. If a reply is lost, the SDK repeats the write,
and the first one makes the condition of the second fail. Each write here recognises this and returns `Written`.
``docs/records.md`` explains each condition.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from infra.jobs.job_items import JOB, SIGNAL_OF, changes, job_item, job_record, partition
from infra.jobs.jobs_index import JobsIndex
from infra.jobs.parking import unparked
from infra.jobs.recognition import is_accepted, is_as_held, is_cancelled, is_committed
from infra.jobs.records import FINISHED, UNFINISHED, JobKey, JobRecord, PayloadRecord, StepRecord
from infra.jobs.records_table import Puts, Reads, RecordsTable, record_items
from infra.jobs.signals_table import SignalsTable
from infra.table import items as store
from infra.table.conditions import Absent, All, AnyOf, Below, Condition, Equals, OneOf, unchanged
from infra.table.items import Items, Put, Update


@dataclass(frozen=True, slots=True)
class Written:
    """The write was done, now or by an earlier try whose reply was lost."""

    job: JobRecord
    """Its current state."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The job was not in the expected state; nothing was written."""

    job: JobRecord | None
    """Its current state, or ``None`` if it does not exist."""


Answer = Written | Refused


class JobsTable:
    """The JOB items of all tenants. Methods raise what `infra.table.items.Items` raises.

    Args:
        items: the table.
        puts, reads: see `RecordsTable`.

    Attributes:
        records: payloads and steps, in the same table.
        signals: answers to steps, in the same table.
        index: the indexes of jobs.
    """

    def __init__(self, items: Items, puts: Puts | None = None, reads: Reads | None = None) -> None:
        self._items = items
        self._reads: Reads = items if reads is None else reads
        self.records = RecordsTable(items, puts, reads)
        self.signals = SignalsTable(items)
        self.index = JobsIndex(items)

    async def read(self, key: JobKey, now: float) -> JobRecord | None:
        """The job, or ``None`` if it does not exist or has expired by `now` (DynamoDB deletes days later)."""
        item = await self._reads.get(partition(key), JOB)
        job = job_record(item) if item else None
        return job if job and job.expires_at >= now else None

    async def accept(self, job: JobRecord, now: float) -> Answer:
        """Accept the job in its current state, if no job has its id (or only an expired one)."""
        answer = await self._items.put_if(job_item(job), _absent(now))
        put = isinstance(answer, store.Applied)  # the answer is the whole item: it need not be read again
        return Written(job) if put else self._answer(answer, lambda found: is_accepted(found, job))

    async def accept_at_once(
        self, job: JobRecord, payload: PayloadRecord, steps: Sequence[StepRecord], now: float
    ) -> Answer:
        """`put` and `accept` in one transaction, at twice the write units, for records that pass `fits_at_once`."""
        write = Put(job_item(job), _absent(now))
        refused = await self._items.put_all_with(record_items(payload, steps), write)
        return self._answer(refused, lambda found: is_accepted(found, job)) if refused else Written(job)

    async def claim(self, job: JobRecord, *, token: str, until: float, now: float) -> Answer:
        """Claim the job if it is unchanged since it was read, unfinished, and has no owner.

        The claim has the next fence and a new lease, and counts as an attempt of the step at the cursor.

        Args:
            job: the job as it was read.
            token: random, new for each claim.
            until: when the lease ends.
            now: the time.
        """
        if job.finished or job.held(now):
            return Refused(job)
        fence = job.fence + 1
        lease = f"{fence}-{token}"
        waiting, parked = unparked(job, now)
        claimed = job._replace(
            status="RUNNING",
            fence=fence,
            lease=lease,
            lease_until=until,
            due=until,
            attempts=job.attempts + 1,
            sweeps=0,
            waiting=waiting,
            ends_at=job.ends_at + parked,
        )
        # The fence distinguishes claims; lease, cursor and attempts guard against an owner whose lease has expired.
        as_read = All(
            OneOf("status", UNFINISHED),
            Equals("fence", job.fence),
            Equals("run", job.run),
            Equals("cursor", job.cursor),
            Equals("attempts", job.attempts),
            unchanged("lease", job.lease),
        )
        return await self._update(job, claimed, as_read, lambda found: found.lease == lease)

    async def commit(
        self, held: JobRecord, after: JobRecord, *, parks: bool = False, unanswered: str | None = None
    ) -> Answer:
        """Commit: the one write that makes the owner's records count.

        Args:
            held: the job as its owner last saw it, with its lease.
            after: the new record; without a lease, the owner releases the job.
            parks: whether the job will wait: then require that it was neither cancelled nor answered since `held`.
            unanswered: path of a step: require that no answer to it counts.
        """
        condition = All(_as_held(held), _as_woken(held)) if parks else _as_held(held)
        condition = _without_answer(condition, unanswered)
        return await self._update(held, after, condition, lambda found: is_committed(found, held, after))

    async def commit_at_once(
        self,
        held: JobRecord,
        after: JobRecord,
        steps: Sequence[StepRecord],
        *,
        parks: bool = False,
        unanswered: str | None = None,
    ) -> Answer:
        """`records.put` and `commit` in one transaction, at twice the write units; see `fits_at_once`.

        A transaction does not return the job, and every commit must notice a ``cancel``. So it requires that ``cancel``
        has not been set since the owner last saw the job. If it has, the transaction is repeated with that expectation,
        unless the job parks: then its owner must continue.
        """
        changed, removed = changes(held, after)
        unseen = _without_answer(All(_as_held(held), _as_woken(held)), unanswered)
        write = Update(pk=partition(held.key), sk=JOB, condition=unseen, set=changed, remove=removed)
        refused = await self._items.put_all_with(record_items(None, steps), write)
        if refused is None:
            return Written(after)
        found = job_record(refused.item) if refused.item else None
        if found is not None and not parks and found.woken != held.woken and is_as_held(found, held):
            return await self.commit_at_once(
                as_woken(held, found)._replace(due=found.due), as_woken(after, found), steps
            )
        return self._answer(refused, lambda found: is_committed(found, held, after))

    async def mark_published(self, job: JobRecord, published: int) -> Answer:
        """Record how much of a finished job is published; once everything is, `due` is removed."""
        full = published > job.cursor
        after = job._replace(published=published, due=None if full else job.due, sweeps=0 if full else job.sweeps)
        ended = _as_ended(job)
        condition = ended if full else All(ended, Below("published", published))
        return await self._update(job, after, condition, lambda _: False)

    async def mark_parked(self, job: JobRecord, published: int) -> Answer:
        """Record that a parked job's updates are published, and make it due at the time that it waits for.

        `job` is the record as read or parked; nothing is written if it has changed since.
        """
        after = job._replace(published=max(published, job.published), due=job.resume_at, sweeps=0)
        as_parked = All(
            OneOf("status", UNFINISHED),
            Equals("fence", job.fence),
            Equals("run", job.run),
            Absent("lease"),
            unchanged("due", job.due),
            _as_woken(job),
        )
        return await self._update(job, after, as_parked, lambda _: False)

    async def set_due(self, job: JobRecord, due: float) -> Answer:
        """Make a finished job due."""
        return await self._update(job, job._replace(due=due), _as_ended(job), lambda _: False)

    async def cancel(self, job: JobRecord, now: float) -> Answer:
        """Request the job's end, once. Its owner notices this at the next claim or commit; the job is due at once.

        Refused if the job's end is already requested, it is finished, or it was answered since it was read.
        """
        after = job._replace(cancel=True, woken=job.woken + 1, due=now)
        unfinished = All(Equals("run", job.run), OneOf("status", UNFINISHED), Absent("cancel"), _as_woken(job))
        return await self._update(job, after, unfinished, lambda found: is_cancelled(found, after))

    async def answer(self, job: JobRecord, path: str, random: str, now: float) -> Answer:
        """Make an answer to a step count, if none does yet, and wake the job.

        Refused if the job has changed since it was read, is being cancelled, or has an answer to that step.

        Args:
            job: the job as it was read; the records up to its cursor show that the step has not ended.
            path: the step's path.
            random: the random part of the SIGNAL item, which was put before.
            now: the time.
        """
        after = job._replace(signals=(*job.signals, (path, random)), woken=job.woken + 1, due=now)
        as_read = All(
            Equals("run", job.run),
            Equals("cursor", job.cursor),
            OneOf("status", UNFINISHED),
            Absent("cancel"),
            Absent(SIGNAL_OF + path),
            _as_woken(job),
        )
        return await self._update(job, after, as_read, lambda found: (path, random) in found.signals)

    async def redrive(self, job: JobRecord, after: JobRecord) -> Answer:
        """Redrive a finished job, if it is unchanged since it was read."""

        def own(found: JobRecord) -> bool:
            return (found.run, found.payload, found.due) == (after.run, after.payload, after.due)

        return await self._update(job, after, _as_ended(job), own)

    async def move_due(self, job: JobRecord, due: float, *, swept: bool = False) -> Answer:
        """Move the job's next sweep, if the job has not changed since it was read.

        Args:
            job: the job as it was read.
            due: the time of the next sweep.
            swept: whether the sweeper has just woken the job: it waits longer the next time.
        """
        as_seen = All(unchanged("due", job.due), unchanged("lease", job.lease))
        after = job._replace(due=due, sweeps=job.sweeps + swept)
        return await self._update(job, after, as_seen, lambda _: False)

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


def _absent(now: float) -> Condition:
    return AnyOf(Absent("pk"), Below("expires_at", now))


def _as_held(held: JobRecord) -> All:
    """The condition that the job is unchanged since its owner's last write."""
    if held.lease is None:
        raise ValueError(f"{held.key}: only the owner of a claim commits, and this job is not claimed")
    return All(Equals("lease", held.lease), Equals("cursor", held.cursor), Equals("attempts", held.attempts))


def as_woken(job: JobRecord, found: JobRecord) -> JobRecord:
    """The job with the changes of the cancel or answer that woke it meanwhile."""
    return job._replace(cancel=found.cancel, woken=found.woken, signals=found.signals)


def _without_answer(condition: All, path: str | None) -> All:
    """The condition, and also that no answer to the step at that path counts."""
    return condition if path is None else All(condition, Absent(SIGNAL_OF + path))


def _as_woken(job: JobRecord) -> Condition:
    """The condition that the job was neither cancelled nor answered since it was read."""
    return unchanged("woken", job.woken or None)


def _as_ended(job: JobRecord) -> All:
    """The condition that the job is still finished as it was read: no redrive and no late write followed."""
    return All(Equals("run", job.run), Equals("status", job.status), OneOf("status", tuple(sorted(FINISHED))))
