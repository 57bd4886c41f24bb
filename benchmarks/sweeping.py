"""The time in which the sweep clears 60,000 due jobs: the shipped sweep on the simulated table, with a clock that only
calls advance.

Each call takes 5 ms, and ten are in flight at once; CPU time is not counted. Half of the jobs are waiting ones whose
time has come (shards ``a``), half are queued ones whose message was lost (shards ``b``).

python -m benchmarks.sweeping [--jobs 60000] [--page docs/performance.md]
"""

from __future__ import annotations

import argparse
import bisect
import heapq
import itertools
import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.report import table
from blocks.block import REGISTRY
from handler.engine import Runtime
from handler.invocation.crew import Crew
from handler.invocation.metrics import Metrics
from handler.invocation.time_left import TimeLeft
from handler.jobs.sweep import sweep
from handler.ports import Ports
from handler.settings import Settings
from infra.jobs.job_items import job_item
from infra.jobs.jobs_table import JobsTable
from infra.jobs.records import JobKey, JobRecord
from infra.table.documents import DocumentsTable
from infra.table.items import DUE, Index, Item, Page, Start
from tests.simulation.batches import ConcurrentPort
from tests.simulation.table import SimulatedTable

CALL = 0.005
"""Seconds of a call."""
INVOCATION = 300.0
"""Seconds of an invocation: the template's default for the worker."""
BEGINNING = 1_800_000_000.0
BEGIN, END = "<!-- sweep: written by make sweep-figures -->", "<!-- end of sweep -->"


class Clock:
    """A clock that advances when a call is awaited."""

    def __init__(self) -> None:
        self.now = BEGINNING


class DueTable(SimulatedTable):
    """The simulated table with a sorted index for the sweeper: sorting it for each page would take hours."""

    def __init__(self) -> None:
        super().__init__()
        self.due: defaultdict[str, list[tuple[float, str]]] = defaultdict(list)
        self.calls: Counter[str] = Counter()
        self.woken: dict[str, str] = {}
        """The kind of shard from which each job was woken first: the jobs are not run, so they become due again."""
        self.watchers.append(self._move)

    def _move(self, before: Item | None, after: Item) -> None:
        if before is not None and DUE.sort in before:
            entries, entry = self.due[str(before[DUE.key])], (before[DUE.sort], str(before["pk"]))
            del entries[bisect.bisect_left(entries, entry)]  # type: ignore[type-var]  # a number
            self.woken.setdefault(str(before["pk"]), str(before[DUE.key])[0])
        if DUE.sort in after:
            bisect.insort(self.due[str(after[DUE.key])], (after[DUE.sort], str(after["pk"])))  # type: ignore[arg-type]

    def page(self, value: str, limit: int, start: Start | None, at_most: float) -> Page:
        entries = self.due[value]
        first = 0 if start is None else bisect.bisect_right(entries, (start[DUE.sort], str(start["pk"])))  # type: ignore[type-var]
        last = bisect.bisect_right(entries, (at_most, "\U0010ffff"))
        found = entries[first : min(first + limit, last)]
        keys = [{"pk": pk, "sk": "JOB", DUE.key: value, DUE.sort: due} for due, pk in found]
        return Page(tuple(dict(key) for key in keys), dict(keys[-1]) if first + limit < last else None)


class DueItems:
    """The part of `infra.table.items.Items` that the sweep uses; each call takes its time."""

    def __init__(self, table: DueTable, clock: Clock) -> None:
        self._table = table
        self._clock = clock

    async def get(self, pk: str, sk: str) -> Item | None:
        self._table.calls["GetItem"] += 1
        return self._table.get(pk, sk)

    async def update_if(self, pk: str, sk: str, *, condition: Any, set: Any, remove: Any = ()) -> Any:
        self._table.calls["UpdateItem"] += 1
        return self._table.update_if(pk, sk, condition, set, remove)

    async def query_index(
        self, index: Index, value: str, *, limit: int, start: Start | None = None, at_most: float | None = None
    ) -> Page:
        assert index is DUE
        assert at_most is not None
        self._table.calls["Query"] += 1
        return self._table.page(value, limit, start, at_most)


class SentQueue:
    """Accepts every message."""

    def __init__(self, table: DueTable) -> None:
        self._table = table

    async def send(self, body: str, **options: Any) -> None:
        del body, options
        self._table.calls["SendMessage"] += 1


class Station:
    """Calls take `CALL` seconds each, as many at once as there are threads."""

    def __init__(self, clock: Clock, most: int) -> None:
        self._clock = clock
        self._free = [0.0] * most
        self._open: list[tuple[float, int, Callable[[], Coroutine[Any, Any, Any]], Callable[[Any, Any], None]]] = []
        self._number = itertools.count()

    def now(self) -> float:
        return self._clock.now

    def start(self, call: Callable[[], Any], done: Callable[[Any, BaseException | None], None]) -> None:
        begins = max(self._clock.now, heapq.heappop(self._free))
        heapq.heappush(self._free, begins + CALL)
        heapq.heappush(self._open, (begins + CALL, next(self._number), call, done))

    def has_news(self) -> bool:
        return False

    async def wait(self, seconds: float | None) -> None:
        del seconds  # a sweep waits only for calls
        at, _, call, done = heapq.heappop(self._open)
        self._clock.now = max(self._clock.now, at)
        done(await call(), None)


def fill(table: DueTable, jobs: int) -> None:
    """Put due jobs; every other one has a lost message."""
    for number in range(jobs):
        job = JobRecord(
            key=JobKey("tenant", f"j{number:06}"),
            name=None,
            payload="p",
            payload_hash="h",
            status="QUEUED" if number % 2 else "RUNNING",
            lease=None if number % 2 else "1-dead",
            lease_until=BEGINNING - 10,
            created_at=BEGINNING - 1000,
            ends_at=BEGINNING + 80_000,
            expires_at=int(BEGINNING) + 600_000,
            due=BEGINNING - 500 + number % 400,
        )
        table.put(job_item(job))


def measure(jobs: int, most: int) -> dict[str, Any]:
    """Sweep until nothing is due; `most` calls at once (1: one after another, without a crew)."""
    table, clock = DueTable(), Clock()
    fill(table, jobs)
    table.woken.clear()
    items: Any = DueItems(table, clock)
    queue: Any = SentQueue(table)
    nothing: Any = None

    def begin(ports: Ports) -> tuple[Crew, Ports]:
        crew = Crew(Station(clock, most), most=most)
        concurrent: Any = ConcurrentPort(items, crew)
        sent: Any = ConcurrentPort(queue, crew)
        return crew, replace(ports, table=JobsTable(concurrent), queue=sent, turns=crew)

    ports = Ports(
        settings=Settings(table_name="t", bus_name="b", queue_url="q", dead_letter_queue_url="d"),
        table=JobsTable(items),
        bus=nothing,
        queue=queue,
        documents=DocumentsTable(items),
        scheduler=nothing,
        secrets_of=nothing,
        registry=REGISTRY,
        runtime=Runtime(now=lambda: clock.now),
        token=lambda: "t",
        log=logging.getLogger(__name__),
        metrics=Metrics(),
        side_by_side=begin,
    )
    invocations = 0
    while len(table.woken) < jobs:
        coroutine = sweep(ports, TimeLeft(clock.now + INVOCATION, INVOCATION))
        try:
            coroutine.send(None)
        except StopIteration as stop:
            if not stop.value:
                raise SystemExit("a sweep found nothing due, and jobs are left") from None
            invocations += 1
    firsts = [place for place, shard in enumerate(table.woken.values()) if shard == "a"]
    return {
        "seconds": clock.now - BEGINNING,
        "calls": dict(table.calls),
        "invocations": invocations,
        "in_order": firsts == list(range(len(firsts))),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=60_000)
    parser.add_argument("--page", type=Path, help="a page with the markers; its table is replaced")
    given = parser.parse_args()
    rows = []
    for most in (1, 10):
        found = measure(given.jobs, most)
        calls, seconds = sum(found["calls"].values()), found["seconds"]
        order = "before every `b…`" if found["in_order"] else "**mixed**"
        rows.append(
            (
                str(most),
                f"{calls:,}",
                f"{calls / seconds:,.0f}",
                f"{given.jobs / seconds:,.0f}",
                f"{seconds / 60:,.1f}",
                str(found["invocations"]),
                order,
            )
        )
    head = ("calls at once", "calls", "calls a second", "jobs a second", "minutes", "invocations", "shards `a…`")
    text = f"{given.jobs:,} due jobs, {CALL * 1000:g} ms a call:\n\n{table(head, rows)}"
    print(text)
    if given.page:
        page = given.page.read_text(encoding="utf-8")
        before, rest = page.split(BEGIN)
        after = rest.split(END)[1]
        given.page.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
