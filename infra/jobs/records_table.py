"""The records of jobs: payloads and steps. They are put without a condition; a write of JOB makes them count."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Protocol

from infra.jobs.job_items import PAYLOAD, partition, payload_item, payload_record
from infra.jobs.records import JobRecord, PayloadRecord, StepRecord
from infra.jobs.run_item import LAST as LAST_RUN
from infra.jobs.run_item import RUN, RunRecord, run_item, run_record
from infra.jobs.steps_item import LAST, counting, step_records, steps_items, steps_key
from infra.table.attributes import ITEM_LIMIT
from infra.table.items import TRANSACTION_BYTES, TRANSACTION_ITEMS, Item, Items, NewItem

_REST: Final = 2048
"""Bytes of an item besides its long strings: keys and numbers."""
_WINDOW: Final = 100
"""Keys that one call looks up: as many as BatchGetItem accepts."""
_NEAR: Final = 4
"""The number of items that are read to find one step before the whole range is read."""


class Puts(Protocol):
    """The part of `infra.table.items.Items` that puts items."""

    async def put_all(self, items: Sequence[NewItem]) -> None: ...


class Reads(Protocol):
    """The part of `infra.table.items.Items` that reads single items."""

    async def get(self, pk: str, sk: str) -> Item | None: ...


class RecordsTable:
    """The PAYLOAD, STEPS and RUN items of all jobs. Methods raise what `infra.table.items.Items` raises.

    Args:
        items: the table.
        puts: puts the records of a commit; ``None`` for the table itself.
        reads: reads a payload; ``None`` for the table itself.
    """

    def __init__(self, items: Items, puts: Puts | None = None, reads: Reads | None = None) -> None:
        self._items = items
        self._puts: Puts = items if puts is None else puts
        self._reads: Reads = items if reads is None else reads

    async def put(self, payload: PayloadRecord | None, steps: Sequence[StepRecord]) -> None:
        """Put records that do not count yet: the next commit makes them count. Repeating this changes nothing."""
        await self.put_items(record_items(payload, steps))

    async def put_items(self, items: Sequence[Item]) -> None:
        """Like `put`, for items that `record_items` has made."""
        if items:
            await self._puts.put_all(items)

    async def read_payload(self, job: JobRecord) -> PayloadRecord | None:
        """The payload of the job; ``None`` if it is missing, although no code here deletes it."""
        item = await self._reads.get(partition(job.key), PAYLOAD + job.payload)
        return payload_record(job.key, item) if item else None

    async def read_steps(self, job: JobRecord) -> list[StepRecord]:
        """The records that count, in order. Items from the cursor on cannot hold any and are not read.

        Neither are items of earlier runs, of which there may be many: each item begins where the previous item of the
        same claim ends.
        """
        if not job.cursor:
            return []
        if job.run == 1:
            return await self._read(job, 0, job.cursor - 1)
        records: list[StepRecord] = []
        for first, end, lease in _stretches(job):
            records += await self._read_stretch(job, first, end, lease)
        return records if len(records) == job.cursor else await self._read(job, 0, job.cursor - 1)

    async def read_step(self, job: JobRecord, index: int) -> StepRecord | None:
        """The record of that index that counts, or ``None`` if there is none."""
        first, lease = job.stretch_of(index)
        if index >= job.cursor or lease is None:
            return None
        if job.run > 1:
            return await self._find_in_stretch(job, first, index, lease)
        found = await self._read(job, first, index, newest=_NEAR)
        if not any(record.index == index for record in found):  # items of earlier runs lie in between
            found = await self._read(job, first, index)
        return next((record for record in found if record.index == index), None)

    async def put_run(self, run: RunRecord) -> None:
        """Store how a run ended, before the job is redriven. Repeating this changes nothing."""
        await self._items.put_all([run_item(run)])

    async def read_runs(self, job: JobRecord) -> list[RunRecord]:
        """The runs that are kept, earliest first."""
        return [run_record(job.key, item) for item in await self._items.query(partition(job.key), RUN, LAST_RUN)]

    async def _read_stretch(self, job: JobRecord, first: int, end: int, lease: str) -> list[StepRecord]:
        """The records from `first` to before `end`, in the items of that lease; fewer if an item is missing."""
        records: list[StepRecord] = []
        for begin in range(first, end, _WINDOW):
            at = first + len(records)  # where the next item begins
            window = range(max(begin, at), min(begin + _WINDOW, end))
            if window:
                records += await self._read_at(job, [steps_key(index, lease) for index in window])
        return counting(job, records)

    async def _find_in_stretch(self, job: JobRecord, first: int, index: int, lease: str) -> StepRecord | None:
        """The record of that index. It is in the last item of that lease that begins at or before the index."""
        end, window = index, _NEAR
        while end >= first:
            found = await self._read_at(
                job, [steps_key(at, lease) for at in range(max(first, end - window + 1), end + 1)]
            )
            end, window = end - window, _WINDOW
            if found:
                return next((record for record in counting(job, found) if record.index == index), None)
        return None

    async def _read_at(self, job: JobRecord, keys: Sequence[str]) -> list[StepRecord]:
        pk = partition(job.key)
        items = await self._items.get_all([(pk, key) for key in keys])
        return [record for item in items for record in step_records(job.key, item)]

    async def _read(self, job: JobRecord, first: int, last: int, *, newest: int | None = None) -> list[StepRecord]:
        """The records that count in the items that begin from `first` to `last`: in the last `newest`, if given."""
        low, high = steps_key(first, ""), steps_key(last, LAST)
        items = await self._items.query(partition(job.key), low, high, newest=newest)
        return counting(job, [record for item in items for record in step_records(job.key, item)])


def _stretches(job: JobRecord) -> Iterator[tuple[int, int, str]]:
    """For each claim whose records count: the index of its first, the index after its last, and its lease."""
    ends = [first for first, _ in job.leases[1:]] + [job.cursor]
    for (first, lease), end in zip(job.leases, ends, strict=True):
        if first < min(end, job.cursor):
            yield first, min(end, job.cursor), lease


def record_items(payload: PayloadRecord | None, steps: Sequence[StepRecord]) -> list[Item]:
    """The items of the records of one commit."""
    items = steps_items(steps)
    return items if payload is None else [payload_item(payload), *items]


def fits_at_once(payload: PayloadRecord | None, steps: Sequence[StepRecord]) -> bool:
    """Whether these records can be put in one transaction together with the largest possible JOB."""
    items = record_items(payload, steps)
    if len(items) >= TRANSACTION_ITEMS:
        return False
    texts = [value for item in items for value in item.values() if isinstance(value, str)]
    size = sum(len(text) if text.isascii() else len(text.encode(errors="surrogatepass")) for text in texts)
    return size + len(items) * _REST <= TRANSACTION_BYTES - ITEM_LIMIT
