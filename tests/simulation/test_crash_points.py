"""One job of three steps, and a crash at each point at which its story could end: every write, every wait."""

from __future__ import annotations

import json
from collections.abc import Iterator
from random import Random

import pytest

from tests.simulation.outside import Outside
from tests.simulation.profiles import QUIET
from tests.simulation.workload import announced
from tests.simulation.world import World

DOORS = ("http", "async", "queue")


@pytest.fixture(autouse=True)
def blocks() -> Iterator[None]:
    with announced():
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


def live(door: str, *, crash_at: int | None = None, freeze_at: int | None = None) -> World:
    """Send the job once, and again some minutes later if nobody knows it then, as a sender without an answer does."""
    random = Random(1)  # noqa: S311 (a history, no secret)
    world = World(random, QUIET, crash_at=crash_at, freeze_at=freeze_at)
    world.audit.exclusive = world.audit.gentle = False
    outside = Outside(world)
    outside.plan_send(1.0, door, three_steps())
    world.plan(300.0, lambda: None if world.owed else outside.send(door, three_steps()))
    world.run()
    return world


def points(door: str) -> range:
    """Every yield point of the story without a fault, the sweeper's included."""
    return range(1, live(door).scheduler.points + 1)


@pytest.mark.parametrize("door", DOORS)
def test_without_a_fault_each_step_runs_once(door: str) -> None:
    world = live(door)
    assert world.audit.violations == []
    assert world.scheduler.counts["executions"] == 3
    assert [job.status for job in world.audit.ends.values()] == ["SUCCEEDED"]
    assert {sum(contents.values()) for contents in world.bus.events.values()} == {1}, "no event comes twice"
    assert len(world.bus.events) == 4


@pytest.mark.parametrize("door", DOORS)
def test_a_crash_at_any_point_costs_at_most_the_step_that_was_running(door: str) -> None:
    for point in points(door):
        world = live(door, crash_at=point)
        where = f"killed at point {point}"
        assert world.audit.violations == [], where
        (job,) = world.audit.ends.values()
        times = {key: count for (key, _), count in world.audit.executions.items()}
        assert times.get("t/j/1/3", 0) <= 1, where
        assert times.get("t/j/1/2", 0) <= 2, where
        assert job.status == "SUCCEEDED" or "INTERRUPTED" in (job.failed_step or ""), where
        assert world.scheduler.counts["deaths"] == 1, where


@pytest.mark.parametrize("door", DOORS)
def test_a_sandbox_that_stands_still_at_any_point_changes_nothing_when_it_wakes(door: str) -> None:
    for point in points(door):
        world = live(door, freeze_at=point)
        assert world.audit.violations == [], f"stood still at point {point}"
        assert len(world.audit.ends) == 1, f"stood still at point {point}"
