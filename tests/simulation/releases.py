"""Two releases at the same time: some workers know records of a later version, and some do not.

The later release writes jobs of a higher `JOB.version`, and adds fields to items and to pointers. An earlier worker
that meets such a job must write nothing to it, hide its message for as long as a queue allows, and answer 503. In jobs
of a version that it knows, it ignores unknown fields.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine, Generator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final
from unittest.mock import patch

from handler.jobs import queue_worker
from handler.jobs.queue_worker import LONGEST_HIDDEN
from infra.jobs import job_items, jobs_table
from infra.jobs.job_items import JOB
from infra.jobs.records import VERSION, JobKey
from infra.table.items import Applied, ConditionFailed, Item, NewItem, Put, Update
from tests.simulation.messages import SimulatedJobQueue
from tests.simulation.scheduler import Worker, Yield
from tests.simulation.table import SimulatedItems

LATER: Final = VERSION + 1
NEWS: Final = {"news": "of the later release"}
"""The fields that the later release adds."""


class EarlierRelease:
    """Wraps a worker of the earlier release: while it runs, a higher version is unknown."""

    def __init__(self, work: Coroutine[Any, Any, Any]) -> None:
        self._work = work

    def __await__(self) -> Generator[Yield, None, Any]:
        try:
            while True:
                known, job_items.VERSION = job_items.VERSION, VERSION  # type: ignore[misc]  # a constant elsewhere
                try:
                    token: Yield = self._work.send(None)
                except StopIteration as stop:
                    return stop.value
                finally:
                    job_items.VERSION = known  # type: ignore[misc]  # as above
                yield token
        finally:
            self._work.close()


class LaterItems(SimulatedItems):
    """The table of a worker of the later release. `later`: whether a new job gets the higher version."""

    later: Callable[[], bool]

    async def put_all(self, items: Sequence[NewItem]) -> None:
        await super().put_all([{**item, **NEWS} for item in items])

    async def put_some(self, items: Sequence[NewItem]) -> set[int]:
        return await super().put_some([{**item, **NEWS} for item in items])

    async def put_all_with(self, items: Sequence[NewItem], write: Put | Update) -> ConditionFailed | None:
        if isinstance(write, Put):
            write = Put(self._made(write.item), write.condition)
        return await super().put_all_with([{**item, **NEWS} for item in items], write)

    async def put_if(self, item: Item, condition: Any) -> Applied | ConditionFailed:
        return await super().put_if(self._made(item), condition)

    def _made(self, item: Item) -> Item:
        return {**item, **NEWS, **({"version": LATER} if item["sk"] == JOB and self.later() else {})}


class LaterJobQueue(SimulatedJobQueue):
    """The queue of a worker of the later release."""

    async def send(self, body: str, **options: Any) -> None:
        pointer = json.loads(body)
        pointer["resume"] |= NEWS
        await super().send(json.dumps({**pointer, **NEWS}), **options)


class ReleaseAudit:
    """The judge of workers of the earlier release.

    Args:
        note: records a violation.
    """

    def __init__(self, note: Callable[[str], None]) -> None:
        self._note = note
        self.met = 0
        """Messages of jobs of the later release that an earlier worker returned to the queue."""

    def watch(self, worker: Worker | None, before: Item | None, after: Item) -> None:
        """Judge a write. A copy that arrives late has no worker."""
        if worker is None or worker.release != VERSION:
            return
        if any(item.get("version", VERSION) != VERSION for item in (before or {}, after)):
            self._note(f"EARLIER RELEASE wrote {after['pk']} {after['sk']}, whose records have a later version")

    def postponed(self, worker: Worker, key: JobKey, version: int, seconds: float) -> None:
        """Judge how long a message is hidden."""
        if worker.release != VERSION or version == VERSION:
            return
        self.met += 1
        if seconds < LONGEST_HIDDEN:
            self._note(f"BACK SOON: the message of {key.job_id} comes to the earlier release again in {seconds} s")

    def rejected(self, body: str) -> None:
        """Judge a message that is rejected for good."""
        if "resume" in json.loads(body):
            self._note(f"REJECTED a pointer: {body[:120]}")

    def read(self, worker: Worker | None, key: JobKey, version: int) -> None:
        """Judge that a job was shown."""
        if worker is not None and worker.release == VERSION != version:
            self._note(f"SHOWN {key.job_id} by the earlier release, whose records have a later version")


def take_up_any_version() -> AbstractContextManager[object]:
    """A worker takes up jobs of any version."""
    return patch.object(jobs_table, "job_record", lambda item: job_items.job_record({**item, "version": VERSION}))


def know_every_field() -> AbstractContextManager[object]:
    """A message with a field unknown to this release is not read as a pointer."""
    real = queue_worker.pointer

    def pointer(body: str) -> JobKey | None:
        key = real(body)
        known = key is not None and json.loads(body) == {"resume": {"tenant": key.tenant, "job_id": key.job_id}}
        return key if known else None

    return patch.object(queue_worker, "pointer", pointer)


def hide_briefly() -> AbstractContextManager[object]:
    """A message of a job of a later release becomes visible again at once."""
    return patch.object(queue_worker, "LONGEST_HIDDEN", 0.0)
