"""Drives coroutines one step at a time, in an order that a seed decides, with a clock that it alone advances."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Coroutine, Generator
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any

from infra.jobs.records import VERSION
from tests.simulation.faults import Rates


class CrashError(BaseException):
    """Raised in any call that a dead worker still makes. Not an `Exception`, so that no handler catches it."""


@dataclass(frozen=True, slots=True)
class Yield:
    """The awaitable of a simulated port: here other workers may run, time may pass, and this worker may die.

    Attributes:
        point: the place, for the list of crash points.
        seconds: the least time that passes.
        kills: whether the process dies here, as with a block that crashes its sandbox.
        stubborn: whether no alarm ends this wait, as with a block that hangs in C.
    """

    point: str
    seconds: float = 0.0
    kills: bool = False
    stubborn: bool = False

    def __await__(self) -> Generator[Yield, None, None]:
        yield self


@dataclass(eq=False, slots=True)
class Worker:
    """One invocation, or one call from outside: a coroutine with its own clock.

    Attributes:
        name: its kind: ``queue``, ``http``, ``sweep``, ``control``.
        skew: seconds that its clock is ahead.
        deadline: true time at which AWS kills it.
        wake_at: it does not continue before this time.
        thawed: whether its sandbox was frozen once; then nothing kills it at its deadline.
        dead: killed; its ports refuse everything.
        doomed: dies with its next step.
        number: distinguishes workers in a trace.
        point: the yield point at which it waits.
        ended: called with the result, but not if the worker dies.
        died: called if the worker dies.
        release: the version of records that it knows.
    """

    name: str
    skew: float = 0.0
    deadline: float | None = None
    ended: Callable[[Any], None] = lambda _: None
    died: Callable[[], None] = lambda: None
    coroutine: Coroutine[Yield, None, Any] | None = None
    wake_at: float = 0.0
    thawed: bool = False
    dead: bool = False
    doomed: bool = False
    number: int = 0
    point: str = "start"
    release: int = VERSION


@dataclass(eq=False, slots=True)
class Scheduler:
    """The world's clock and its random choices. Every choice comes from `random`, so a seed decides a history.

    Attributes:
        certain: faults that happen at any rates: the kind, and the number of its occasion, counted from 1.
        trace: called with each line about a worker.
        outages: kinds of faults that always happen between two times.
        alarms: further times at which something may happen.
        holds: whether a worker must not continue now, whatever the time.
        advanced: called with each worker that continues.
    """

    random: Random
    rates: Rates
    certain: frozenset[tuple[str, int]] = frozenset()
    trace: Callable[[str], None] = lambda _: None
    alarms: Callable[[], list[float]] = list
    holds: Callable[[Worker], bool] = lambda _: False
    advanced: Callable[[Worker], object] = lambda _: None
    now: float = 1_000_000.0
    workers: list[Worker] = field(default_factory=list)
    later: list[tuple[float, Callable[[], object]]] = field(default_factory=list)
    outages: dict[str, tuple[float, float]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    occasions: Counter[str] = field(default_factory=Counter)
    points: int = 0
    started: int = 0
    faults: bool = True
    current: Worker | None = None

    def chance(self, kind: str) -> bool:
        """Whether a fault of this kind happens now; if it does, it is counted."""
        begins, ends = self.outages.get(kind, (0.0, 0.0))
        out = begins <= self.now < ends
        self.occasions[kind] += 1
        certain = (kind, self.occasions[kind]) in self.certain
        hit = certain or (self.faults and (out or self.random.random() < getattr(self.rates, kind)))
        if hit:
            self.counts[kind] += 1
        return hit

    def at(self, when: float, action: Callable[[], object]) -> None:
        """Do something at a given time."""
        self.later.append((when, action))

    def start(self, worker: Worker, coroutine: Coroutine[Any, Any, Any]) -> None:
        self.started += 1
        worker.number = self.started
        worker.coroutine = coroutine
        worker.wake_at = self.now
        self.workers.append(worker)

    def step(self) -> bool:
        """Advance the clock and let one worker continue; false when nothing is left to do."""
        self.now += self.random.choice((0.0005, 0.002, 0.01, 0.04))
        self._do_what_is_due()
        free = [worker for worker in self.workers if not self.holds(worker)]
        ready = [worker for worker in free if worker.wake_at <= self.now]
        if not ready:
            times = [worker.wake_at for worker in free] + [when for when, _ in self.later] + self.alarms()
            if not times:
                return False
            self.now = max(self.now, min(times))
            return True
        self._advance(self.random.choice(ready))
        return True

    def _do_what_is_due(self) -> None:
        due = [entry for entry in self.later if entry[0] <= self.now]
        if due:
            self.later = [entry for entry in self.later if entry[0] > self.now]
            for _, action in sorted(due, key=lambda entry: entry[0]):
                action()

    def _advance(self, worker: Worker) -> None:
        self.points += 1
        self.advanced(worker)
        if self._dies(worker):
            self.kill(worker)
            return
        if self.chance("freeze"):
            pause = self.random.choice((20.0, 60.0, 150.0))
            worker.wake_at = self.now + pause
            worker.thawed = True
            if self.random.random() < 0.5:  # half of the time its monotonic clock was frozen too
                worker.skew -= pause
            self.trace(f"{worker.name}-{worker.number} stands still at: {worker.point}")
            return
        assert worker.coroutine is not None
        self.current = worker
        try:
            token = worker.coroutine.send(None)
        except StopIteration as stop:
            self.workers.remove(worker)
            result = stop.value
        else:
            worker.wake_at = self.now + token.seconds
            if worker.deadline is not None and not worker.thawed:  # its time ends then, even if it sleeps
                worker.wake_at = min(worker.wake_at, max(self.now, worker.deadline + 0.001))
            worker.point = token.point
            worker.doomed = token.kills
            return
        finally:
            self.current = None
        worker.ended(result)

    def _dies(self, worker: Worker) -> bool:
        if worker.doomed:
            self.counts["killer"] += 1
            return True
        overdue = worker.deadline is not None and self.now > worker.deadline and not worker.thawed
        if overdue:
            self.counts["timeout"] += 1
        return overdue or self.chance("crash")

    def kill(self, worker: Worker) -> None:
        """Kill a worker where it is. Calls in its ``finally`` blocks are refused: a killed process runs none."""
        self.trace(f"{worker.name}-{worker.number} dies at: {worker.point}")
        self.counts["deaths"] += 1
        worker.dead = True
        if worker in self.workers:
            self.workers.remove(worker)
        self._close(worker)
        worker.died()

    def end(self) -> None:
        """End all living workers without calling their callbacks."""
        for worker in self.workers:
            worker.dead = True
            self._close(worker)
        self.workers.clear()

    @staticmethod
    def _close(worker: Worker) -> None:
        assert worker.coroutine is not None
        with suppress(CrashError, RuntimeError):  # it tried to continue: it called a port, or awaited
            worker.coroutine.close()
