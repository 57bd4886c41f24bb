"""The share of the simulator that every test run takes; `make simulate` plays thousands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from tests.simulation.history import play
from tests.simulation.profiles import PROFILES
from tests.simulation.workload import announced


@pytest.fixture(autouse=True)
def blocks() -> Iterator[None]:
    with announced():
        yield


@pytest.mark.parametrize("name", PROFILES)
def test_nothing_is_lost_doubled_or_mixed_whatever_goes_wrong(name: str) -> None:
    for seed in range(12):
        history = play(seed, name=name)
        assert history.violations == (), f"make simulate SEED={seed} WORLD='{name}' TRACE=1 shows it"


def test_a_seed_is_a_history() -> None:
    """Else the seed that failed could not be looked at."""
    lines: list[list[str]] = [[], []]
    for told in lines:
        play(6, trace=told.append)
    assert lines[0] == lines[1]
    assert len(lines[0]) > 20


def test_the_worlds_have_every_fault_and_every_door() -> None:
    counts = sum((play(seed, name=name).counts for seed in range(30) for name in ("harsh", "killers")), Counter[str]())
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
    assert sum(play(seed, name="bursts").counts["transactions"] for seed in range(10)) > 20
    for kind in ("entry_failed", "bus_down", "send_failed", "lost_message", "duplicate", "early"):
        assert counts[kind], kind
    for kind in ("lost_acknowledgement", "lost_receive", "hand-overs", "swept", "resumes", "cancels", "redrives"):
        assert counts[kind], kind
