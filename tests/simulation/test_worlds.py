"""A few worlds of the simulator; `make simulate` plays thousands."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from random import Random

import pytest

from tests.examples import ALL
from tests.simulation.history import play
from tests.simulation.outside import Outside
from tests.simulation.profiles import PROFILES, QUIET
from tests.simulation.workload import registered_blocks
from tests.simulation.world import World

SEEDS = 2 if ALL else 1
"""Seeds of each kind of world."""


@pytest.fixture(autouse=True)
def blocks() -> Iterator[None]:
    with registered_blocks():
        yield


@pytest.mark.share
@pytest.mark.parametrize("name", PROFILES)
def test_no_fault_loses_doubles_or_mixes_anything(name: str) -> None:
    for seed in range(SEEDS):
        history = play(seed, name=name)
        assert history.violations == (), f"make simulate SEED={seed} WORLD='{name}' TRACE=1 shows it"


def test_a_seed_is_a_history() -> None:
    """Otherwise a seed that failed could not be examined."""
    lines: list[list[str]] = [[], []]
    for told in lines:
        play(6, trace=told.append)
    assert lines[0] == lines[1]
    assert len(lines[0]) > 20


def test_the_worlds_have_every_fault_and_every_door() -> None:
    counts = sum((play(seed, name=name).counts for seed in range(16) for name in ("harsh", "killers")), Counter[str]())
    for kind in (
        "crash",
        "freeze",
        "timeout",
        "killer",
        "lost_reply",
        "late_packet",
        "throttled",
        "conflict",
        "timed_out",
    ):
        assert counts[kind], kind
    assert sum(play(seed, name="bursts").counts["transactions"] for seed in range(5)) > 3
    for kind in ("entry_failed", "bus_down", "send_failed", "lost_message", "duplicate", "early"):
        assert counts[kind], kind
    for kind in ("lost_acknowledgement", "lost_receive", "hand-overs", "swept", "resumes", "cancels", "redrives"):
        assert counts[kind], kind


def test_a_wait_of_28_days_passes_with_the_sweep_as_its_only_timer() -> None:
    """The simulation takes only a few hundred steps: a job that waits costs nothing."""
    month = 28 * 86_400.0
    world = World(Random(1), replace(QUIET, prompt=True, trouble=month))  # noqa: S311 (a history, not a secret)
    steps = [{"id": "w", "wait": {"seconds": month}}, {"id": "s", "set": {"n": 1}}]
    Outside(world).plan_send(1.0, "queue", json.dumps({"id": "j", "parameters": {"variant": "a"}, "steps": steps}))
    world.run()
    assert world.audit.violations == []
    (job,) = world.audit.ends.values()
    assert job.status == "SUCCEEDED"
    assert month <= float(job.finished_at or 0.0) - job.created_at <= month + 120
    assert world.metrics.counted("Swept") == 1
    assert world.scheduler.points < 300, "most of the steps are the partitions that two sweeps read"
