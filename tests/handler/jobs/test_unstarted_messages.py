"""Messages that are redelivered many times because their jobs could not begin: none becomes a dead letter for that."""

from __future__ import annotations

from typing import Any

import pytest

from handler.jobs.queue_worker import LAST_RECEIVES
from tests.handler.conftest import CHARGE

JOB = {"id": "j", "steps": [CHARGE]}
POINTER = {"resume": {"tenant": "tenant", "job_id": "j"}}
TOO_SHORT = 1.9
"""Seconds of an invocation in which no job can begin: less than the reserve."""


def last_receives(world: Any) -> int:
    receives: int = world.settings.max_receives - LAST_RECEIVES
    return receives


@pytest.mark.parametrize("body", [JOB, POINTER], ids=["a job", "a pointer"])
def test_a_message_that_never_began_is_acknowledged_once_its_job_is_in_the_table(world: Any, body: Any) -> None:
    if body is POINTER:
        world.submit(CHARGE, id="j", respond_async=True)
        world.queue.sent.clear()
    last = last_receives(world)
    for receives in range(1, last):
        assert world.receive(world.message(body, receives=receives), life=TOO_SHORT) == ["m1"]
    assert world.receive(world.message(body, receives=last), life=TOO_SHORT) == []
    assert world.ran == []
    job = world.record("j")
    assert (job.status, job.attempts) == ("QUEUED", 0)
    world.recover()
    assert world.ran == ["tenant/j/1/1"]


def test_a_message_that_never_began_waits_until_the_table_takes_its_job(world: Any) -> None:
    world.receive(world.message(JOB))
    other = {"id": "j", "steps": [CHARGE, CHARGE]}
    message = world.message(other, id="m2", receives=last_receives(world))
    assert world.receive(message, life=TOO_SHORT) == ["m2"], "another job has this id: the next receive rejects it"
