"""A small world for the use cases: a table, a bus and a queue in memory, a clock that only the tests advance, and
blocks that record their calls. A test decides where crashes and lost replies happen."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import pytest

from blocks.block import REGISTRY, Block
from handler.caller import Caller
from handler.doors.sqs import receive
from handler.engine import Runtime
from handler.engine.alarm.alarm import StepTimeout
from handler.invocation.crew import Crew
from handler.invocation.metrics import Metrics
from handler.invocation.time_left import TimeLeft
from handler.jobs.service import Jobs, Submission
from handler.jobs.sweep import sweep
from handler.outside import Outside
from handler.payload.parse import parse
from handler.ports import Ports
from handler.settings import Settings
from infra.errors import TryLaterError
from infra.jobs.jobs_table import JobsTable
from infra.jobs.records import JobKey, JobRecord
from infra.messaging.event_bus import Attempted, Entry
from infra.messaging.scheduler import Timetable
from infra.messaging.shared_bus import SharedBus
from infra.outside.secret import Secret
from infra.table.conditions import Condition
from infra.table.documents import DocumentsTable
from infra.table.items import Applied, ConditionFailed, Index, Item, Key, NewItem, Page, Put, Start, Update, Value
from infra.table.shared_puts import SharedPuts
from infra.table.shared_reads import SharedReads
from tests.simulation.batches import ConcurrentBus, ConcurrentPort
from tests.simulation.table import SimulatedTable

Result = TypeVar("Result")
BEGINNING = 1_800_000_000.0
WORK = {"action": "PROBE.WORK"}
CHARGE = {"action": "PROBE.CHARGE"}
FAIL = {"action": "PROBE.WORK", "parameters": {"fail": True}}
"""Steps: pure work, an effect, and one that fails."""


class CrashError(BaseException):
    """The process dies here."""


def drive(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine that awaits only these ports."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        result: Result = stop.value
        return result
    raise AssertionError("a coroutine waited for something other than the ports")


@dataclass
class Clock:
    now: float = BEGINNING

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class ClockAlarm:
    """Stops a block that advanced the clock past its limit, and sets the clock back to the limit."""

    clock: Clock

    def call(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], seconds: float) -> Any:
        ends = self.clock.now + seconds
        result = function(*args, **kwargs)
        if self.clock.now > ends:
            self.clock.now = ends
            raise StepTimeout
        return result

    async def wait(self, *_: Any) -> Any:
        raise AssertionError("no block in these tests is a coroutine")


@dataclass
class MemoryItems:
    """The simulated table without a network, but with hooks around each call."""

    table: SimulatedTable
    before: Callable[[str], None] = lambda _: None
    after: Callable[[str], None] = lambda _: None
    lose_reply_of: set[int] = field(default_factory=set)
    calls: list[str] = field(default_factory=list)

    def _call(self, name: str, work: Callable[[], Result]) -> Result:
        self.calls.append(name)
        number = len(self.calls)
        self.before(name)
        result = work()
        if number in self.lose_reply_of:
            result = work()  # the SDK repeats the call, because it got no answer
        self.after(name)
        return result

    async def get(self, pk: str, sk: str) -> Item | None:
        return self._call("get", lambda: self.table.get(pk, sk))

    async def query(self, pk: str, low: str, high: str, *, newest: int | None = None) -> list[Item]:
        return self._call("query", lambda: self.table.query(pk, low, high, newest))

    async def get_all(self, keys: Sequence[Key]) -> list[Item]:
        return self._call("get_all", lambda: self.table.get_all(keys))

    async def query_after(self, pk: str, after: str | None, *, limit: int) -> list[Item]:
        return self._call("query_after", lambda: self.table.query_after(pk, after, limit))

    async def delete_if(self, pk: str, sk: str, condition: Condition) -> ConditionFailed | None:
        return self._call("delete_if", lambda: self.table.delete_if(pk, sk, condition))

    async def put_all(self, items: Sequence[NewItem]) -> None:
        def put() -> None:
            for item in items:
                self.table.put(item)

        self._call("put_all", put)

    async def put_some(self, items: Sequence[NewItem]) -> set[int]:
        await self.put_all(items)
        return set()

    async def put_all_with(self, items: Sequence[NewItem], write: Put | Update) -> ConditionFailed | None:
        token: list[None] = []

        def transact() -> ConditionFailed | None:
            if token:
                return None
            refused = self.table.put_all_with(items, write)
            if refused is None:
                token.append(None)
            return refused

        return self._call("put_all_with", transact)

    async def put_if(self, item: Item, condition: Condition) -> Applied | ConditionFailed:
        return self._call("put_if", lambda: self.table.put_if(item, condition))

    async def update_if(
        self, pk: str, sk: str, *, condition: Condition, set: Mapping[str, Value], remove: Sequence[str] = ()
    ) -> Applied | ConditionFailed:
        return self._call("update_if", lambda: self.table.update_if(pk, sk, condition, set, remove))

    async def query_index(
        self,
        index: Index,
        value: str,
        *,
        limit: int,
        start: Start | None = None,
        at_most: float | None = None,
        newest_first: bool = False,
    ) -> Page:
        return self._call(
            "query_index", lambda: self.table.query_index(index, value, limit, start, at_most, newest_first)
        )


@dataclass
class MemoryBus:
    """Accepts as many entries as a test says."""

    items: MemoryItems
    events: list[dict[str, Any]] = field(default_factory=list)
    details: list[str] = field(default_factory=list)
    calls: int = 0
    takes: int | None = None
    """The number of entries accepted per call; ``None`` for all."""
    down: bool = False

    async def publish(self, entries: Sequence[Entry], *, missed: Callable[[str], object]) -> list[int]:
        self.calls += 1
        self.items.before("publish")
        if self.down:
            raise TryLaterError("the bus is out of reach")
        if self.takes is not None:
            missed("ThrottlingException")
        taken = list(range(len(entries) if self.takes is None else min(self.takes, len(entries))))
        for index in taken:
            self.details.append(entries[index].detail)
            self.events.append({"type": entries[index].detail_type, **json.loads(entries[index].detail)})
        self.items.after("publish")
        return taken

    def ids(self) -> list[str]:
        return [event["event_id"].split("/", 2)[2] for event in self.events]


@dataclass
class MemoryQueue:
    items: MemoryItems
    sent: list[dict[str, Any]] = field(default_factory=list)
    postponed: list[tuple[str, float]] = field(default_factory=list)
    rejected: list[tuple[str, str]] = field(default_factory=list)
    groups: list[tuple[str | None, str | None]] = field(default_factory=list)
    down: bool = False

    async def send(
        self,
        body: str,
        *,
        delay: float = 0,
        group: str | None = None,
        deduplication: str | None = None,
        fair: str | None = None,
    ) -> None:
        self.items.before("send")
        if self.down:
            raise TryLaterError("the queue is out of reach")
        self.sent.append({"body": body, "delay": delay, "group": group, "deduplication": deduplication, "fair": fair})
        self.items.after("send")

    async def postpone(self, receipt_handle: str, seconds: float) -> None:
        self.postponed.append((receipt_handle, seconds))

    async def reject(
        self, body: str, problem: str, *, group: str | None = None, deduplication: str | None = None
    ) -> None:
        if self.down:
            raise TryLaterError("the queue is out of reach")
        self.rejected.append((body, problem))
        self.groups.append((group, deduplication))


@dataclass
class MemoryScheduler:
    """Remembers schedules, and fires none."""

    items: MemoryItems
    standing: dict[tuple[str, str], Timetable] = field(default_factory=dict)
    down: bool = False

    async def put(self, tenant: str, schedule_id: str, timetable: Timetable) -> None:
        self.items.before("schedule")
        if self.down:
            raise TryLaterError("the scheduler is out of reach")
        self.standing[tenant, schedule_id] = timetable
        self.items.after("schedule")

    async def delete(self, tenant: str, schedule_id: str) -> None:
        self.items.before("unschedule")
        if self.down:
            raise TryLaterError("the scheduler is out of reach")
        self.standing.pop((tenant, schedule_id), None)
        self.items.after("unschedule")


@dataclass
class MemorySecrets:
    """Secrets for hooks, by tenant and name."""

    values: dict[tuple[str, str], bytes] = field(default_factory=dict)
    uses: frozenset[str] = frozenset({"verify"})

    def of(self, tenant: str) -> TenantSecrets:
        return TenantSecrets(
            {
                name: Secret(name, value.decode(), uses=self.uses)
                for (owner, name), value in self.values.items()
                if owner == tenant
            }
        )


@dataclass
class TenantSecrets:
    """The secrets of one tenant."""

    values: dict[str, Secret]

    def get(self, name: str, seconds: float) -> Secret | None:
        assert seconds > 0
        return self.values.get(name)

    def renew(self, secret: Secret, seconds: float) -> Secret | None:
        raise AssertionError((secret, seconds))


@dataclass
class PromptStation:
    """Makes each call at once, and reports it when the jobs of a batch wait. Its clock advances by the awaited time."""

    time: float = 0.0
    started: int = 0
    ended: list[tuple[Callable[[Any, BaseException | None], None], Any, BaseException | None]] = field(
        default_factory=list
    )

    def now(self) -> float:
        return self.time

    def start(self, call: Callable[[], Any], done: Callable[[Any, BaseException | None], None]) -> None:
        self.started += 1
        result, failure = None, None
        try:
            result = drive(call())
        except Exception as error:  # noqa: BLE001 (raised in the job that made the call)
            failure = error
        self.ended.append((done, result, failure))

    def has_news(self) -> bool:
        return False  # so that as many calls as possible are in flight at once

    async def wait(self, seconds: float | None) -> None:
        if not self.ended:
            assert seconds is not None, "no call is in flight, so this wait would never end"
            self.time += seconds
        ended, self.ended = self.ended, []
        for done, result, error in ended:
            done(result, error)


@dataclass
class BusParts:
    """The bus in memory, behind the interface that a shared bus uses."""

    bus: MemoryBus

    async def attempt(self, entries: Sequence[Entry]) -> Attempted:
        codes: list[str] = []
        taken = await self.bus.publish(entries, missed=codes.append)
        failed = {len(taken): code for code in codes}
        return Attempted(taken, failed)

    def check(self, entries: Sequence[Entry]) -> None:
        """Accept all: these entries are small."""


class World:
    """Everything that a use case needs, and short methods for common events."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.table = SimulatedTable()
        self.items = MemoryItems(self.table)
        self.bus = MemoryBus(self.items)
        self.queue = MemoryQueue(self.items)
        self.scheduler = MemoryScheduler(self.items)
        self.secrets = MemorySecrets()
        self.ran: list[str] = []
        """The idempotency keys of effects that happened, and ``work`` for each pure block that ran."""
        self.tokens = iter(range(1, 10_000))
        self.settings = Settings(
            table_name="t", bus_name="b", queue_url="q", dead_letter_queue_url="d", queue_tenant="tenant"
        )
        self.metrics = Metrics()
        self.caller = Caller(tenant="tenant")
        self.outside: Outside | None = None
        self.vault: Any = None
        self.dead = False
        """Whether the process has died and no other has started."""
        self.overlaps = False
        self.station = PromptStation()

    def set(self, **settings: Any) -> None:
        """Change the deployment's settings."""
        self.settings = self.settings.model_copy(update=settings)

    def side_by_side(self, ports: Ports) -> tuple[Crew, Ports]:
        """Begin a batch whose jobs run concurrently."""
        crew = self.crew = Crew(self.station)
        items: Any = ConcurrentPort(self.items, crew)
        queue: Any = ConcurrentPort(self.queue, crew)
        return crew, replace(
            ports,
            table=JobsTable(items, SharedPuts(items, crew), SharedReads(items, crew)),
            bus=SharedBus(ConcurrentBus(BusParts(self.bus), crew), crew),
            queue=queue,
            documents=DocumentsTable(items),
            runtime=replace(ports.runtime, sleep=crew.sleep),
            turns=crew,
        )

    @property
    def ports(self) -> Ports:
        return Ports(
            settings=self.settings,
            table=JobsTable(self.items),
            bus=self.bus,
            queue=self.queue,
            documents=DocumentsTable(self.items),
            scheduler=self.scheduler,
            secrets_of=self.secrets.of,
            registry=REGISTRY,
            runtime=Runtime(
                now=lambda: self.clock.now, sleep=self.clock.sleep, random=lambda: 0.5, alarm=ClockAlarm(self.clock)
            ),
            token=lambda: f"{next(self.tokens):08x}",
            log=logging.getLogger("conduit.test"),
            metrics=self.metrics,
            outside=self.outside,
            vault=self.vault,
            side_by_side=self.side_by_side if self.overlaps else None,
        )

    @property
    def jobs(self) -> Jobs:
        return Jobs(self.ports)

    def lifetime(self, seconds: float = 30.0) -> TimeLeft:
        return TimeLeft(self.clock.now + seconds, seconds)

    def crash(self) -> None:
        """The process dies: its later calls have no effect. `restart` starts a new one."""

        def die(_: str) -> None:
            raise CrashError

        self.dead = True
        self.items.before = die

    def restart(self) -> None:
        self.dead = False
        self.items.before = self.items.after = lambda _: None

    def submit(self, *steps: dict[str, Any], life: float = 30.0, **options: Any) -> Submission:
        """Send a job over HTTP; ``id``, ``name`` and ``variables`` are part of the payload, the rest goes to
        `Jobs.submit`."""
        payload = {key: options.pop(key) for key in ("id", "name", "variables", "parameters") if key in options}
        caller = options.pop("caller", self.caller)
        sent = parse({**payload, "steps": list(steps)})
        return drive(self.jobs.submit(caller, sent, lifetime=self.lifetime(life), **options))

    def message(self, body: Any, *, id: str = "m1", receives: int = 1, group: str | None = None) -> dict[str, Any]:
        """A record of an SQS event."""
        attributes = {"ApproximateReceiveCount": str(receives)} | ({"MessageGroupId": group} if group else {})
        return {
            "messageId": id,
            "receiptHandle": f"receipt-{id}",
            "body": body if isinstance(body, str) else json.dumps(body),
            "attributes": attributes,
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:eu-central-1:123456789012:q" + (".fifo" if group else ""),
        }

    def receive(self, *records: dict[str, Any], life: float = 30.0) -> list[str]:
        """One invocation by the queue; returns the ids of the messages that will be redelivered."""
        answer = drive(receive({"Records": list(records)}, self.ports, self.lifetime(life)))
        return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]

    def drain_queue(self, *, life: float = 30.0) -> None:
        """Receive the sent messages until none is left; the clock advances past their delays."""
        for _ in range(500):
            if not self.queue.sent:
                return
            message = self.queue.sent.pop(0)
            self.clock.now += message["delay"]
            if self.receive(self.message(message["body"]), life=life):
                self.queue.sent.append(message)
                self.clock.now += 60
        raise AssertionError("the queue never becomes empty")

    def sweep(self) -> int:
        return drive(sweep(self.ports, self.lifetime()))

    def recover(self, *, life: float = 30.0) -> None:
        """Let the minutes after a crash pass: the sweeper runs, and its messages are processed."""
        for _ in range(100):
            self.clock.now += 60
            self.sweep()
            self.drain_queue(life=life)
            if not any(item.get("due") for item in self.table.items.values()):
                return
        raise AssertionError("something stays due forever")

    def record(self, job_id: str, tenant: str = "tenant") -> JobRecord:
        job = drive(JobsTable(self.items).read(JobKey(tenant, job_id), self.clock.now))
        assert job is not None, f"there is no job {job_id}"
        return job

    def get(self, job_id: str, tenant: str = "tenant") -> dict[str, Any]:
        return drive(self.jobs.get(Caller(tenant=tenant), job_id))

    def statuses(self, job_id: str, tenant: str = "tenant") -> list[str]:
        return [step["status"]["name"] for step in self.get(job_id, tenant)["steps"]]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """An empty world with the blocks ``PROBE.CHARGE`` (at least once), ``FIRE`` (at most once), ``WORK`` (pure), and
    ``DIE``, ``CHARGE_AND_DIE`` and ``FIRE_AND_DIE``, which kill the process."""
    made = World()

    def charge(call__: Any, *, seconds: float = 0, fail: bool = False) -> str:
        made.ran.append(call__.idempotency_key)
        made.clock.now += seconds
        if fail:
            raise RuntimeError("the card was refused")
        return f"charged by {call__.fence}"

    def work(*, seconds: float = 0, name: str = "work", fail: bool = False) -> str:
        made.ran.append(name)
        made.clock.now += seconds
        if fail:
            raise RuntimeError("it did not work")
        return name

    def die(call__: Any) -> None:
        made.ran.append(call__.idempotency_key)
        made.crash()

    REGISTRY.load()
    for block in (
        Block(charge, category="PROBE", effect="at_least_once"),
        Block(charge, name="FIRE", category="PROBE", effect="at_most_once"),
        Block(work, category="PROBE", effect="none"),
        Block(die, category="PROBE", effect="none"),
        Block(die, name="CHARGE_AND_DIE", category="PROBE", effect="at_least_once"),
        Block(die, name="FIRE_AND_DIE", category="PROBE", effect="at_most_once"),
    ):
        monkeypatch.setitem(REGISTRY._blocks, block.action, block)
    return made
