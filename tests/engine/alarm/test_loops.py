"""The alarm and everything that shares an event loop with a coroutine block: its tasks, other jobs, the loop itself."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from handler.engine.alarm.alarm import COURTESY, StepTimeout, SystemAlarm
from tests.engine.alarm.coroutines import block_the_loop, sleep_long, yield_forever
from tests.examples import examples

LIMIT = 0.02
GRACE = 0.03


def test_tasks_that_a_block_started_end_with_it(alarm: SystemAlarm) -> None:
    ended: list[str] = []

    async def child(name: str) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(name)

    async def grandchild() -> None:
        task = asyncio.create_task(child("grandchild"))
        await task

    async def block() -> None:
        tasks = [asyncio.create_task(child("child")), asyncio.create_task(grandchild())]
        await asyncio.sleep(60)
        del tasks

    async def run() -> None:
        with pytest.raises(StepTimeout):
            await alarm.wait(block, (), {}, LIMIT)
        assert sorted(ended) == ["child", "grandchild"]
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(run())


async def swallow_and_block() -> None:
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        while True:
            pass


@pytest.mark.parametrize("left_over", [sleep_long, yield_forever, swallow_and_block])
def test_a_task_left_behind_by_a_block_that_is_done_ends_with_it(alarm: SystemAlarm, left_over: Any) -> None:
    async def block() -> str:
        task = asyncio.create_task(left_over())
        await asyncio.sleep(0)
        assert not task.done()
        return "done"

    async def run() -> None:
        assert await alarm.wait(block, (), {}, 5) == "done"
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(run())


def test_the_limit_of_one_job_never_stops_another_on_the_same_loop(alarm: SystemAlarm) -> None:
    async def count(rounds: int) -> str:
        for _ in range(rounds):
            for _ in range(1000):  # takes long enough between two yields for an alarm to hit
                pass
            await asyncio.sleep(0)
        return "done"

    async def run_each() -> list[Any]:
        async def guard(awaitable: Any) -> Any:
            try:
                return await awaitable
            except StepTimeout as timeout:
                return timeout.seconds

        limited = [guard(alarm.wait(yield_forever, (), {}, LIMIT / (1 + number))) for number in range(5)]
        return await asyncio.gather(guard(alarm.wait(count, (2000,), {}, 60)), *limited)

    assert asyncio.run(run_each()) == ["done", *(LIMIT / (1 + number) for number in range(5))]


def test_a_job_that_blocks_the_loop_is_not_stopped_by_the_alarm_of_another(alarm: SystemAlarm) -> None:
    async def block_for(seconds: float) -> str:
        ends_at = time.monotonic() + seconds
        while time.monotonic() < ends_at:
            pass
        return "done"

    async def run() -> list[Any]:
        limited = alarm.wait(sleep_long, (), {}, LIMIT)
        blocking = alarm.wait(block_for, (LIMIT + COURTESY * 2,), {}, 60)
        return await asyncio.gather(limited, blocking, return_exceptions=True)

    limited, blocking = asyncio.run(run())
    assert blocking == "done"
    assert isinstance(limited, StepTimeout)


def test_a_plain_block_within_a_coroutine_block_ends_at_its_own_limit(alarm: SystemAlarm) -> None:
    def count_forever() -> None:
        while True:
            pass

    async def outer() -> str:
        with pytest.raises(StepTimeout):
            alarm.call(count_forever, (), {}, LIMIT)
        await asyncio.sleep(0)
        return "went on"

    assert asyncio.run(alarm.wait(outer, (), {}, 5)) == "went on"


def test_the_outer_limit_ends_a_coroutine_block_within_a_coroutine_block(alarm: SystemAlarm) -> None:
    for inner in (sleep_long, block_the_loop):

        async def outer(inner: Any = inner) -> None:
            await alarm.wait(inner, (), {}, 60)

        with pytest.raises(StepTimeout) as raised:
            asyncio.run(alarm.wait(outer, (), {}, LIMIT))
        assert raised.value.seconds == LIMIT


def test_a_cancellation_from_outside_ends_the_block_and_goes_on(alarm: SystemAlarm) -> None:
    ended: list[str] = []

    async def block() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append("block")

    async def run() -> None:
        task = asyncio.create_task(alarm.wait(block, (), {}, 60))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert ended == ["block"]

    asyncio.run(run())


class Deaf(asyncio.Future[None]):
    """A future that cannot be cancelled."""

    def cancel(self, msg: Any | None = None) -> bool:
        del msg
        return True


@pytest.mark.slow
def test_a_coroutine_that_nothing_can_end_is_left_behind(alarm: SystemAlarm) -> None:
    async def run() -> str:
        deaf = Deaf()

        async def block() -> None:
            await deaf

        with pytest.raises(StepTimeout):
            await alarm.wait(block, (), {}, LIMIT)
        deaf.set_result(None)
        await asyncio.sleep(0)
        return "goes on"

    assert asyncio.run(run()) == "goes on"


@pytest.mark.share
@pytest.mark.slow
def test_a_tight_loop_of_yields_never_hangs(alarm: SystemAlarm) -> None:
    for _ in range(examples(200)):
        with pytest.raises(StepTimeout):
            asyncio.run(alarm.wait(yield_forever, (), {}, 0.004))


@pytest.mark.share
@pytest.mark.slow
def test_a_tight_loop_of_yields_never_hangs_when_only_the_signal_can_end_it(
    alarm: SystemAlarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The signal comes first in this test, so it hits the loop's own code as often as the block's.
    monkeypatch.setattr("handler.engine.alarm.alarm.COURTESY", -0.003)
    for _ in range(examples(200)):
        with pytest.raises(StepTimeout):
            asyncio.run(alarm.wait(yield_forever, (), {}, 0.004))


def test_a_loop_keeps_the_task_factory_that_it_had(alarm: SystemAlarm) -> None:
    made: list[Any] = []

    def make(loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> asyncio.Task[Any]:
        made.append(coroutine)
        return asyncio.Task(coroutine, loop=loop, **options)

    async def block() -> str:
        return "done"

    async def run() -> None:
        asyncio.get_running_loop().set_task_factory(make)
        assert await alarm.wait(block, (), {}, 5) == "done"

    asyncio.run(run())
    assert made[0].cr_code.co_name == "_run"
