"""One job of three steps, with each fault on each occasion of its run: every wait, write, call and message."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import fields
from functools import cache
from random import Random

import pytest

from tests.examples import ALL
from tests.simulation.faults import Rates
from tests.simulation.history import tight
from tests.simulation.outside import Outside
from tests.simulation.profiles import QUIET
from tests.simulation.shards import few_shards
from tests.simulation.workload import registered_blocks
from tests.simulation.world import World

DOORS = ("http", "async", "queue")
MANY = 9
"""Of more occasions than these, the suite takes every second one: odd ones at one door, even ones at the next."""


@pytest.fixture(autouse=True)
def blocks() -> Iterator[None]:
    with registered_blocks():
        yield


def three_steps() -> str:
    steps = [
        {
            "id": f"s{index}",
            "action": f"SIM.{kind}",
            "timeout": 5,
            "parameters": {
                "previous": f"{{% steps.s{index - 1}.result %}}" if index else None,
                "seconds": 0.1,
                "fails": "never",
                "kills": "no",
                "variant": "a",
            },
        }
        for index, kind in enumerate(("PURE", "CHARGE", "ONCE"))
    ]
    return json.dumps({"id": "j", "parameters": {"variant": "a"}, "variables": {"count": 0}, "steps": steps})


def live(door: str, *certain: tuple[str, int], spare: bool = True) -> World:
    """Send the job, and again every few minutes until it is known, as a sender without an answer does.

    Without `spare` calls, each commit that can be a transaction is one.
    """
    random = Random(1)  # noqa: S311 (a history, not a secret)
    world = World(random, QUIET, certain=frozenset(certain))
    world.audit.exclusive = world.audit.gentle = False
    outside = Outside(world)
    outside.plan_send(1.0, door, three_steps())
    for again in (300.0, 600.0, 900.0):
        world.plan(again, lambda: None if world.owed else outside.send(door, three_steps()))
    with few_shards(), nullcontext() if spare else tight():
        world.run()
    return world


@cache
def without_faults(door: str, spare: bool) -> World:
    return live(door, spare=spare)


def occasions(door: str, kind: str, *, spare: bool = True) -> range:
    """Every occasion for a fault in the run without faults, including the sweeper's part; in the suite half of many."""
    every = range(1, without_faults(door, spare).scheduler.occasions[kind] + 1)
    return every if ALL or len(every) <= MANY else every[(DOORS.index(door) + spare) % 2 :: 2]


def check(world: World, where: str) -> None:
    """The job has one end, each step is recorded and published once, and no effect ran more often than allowed."""
    assert world.audit.violations == [], where
    assert len(world.audit.ends) == 1, where
    (job,) = world.audit.ends.values()
    assert job.status == "SUCCEEDED" or "INTERRUPTED" in (job.failed_step or ""), where


@pytest.mark.parametrize("spare", [True, False], ids=["spare calls", "none"])
@pytest.mark.parametrize("door", DOORS)
def test_without_a_fault_each_step_runs_once(door: str, spare: bool) -> None:
    world = live(door, spare=spare)
    assert world.scheduler.counts["transactions"] == (0 if spare else 3)
    check(world, "no fault")
    assert world.scheduler.counts["executions"] == 3
    assert {sum(contents.values()) for contents in world.bus.events.values()} == {1}, "no event comes twice"
    assert len(world.bus.events) == 4


@pytest.mark.share
@pytest.mark.parametrize("spare", [True, False], ids=["spare calls", "none"])
@pytest.mark.parametrize("door", DOORS)
def test_a_crash_at_any_point_costs_at_most_the_step_that_was_running(door: str, spare: bool) -> None:
    for point in occasions(door, "crash", spare=spare):
        world = live(door, ("crash", point), spare=spare)
        where = f"killed at point {point}"
        check(world, where)
        assert world.scheduler.counts["crash"] == 1, where
        times = {key: count for (key, _), count in world.audit.executions.items()}
        assert times.get("t/j/1/3", 0) <= 1, where
        assert times.get("t/j/1/2", 0) <= 2, where


@pytest.mark.share
@pytest.mark.parametrize("spare", [True, False], ids=["spare calls", "none"])
@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("kind", [field.name for field in fields(Rates) if field.name not in ("skew", "crash")])
def test_any_other_fault_on_any_occasion_changes_nothing(door: str, kind: str, spare: bool) -> None:
    for occasion in occasions(door, kind, spare=spare):
        world = live(door, (kind, occasion), spare=spare)
        check(world, f"{kind} on occasion {occasion}")
        assert world.scheduler.counts[kind] == 1


@pytest.mark.share
@pytest.mark.slow
@pytest.mark.parametrize("door", DOORS)
def test_two_faults_at_once_are_no_more_than_two(door: str) -> None:
    """A crash at each point, followed by another fault: a lost reply or a second crash is most likely to break this."""
    random = Random(2)  # noqa: S311 (a history, not a secret)
    for point in occasions(door, "crash")[::3]:
        for kind in ("crash", "freeze", "lost_reply", "late_packet"):
            later = random.randint(1, 60)
            world = live(door, ("crash", point), (kind, later), spare=random.random() < 0.5)
            check(world, f"killed at point {point}, then {kind} on occasion {later}")
