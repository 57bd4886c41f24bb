"""The sweep: how jobs continue in the minutes after a crash."""

from __future__ import annotations

import json
from typing import Any

from infra.errors import TryLaterError
from tests.handler.conftest import WORK, drive


def test_nothing_due_is_nothing_to_do(world: Any) -> None:
    world.submit(WORK, id="j")
    world.clock.now += 3600
    assert (world.sweep(), world.queue.sent) == (0, [])


def test_a_lost_message_is_sent_again(world: Any) -> None:
    world.submit(WORK, id="j", respond_async=True)
    world.queue.sent.clear()
    world.clock.now += 299
    assert world.sweep() == 0
    world.clock.now += 2
    assert world.sweep() == 1
    assert [json.loads(sent["body"])["resume"]["job_id"] for sent in world.queue.sent] == ["j"]


def test_the_wait_doubles_while_nothing_happens_so_that_a_full_queue_is_not_sent_again_and_again(world: Any) -> None:
    world.submit(WORK, id="j", respond_async=True)
    sent = []
    for minute in range(1, 60):
        world.clock.now += 60
        if world.sweep():
            sent.append(minute)
    assert sent == [5, 10, 20, 40]
    world.queue.sent = world.queue.sent[:1]
    world.drain_queue()
    assert world.get("j")["status"] == "SUCCEEDED"


def test_a_job_that_somebody_took_up_meanwhile_is_left_alone(world: Any) -> None:
    world.submit(WORK, id="j", respond_async=True)
    world.clock.now += 301

    def take(name: str) -> None:
        if name == "update_if":
            world.items.before = lambda _: None
            job = world.record("j")
            drive(world.ports.table.claim(job, token="t", until=world.clock.now + 20, now=world.clock.now))

    world.items.before = take
    world.sweep()
    assert world.record("j").due == world.clock.now + 20


def test_a_dead_owners_job_comes_back_when_its_lease_is_over(world: Any) -> None:
    def die(name: str) -> None:
        if name == "update_if":
            world.crash()
            world.items.before("")

    world.items.after = die
    world.receive(world.message({"id": "j", "steps": [WORK]}, receives=2))
    world.restart()
    job = world.record("j")
    assert job.due == job.lease_until
    world.recover()
    assert world.get("j")["status"] == "SUCCEEDED"


def test_updates_that_are_left_are_published_by_the_sweeper_itself(world: Any) -> None:
    world.bus.down = True
    world.submit(WORK, id="j")
    world.bus.down = False
    world.clock.now += 61
    assert world.sweep() == 1
    assert world.bus.ids() == ["1/1", "1/end"]
    assert world.record("j").due is None
    assert world.queue.sent == []


def test_a_bus_that_stays_down_is_tried_ever_more_rarely(world: Any) -> None:
    world.bus.down = True
    world.submit(WORK, id="j")
    tried = [minute for minute in range(1, 20) if _minute(world)]
    assert tried == [2, 3, 5, 9, 17]


def test_a_bus_that_stays_down_does_not_delay_the_end_of_a_wait(world: Any) -> None:
    """No message ends a wait beyond 15 minutes; only the sweep does."""
    world.bus.down = True
    world.submit(WORK, {"id": "w", "wait": {"seconds": 1200}}, WORK, id="j")
    resume_at = world.record("j").resume_at
    assert world.queue.sent == []
    minutes = 0
    while not world.queue.sent:
        assert world.record("j").due <= resume_at
        _minute(world)
        minutes += 1
    assert minutes <= 22
    world.drain_queue()
    assert world.get("j")["status"] == "SUCCEEDED"


def _minute(world: Any) -> int:
    swept: int = world.sweep()
    world.clock.now += 60
    return swept


def test_a_job_whose_payload_is_gone_ends_failed(world: Any) -> None:
    world.submit(WORK, id="j", respond_async=True)
    for key in [key for key in world.table.items if key[1].startswith("PAYLOAD")]:
        del world.table.items[key]
    world.drain_queue()
    job = world.record("j")
    assert (job.status, job.due) == ("FAILED", None)
    assert world.bus.ids() == ["1/end"]
    assert world.get("j")["status"] == "FAILED"


def test_one_job_that_cannot_be_woken_does_not_keep_the_others_asleep(world: Any) -> None:
    for name in ("a", "b", "c"):
        world.submit(WORK, id=name, respond_async=True)
    world.queue.sent.clear()
    world.clock.now += 301
    failed: list[str] = []

    def fail_once(name: str) -> None:
        if name == "get" and not failed:
            failed.append(name)
            raise TryLaterError("throttled")

    world.items.before = fail_once
    assert world.sweep() == 2
    assert len(world.queue.sent) == 2
    assert world.sweep() == 1, "it is still due"


def test_a_sweeper_that_crashes_leaves_everything_due(world: Any) -> None:
    for name in ("a", "b"):
        world.submit(WORK, id=name, respond_async=True)
    world.queue.sent.clear()
    world.clock.now += 301
    for number in range(1, 12):
        count = 0

        def die(_: str, number: int = number) -> None:
            nonlocal count
            count += 1
            if count == number:
                world.crash()
                world.items.before("")

        world.items.before = die
        try:
            world.sweep()
        except BaseException:  # noqa: BLE001  # the process died
            world.clock.now += 60
        world.restart()
    world.recover()
    assert {world.get(name)["status"] for name in ("a", "b")} == {"SUCCEEDED"}


def test_a_sweep_stops_when_its_own_time_is_over(world: Any) -> None:
    from handler.jobs.sweep import sweep  # noqa: PLC0415 (one test's)

    world.submit(WORK, id="j", respond_async=True)
    world.queue.sent.clear()
    world.clock.now += 301
    assert drive(sweep(world.ports, world.lifetime(0))) == 0
    assert world.queue.sent == []


def due(world: Any, *names: str) -> None:
    """Make jobs whose message was lost."""
    for name in names:
        world.submit(WORK, id=name, respond_async=True)
    world.queue.sent.clear()
    world.clock.now += 301


def woken(world: Any) -> list[str]:
    return [json.loads(sent["body"])["resume"]["job_id"] for sent in world.queue.sent]


def test_several_jobs_are_woken_at_once_and_each_of_them_once(world: Any) -> None:
    names = [f"j{number:02}" for number in range(60)]
    due(world, *names)
    world.overlaps = True
    open_at_once: list[int] = []
    world.items.before = lambda _: open_at_once.append(len(world.station.ended))
    assert world.sweep() == 60
    assert sorted(woken(world)) == names
    assert max(open_at_once) == 9, "nine calls had begun before the tenth"
    assert world.sweep() == 0


def test_jobs_woken_at_once_come_in_the_order_of_priority(world: Any) -> None:
    due(world, "queued-1", "queued-2")
    for name in ("crashed-1", "crashed-2"):
        world.submit(WORK, id=name, respond_async=True)
        job = world.record(name)
        drive(world.ports.table.claim(job, token="t", until=world.clock.now + 1, now=world.clock.now))
    world.queue.sent.clear()
    world.clock.now += 301
    world.overlaps = True
    assert world.sweep() == 4
    assert [name[:-2] for name in woken(world)] == ["crashed", "crashed", "queued", "queued"]


def test_one_job_that_cannot_be_woken_does_not_keep_those_beside_it_asleep(world: Any) -> None:
    due(world, *"abcdef")
    world.overlaps = True
    get, get_all = world.items.get, world.items.get_all

    async def fail(pk: str, sk: str) -> Any:
        if pk == "tenant#c":
            raise TryLaterError("throttled")
        return await get(pk, sk)

    async def fail_all(keys: Any) -> Any:
        if any(pk == "tenant#c" for pk, _ in keys):
            raise TryLaterError("throttled")
        return await get_all(keys)

    world.items.get, world.items.get_all = fail, fail_all
    assert world.sweep() == 5
    assert sorted(woken(world)) == list("abdef")


def test_an_index_that_fails_ends_the_sweep(world: Any) -> None:
    due(world, *"abc")
    world.overlaps = True

    async def fail(*_: Any, **__: Any) -> Any:
        raise TryLaterError("throttled")

    world.items.query_index = fail
    assert world.sweep() == 0
    assert world.queue.sent == []
    assert world.metrics.counted("ServiceFailures") == 1, "although ten shards are read at once"


def test_a_sweep_of_several_jobs_at_once_stops_when_its_time_is_over(world: Any) -> None:
    from handler.jobs.sweep import LANES, sweep  # noqa: PLC0415 (one test's)

    due(world, *[f"j{number:02}" for number in range(60)])
    world.overlaps = True

    def pass_time(name: str) -> None:
        if name == "send":
            world.clock.now += 1.0

    world.items.before = pass_time
    assert 10 <= drive(sweep(world.ports, world.lifetime(12))) <= 10 + LANES
