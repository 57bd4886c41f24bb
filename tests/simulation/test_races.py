"""An even share of all places at which the actors of a race may stop; `make mutants` runs the rest."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.simulation.races import RACES, Meeting, meet, places
from tests.simulation.sweeps import sweep_crowds
from tests.simulation.workload import registered_blocks

SHARE = 7
"""Every seventh place is tried; seven does not divide the number of places in a row."""


@pytest.fixture(autouse=True)
def blocks() -> Iterator[None]:
    with registered_blocks():
        yield


@pytest.mark.parametrize("name", RACES)
def test_no_acknowledged_call_is_lost_in_any_order(name: str) -> None:
    assert meet(RACES[name], places(RACES[name], SHARE)) is None


def test_a_meeting_ends_both_ways() -> None:
    """Otherwise one of the actors would never be first."""
    ends = set()
    for after, until in places(RACES["answer and time-out"], SHARE):
        meeting = Meeting(RACES["answer and time-out"], after, until)
        meeting.run()
        ends |= {record.status for record in meeting.world.audit.truth.values() if record.action == "WAIT_FOR"}
    assert ends == {"DONE", "TIME_LIMIT_EXCEED"}


def test_a_sweep_looks_at_crashed_jobs_first_and_at_all_that_it_has_time_for() -> None:
    assert sweep_crowds() is None
