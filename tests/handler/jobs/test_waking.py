"""Answers and cancels wake waiting jobs, even if the message that should wake them is lost."""

from __future__ import annotations

from typing import Any

import pytest

from tests.handler.conftest import drive
from tests.handler.http.client import Client, expect_problem
from tests.handler.jobs.test_answers import Person

ASK: dict[str, Any] = {"id": "ok", "wait_for": {"timeout": 86_400}}
LATER: dict[str, Any] = {"id": "later", "wait_for": {"timeout": 86_400}}


@pytest.fixture
def client(world: Any) -> Client:
    return Client(world)


def answer(client: Client, path: str, body: Any = None) -> Any:
    return client.post(f"/jobs/j/steps/{path}/answer", body or {})


def cancel(world: Any) -> None:
    drive(world.jobs.cancel(world.caller, "j"))


def test_an_answer_whose_message_is_lost_wakes_the_job_by_the_next_sweep(world: Any, client: Client) -> None:
    world.submit(ASK, id="j")
    world.queue.down = True
    assert answer(client, "ok", {"value": 1}).status == 200
    world.queue.down = False
    assert world.sweep() == 1
    world.drain_queue()
    assert world.statuses("j") == ["DONE"]


@pytest.mark.parametrize("wait", [ASK, {"id": "rest", "wait": {"seconds": 86_400}}])
def test_a_cancel_whose_message_is_lost_ends_a_waiting_job_by_the_next_sweep(world: Any, wait: dict[str, Any]) -> None:
    world.submit(wait, id="j")
    world.queue.sent.clear()
    world.queue.down = True
    cancel(world)
    world.queue.down = False
    assert world.sweep() == 1
    world.drain_queue()
    assert world.statuses("j") == ["CANCELLED"]


def test_a_cancelled_retry_is_woken_without_its_delay(world: Any) -> None:
    failing = {"action": "PROBE.CHARGE", "parameters": {"fail": True}, "retry": {"attempts": 5, "delay": 60}}
    world.submit(failing, id="j")
    assert world.queue.sent.pop()["delay"] > 0
    cancel(world)
    assert [message["delay"] for message in world.queue.sent] == [0]
    cancelled = world.clock.now
    world.drain_queue()
    assert (world.get("j")["status"], world.clock.now) == ("CANCELLED", cancelled)


def test_each_answer_and_each_cancel_has_a_message_that_no_fifo_queue_drops(world: Any, client: Client) -> None:
    world.submit(ASK, LATER, id="j")
    for wake in (lambda: answer(client, "later"), lambda: answer(client, "ok"), lambda: cancel(world)):
        wake()
    names = [message["deduplication"] for message in world.queue.sent]
    assert len(names) == len(set(names)) == 3


def test_a_redrive_forgets_the_answers_that_were_not_used(world: Any, client: Client) -> None:
    rest = {"id": "rest", "wait": {"seconds": 600}}
    fails = {"id": "work", "action": "PROBE.WORK", "parameters": {"fail": True}}
    choice = {"id": "c", "choose": [{"if": "{< yes >}", "do": [ASK]}], "else": [fails]}
    world.submit(rest, choice, id="j", parameters={"yes": False})
    assert answer(client, "ok", {"value": "of the first run"}).status == 200
    world.recover()
    assert [path for path, _ in world.record("j").signals] == ["ok"]
    assert client.post("/jobs/j/redrive", {"from_step": "c", "parameters": {"yes": True}}).status == 202
    assert world.record("j").signals == ()
    world.drain_queue()
    assert world.get("j")["waiting"]["path"] == "ok"
    assert answer(client, "ok", {"value": "of the second run"}).status == 200
    world.drain_queue()
    assert world.get("j")["steps"][-1]["result"]["value"] == "of the second run"


def test_a_step_that_timed_out_while_its_job_goes_on_takes_no_answer(world: Any, client: Client) -> None:
    world.submit({**ASK, "allow_failure": True}, LATER, id="j")
    world.clock.now += 86_401
    world.sweep()
    world.drain_queue()
    assert world.get("j")["waiting"]["path"] == "later"
    expect_problem(answer(client, "ok"), 410, "gone")


def test_a_branch_takes_answers_until_another_one_is_taken(world: Any, client: Client) -> None:
    """The branch is not known before the turn of the `choose` step, so an early answer is kept."""
    choice = {"id": "c", "choose": [{"if": "{< yes >}", "do": [{**ASK, "id": "a"}]}], "else": [{**ASK, "id": "b"}]}
    world.submit({"id": "rest", "wait": {"seconds": 600}}, choice, id="j", parameters={"yes": False})
    assert answer(client, "b", {"value": 1}).status == 200
    world.recover()
    assert world.get("j")["status"] == "SUCCEEDED"
    world.submit(choice, id="k", parameters={"yes": False})
    expect_problem(client.post("/jobs/k/steps/a/answer", {}), 410, "gone")
    assert client.post("/jobs/k/steps/b/answer", {}).status == 200


def test_a_caller_without_a_verified_principal_counts_as_the_sender(world: Any) -> None:
    world.set(tenant_claim="org", principal_claim="sub")
    ann, bob, unknown = (Person(world, name) for name in ("ann", "bob", ""))
    asked = {**ASK, "wait_for": {"timeout": 60, "not_sender": True}}
    ann.post("/jobs", {"id": "j", "steps": [asked]})
    expect_problem(answer(unknown, "ok"), 403, "forbidden")
    answer(bob, "ok", {"ok": False})
    world.drain_queue()
    assert bob.post("/jobs/j/redrive").status == 202
    world.drain_queue()
    expect_problem(answer(unknown, "ok"), 403, "forbidden")


@pytest.mark.parametrize("starts", ["schedule", "hook"])
def test_the_author_of_a_schedule_or_a_hook_does_not_answer_its_jobs(world: Any, starts: str) -> None:
    world.set(tenant_claim="org", principal_claim="sub", public_routes=True)
    ann, bob = Person(world, "ann"), Person(world, "bob")
    asked = {**ASK, "wait_for": {"timeout": 86_400, "not_sender": True}}
    assert bob.send("PUT", "/workflows/w", {"steps": [asked]}).status == 201
    if starts == "schedule":
        assert bob.send("PUT", "/schedules/s", {"workflow": "w", "every": "1 hours"}).status == 201
        assert ann.send("PUT", "/schedules/s", {"workflow": "w", "every": "1 hours"}).status == 200
        at = ann.get("/schedules/s").json["next"][0]
        world.clock.now += 3600
        assert world.receive(world.message({"schedule": {"tenant": "tenant", "id": "s", "at": at}})) == []
    else:
        hook = ann.send("PUT", "/hooks/h", {"workflow": "w", "verify": "none"}).json["url"]
        assert Client(world, tenant="").post(hook, "{}").status == 202
        world.drain_queue()
    (job,) = ann.get("/jobs?waiting=answer").json["jobs"]
    path = f"/jobs/{job['id']}/steps/ok/answer"
    expect_problem(ann.post(path, {}), 403, "forbidden")
    assert bob.post(path, {}).status == 200
