"""One world: the real engine, recorder, use cases and doors on a simulated table, bus, queue and clock."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Coroutine
from contextlib import nullcontext
from dataclasses import dataclass, field
from random import Random
from typing import Any, cast
from unittest.mock import patch

from handler.caller import Caller
from handler.engine import Runtime
from handler.invocation.metrics import Metrics
from handler.invocation.time_left import TimeLeft
from handler.outside import Outside
from handler.ports import Ports
from handler.settings import Settings
from infra.jobs import job_items
from infra.jobs.job_items import JOB, job_record, partition
from infra.jobs.jobs_table import JobsTable
from infra.jobs.records import VERSION, JobKey
from infra.messaging.scheduler import Timetable
from infra.outside.secret import NoSecrets
from infra.table.documents import DocumentsTable
from tests.simulation.audit import Audit
from tests.simulation.batches import begins
from tests.simulation.bus import SimulatedBus, SimulatedEventBus
from tests.simulation.messages import Message, SimulatedJobQueue, SimulatedQueue
from tests.simulation.poller import TENANT, Poller, named_by
from tests.simulation.profiles import Profile
from tests.simulation.releases import LATER, EarlierRelease, LaterItems, LaterJobQueue, ReleaseAudit
from tests.simulation.scheduler import Scheduler, Worker, Yield
from tests.simulation.service import SimulatedService
from tests.simulation.table import SimulatedItems, SimulatedTable
from tests.simulation.workload import Execution, SimulatedAlarm, SimulatedFailure, registry

MOST_STEPS = 400_000
MAX_ATTEMPTS = 3
_STEADY = {"pk", "sk", "tenant", "job_id", "payload", "payload_hash", "created_at", "expires_at", "ends_at", "shard"}
"""Attributes that a trace leaves out."""
SETTINGS = Settings(
    table_name="table",
    bus_name="bus",
    queue_url="queue",
    dead_letter_queue_url="dead",
    queue_tenant=TENANT,
    queue_tags=("QUEUE",),
    lease_margin=3.0,
    reserve=2.0,
    flush_interval=1.0,
    max_attempts=MAX_ATTEMPTS,
)


class Silent(logging.Logger):
    """Drops every line."""

    def isEnabledFor(self, level: int) -> bool:  # noqa: ARG002, N802 (the library's name and argument)
        return False


class NoScheduler:
    """Refuses schedules: no job here needs one."""

    async def put(self, tenant: str, schedule_id: str, timetable: Timetable) -> None:
        raise AssertionError((tenant, schedule_id, timetable))

    async def delete(self, tenant: str, schedule_id: str) -> None:
        raise AssertionError((tenant, schedule_id))


@dataclass(eq=False)
class World:
    """One world, decided by one seed.

    Attributes:
        sweeping: whether the schedule runs.
        certain: faults that happen with any profile; see `Scheduler`.
        trace: called with a line for each write, death and answer.
        hasty: whether to stop at the first violation.
        owed: accepted jobs, which must run, and the door that accepted each.
    """

    random: Random
    profile: Profile
    sweeping: bool = True
    certain: frozenset[tuple[str, int]] = frozenset()
    trace: Callable[[str], None] | None = None
    hasty: bool = False
    owed: dict[JobKey, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.scheduler = Scheduler(self.random, self.profile.rates, certain=self.certain, trace=self._tell)
        self.began = self.scheduler.now
        self.table = SimulatedTable()
        self.bus = SimulatedBus()
        self.queue = SimulatedQueue(
            self.scheduler, self.profile.fifo, self.profile.batch, max_receives=self.profile.max_receives
        )
        self.service = SimulatedService(self.random)
        self.audit = Audit(
            self.table,
            self.bus,
            self.service,
            MAX_ATTEMPTS,
            lambda: self.scheduler.now,
            exclusive=self.profile.exclusive,
            gentle=self.profile.gentle,
            exact=self.profile.exact,
            prompt=self.profile.prompt,
            ordered=self.profile.ordered,
        )
        self.releases = ReleaseAudit(self.audit.note)
        self.queue.hidden, self.queue.given_up = self._hidden, self.releases.rejected
        self.rolled_back = (0.0, 0.0)
        if self.profile.releases and self.random.random() < 0.5:
            self.rolled_back = (200.0, self.random.choice((400.0, 800.0)))
        self.poller = Poller(self.start, self.scheduler, self.queue, self.audit, sweeping=self.sweeping)
        self.settings = SETTINGS.model_copy(
            update={
                "job_seconds": self.profile.job_seconds,
                "flush_interval": self.profile.flush_interval,
                "step_events": self.profile.step_events,
                "queue_url": "queue.fifo" if self.profile.fifo else "queue",
                "max_receives": max(SETTINGS.max_receives, self.profile.max_receives),
            }
        )
        self.table.watchers.append(self._watch)
        self.registry = registry(self)
        self.scheduler.alarms = lambda: self.queue.alarms() + self.poller.alarms()
        self.metrics = Metrics()
        self.plans = 0
        self._tokens = itertools.count()

    # ------------------------------------------------------------------ workers

    def start(
        self,
        name: str,
        work: Callable[[Ports, TimeLeft], Coroutine[Any, Any, Any]],
        *,
        ended: Callable[[Any], None] = lambda _: None,
        died: Callable[[], None] = lambda: None,
    ) -> None:
        """Start an invocation."""
        skew = self.random.uniform(-1, 1) * self.profile.rates.skew
        life = self.random.choice(self.profile.lives)
        release = self._release()
        worker = Worker(name, skew=skew, deadline=self.scheduler.now + life, ended=ended, died=died, release=release)
        ports = self._ports(worker)
        lifetime = TimeLeft(ends_at=self.scheduler.now + life, length=life)

        async def live() -> Any:
            await Yield(f"{name} starts")
            return await work(ports, lifetime)

        async def live_on_an_earlier_release() -> Any:
            return await EarlierRelease(live())

        is_earlier = self.profile.releases and release == VERSION
        self.scheduler.start(worker, live_on_an_earlier_release() if is_earlier else live())

    def _release(self) -> int:
        """The release of the next worker: during the trouble, a later release is deployed gradually and rolled back."""
        if not self.profile.releases:
            return VERSION
        begins, ends = self.rolled_back
        if begins <= self.scheduler.now - self.began < ends:
            return VERSION
        return self.random.choice((VERSION, LATER)) if self.scheduler.faults else LATER

    def _ports(self, worker: Worker) -> Ports:
        scheduler = self.scheduler

        async def sleep(seconds: float) -> None:
            await Yield("sleep", seconds)

        runtime = Runtime(
            now=lambda: scheduler.now + worker.skew,
            sleep=sleep,
            random=self.random.random,
            entropy=self.random.randbytes,
            alarm=SimulatedAlarm(scheduler),
        )
        is_later = worker.release == LATER
        items = (LaterItems if is_later else SimulatedItems)(self.table, scheduler, worker)
        if isinstance(items, LaterItems):
            items.later = lambda: self.random.random() < 0.7
        queue = (LaterJobQueue if is_later else SimulatedJobQueue)(self.queue, scheduler, worker)
        return Ports(
            settings=self.settings,
            table=JobsTable(items),
            bus=SimulatedEventBus(self.bus, scheduler, worker),
            queue=queue,
            documents=DocumentsTable(items),
            scheduler=NoScheduler(),
            secrets_of=lambda _: NoSecrets(),
            registry=self.registry,
            outside=Outside(self.registry, lambda: cast("Any", self.service), lambda _: NoSecrets()),
            runtime=runtime,
            token=lambda: f"{next(self._tokens):08x}",
            log=Silent(__name__),
            metrics=self.metrics,
            side_by_side=begins(scheduler, worker, items),
        )

    async def execute(self, execution: Execution, seconds: float, kills: str, fails: str) -> dict[str, Any]:
        """Execute a block: it takes some time, may die or fail, and has a unique result."""
        worker = self.scheduler.current
        assert worker is not None
        if worker.dead:
            return {"token": ""}
        self.audit.began(execution, alone=not worker.thawed)
        self.scheduler.counts["executions"] += 1
        self._tell(f"{execution.key} begins ({execution.effect}, fence {execution.fence})")
        await Yield("in a block", seconds)
        if kills == "dies":
            await Yield("the block kills its process", kills=True)
        if kills == "hangs":
            await Yield("the block hangs", 1000.0, stubborn=True)
        token = f"{next(self._tokens):08x}"
        first_run = execution.key.split("/")[2] == "1"
        if fails == "always" or (fails == "first run" and first_run):
            raise SimulatedFailure(token)
        if fails == "now and then" and self.random.random() < 0.5:
            raise SimulatedFailure(token)
        if fails == "not ready":
            return {"token": token, "ready": self.random.random() < 0.5}
        return {"token": token}

    # ------------------------------------------------------------------ trace and audit

    def _tell(self, line: str) -> None:
        if self.trace is not None:
            worker = self.scheduler.current
            name = f"{worker.name}-{worker.number}" if worker is not None else "-"
            self.trace(f"{self.scheduler.now - self.began:9.3f} {name:12} {line}")

    def _tell_write(self, before: Any, after: Any) -> None:
        if self.trace is None:
            return
        old = before or {}
        names = [name for name in sorted({*old, *after}) if old.get(name) != after.get(name) and name not in _STEADY]
        shown = ", ".join(f"{name}={after.get(name)}" for name in names)
        self._tell(f"{after['pk']} {after['sk'][:20]} {shown if after['sk'] == JOB else after.get('status', '')}")

    def _watch(self, before: Any, after: Any) -> None:
        worker = self.scheduler.current
        self._tell_write(before, after)
        self.releases.watch(worker, before, after)
        self.audit.watch(before, after)
        if after["sk"] != JOB:
            return
        job = job_record(after)
        self.owed.setdefault(job.key, "its record")
        if worker is not None and before is not None and before.get("lease") != after.get("lease") and job.lease:
            self.audit.claimed.setdefault((job.key, job.fence), self.scheduler.now)

    def version_of(self, key: JobKey) -> int:
        """The version of a job's records, for either release."""
        item = self.table.items.get((partition(key), JOB), {})
        return int(str(item.get("version", VERSION)))

    def _hidden(self, worker: Worker, message: Message, seconds: float) -> None:
        key = named_by(message)
        self.releases.postponed(worker, key, self.version_of(key), seconds)

    # ------------------------------------------------------------------ time

    def plan(self, when: float, action: Callable[[], None]) -> None:
        """Schedule an action from outside; the world does not rest before it."""
        self.plans += 1

        def act() -> None:
            self.plans -= 1
            action()

        self.scheduler.at(self.began + when, act)

    def run(self) -> None:
        """Run the world until it rests, then judge it."""
        with patch.object(job_items, "VERSION", LATER) if self.profile.releases else nullcontext():
            self._run()

    def _run(self) -> None:
        self._plan_outage()
        for _ in range(MOST_STEPS):
            if self.hasty and self.audit.violations:
                self.scheduler.end()
                return
            passed = self.scheduler.now - self.began
            if passed > self.profile.trouble and self.scheduler.faults:
                self.scheduler.faults = False
                self.queue.return_dead()
            if passed > self.profile.trouble + self.profile.rest or (self._rests() and not self.queue.dead):
                break
            self.poller.tick()
            self.queue.poll()
            self.scheduler.step()
        for message in self.queue.messages:
            self.audit.note(f"STUCK message {message.body[:80]}, received {message.receives} times")
        if faults := self.metrics.counted("Faults"):  # the handler logs them and continues
            self.audit.note(f"FAULT: {faults:.0f} errors of the program were caught and logged")
        self.audit.close(self.owed)
        self.scheduler.end()

    def _plan_outage(self) -> None:
        """Make a service unreachable for a while."""
        if self.random.random() < self.profile.outage:
            kind = self.random.choice(("throttled", "bus_down", "send_failed"))
            begins = self.scheduler.now + self.random.uniform(0.0, 100.0)
            self.scheduler.outages[kind] = (begins, begins + self.random.choice((20.0, 200.0)))

    def _rests(self) -> bool:
        if self.plans or self.queue.messages or any(worker.name != "sweep" for worker in self.scheduler.workers):
            return False
        jobs = [job_record(item) for item in self.table.items.values() if item["sk"] == JOB]
        if any(not job.finished or job.due is not None for job in jobs):
            return False
        return not self.scheduler.later


def caller(*tags: str) -> Caller:
    return Caller(tenant=TENANT, tags=frozenset(tags), step_limit=1000)
