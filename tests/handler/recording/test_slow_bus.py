"""A bus that takes 200 ms a call delays no invocation past its deadline: publishing stops, the sweep does the rest."""

from __future__ import annotations

from typing import Any

import pytest

from handler.recording import publisher

WORK = {"action": "PROBE.WORK"}
CALL = 0.2
"""Seconds that ten entries take."""


@pytest.fixture(autouse=True)
def slow(world: Any) -> None:
    """Ten entries a call, one call after another: the slowest case."""
    publish = world.bus.publish

    async def take_time(entries: Any, *, missed: Any) -> Any:
        world.clock.now += CALL * (len(entries) + 9) // 10
        return await publish(entries, missed=missed)

    world.bus.publish = take_time


def left_over(world: Any, job_id: str) -> int:
    job = world.record(job_id)
    return int(job.cursor + job.finished - job.published)


def test_a_job_of_a_thousand_steps_answers_before_the_deadline(world: Any) -> None:
    began = world.clock.now
    world.submit(*[WORK] * 1_000, id="j", life=12.0)
    assert world.clock.now - began <= 12
    assert world.record("j").status == "SUCCEEDED"
    assert left_over(world, "j") > 0
    assert world.record("j").due is not None


def test_the_sweep_publishes_the_rest_in_parts(world: Any) -> None:
    world.submit(*[WORK] * 1_000, id="j", life=6.0)
    seen = left_over(world, "j")
    while left_over(world, "j"):
        world.clock.now += 3_600  # the wait grows with each sweep that did not finish
        began = world.clock.now
        world.sweep()
        assert world.clock.now - began <= publisher.PATIENCE + 2
        assert left_over(world, "j") < seen, "each sweep publishes more"
        seen = left_over(world, "j")
    assert world.record("j").due is None
    assert set(world.bus.ids()) == {f"1/{name}" for name in (*range(1, 1_001), "end")}


def test_a_job_that_parks_after_a_thousand_steps_gives_the_invocation_back_in_time(world: Any) -> None:
    began = world.clock.now
    world.submit(*[WORK] * 990, {"id": "w", "wait": {"seconds": 3_600}}, id="j", life=12.0)
    assert world.clock.now - began <= 12
    assert left_over(world, "j") > 0
    assert world.record("j").due - world.clock.now <= 60, "the rest is published soon"


def test_a_message_of_a_finished_job_does_not_wait_for_all_of_its_updates(world: Any) -> None:
    world.submit(*[WORK] * 1_000, id="j", life=6.0)
    began = world.clock.now
    assert world.receive(world.message({"resume": {"tenant": "tenant", "job_id": "j"}})) == []
    assert world.clock.now - began <= publisher.PATIENCE + 2


def test_a_sender_who_does_not_want_to_wait_is_not_held(world: Any) -> None:
    began = world.clock.now
    world.submit(*[WORK] * 900, id="j", life=300.0, wait=3.0)
    assert world.clock.now - began <= 3.0 + 5 * CALL
