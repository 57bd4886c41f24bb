"""The writes of a running job, their order, and the state that a crash between them leaves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from infra.errors import TryLaterError
from tests.handler.conftest import drive

WORK = {"action": "PROBE.WORK"}
CHARGE = {"action": "PROBE.CHARGE"}
FIRE = {"action": "PROBE.FIRE"}
MIXED = (WORK, CHARGE, FIRE, WORK)
BURST = (WORK, CHARGE, WORK, FIRE, WORK, CHARGE, WORK)


def slow(action: str, seconds: float, **more: Any) -> dict[str, Any]:
    return {"action": f"PROBE.{action}", "parameters": {"seconds": seconds}, **more}


def resume(world: Any, job_id: str, **options: Any) -> dict[str, Any]:
    message: dict[str, Any] = world.message({"resume": {"tenant": "tenant", "job_id": job_id}}, **options)
    return message


def expect_one_of_everything(world: Any, job_id: str, steps: int) -> None:
    """Check that the bus has each update of the run, with one content each."""
    contents = {}
    for event, detail in zip(world.bus.events, world.bus.details, strict=True):
        assert contents.setdefault(event["event_id"], detail) == detail, "two contents for one event id"
    run = world.record(job_id).run
    assert set(world.bus.ids()) >= {f"{run}/{name}" for name in (*range(1, steps + 1), "end")}


def test_a_pure_job_is_accepted_run_and_ended_by_one_batch_and_one_conditional_write(world: Any) -> None:
    world.submit(*[WORK] * 20)
    assert world.items.calls == ["put_all", "put_if", "update_if"]
    assert world.bus.calls == 1


def test_a_pure_job_from_the_queue_needs_no_write_to_clear_its_outbox(world: Any) -> None:
    assert world.receive(world.message({"steps": [WORK] * 20})) == []
    assert world.items.calls == ["put_all", "put_if"]


def test_a_job_that_was_given_an_id_is_looked_up_before_anything_runs(world: Any) -> None:
    world.submit(WORK, id="j")
    assert world.items.calls == ["get", "put_all", "put_if", "update_if"]
    world.submit(WORK, id="j")
    world.receive(world.message({"id": "k", "steps": [WORK]}), world.message({"id": "k", "steps": [WORK]}, id="m2"))
    assert len(world.ran) == 2, "each job is looked up once"


def test_nothing_runs_with_an_effect_before_the_job_is_accepted_and_the_step_marked(world: Any) -> None:
    seen: list[tuple[Any, ...]] = []

    def look(name: str) -> None:
        if name == "put_if":
            seen.append(tuple(world.ran))
            job = world.table.get("tenant#j", "JOB")
            seen.append((job["cursor"], job["attempts"], job["started"]))

    world.items.after = look
    world.submit(WORK, CHARGE, id="j")
    assert seen == [("work",), (1, 1, True)]


def test_earlier_steps_are_committed_with_the_mark_of_an_effect_and_the_effect_right_after_it(world: Any) -> None:
    world.submit(WORK, CHARGE, CHARGE, WORK)
    assert world.items.calls == [
        *("put_all", "put_if"),  # the first step, and the mark of the second
        *("put_all", "update_if"),  # the second step, and the mark of the third
        *("put_all", "update_if"),  # the third step
        *("put_all", "update_if"),  # the last step and the end
        "update_if",  # everything is published
    ]


def test_a_run_without_calls_to_spare_commits_records_and_job_at_once(world: Any) -> None:
    world.submit(*[WORK, CHARGE] * 4, id="j")
    assert Counter(world.items.calls) == {"get": 1, "put_all": 4, "put_if": 1, "update_if": 3 + 1, "put_all_with": 4}
    assert world.statuses("j") == ["DONE"] * 8
    expect_one_of_everything(world, "j", 8)


def test_a_cancel_that_comes_between_two_commits_at_once_is_seen_by_the_second(world: Any) -> None:
    def cancel(_: str) -> None:
        if world.items.calls.count("put_all_with") == 1 and "tenant/j/1/8" not in world.ran:
            world.items.before = lambda _: None
            drive(world.jobs.cancel(world.caller, "j"))

    world.items.before = cancel
    world.submit(*[WORK, CHARGE] * 4, id="j")
    assert world.items.calls.count("put_all_with") >= 2, "refused once, then repeated"
    assert world.record("j").status == "CANCELLED"
    done = [status for status in world.statuses("j") if status == "DONE"]
    assert len(done) == len(world.ran), "the step that ran is recorded"


def test_a_long_pure_job_is_flushed_each_interval(world: Any) -> None:
    world.submit(*[slow("WORK", 0.4)] * 10, id="j")
    assert Counter(world.items.calls)["put_all"] == 4


def test_updates_reach_the_bus_while_a_long_job_runs(world: Any) -> None:
    world.submit(*[slow("WORK", 3)] * 9, id="j")
    assert world.get("j")["status"] == "SUCCEEDED"
    assert world.bus.calls >= 4
    assert world.bus.ids() == [*(f"1/{n}" for n in range(1, 10)), "1/end"]


def test_nothing_is_on_the_bus_before_it_is_committed(world: Any) -> None:
    def compare(name: str) -> None:
        if name == "publish":
            committed = world.record("j").cursor
            assert len(world.bus.events) <= committed + 1
            assert committed

    world.items.before = compare
    world.submit(*[slow("WORK", 3)] * 5, id="j")


def test_a_bus_that_is_down_is_not_tried_at_each_step(world: Any) -> None:
    world.bus.down = True
    world.submit(*[slow("WORK", 2)] * 13, id="j")
    assert world.bus.calls == 2, "once during the run, and at its end"


def test_updates_that_a_dead_owner_left_are_published_before_any_other(world: Any) -> None:
    body = {"id": "j", "steps": [CHARGE, {"action": "PROBE.CHARGE_AND_DIE"}]}
    world.receive(world.message(body))
    world.restart()
    assert (world.record("j").cursor, world.bus.ids()) == (1, [])
    world.clock.now += 60
    assert world.receive(world.message(body, receives=2)) == ["m1"], "the process dies again"
    assert world.bus.ids() == ["1/1"]


@pytest.mark.parametrize(("wanted", "ids"), [("all", 4), ("failures", 2), ("none", 1)])
def test_step_events_can_be_all_failures_or_none(world: Any, wanted: str, ids: int) -> None:
    world.set(step_events=wanted)
    world.submit(WORK, {"action": "PROBE.WORK", "parameters": {"fail": True}}, WORK, id="j")
    assert len(world.bus.ids()) == ids
    assert world.record("j").due is None


def test_entries_that_the_bus_did_not_take_stay_owed(world: Any) -> None:
    world.bus.takes = 1
    world.submit(WORK, WORK, id="j")
    assert world.record("j").published == 1
    world.bus.takes = None
    world.recover()
    assert world.bus.ids() == ["1/1", "1/2", "1/end"]


def test_a_job_longer_than_an_invocation_moves_on_with_its_state_and_repeats_nothing(world: Any) -> None:
    steps = [
        {"action": "VARIABLE.SET", "id": "v", "parameters": {"name": "n", "value": [1]}},
        *[slow("CHARGE", 9, timeout=10) for _ in range(9)],
        {"action": "LISTS.APPEND", "id": "last", "parameters": {"list": "{# n #}", "item": "{: 2 :}"}},
    ]
    world.submit(*steps, id="j", life=30)
    world.drain_queue(life=30)
    job = world.get("j")
    assert (job["status"], job["variables"]) == ("SUCCEEDED", {"n": [1, "charged by 1"]})
    assert world.ran == [f"tenant/j/1/{n}" for n in range(2, 11)]
    assert [step["attempts"] for step in job["steps"]] == [1] * 11
    expect_one_of_everything(world, "j", 11)


def test_a_failure_and_forced_steps_survive_a_hand_over(world: Any) -> None:
    fail = {"action": "PROBE.CHARGE", "parameters": {"seconds": 25, "fail": True}}
    sent = world.submit(fail, slow("CHARGE", 10, forced=True, timeout=20), WORK, id="j")
    assert (sent.job["status"], sent.job["success"], sent.job["failed_step"]["id"]) == ("QUEUED", False, "1")
    world.drain_queue()
    assert world.statuses("j") == ["UNHANDLED_EXCEPTION", "DONE", "SKIPPED"]
    assert world.get("j")["failed_step"]["id"] == "1"


def test_a_clean_hand_over_gives_the_attempt_back(world: Any) -> None:
    world.submit(slow("WORK", 20), slow("WORK", 20, timeout=25), id="j")
    job = world.record("j")
    assert (job.status, job.cursor, job.attempts, job.hand_overs) == ("QUEUED", 1, 0, 1)
    world.receive(resume(world, "j"))
    assert world.get("j")["steps"][1]["attempts"] == 1


def test_a_step_cut_off_by_the_invocations_end_runs_again_and_is_given_up_after_three_attempts(world: Any) -> None:
    world.submit(slow("WORK", 100), WORK, id="j")
    assert world.record("j").attempts == 1
    world.drain_queue()
    assert world.statuses("j") == ["TIME_LIMIT_EXCEED", "SKIPPED"]
    assert world.ran == ["work"] * 3


def test_an_at_most_once_step_cut_off_by_the_invocations_end_is_interrupted(world: Any) -> None:
    world.submit(slow("FIRE", 100), id="j")
    world.drain_queue()
    assert (world.statuses("j"), len(world.ran)) == (["INTERRUPTED"], 1)


@pytest.mark.parametrize(("action", "deaths"), [("DIE", 5), ("CHARGE_AND_DIE", 3)])
def test_a_step_that_kills_its_invocation_each_time_is_given_up_and_no_other_is(
    world: Any, action: str, deaths: int
) -> None:
    """Three attempts count. For a pure step two more do not: the first, which dies before the job exists, and the
    second, after which it is unknown which step after the cursor killed the process."""
    body = {"id": "j", "steps": [WORK, {"action": f"PROBE.{action}"}, WORK]}
    for receives in range(1, 10):
        world.restart()
        if not world.receive(world.message(body, receives=receives)):
            break
        world.clock.now += 60
    assert world.statuses("j") == ["DONE", "TIME_LIMIT_EXCEED", "SKIPPED"]
    assert len([name for name in world.ran if name != "work"]) == deaths


def test_an_at_most_once_step_that_killed_its_invocation_is_never_run_again(world: Any) -> None:
    with pytest.raises(BaseException):  # noqa: B017, PT011  # the process dies
        world.submit(WORK, {"action": "PROBE.FIRE_AND_DIE"}, WORK, id="j")
    world.restart()
    world.recover()
    assert world.statuses("j") == ["DONE", "INTERRUPTED", "SKIPPED"]
    assert len([name for name in world.ran if name != "work"]) == 1


def test_an_owner_that_had_no_time_for_a_step_does_not_take_back_that_an_earlier_one_began_it(world: Any) -> None:
    world.receive(world.message({"id": "j", "steps": [{"action": "PROBE.FIRE_AND_DIE"}]}))
    world.restart()
    world.clock.now += 60

    def waste(name: str) -> None:
        world.clock.now += 4 if name in {"query", "get"} else 0

    world.set(reserve=0)
    world.items.after = waste
    world.receive(resume(world, "j"), life=8)
    assert (world.record("j").status, world.record("j").started) == ("QUEUED", True)
    world.restart()
    world.drain_queue()
    assert (world.statuses("j"), len(world.ran)) == (["INTERRUPTED"], 1)


def test_a_retry_that_waits_longer_than_the_invocation_keeps_its_tries_and_its_time(world: Any) -> None:
    step = {
        "action": "PROBE.CHARGE",
        "parameters": {"fail": True},
        "retry": {"attempts": 3, "delay": 100, "max_delay": 100, "jitter": False},
    }
    world.submit(step, id="j")
    job = world.record("j")
    assert (job.tries, job.attempts, job.status) == (1, 0, "QUEUED")
    assert job.resume_at == pytest.approx(world.clock.now + 100)
    assert world.queue.sent[0]["delay"] == pytest.approx(100)
    early = resume(world, "j")
    world.clock.now += 50
    assert world.get("j")["waiting"]["for"] == "retry"
    assert world.receive(early) == ["m1"]
    assert world.queue.postponed[-1][1] == pytest.approx(50), "the message came too early and is put back"
    assert len(world.ran) == 1
    world.drain_queue()
    assert (len(world.ran), world.get("j")["steps"][0]["attempts"]) == (3, 3)
    assert world.statuses("j") == ["UNHANDLED_EXCEPTION"]


def test_a_job_that_no_worker_has_time_for_ends_after_the_allowed_hand_overs(world: Any) -> None:
    world.set(max_hand_overs=5, reserve=0)
    world.submit(CHARGE, CHARGE | {"forced": True}, id="j", respond_async=True)

    def waste(name: str) -> None:  # reading alone takes all the time
        world.clock.now += 3 if name in {"query", "get"} else 0

    world.items.after = waste
    for _ in range(8):
        message = world.queue.sent.pop()
        assert world.receive(world.message(message["body"]), life=5) == []
        if world.record("j").cursor:
            break
    world.restart()
    assert world.ran == []
    world.drain_queue()
    assert world.statuses("j") == ["TIME_LIMIT_EXCEED", "DONE"]


def test_the_job_as_a_whole_ends_in_time(world: Any) -> None:
    world.set(job_seconds=50)
    world.submit(*[slow("WORK", 20)] * 5, id="j")
    world.drain_queue()
    statuses = world.statuses("j")
    assert statuses[:2] == ["DONE", "DONE"]
    assert "TIME_LIMIT_EXCEED" in statuses
    assert world.clock.now < world.record("j").created_at + 51


def test_an_owner_whose_lease_is_over_writes_and_publishes_nothing(world: Any) -> None:
    def overtake(name: str) -> None:
        if name == "put_all" and "overtaken" not in world.ran and len(world.ran) == 1:
            world.ran.append("overtaken")
            world.items.before = lambda _: None
            world.clock.now += 100  # the owner was frozen for so long
            assert world.receive(resume(world, "j")) == []

    world.items.before = overtake
    world.submit(CHARGE, CHARGE, id="j")
    assert world.ran == ["tenant/j/1/1", "overtaken", "tenant/j/1/1", "tenant/j/1/2"]
    assert [step["result"] for step in world.get("j")["steps"]] == ["charged by 2", "charged by 2"]
    assert world.metrics.counted("FencedOut") == 1
    expect_one_of_everything(world, "j", 2)


def test_a_late_acceptance_that_is_refused_answers_with_the_job_it_met(world: Any) -> None:
    def overtake(name: str) -> None:
        if name == "put_if":
            world.items.before = lambda _: None
            world.submit(WORK, id="j", name="first")

    world.items.before = overtake
    world.clock.now += 1
    sent = world.submit(WORK, id="j", name="first")
    assert sent.job["status"] == "SUCCEEDED"
    assert len([i for i in world.bus.ids() if i == "1/end"]) == 1


def test_steps_are_counted_when_they_are_recorded(world: Any) -> None:
    def refuse(name: str) -> None:
        if name == "put_if":
            raise TryLaterError("down")

    world.items.before = refuse
    world.receive(world.message({"id": "j", "steps": [WORK, WORK]}))
    assert world.metrics.counted("Steps") == 0
    world.restart()
    world.receive(world.message({"id": "j", "steps": [WORK, WORK]}))
    assert world.metrics.counted("Steps") == 2


# Every crash point. Each `k` kills the process around its k-th call of a port, then time passes.


def die_at(world: Any, k: int, side: str) -> None:
    """Let the process die before or after its k-th call."""
    count = 0

    def maybe_die(_: str) -> None:
        nonlocal count
        count += 1
        if count == k:
            world.crash()
            world.items.before("")

    setattr(world.items, side, maybe_die)


def run_to_the_end(world: Any, door: str, steps: Sequence[dict[str, Any]] = MIXED) -> None:
    """Run the job with a sender that retries, or a queue that redelivers, and the sweeper."""
    body = {"id": "j", "steps": list(steps)}
    for receives in range(1, 12):
        try:
            if door == "queue":
                left = world.receive(world.message(body, receives=receives))
            else:
                left = [] if world.submit(*steps, id="j").job else ["again"]
        except BaseException:  # noqa: BLE001  # the process died
            left = ["again"]
        if not left:
            break
        world.restart()
        world.clock.now += 60
    world.restart()
    world.recover()


@pytest.mark.parametrize("door", ["queue", "http"])
@pytest.mark.parametrize("side", ["before", "after"])
@pytest.mark.parametrize("k", range(1, 22))
def test_a_crash_at_any_call_loses_nothing_and_repeats_at_most_the_step_that_ran(
    world: Any, k: int, side: str, door: str
) -> None:
    die_at(world, k, side)
    run_to_the_end(world, door)
    job = world.record("j")
    statuses = world.statuses("j")
    fired = Counter(name for name in world.ran if name.startswith("tenant"))
    assert job.finished
    assert job.cursor == len(statuses) == 4
    assert fired["tenant/j/1/3"] <= 1, "at most once"
    assert fired["tenant/j/1/2"] <= 2, "only the step that was running"
    assert statuses in (["DONE"] * 4, ["DONE", "DONE", "INTERRUPTED", "SKIPPED"])
    assert (statuses[2] == "INTERRUPTED") <= (side in {"before", "after"})
    expect_one_of_everything(world, "j", 4)


@pytest.mark.parametrize("door", ["queue", "http"])
@pytest.mark.parametrize("side", ["before", "after"])
@pytest.mark.parametrize("k", range(1, 27))
def test_so_does_a_crash_at_any_call_of_a_burst(world: Any, k: int, side: str, door: str) -> None:
    """Some of its commits are one transaction: all of it is written, or nothing."""
    die_at(world, k, side)
    run_to_the_end(world, door, BURST)
    fired = Counter(name for name in world.ran if name.startswith("tenant"))
    assert world.record("j").cursor == 7
    assert fired["tenant/j/1/4"] <= 1
    assert max(fired["tenant/j/1/2"], fired["tenant/j/1/6"]) <= 2
    assert world.statuses("j")[:3] == ["DONE"] * 3
    expect_one_of_everything(world, "j", 7)


@pytest.mark.parametrize("door", ["queue", "http"])
@pytest.mark.parametrize("k", range(1, 16))
def test_a_lost_reply_changes_nothing(world: Any, k: int, door: str) -> None:
    world.items.lose_reply_of = {k}
    if door == "queue":
        assert world.receive(world.message({"id": "j", "steps": list(MIXED)})) == []
    else:
        assert world.submit(*MIXED, id="j").kind == "created"
    assert world.statuses("j") == ["DONE"] * 4
    assert Counter(world.ran) == {"work": 2, "tenant/j/1/2": 1, "tenant/j/1/3": 1}
    assert world.bus.ids() == ["1/1", "1/2", "1/3", "1/4", "1/end"]


def test_grouped_updates_are_one_event_for_all_that_is_published_together(world: Any) -> None:
    world.set(step_events="grouped")
    world.submit(*[WORK] * 10)
    assert [event["type"] for event in world.bus.events] == ["Steps Updated", "Job Finished"]
    assert [step["event_id"].split("/", 2)[2] for step in world.bus.events[0]["steps"]] == [
        f"1/{n}" for n in range(1, 11)
    ]
    world.bus.takes = 0
    world.submit(*[WORK] * 3, id="j")
    assert world.record("j").published == 0
    world.bus.takes = None
    world.clock.now += 61
    world.sweep()
    assert len(world.bus.events[-2]["steps"]) == 3
    assert world.record("j").all_published
