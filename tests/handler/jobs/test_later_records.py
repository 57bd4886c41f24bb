"""A job of a later release: this release does not write to it, hides its messages, and answers 503."""

from __future__ import annotations

from typing import Any

import pytest

from handler.errors import UnavailableError
from handler.jobs.queue_worker import LONGEST_HIDDEN
from infra.jobs.records import VERSION
from tests.handler.conftest import CHARGE, drive
from tests.handler.http.client import Client

POINTER = {"resume": {"tenant": "tenant", "job_id": "j"}}
JOB = {"id": "j", "steps": [CHARGE]}


@pytest.fixture
def later(world: Any) -> dict[str, Any]:
    """The JOB item of a job that a later release accepted."""
    world.submit(CHARGE, id="j", respond_async=True)
    world.queue.sent.clear()
    item: dict[str, Any] = world.table.items["tenant#j", "JOB"]
    item["version"] = VERSION + 1
    return dict(item)


@pytest.mark.parametrize("receives", [1, 2])
@pytest.mark.parametrize("body", [POINTER, JOB], ids=["a pointer", "the job again"])
def test_a_message_of_a_later_job_is_hidden_for_its_longest_time(
    world: Any, later: dict[str, Any], body: Any, receives: int
) -> None:
    assert world.receive(world.message(body, receives=receives)) == ["m1"]
    assert world.queue.postponed == [("receipt-m1", LONGEST_HIDDEN)]
    assert world.table.items["tenant#j", "JOB"] == later
    assert (world.ran, world.queue.rejected) == ([], [])


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/jobs/j", None),
        ("GET", "/jobs/j/steps/1", None),
        ("POST", "/jobs", JOB),
        ("POST", "/jobs/j/cancel", None),
        ("POST", "/jobs/j/redrive", {}),
    ],
)
def test_the_api_answers_503_for_a_later_job(
    world: Any, later: dict[str, Any], method: str, path: str, body: Any
) -> None:
    reply = Client(world).send(method, path, body)
    assert reply.status == 503
    assert world.table.items["tenant#j", "JOB"] == later


def test_a_direct_invocation_of_a_later_job_is_an_error(world: Any, later: dict[str, Any]) -> None:
    from handler.doors.direct import run_job  # noqa: PLC0415  # the only test here that needs it

    with pytest.raises(UnavailableError):
        drive(run_job(JOB, world.ports, world.lifetime(), request_id="r"))
    assert world.table.items["tenant#j", "JOB"] == later


def test_the_sweep_leaves_a_later_job_due_and_wakes_the_others(world: Any, later: dict[str, Any]) -> None:
    world.submit(CHARGE, id="k", respond_async=True)
    world.queue.sent.clear()
    world.clock.now += 3600
    assert world.sweep() == 1
    assert world.table.items["tenant#j", "JOB"] == later
    assert ["k" in message["body"] for message in world.queue.sent] == [True]
