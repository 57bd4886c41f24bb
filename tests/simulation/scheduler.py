"""Drives coroutines one step at a time, in an order that a seed decides, under a clock that only it moves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Coroutine, Generator
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.simulation.faults import Rates


class CrashError(BaseException):
    """Raised into what is left of a dead worker, should it try anything. No `Exception`: nothing may catch it."""


@dataclass(frozen=True, slots=True)
class Yield:
    """What a simulated port awaits: here other workers may run, time may pass, and this one may die.

    Attributes:
        point: where, for the list of crash points.
        seconds: not before so long.
    """

    point: str
    seconds: float = 0.0

    def __await__(self) -> Generator[Yield, None, None]:
        yield self


@dataclass(eq=False, slots=True)
class Worker:
    """One invocation, or one call from outside: a coroutine with a clock of its own.

    Attributes:
        name: of its kind: ``queue``, ``http``, ``sweep``, ``control``.
        skew: seconds that its clock is ahead.
        deadline: true time at which AWS kills it; ``None`` for what lives outside Lambda.
        ended: told with the result; not told when it died.
        died: told when it died.
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
    running: str | None = None
    points: int = 0


@dataclass(eq=False, slots=True)
class Scheduler:
    """The world's clock and its chance. Every choice comes from `random`, so that a seed is a history.

    Attributes:
        crash_at: kill the worker that reaches this yield point (counted over all workers), whatever the rates say.
    """

    random: Random
    rates: Rates
    crash_at: int | None = None
    now: float = 1_000_000.0
    workers: list[Worker] = field(default_factory=list)
    later: list[tuple[float, Callable[[], object]]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    points: int = 0
    faults: bool = True
    current: Worker | None = None

    def chance(self, kind: str) -> bool:
        """Whether a fault of this kind happens now; counted if it does."""
        hit = self.faults and self.random.random() < getattr(self.rates, kind)
        if hit:
            self.counts[kind] += 1
        return hit

    def at(self, when: float, action: Callable[[], object]) -> None:
        """Do something at a time."""
        self.later.append((when, action))

    def start(self, worker: Worker, coroutine: Coroutine[Any, Any, Any]) -> None:
        worker.coroutine = coroutine
        worker.wake_at = self.now
        self.workers.append(worker)

    def step(self) -> bool:
        """Let time pass and one worker go on; false when nothing is left to do."""
        self.now += self.random.choice((0.001, 0.005, 0.02, 0.1))
        self._do_what_is_due()
        ready = [worker for worker in self.workers if worker.wake_at <= self.now]
        if not ready:
            times = [worker.wake_at for worker in self.workers] + [when for when, _ in self.later]
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
        worker.points += 1
        if self._dies(worker):
            self.kill(worker)
            return
        if worker.name != "control" and self.chance("freeze"):
            worker.wake_at = self.now + self.random.choice((20.0, 60.0, 150.0))
            worker.thawed = True
            return
        assert worker.coroutine is not None
        self.current = worker
        try:
            token = worker.coroutine.send(None)
        except StopIteration as stop:
            self.workers.remove(worker)
            worker.ended(stop.value)
        else:
            worker.wake_at = self.now + token.seconds
        finally:
            self.current = None

    def _dies(self, worker: Worker) -> bool:
        if self.crash_at is not None:
            return self.points == self.crash_at
        overdue = worker.deadline is not None and self.now > worker.deadline and not worker.thawed
        if overdue:
            self.counts["timeout"] += 1
        return overdue or (worker.name != "outside" and self.chance("crash"))

    def kill(self, worker: Worker) -> None:
        """End a worker where it stands. What its ``finally`` blocks try is refused: a killed process runs none."""
        worker.dead = True
        worker.running = None
        if worker in self.workers:
            self.workers.remove(worker)
        assert worker.coroutine is not None
        with suppress(CrashError, RuntimeError):  # it tried to go on: it asked a port, or awaited
            worker.coroutine.close()
        worker.died()
