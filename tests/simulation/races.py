"""Races between two actors: each stops at every possible place while the other continues.

Chance finds such a race once in ten thousand worlds; here every one is tried: one actor is held after some number of
steps until the others have made some number of steps, and then continues.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from random import Random
from typing import Any, Final

from handler.payload.answer import GivenAnswer
from infra.jobs.parking import parked
from infra.jobs.records import JobKey, JobRecord
from tests.simulation.outside import Outside
from tests.simulation.poller import TENANT
from tests.simulation.profiles import QUIET
from tests.simulation.scheduler import Worker
from tests.simulation.shards import few_shards
from tests.simulation.world import World

JOB: Final = "j"
MOST: Final = 16
"""The most steps that the others make while one is held."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Race:
    """One meeting.

    Attributes:
        name: the two actors.
        steps: of the job.
        held: starts the actor that is held.
        starts: whether the job's state lets that actor start.
        counts: whether the job's state is one in which the others' steps count.
        others: the other actions, each with the state of the job in which it starts.
        reach: the most steps that the held actor makes before it is held.
    """

    name: str
    steps: list[dict[str, Any]]
    held: Callable[[Outside], object]
    starts: Callable[[JobRecord, float], bool]
    counts: Callable[[JobRecord, float], bool]
    others: Mapping[Callable[[JobRecord, float], bool], Callable[[Outside], object]]
    reach: int = 20


class Meeting:
    """One world in which a race is run.

    Args:
        race: the race.
        after: steps that the held actor makes first.
        until: steps that the others make while it is held.
    """

    def __init__(self, race: Race, after: int, until: int, trace: Callable[[str], None] | None = None) -> None:
        self._race = race
        self._after, self._until = after, until
        self._held: Worker | None = None
        self._made = self._others = 0
        random = Random(after * 1_000 + until)  # noqa: S311 (a history, not a secret)
        self.world = World(random, replace(QUIET, prompt=True), hasty=True, trace=trace)
        self._outside = Outside(self.world)
        self._left = dict(race.others)
        scheduler = self.world.scheduler
        scheduler.holds, scheduler.advanced = self._holds, self._advanced
        self.world.table.watchers.append(lambda *_: self._look())
        self._started = False

    def run(self) -> list[str]:
        """Run the meeting; returns the violations."""
        body = {"id": JOB, "parameters": {"variant": "a"}, "variables": {"count": 0, "n": 0}, "steps": self._race.steps}
        self._outside.plan_send(1.0, "queue", json.dumps(body))
        with few_shards():
            self.world.run()
        return self.world.audit.violations

    def _look(self) -> None:
        """After each write: start every actor whose turn it is, in a moment or when the job's time comes."""
        job = self.world.audit.job(JobKey(TENANT, JOB))
        if job is None:
            return
        if not self._started and self._race.starts(job, self.world.scheduler.now):
            self._started = True
            self._at(job, self._start)
        for due, action in list(self._left.items()):
            if due(job, self.world.scheduler.now):
                del self._left[due]
                self._soon(partial(action, self._outside))

    def _at(self, job: JobRecord, action: Callable[[], object]) -> None:
        """Act half a second before a parked job's time comes, or at once if its wait is long."""
        waiting = parked(job)
        left = 0.0 if waiting is None else waiting["until"] - self.world.scheduler.now - 0.5
        self._soon(action, left if 0.0 < left < 20.0 else 0.0)

    def _soon(self, action: Callable[[], object], seconds: float = 0.0) -> None:
        world = self.world
        world.plan(world.scheduler.now - world.began + seconds, action)

    def _start(self) -> None:
        self._race.held(self._outside)
        self._held = self.world.scheduler.workers[-1]

    def _advanced(self, worker: Worker) -> None:
        if worker is self._held:
            self._made += 1
            return
        job = self.world.audit.job(JobKey(TENANT, JOB))
        if self._held is not None and job is not None and self._race.counts(job, self.world.scheduler.now):
            self._others += 1

    def _holds(self, worker: Worker) -> bool:
        if worker is not self._held or self._made < self._after:
            return False
        scheduler = self.world.scheduler
        if len(scheduler.workers) == 1 and (self._others or not (scheduler.later or scheduler.alarms())):
            return False  # the others are at rest
        return self._others < self._until


@dataclass(frozen=True, slots=True)
class Found:
    """A meeting with a violation.

    Attributes:
        where: the race, and where one actor was held.
        violations: messages.
    """

    where: str
    violations: tuple[str, ...]


def meet(race: Race, places: Iterable[tuple[int, int]]) -> Found | None:
    """The first of these meetings with a violation; each is the steps of the held actor and those of the others."""
    for after, until in places:
        violations = Meeting(race, after, until).run()
        if violations:
            where = f"race {race.name!r}, held after {after} steps for {until} of the others"
            return Found(where, tuple(violations))
    return None


def places(race: Race, stride: int = 1) -> Iterator[tuple[int, int]]:
    """Every meeting of a race, or an even share of them."""
    every = ((after, until) for after in range(race.reach) for until in range(MOST))
    return itertools.islice(every, 0, None, stride)


# ---------------------------------------------------------------------- the actors


def _parked(job: JobRecord, _: float) -> bool:
    return parked(job) is not None


def _claimed_again(job: JobRecord, _: float) -> bool:
    return job.fence >= 2 and job.lease is not None


def _finished(job: JobRecord, _: float) -> bool:
    return job.finished and job.run == 1 and job.all_published


def _begun(job: JobRecord, _: float) -> bool:
    return job.lease is not None


def _parked_again(job: JobRecord, _: float) -> bool:
    return job.run == 2 and parked(job) is not None


YES: Final = GivenAnswer(ok=True, value=1, reason=None)
NO: Final = GivenAnswer(ok=False, value=None, reason="no")


def _answer(outside: Outside, given: GivenAnswer = YES) -> None:
    outside.answer(JOB, "q", given)


def _cancel(outside: Outside) -> None:
    outside.cancel(JOB)


def _redrive(outside: Outside) -> None:
    outside.redrive(JOB, plainly=True)


def _block(step_id: str, action: str = "CHARGE") -> dict[str, Any]:
    given = {"previous": None, "seconds": 0.0, "fails": "never", "kills": "no", "variant": "a", "echo": None}
    return {"id": step_id, "action": f"SIM.{action}", "parameters": given, "timeout": 5}


_ASK: Final = {"id": "q", "wait_for": {"timeout": 8}}
_TOLERATED: Final = {**_ASK, "allow_failure": True}
_SLOW: Final = {"id": "q", "wait_for": {"timeout": 2_000}}

RACES: Final = {
    "answer and time-out": Race(
        name="answer and time-out",
        steps=[_TOLERATED, _block("b")],
        held=_answer,
        starts=_parked,
        counts=_claimed_again,
        others={},
    ),
    "answer and redrive": Race(
        name="answer and redrive",
        steps=[_ASK, _block("b")],
        held=_answer,
        starts=_parked,
        counts=_parked_again,
        others={_finished: _redrive},
    ),
    "answer and cancel": Race(
        name="answer and cancel",
        steps=[_SLOW, _block("b")],
        held=_answer,
        starts=_parked,
        counts=lambda job, _: job.cancel,
        others={lambda job, _: parked(job) is not None: _cancel},
    ),
    "two answers": Race(
        name="two answers",
        steps=[_SLOW, _block("b")],
        held=_answer,
        starts=_parked,
        counts=_parked,
        others={lambda job, _: parked(job) is not None: partial(_answer, given=NO)},
    ),
    "answer and park": Race(
        name="answer and park",
        steps=[_block("a"), _block("c"), _SLOW, _block("b")],
        held=_answer,
        starts=_begun,
        counts=_begun,
        others={},
    ),
    "cancel and park": Race(
        name="cancel and park",
        steps=[_block("a"), {"id": "w", "wait": {"seconds": 1_500}}, _block("b")],
        held=_cancel,
        starts=_begun,
        counts=_begun,
        others={},
    ),
}
"""The races, by their names."""
