"""A few jobs that are killed around each of their writes; `make simulate` has more of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from tests.simulation.crashes import crash_everywhere, draw, live, shapes
from tests.simulation.workload import registered_blocks


@pytest.fixture(autouse=True)
def blocks() -> Iterator[None]:
    with registered_blocks():
        yield


@pytest.mark.parametrize("seed", [21, 57, 102, 134])
def test_a_job_that_is_killed_around_each_of_its_writes_ends_as_one_that_nothing_interrupts(seed: int) -> None:
    history = crash_everywhere(seed)
    assert history.violations == (), f"python -m tests.simulation --crash {seed}"
    assert history.counts["lives of these jobs"] > 8


@pytest.mark.parametrize("seed", [10, 21, 40])
def test_no_step_that_began_is_left_out_because_the_clock_moved_on(seed: int) -> None:
    history = crash_everywhere(seed, clocked=True)
    assert history.violations == (), f"python -m tests.simulation --crash {seed} --clocked"
    assert history.counts["lives of these jobs"] > 8


def test_the_jobs_that_are_drawn_have_every_shape() -> None:
    found = Counter(shape for seed in range(100) for shape in shapes(seed))
    for shape in (
        "for_each in for_each",
        "while in for_each",
        "choose in for_each",
        "choose in while",
        "wait in for_each",
        "wait in choose",
        "poll in for_each",
        "try in for_each",
        "end in for_each",
        "tolerate",
        "a failure that nothing tolerates",
        "a large list",
    ):
        assert found[shape] > 1, shape


def test_a_process_dies_where_it_is_to_die() -> None:
    """Otherwise every life would be the same undisturbed run."""
    life = draw(21)
    undisturbed, killed = live(life), live(life, 9)
    assert (undisturbed.scheduler.counts["deaths"], killed.scheduler.counts["deaths"]) == (0, 1)
