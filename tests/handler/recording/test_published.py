"""`published`: updates on the bus are not published again, whatever messages arrive about a finished job."""

from __future__ import annotations

from typing import Any

import pytest

from handler.errors import ConflictError
from tests.handler.conftest import CHARGE, WORK, drive

FAILING = {"action": "PROBE.WORK", "parameters": {"fail": True}}
POINTER = {"resume": {"tenant": "tenant", "job_id": "j"}}


def send_late_messages(world: Any, body: Any) -> None:
    """Send every message that can still arrive about a finished job."""
    for receives in (1, 2, 3):
        assert world.receive(world.message(body, receives=receives)) == []
        assert world.receive(world.message(POINTER, receives=receives)) == []
    world.clock.now += 120
    world.sweep()


@pytest.mark.parametrize(
    "steps", [[CHARGE], [WORK] * 21, [CHARGE, FAILING], [FAILING]], ids=["effect", "long", "failed", "pure and failed"]
)
def test_updates_of_a_finished_job_of_the_queue_are_published_once(world: Any, steps: Any) -> None:
    body = {"id": "j", "steps": steps}
    world.receive(world.message(body))
    job = world.record("j")
    assert job.published == job.cursor + 1
    send_late_messages(world, body)
    with pytest.raises(ConflictError):
        drive(world.jobs.cancel(world.caller, "j"))
    assert sorted(world.bus.ids()) == sorted({*world.bus.ids()})


def test_a_redrive_publishes_nothing_of_the_run_before(world: Any) -> None:
    world.receive(world.message({"id": "j", "steps": [CHARGE, FAILING, WORK]}))
    before = world.bus.ids()
    drive(world.jobs.redrive(world.caller, "j"))
    world.drain_queue()
    assert before == ["1/1", "1/2", "1/3", "1/end"]
    assert world.bus.ids() == [*before, "2/2", "2/3", "2/end"]


def test_a_small_pure_job_is_published_once_more_at_most(world: Any) -> None:
    """It makes two calls of the table and none to record what it published; the first later message does that."""
    body = {"id": "j", "steps": [WORK, WORK]}
    world.receive(world.message(body))
    assert world.record("j").published == 0
    send_late_messages(world, body)
    assert world.record("j").published == 3
    assert sorted(world.bus.ids()) == sorted(["1/1", "1/2", "1/end"] * 2)
