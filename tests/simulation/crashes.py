"""Random jobs with loops, choices, waits and polls, whose process dies around each of their writes.

Random worlds crash at random places. Here one job is run twice for each write of its undisturbed run: its owner dies
just before that write or just after it. The outcome is judged as in any world: at each write, and by replaying the job
without interruption, with the results of its blocks taken from its records.
"""

from __future__ import annotations

import json
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, replace
from random import Random
from typing import Final

from tests.simulation.flows import LONG_LIST, Step, ask_clock, random_flow
from tests.simulation.history import History, tight
from tests.simulation.outside import Outside
from tests.simulation.profiles import QUIET, Profile
from tests.simulation.scheduler import Worker
from tests.simulation.shards import few_shards
from tests.simulation.world import World

KINDS: Final = {
    "block": 6,
    "http": 1,
    "poll": 2,
    "set": 1,
    "wait": 2,
    "for_each": 4,
    "while": 2.5,
    "choose": 4,
    "try": 1.5,
    "end": 0.7,
}
PROFILE: Final = replace(
    QUIET, gentle=False, flow=1.0, kinds=KINDS, timed=0.7, waits=(0.5, 3.0, 20.0), retried=0.2, delays=(20.0,)
)
WRITES: Final = ("put_all", "put_some", "put_all_with", "put_if", "update_if", "delete_if", "put_events", "send")
"""Calls that change something. A batch of records is written in parts."""
AGAIN: Final = (300.0, 600.0, 900.0)
"""Seconds after which a sender without an answer sends an unknown job again."""
WORLD: Final = "a crash at each write"


@dataclass(frozen=True, slots=True)
class Life:
    """One job, and how it is run.

    Attributes:
        seed: decides everything that happens.
        door: the door through which it is sent.
        body: the job.
        is_tight: whether each commit that can be a transaction is one.
    """

    seed: int
    door: str
    body: str
    profile: Profile
    is_tight: bool


def draw(seed: int, *, clocked: bool = False) -> Life:
    """A job for a seed, and how it is run.

    Args:
        seed: decides everything.
        clocked: whether the clock decides which of its steps run.
    """
    random = Random(seed)  # noqa: S311 (a history, not a secret)
    interval, lives = random.choice((0.0, 0.0, 1.0)), random.choice(((9.0,), (30.0,)))
    profile = replace(PROFILE, lives=lives, flush_interval=interval)
    body = random_flow(random, "j", profile)
    if clocked:
        body = ask_clock(body)
    return Life(seed, random.choice(("http", "queue", "queue")), body, profile, random.random() < 0.3)


def live(life: Life, *crashes: int, hasty: bool = False, watch: Callable[[World, Worker], None] | None = None) -> World:
    """The job's world, in which a process dies at the given waits, counted from 1."""
    random = Random(life.seed)  # noqa: S311 (a history, not a secret)
    world = World(random, life.profile, certain=frozenset(("crash", crash) for crash in crashes), hasty=hasty)
    if watch is not None:
        world.scheduler.advanced = lambda worker: watch(world, worker)
    outside = Outside(world)
    outside.plan_send(1.0, life.door, life.body)
    for again in AGAIN:
        world.plan(again, lambda: None if world.owed else outside.send(life.door, life.body))
    with few_shards(), tight() if life.is_tight else nullcontext():
        world.run()
    return world


def around_writes(life: Life, *, hasty: bool = False) -> tuple[World, dict[int, str]]:
    """The job's world without a crash, and the waits around its writes: number and place of each."""
    places: dict[int, str] = {}

    def watch(world: World, worker: Worker) -> None:
        side, _, call = worker.point.partition(" ")
        if worker.name != "control" and (side == "batch" or (side in {"before", "after"} and call in WRITES)):
            places[world.scheduler.occasions["crash"] + 1] = worker.point

    return live(life, hasty=hasty, watch=watch), places


def deaths(life: Life, *, hasty: bool = False) -> Iterator[tuple[str, World]]:
    """The job's world without a crash, then one for each death around a write."""
    world, places = around_writes(life, hasty=hasty)
    yield "without a crash", world
    for number, point in places.items():
        yield f"dies {point} (wait {number})", live(life, number, hasty=hasty)


def judge(world: World) -> list[str]:
    """Violations of a world in which at most one process died."""
    found = list(world.audit.violations)
    if not world.audit.ends:
        return [*found, "UNFINISHED: the job has no end"]
    (end,) = world.audit.ends.values()
    for (_, _, index), record in world.audit.truth.items():
        if not record.action.startswith("SIM."):
            continue  # a loop has the status of the step that failed it
        if record.status == "TIME_LIMIT_EXCEED" and "poll" not in world.audit.step_of(end, index):
            found.append(f"BLAMED {record.path} for a single death")
        if record.status == "INTERRUPTED" and record.action != "SIM.ONCE":
            found.append(f"BLAMED {record.path}: only what runs at most once is INTERRUPTED")
    return found


def crash_everywhere(seed: int, *, hasty: bool = False, clocked: bool = False) -> History:
    """All lives of the seed's job; `clocked` as for `draw`. `hasty`: stop at the first life with a violation."""
    life, counts, violations = draw(seed, clocked=clocked), Counter[str](), list[str]()
    counts["jobs crashed at each write"] += 1
    try:
        for where, world in deaths(life, hasty=hasty):
            counts["lives of these jobs"] += 1
            counts["records"] += len(world.audit.truth)
            violations += [f"{violation} ({where})" for violation in judge(world)]
            if violations and hasty:
                break
    except Exception:  # noqa: BLE001 (whatever the program raises is a finding)
        violations.append(f"ERROR {traceback.format_exc(limit=-6)}")
    return History(seed, f"{WORLD}, by the clock" if clocked else WORLD, tuple(violations), counts)


def shapes(seed: int) -> set[str]:
    """The kinds of steps in the seed's job and how they are nested: ``for_each``, ``choose in for_each`` …"""
    found: set[str] = set()

    def visit(steps: list[Step], around: tuple[str, ...]) -> None:
        for step in steps:
            kind = next((key for key in KINDS if key in step), "block")
            found.add(kind)
            found.update(f"{kind} in {outer}" for outer in around)
            if "tolerate" in step:
                found.add("tolerate")
            if len(step.get("for_each", ())) == LONG_LIST:
                found.add("a large list")
            if kind == "block" and step["parameters"].get("fails") == "always" and "allow_failure" not in step:
                found.add("a failure that nothing tolerates")
            lists = [step.get(name, []) for name in ("do", "try", "catch", "else")]
            for inner in lists + [branch["do"] for branch in step.get("choose", [])]:
                visit(inner, (*around, kind))

    visit(json.loads(draw(seed).body)["steps"], ())
    return found
