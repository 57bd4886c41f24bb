"""A batch whose jobs run concurrently: none harms another, and each has the guarantees of a job that runs alone."""

from __future__ import annotations

from typing import Any

import pytest

from infra.errors import TryLaterError
from tests.handler.conftest import CrashError, drive

WORK = {"action": "PROBE.WORK"}
CHARGE = {"action": "PROBE.CHARGE"}
FIRE = {"action": "PROBE.FIRE"}


@pytest.fixture(autouse=True)
def side_by_side(world: Any) -> None:
    world.overlaps = True


def batch(world: Any, *bodies: Any, receives: int = 1) -> list[dict[str, Any]]:
    return [world.message(body, id=f"m{number}", receives=receives) for number, body in enumerate(bodies, 1)]


def jobs(*names: str, steps: Any = (WORK, WORK)) -> list[dict[str, Any]]:
    return [{"id": name, "steps": list(steps)} for name in names]


def test_every_job_of_a_batch_ends(world: Any) -> None:
    names = [f"j{number}" for number in range(12)]
    assert world.receive(*batch(world, *jobs(*names))) == []
    assert [world.get(name)["status"] for name in names] == ["SUCCEEDED"] * 12
    assert sorted(event["event_id"].split("/")[1] for event in world.bus.events) == sorted(names * 3)


def test_records_of_several_jobs_share_a_call_and_so_do_their_events(world: Any) -> None:
    world.receive(*batch(world, *jobs("a", "b", "c")))
    assert world.items.calls.count("put_all") == 1
    assert world.items.calls.count("put_if") == 3
    assert world.bus.calls == 1
    assert [event["event_id"].split("/", 1)[1] for event in world.bus.events] == [
        f"{name}/1/{end}" for name in "abc" for end in ("1", "2", "end")
    ]


def test_jobs_that_are_looked_up_share_a_call(world: Any) -> None:
    """The jobs have ids from their senders, so each may exist already."""
    world.receive(*batch(world, *jobs("b")))
    world.items.calls.clear()
    assert world.receive(*batch(world, *jobs("a", "b", "c"))) == []
    assert world.items.calls.count("get_all") == 1
    assert world.items.calls.count("get") == 0
    assert world.items.calls.count("put_if") == 2  # b exists, and has ended


def test_pointers_of_a_batch_share_the_reads_of_their_jobs_and_payloads(world: Any) -> None:
    for name in "abc":
        world.submit(WORK, id=name, respond_async=True)
    world.items.calls.clear()
    assert world.receive(*batch(world, *[sent["body"] for sent in world.queue.sent])) == []
    assert [world.get(name)["status"] for name in "abc"] == ["SUCCEEDED"] * 3
    assert world.items.calls.count("get_all") == 2


def test_a_message_alone_takes_no_crew(world: Any) -> None:
    world.receive(*batch(world, *jobs("a")))
    assert world.station.started == 0


def test_messages_of_a_fifo_queue_are_worked_off_in_order(world: Any) -> None:
    records = [world.message(body, id=body["id"], group="g") for body in jobs("a", "b", steps=[CHARGE])]
    assert world.receive(*records) == []
    assert world.station.started == 0
    assert world.ran == ["tenant/a/1/1", "tenant/b/1/1"]


def test_a_poison_message_costs_the_others_nothing(world: Any) -> None:
    assert world.receive(*batch(world, "not json", *jobs("a"), {"steps": 1}, *jobs("b", steps=[CHARGE]))) == []
    assert [body for body, _ in world.queue.rejected] == ["not json", '{"steps": 1}']
    assert world.get("a")["status"] == world.get("b")["status"] == "SUCCEEDED"


def test_a_job_whose_step_fails_or_runs_too_long_costs_the_others_nothing(world: Any) -> None:
    slow = {**WORK, "timeout": 1, "parameters": {"seconds": 5}}
    failing = {**CHARGE, "parameters": {"fail": True}}
    bodies = [{"id": "slow", "steps": [slow]}, {"id": "failing", "steps": [failing]}, *jobs("a", "b")]
    assert world.receive(*batch(world, *bodies)) == []
    assert world.statuses("slow") == ["TIME_LIMIT_EXCEED"]
    assert world.statuses("failing") == ["UNHANDLED_EXCEPTION"]
    assert world.statuses("a") == world.statuses("b") == ["DONE", "DONE"]


def test_time_that_a_job_waits_for_its_turn_is_not_time_of_its_step(world: Any) -> None:
    long = {**WORK, "parameters": {"seconds": 5}}
    short = {**WORK, "timeout": 1, "parameters": {"seconds": 0.5}}
    bodies = [{"id": "long", "steps": [long]}, *jobs("a", "b", steps=[short])]
    assert world.receive(*batch(world, *bodies)) == []
    assert world.statuses("a") == world.statuses("b") == ["DONE"]


def test_a_step_that_no_longer_fits_goes_back_and_its_attempt_does_not_count(world: Any) -> None:
    hog = {**CHARGE, "parameters": {"seconds": 20}}
    declared = {**CHARGE, "timeout": 15}
    bodies = [{"id": "hog", "steps": [hog]}, *jobs("late", steps=[declared])]
    assert world.receive(*batch(world, *bodies), life=30.0) == []
    assert world.ran == ["tenant/hog/1/1"]
    late = world.record("late")
    assert (late.status, late.attempts, late.started, late.hand_overs) == ("QUEUED", 0, False, 0)
    world.drain_queue()
    assert world.get("late")["status"] == "SUCCEEDED"


def test_the_first_message_may_have_the_whole_invocation(world: Any) -> None:
    """Its step declares more time than the other jobs would leave, and begins before theirs."""
    world.submit(CHARGE, id="known", respond_async=True)
    world.queue.sent.clear()
    pointer = {"resume": {"tenant": "tenant", "job_id": "known"}}
    others = jobs("a", "b", steps=[{**WORK, "parameters": {"seconds": 4, "name": "other"}}])
    assert world.receive(*batch(world, pointer, *others)) == []
    assert world.ran == ["tenant/known/1/1", "other", "other"]


def test_the_first_step_of_the_first_job_has_to_fit_once_others_took_time(world: Any) -> None:
    """A skipped step lets the others begin, and the write before an effect gives them a turn."""
    skipped, long = {**WORK, "if": False}, {**CHARGE, "timeout": 20, "parameters": {"seconds": 5}}
    other = {"id": "other", "steps": [{**WORK, "parameters": {"seconds": 15}}]}
    assert world.receive(*batch(world, {"id": "first", "steps": [skipped, long]}, other)) == []
    assert world.get("other")["status"] == "SUCCEEDED"
    assert (world.get("first")["status"], len(world.queue.sent)) == ("QUEUED", 1)
    assert "tenant/first/1/2" not in world.ran


def test_a_first_job_that_is_cut_after_others_took_time_is_not_blamed(world: Any) -> None:
    first = [{**CHARGE, "parameters": {"seconds": 1}}, {**CHARGE, "parameters": {"seconds": 25}}]
    others = jobs("a", steps=[{**WORK, "parameters": {"seconds": 10}}])
    assert world.receive(*batch(world, {"id": "first", "steps": first}, *others), life=30.0) == []
    assert world.record("first").attempts == 0


def test_a_message_that_came_twice_in_a_batch_runs_its_effects_once(world: Any) -> None:
    body = {"id": "j", "steps": [CHARGE, FIRE]}
    assert world.receive(*batch(world, body, body, body)) == []
    assert world.ran == ["tenant/j/1/1", "tenant/j/1/2"]
    assert world.get("j")["status"] == "SUCCEEDED"


def test_another_job_under_an_id_of_the_same_batch_is_rejected(world: Any) -> None:
    bodies = [{"id": "j", "steps": [WORK]}, {"id": "j", "steps": [WORK, WORK]}]
    assert world.receive(*batch(world, *bodies)) == []
    assert len(world.queue.rejected) == 1
    assert world.get("j")["status"] == "SUCCEEDED"


def test_a_job_at_which_an_owner_stopped_is_run_when_the_others_have_ended(world: Any) -> None:
    """The job may have killed its process; run concurrently, it would interrupt the others."""
    world.submit(CHARGE, id="suspect", respond_async=True)
    drive(world.ports.table.claim(world.record("suspect"), token="t", until=world.clock.now + 1, now=world.clock.now))
    world.clock.now += 2
    pointer = {"resume": {"tenant": "tenant", "job_id": "suspect"}}
    assert world.receive(*batch(world, *jobs("a"), pointer, *jobs("b", steps=[CHARGE, CHARGE]))) == []
    assert world.ran[-1] == "tenant/suspect/1/1"
    assert world.record("suspect").status == "SUCCEEDED"


def test_a_suspect_that_comes_first_is_alone_with_the_invocation(world: Any) -> None:
    world.submit(CHARGE, CHARGE, id="suspect", respond_async=True)
    drive(world.ports.table.claim(world.record("suspect"), token="t", until=world.clock.now + 1, now=world.clock.now))
    world.clock.now += 2
    pointer = {"resume": {"tenant": "tenant", "job_id": "suspect"}}
    assert world.receive(*batch(world, pointer, *jobs("a", steps=[CHARGE]))) == []
    assert world.ran == ["tenant/suspect/1/1", "tenant/suspect/1/2", "tenant/a/1/1"]


@pytest.mark.parametrize("killer", ["DIE", "CHARGE_AND_DIE", "FIRE_AND_DIE"])
def test_a_process_that_dies_in_a_step_costs_no_other_job_a_step_that_runs_at_most_once(
    world: Any, killer: str
) -> None:
    bodies = [*jobs("a", "b", steps=[FIRE, WORK, FIRE]), {"id": "killer", "steps": [{"action": f"PROBE.{killer}"}]}]
    records = batch(world, *bodies, *jobs("c", steps=[FIRE]))
    with pytest.raises(CrashError):
        world.receive(*records)
    world.restart()
    world.clock.now += 100
    for record in records:
        world.receive({**record, "attributes": {"ApproximateReceiveCount": "2"}})
        world.restart()
        world.clock.now += 100
    for name, count in (("a", 3), ("b", 3), ("c", 1)):
        assert world.statuses(name) == ["DONE"] * count, name


def test_a_table_that_refuses_a_shared_call_is_asked_for_each_job(world: Any) -> None:
    """Only one of the jobs may have the part that the table refuses."""
    put = world.items.put_all

    async def refuse(items: Any) -> None:
        if any(item["pk"] == "tenant#bad" for item in items):
            raise TryLaterError("the table is out of reach")
        await put(items)

    world.items.put_all = refuse
    assert world.receive(*batch(world, *jobs("a", "bad", "b"))) == ["m2"]
    assert world.get("a")["status"] == world.get("b")["status"] == "SUCCEEDED"


def test_a_table_that_refuses_a_shared_read_is_asked_for_each_job(world: Any) -> None:
    async def refuse(_: Any) -> None:
        raise TryLaterError("throttled")

    read = world.items.get

    async def get(pk: str, sk: str) -> Any:
        if pk == "tenant#bad":
            raise TryLaterError("throttled")
        return await read(pk, sk)

    world.items.get_all, world.items.get = refuse, get
    assert world.receive(*batch(world, *jobs("a", "bad", "b"))) == ["m2"]
    world.items.get = read
    assert [world.get(name)["status"] for name in "ab"] == ["SUCCEEDED"] * 2


def test_an_entry_that_the_bus_refuses_is_missed_by_its_own_job_alone(world: Any) -> None:
    publish = world.bus.publish

    async def refuse(entries: Any, *, missed: Any) -> list[int]:
        bad = next((at for at, entry in enumerate(entries) if "tenant/bad/" in entry.detail), None)
        if bad is None:
            return await publish(entries, missed=missed)
        taken = await publish(entries[:bad], missed=missed)
        missed("MalformedDetail")
        return taken

    world.bus.publish = refuse
    assert world.receive(*batch(world, *jobs("a", "bad", "b"))) == ["m2"]
    heard = [event["event_id"].split("/", 1)[1] for event in world.bus.events]
    assert heard == [f"{name}/1/{end}" for name in "ab" for end in ("1", "2", "end")]
    bad = world.record("bad")
    assert (bad.status, bad.published) == ("SUCCEEDED", 0)
    assert bad.due is not None
