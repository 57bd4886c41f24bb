"""The simulated bus: it rejects some entries, is down at times, and remembers what reached it."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence

from infra.errors import TryLaterError
from infra.messaging.event_bus import CALL_ENTRIES, Attempted, Entry
from tests.simulation.scheduler import CrashError, Scheduler, Worker, Yield

TRIES = 2
"""Tries for entries that the bus rejects; the real adapter has its own number."""


class SimulatedBus:
    """The entries that reached the bus: for each event id its contents, and how often each came."""

    def __init__(self) -> None:
        self.events: defaultdict[str, Counter[str]] = defaultdict(Counter)

    def take(self, entry: Entry) -> None:
        detail = json.loads(entry.detail)
        if "event_id" in detail:
            self.events[detail["event_id"]][entry.detail] += 1
            return
        for step in detail["steps"]:  # a group of updates: consumers know each by its own id
            name = step.pop("event_id")
            self.events[name][json.dumps({"step": step}, sort_keys=True)] += 1


class SimulatedEventBus:
    """The bus as one worker sees it; it behaves as `infra.messaging.event_bus.EventBus`."""

    def __init__(self, bus: SimulatedBus, scheduler: Scheduler, worker: Worker) -> None:
        self._bus = bus
        self._scheduler = scheduler
        self._worker = worker

    async def publish(self, entries: Sequence[Entry], *, missed: Callable[[str], object]) -> list[int]:
        attempted = await self.attempt(entries)
        for code in attempted.failed.values():
            missed(code)
        return attempted.taken

    async def attempt(self, entries: Sequence[Entry]) -> Attempted:
        taken: list[int] = []
        for first in range(0, len(entries), CALL_ENTRIES):
            batch = list(range(first, min(len(entries), first + CALL_ENTRIES)))
            left, code = await self._put(entries, batch)
            taken += [index for index in batch if index not in left]
            if left:
                return Attempted(taken, dict.fromkeys(left, code))
        return Attempted(taken, {})

    def check(self, entries: Sequence[Entry]) -> None:
        """Every entry of the simulation is small."""

    async def _put(self, entries: Sequence[Entry], left: list[int]) -> tuple[list[int], str]:
        """Put the entries that are left, in a few tries; returns those still left, and the last error."""
        code = ""
        for _ in range(TRIES):
            if self._worker.dead:
                raise CrashError
            await Yield("before put_events")
            if self._scheduler.chance("bus_down"):
                if self._scheduler.random.random() < 0.1:
                    raise TryLaterError("the bus is down")
                code = "InternalFailure"
                continue
            failed = [index for index in left if self._scheduler.chance("entry_failed")]
            for index in left:
                if index not in failed:
                    self._bus.take(entries[index])
            left, code = failed, "MalformedDetail"
            await Yield("after put_events")
            if not left:
                break
        return left, code
