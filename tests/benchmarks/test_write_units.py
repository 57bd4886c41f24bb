"""Write units that the shipped handler takes for jobs, in the table and its indexes, by AWS's rules."""

from __future__ import annotations

import pytest

from benchmarks.cost import Scenario, judged, run

WORD = "w" * 142
"""Makes records of 250 bytes, with a step's result and its times."""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("scenario", "most"),
    [
        (Scenario("ten steps from the queue", 10, "queue", "failures", word=WORD), 8),
        (Scenario("ten steps over HTTP", 10, "http", "failures", word=WORD), 11),
        (Scenario("a hundred steps from the queue", 100, "queue", "failures", word=WORD), 40),
        (Scenario("ten steps with an effect over HTTP", 10, "http", "failures", "PRICED.EFFECT", word=WORD), 30),
        (Scenario("ten steps with an effect from the queue", 10, "queue", "failures", "PRICED.EFFECT", word=WORD), 30),
    ],
    ids=lambda given: given.name if isinstance(given, Scenario) else None,
)
def test_a_job_costs_no_more_write_units_than_promised(
    scenario: Scenario, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STEP_EVENTS", "failures")  # the run sets this variable; monkeypatch restores it
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "conduit")
    meter, _ = run(scenario)
    assert 0 < meter.used["dynamodb_write_unit"] <= most


def test_a_goal_is_met_or_missed_by_the_cents_that_are_shown() -> None:
    assert judged(12.004, 12) == "≤ $12"
    assert judged(12.006, 12) == "≤ $12, **missed**"
    assert judged(99, None) == "-"
