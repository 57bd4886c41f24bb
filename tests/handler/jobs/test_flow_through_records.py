"""Loops and waits through the whole protocol: records, resume, answers, redrive, the sweep."""

from __future__ import annotations

from typing import Any

import pytest

from handler.caller import Caller
from handler.engine.flow.run import StepLoop
from handler.jobs.queue_worker import LONGEST_HIDDEN
from tests.handler.conftest import drive

LOOP = {
    "id": "orders",
    "for_each": [1, 2, 3],
    "do": [{"id": "post", "action": "PROBE.CHARGE", "parameters": {"fail": "{= item == 3 and parameters.fails =}"}}],
}


def step_of(world: Any, path: str) -> dict[str, Any]:
    return drive(world.jobs.get_step(Caller(tenant="tenant"), "j", path))


def test_a_loop_has_one_entry_before_its_items_and_each_item_its_path(world: Any) -> None:
    job = world.submit(LOOP, id="j", parameters={"fails": False}).job
    assert job["status"] == "SUCCEEDED"
    assert [(step["path"], step["position"]) for step in job["steps"]] == [
        ("orders", 1),
        ("orders.0.post", 2),
        ("orders.1.post", 3),
        ("orders.2.post", 4),
    ]
    assert job["steps"][0]["status"]["name"] == "DONE"
    assert job["steps"][0]["items"] == {"count": 3, "done": 3, "failed": 0}
    assert world.get("j") == job
    assert step_of(world, "orders.1.post") == job["steps"][2]
    assert step_of(world, "orders")["items"]["count"] == 3
    assert world.bus.ids() == ["1/2", "1/3", "1/4", "1/5", "1/end"], "the loop's own event is published when it ends"


def test_a_failed_loop_is_redriven_from_the_step_inside_it(world: Any) -> None:
    job = world.submit(LOOP, id="j", parameters={"fails": True}).job
    assert (job["status"], job["failed_step"]["path"]) == ("FAILED", "orders.2.post")
    drive(world.jobs.redrive(world.caller, "j", parameters={"fails": False}))
    world.drain_queue()
    job = world.get("j")
    assert job["status"] == "SUCCEEDED"
    assert len(world.ran) == 4, "only the third item was charged again"
    drive_error = pytest.raises(Exception, match="succeeded")
    with drive_error:
        drive(world.jobs.redrive(world.caller, "j", from_step="orders.1.post"))


def test_a_wait_costs_nothing_and_the_sweep_ends_it(world: Any) -> None:
    days = 27 * 86_400.0
    sent = world.submit({"id": "w", "wait": {"seconds": days}}, {"id": "c", "action": "PROBE.CHARGE"}, id="j")
    assert (sent.kind, sent.job["status"]) == ("accepted", "QUEUED")
    assert (sent.job["waiting"]["for"], sent.job["waiting"]["path"]) == ("time", "w")
    job = world.record("j")
    assert job.due == job.resume_at == pytest.approx(world.clock.now + days)
    assert world.queue.sent == [], "no message can be delayed for so long"
    ends_at, began = job.ends_at, world.clock.now
    world.clock.now += days / 2
    assert world.sweep() == 0
    assert world.receive(world.message({"resume": {"tenant": "tenant", "job_id": "j"}})) == []
    world.clock.now = began + days + 30
    assert world.sweep() == 1
    world.drain_queue()
    assert world.get("j")["status"] == "SUCCEEDED"
    assert world.record("j").ends_at == pytest.approx(ends_at + days + 30), "the waiting time is not counted"
    assert len(world.ran) == 1


def test_a_job_that_waits_is_cancelled_at_once_and_gets_one_pointer(world: Any) -> None:
    world.submit({"id": "w", "wait": {"seconds": 86_400}}, id="j")
    for _ in range(3):
        drive(world.jobs.cancel(world.caller, "j"))
    assert [sent["delay"] for sent in world.queue.sent] == [0], "only the write that sets the flag sends a pointer"
    world.drain_queue()
    assert world.statuses("j") == ["CANCELLED"]


def test_a_cancel_that_meets_a_park_ends_the_job_in_the_same_run(world: Any) -> None:
    def cancel(name: str) -> None:
        if name == "update_if":
            world.items.before = lambda _: None
            drive(world.jobs.cancel(world.caller, "j"))

    world.items.before = cancel
    job = world.submit(
        {"id": "a", "action": "PROBE.CHARGE"},
        {"id": "w", "wait": {"seconds": 600}},
        {"id": "b", "action": "PROBE.WORK"},
        id="j",
    ).job
    assert job["status"] == "CANCELLED"
    assert world.statuses("j") == ["DONE", "CANCELLED", "CANCELLED"]
    assert len(world.ran) == 1


def test_a_wait_of_minutes_has_a_delayed_pointer_and_one_that_comes_early_is_put_back(world: Any) -> None:
    world.submit({"id": "w", "wait": {"seconds": 600}}, id="j")
    assert [sent["delay"] for sent in world.queue.sent] == [pytest.approx(600)]
    assert world.receive(world.message({"resume": {"tenant": "tenant", "job_id": "j", "colour": "blue"}})) == ["m1"]
    assert world.queue.postponed[-1][1] == pytest.approx(600)
    world.drain_queue()
    assert world.get("j")["status"] == "SUCCEEDED"


def test_a_retry_in_a_fifo_queue_keeps_its_message_and_its_group(world: Any) -> None:
    retry = {"attempts": 2, "delay": 60, "max_delay": 60, "jitter": False}
    body = {"id": "j", "steps": [{"action": "PROBE.CHARGE", "parameters": {"fail": True}, "retry": retry}]}
    assert world.receive(world.message(body, group="g")) == ["m1"]
    assert world.queue.postponed == [("receipt-m1", pytest.approx(60))]
    assert world.queue.sent == []
    job = world.get("j")
    assert (job["steps"][0]["attempts"], job["steps"][0]["error"]["type"]) == (1, "RuntimeError")
    world.clock.now += 60
    assert world.receive(world.message(body, group="g", receives=2)) == []
    assert world.statuses("j") == ["UNHANDLED_EXCEPTION"]


def test_a_hand_over_in_a_fifo_queue_keeps_its_message_and_its_group(world: Any) -> None:
    slow = {"action": "PROBE.WORK", "timeout": 20, "parameters": {"seconds": 20}}
    body = {"id": "j", "steps": [slow, slow]}
    assert world.receive(world.message(body, group="g")) == ["m1"]
    assert world.queue.postponed == [("receipt-m1", 0.0)]
    assert world.queue.sent == [], "a pointer would let the group's next message overtake"
    assert world.receive(world.message(body, group="g", receives=2)) == []
    assert world.statuses("j") == ["DONE", "DONE"]


def retried_in_a_fifo_queue(world: Any, delay: float) -> dict[str, Any]:
    retry = {"attempts": 2, "delay": delay, "max_delay": delay, "jitter": False}
    body = {"id": "j", "steps": [{"action": "PROBE.CHARGE", "parameters": {"fail": True}, "retry": retry}]}
    assert world.receive(world.message(body, group="g")) == ["m1"]
    return body


def test_a_message_of_a_fifo_queue_that_comes_before_its_retry_is_due_goes_back(world: Any) -> None:
    body = retried_in_a_fifo_queue(world, 60)
    world.clock.now += 10
    assert world.receive(world.message(body, group="g", receives=2)) == ["m1"]
    assert world.queue.postponed[-1] == ("receipt-m1", pytest.approx(50))
    assert len(world.ran) == 1


def test_a_message_of_a_fifo_queue_is_hidden_no_longer_than_a_queue_allows(world: Any) -> None:
    body = retried_in_a_fifo_queue(world, 50_000)
    assert world.queue.postponed[-1] == ("receipt-m1", LONGEST_HIDDEN)
    world.clock.now += 10
    world.receive(world.message(body, group="g", receives=2))
    assert world.queue.postponed[-1] == ("receipt-m1", LONGEST_HIDDEN)


def test_a_wait_in_a_fifo_queue_lets_its_group_go(world: Any) -> None:
    body = {"id": "j", "steps": [{"id": "w", "wait": {"seconds": 60}}]}
    assert world.receive(world.message(body, group="g")) == []
    assert world.receive(world.message(body, group="g", receives=2)) == []
    assert world.record("j").due is not None


def test_the_end_of_a_wait_is_not_computed_again_when_the_job_goes_on(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ends(job_id: str) -> bool:
        world.submit({"id": "w", "wait": {"seconds": "{= 3600 =}"}}, id=job_id)
        world.clock.now += 3600
        world.sweep()
        world.drain_queue()
        return bool(world.get(job_id)["status"] == "SUCCEEDED")

    assert ends("whole")
    monkeypatch.setattr(StepLoop, "_known_of", lambda *_: None)
    assert not ends("broken"), "a run that forgot its wait would begin it again"
