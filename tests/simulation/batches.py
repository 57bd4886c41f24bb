"""Batches whose jobs run concurrently: the shipped crew and shared calls, with calls that end in any order."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any
from unittest.mock import patch

from handler.invocation.crew import Crew
from handler.jobs.queue_worker import Worker as QueueWorker
from handler.ports import Ports
from infra.errors import InfraError
from infra.jobs.jobs_table import JobsTable
from infra.messaging.event_bus import Attempted
from infra.messaging.shared_bus import SharedBus
from infra.table.documents import DocumentsTable
from infra.table.items import Items
from infra.table.shared_puts import SharedPuts
from infra.table.shared_reads import Found, SharedReads
from tests.simulation.scheduler import CrashError, Scheduler, Worker, Yield

Done = Callable[[Any, BaseException | None], None]


class SimulatedStation:
    """Makes the calls of one batch: each call is a separate worker, so chance decides which call ends first.

    A call that was sent continues when the process dies; its answer is dropped.
    """

    def __init__(self, scheduler: Scheduler, worker: Worker) -> None:
        self._scheduler = scheduler
        self._worker = worker
        self._ended: deque[tuple[Done, Any, BaseException | None]] = deque()
        self._waits = False

    def now(self) -> float:
        return self._scheduler.now

    def start(self, call: Callable[[], Any], done: Done) -> None:
        def ended(outcome: tuple[Any, BaseException | None]) -> None:
            self._ended.append((done, *outcome))
            if self._waits and not self._worker.dead:
                self._worker.wake_at = self._scheduler.now
            self._waits = False

        def died() -> None:
            """The calls of a process die with it, so chance must strike the process and not a single call."""
            if not self._worker.dead:
                self._scheduler.kill(self._worker)

        helper = Worker("call", skew=self._worker.skew, ended=ended, died=died, release=self._worker.release)
        self._scheduler.start(helper, _outcome(call))
        self._scheduler.counts["concurrent calls"] += 1

    def has_news(self) -> bool:
        return bool(self._ended)

    async def wait(self, seconds: float | None) -> None:
        if not self._ended and seconds != 0:
            self._waits = True
            await Yield("the batch waits", 1e9 if seconds is None else seconds)
            self._waits = False
        while self._ended:
            done, result, error = self._ended.popleft()
            done(result, error)


async def _outcome(call: Callable[[], Coroutine[Any, Any, Any]]) -> tuple[Any, BaseException | None]:
    try:
        return await call(), None
    except (Exception, CrashError) as error:  # noqa: BLE001 (raised again where the call was made)
        return None, error


class ConcurrentPort:
    """A port whose calls run concurrently with the jobs of a batch."""

    def __init__(self, port: Any, crew: Crew) -> None:
        self._port = port
        self._crew = crew

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        method = getattr(self._port, name)

        async def call(*args: Any, **options: Any) -> Any:
            return await self._crew.make(partial(method, *args, **options))

        return call


class ConcurrentBus(ConcurrentPort):
    """The bus, which also checks entries without a call."""

    def check(self, entries: Sequence[Any]) -> None:
        self._port.check(entries)


def begins(scheduler: Scheduler, worker: Worker, items: Items) -> Callable[[Ports], tuple[Crew, Ports]]:
    """The function that begins a batch in this process, as `handler.wiring` does in Lambda."""

    def begin(ports: Ports) -> tuple[Crew, Ports]:
        crew = Crew(SimulatedStation(scheduler, worker))
        table: Any = ConcurrentPort(items, crew)
        queue: Any = ConcurrentPort(ports.queue, crew)
        return crew, replace(
            ports,
            table=JobsTable(table, SharedPuts(table, crew), SharedReads(table, crew)),
            bus=SharedBus(ConcurrentBus(ports.bus, crew), crew),
            queue=queue,
            documents=DocumentsTable(table),
            runtime=replace(ports.runtime, sleep=crew.sleep),
            turns=crew,
        )

    return begin


# ---------------------------------------------------------------------- broken

_TAKE = QueueWorker._take


@contextmanager
def concurrent_suspects() -> Iterator[None]:
    """A job whose owner died is claimed and run concurrently with other jobs, like any other job."""

    async def take(self: QueueWorker, job: Any, message: Any, lifetime: Any) -> Any:
        turns, self._ports = self._ports.turns, replace(self._ports, turns=None)
        try:
            return await _TAKE(self, job, message, lifetime)
        finally:
            self._ports = replace(self._ports, turns=turns)

    with patch.object(QueueWorker, "_take", take):
        yield


_PUT_PARTS = SharedPuts.put_parts
_PUBLISH_PARTS = SharedBus.publish_parts
_READ_PARTS = SharedReads.read_parts


@contextmanager
def applied_to_one() -> Iterator[None]:
    """A shared call puts only the records of its first job, and reports success to every job."""

    async def put_parts(self: SharedPuts, parts: Any) -> list[bool | InfraError]:
        (first,) = await _PUT_PARTS(self, parts[:1])
        return [first] * len(parts)

    with patch.object(SharedPuts, "put_parts", put_parts):
        yield


@contextmanager
def records_blamed_on_another() -> Iterator[None]:
    """Records that were not written are reported to another job."""

    async def put_parts(self: SharedPuts, parts: Any) -> list[bool | InfraError]:
        found = await _PUT_PARTS(self, parts)
        return [*found[1:], found[0]]

    with patch.object(SharedPuts, "put_parts", put_parts):
        yield


@contextmanager
def read_by_another() -> Iterator[None]:
    """The results of a shared read are handed to the jobs in another order."""

    async def read_parts(self: SharedReads, parts: Any) -> list[Found | InfraError | None]:
        found = await _READ_PARTS(self, parts)
        return [*found[1:], found[0]]

    with patch.object(SharedReads, "read_parts", read_parts):
        yield


@contextmanager
def entries_blamed_on_another() -> Iterator[None]:
    """Failed entries are reported to another job, so their own job counts all of its entries as published."""

    async def publish_parts(self: SharedBus, parts: Any) -> list[Attempted | InfraError]:
        found = await _PUBLISH_PARTS(self, parts)
        failed = [bool(isinstance(one, Attempted) and one.failed) for one in found]
        moved = [*failed[1:], failed[0]]
        return [
            Attempted([], {0: "MalformedDetail"}) if fails else Attempted(list(range(len(part))), {})
            for part, fails in zip(parts, moved, strict=True)
        ]

    with patch.object(SharedBus, "publish_parts", publish_parts):
        yield
