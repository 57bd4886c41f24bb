"""The alarm and coroutine functions: real time, in milliseconds."""

from __future__ import annotations

import asyncio
import gc
import math
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from handler.engine.alarm import COURTESY, StepTimeout, SystemAlarm

LIMIT = 0.02
GRACE = 0.03


@pytest.fixture
def alarm() -> SystemAlarm:
    return SystemAlarm(time.monotonic, grace=GRACE)


@pytest.fixture
def stop(alarm: SystemAlarm) -> Callable[[Callable[[], Any]], float]:
    """Runs a coroutine function that must be stopped, and gives the seconds that it took."""

    def stop_function(function: Callable[[], Any]) -> float:
        began = time.monotonic()
        with pytest.raises(StepTimeout):
            asyncio.run(alarm.wait(function, (), {}, LIMIT))
        return time.monotonic() - began

    return stop_function


async def sleep_long() -> None:
    await asyncio.sleep(60)


async def yield_for_ever() -> None:
    while True:  # noqa: ASYNC110  # the block of these tests
        await asyncio.sleep(0)


async def block_the_loop() -> None:
    while True:
        pass


async def block_the_loop_in_c() -> None:
    time.sleep(60)  # noqa: ASYNC251  # the block of this test


async def swallow_one_cancellation() -> None:
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        await asyncio.sleep(60)


async def swallow_every_cancellation() -> None:
    while True:
        try:  # noqa: SIM105  # suppress() has a test of its own
            await asyncio.sleep(60)
        except BaseException:  # noqa: BLE001, S110  # as a bad block does
            pass


async def swallow_all_while_blocking_the_loop() -> None:
    while True:
        try:  # noqa: SIM105  # suppress() has a test of its own
            time.sleep(60)  # noqa: ASYNC251  # the block of this test
        except BaseException:  # noqa: BLE001, S110  # as a bad block does
            pass


async def swallow_all_within() -> None:
    await swallow_every_cancellation()


async def wait_for_a_child_that_swallows() -> None:
    await asyncio.gather(swallow_every_cancellation(), swallow_one_cancellation())


async def block_the_loop_in_a_child() -> None:
    await asyncio.create_task(block_the_loop())


async def block_the_loop_in_a_callback() -> None:
    def count_for_ever() -> None:
        while True:
            pass

    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda *_: None)  # the loop reports what a callback raises; here that is us
    loop.call_soon(count_for_ever)
    await asyncio.sleep(60)


@pytest.mark.parametrize(
    "block",
    [
        sleep_long,
        yield_for_ever,
        block_the_loop,
        block_the_loop_in_c,
        swallow_one_cancellation,
        swallow_every_cancellation,
        swallow_all_within,
        swallow_all_while_blocking_the_loop,
        wait_for_a_child_that_swallows,
        block_the_loop_in_a_child,
        block_the_loop_in_a_callback,
    ],
)
def test_a_coroutine_is_stopped_at_its_limit_whatever_it_does(stop: Callable[..., float], block: Any) -> None:
    assert LIMIT <= stop(block) < 10
    gc.collect()  # a task that ends unseen is reported when it is collected, and fails this test


def test_a_result_comes_back_as_it_is(alarm: SystemAlarm) -> None:
    async def block(*args: int, **kwargs: int) -> Any:
        await asyncio.sleep(0)
        return args, kwargs

    assert asyncio.run(alarm.wait(block, (1, 2), {"a": 3}, 5)) == ((1, 2), {"a": 3})
    assert asyncio.run(alarm.wait(block, (1, 2), {"a": 3}, math.inf)) == ((1, 2), {"a": 3})


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt(), SystemExit(3), asyncio.CancelledError()])
def test_what_a_coroutine_raises_comes_out_as_it_is_and_the_loop_goes_on(
    alarm: SystemAlarm, error: BaseException
) -> None:
    async def fail() -> None:
        await asyncio.sleep(0)
        raise error

    async def run() -> str:
        with pytest.raises(type(error)) as raised:
            await alarm.wait(fail, (), {}, 5)
        assert raised.value is error
        await asyncio.sleep(0)
        return "goes on"

    assert asyncio.run(run()) == "goes on"


@pytest.mark.parametrize("seconds", [0, -1, -math.inf, math.nan])
def test_a_coroutine_without_any_time_left_is_not_begun(alarm: SystemAlarm, seconds: float) -> None:
    begun: list[int] = []

    async def block() -> None:
        begun.append(1)

    with pytest.raises(StepTimeout):
        asyncio.run(alarm.wait(block, (), {}, seconds))
    assert begun == []


@pytest.mark.parametrize("seconds", [1e-4, 1e-6, 1e-9])
def test_a_very_short_limit_stops_a_coroutine(alarm: SystemAlarm, seconds: float) -> None:
    with pytest.raises(StepTimeout):
        asyncio.run(alarm.wait(sleep_long, (), {}, seconds))


@pytest.mark.parametrize("seconds", [1e6, 1e10, sys.float_info.max])
def test_a_limit_far_in_the_future_lets_a_coroutine_run(alarm: SystemAlarm, seconds: float) -> None:
    async def block() -> str:
        await asyncio.sleep(0)
        return "done"

    assert asyncio.run(alarm.wait(block, (), {}, seconds)) == "done"


def test_clean_up_of_a_coroutine_has_the_grace(alarm: SystemAlarm) -> None:
    cleaned: list[str] = []

    async def block() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(GRACE / 5)
            cleaned.append("up")

    with pytest.raises(StepTimeout):
        asyncio.run(alarm.wait(block, (), {}, LIMIT))
    assert cleaned == ["up"]


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


def test_the_limit_of_one_job_never_stops_another_on_the_same_loop(alarm: SystemAlarm) -> None:
    async def count(rounds: int) -> str:
        for _ in range(rounds):
            for _ in range(1000):  # long enough between two yields for an alarm to land here
                pass
            await asyncio.sleep(0)
        return "done"

    async def run_each() -> list[Any]:
        async def guard(awaitable: Any) -> Any:
            try:
                return await awaitable
            except StepTimeout as timeout:
                return timeout.seconds

        limited = [guard(alarm.wait(yield_for_ever, (), {}, LIMIT / (1 + number))) for number in range(5)]
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
    def count_for_ever() -> None:
        while True:
            pass

    async def outer() -> str:
        with pytest.raises(StepTimeout):
            alarm.call(count_for_ever, (), {}, LIMIT)
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
    """A future that takes no cancellation."""

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


@pytest.mark.slow
def test_a_tight_loop_of_yields_never_hangs(alarm: SystemAlarm) -> None:
    for _ in range(200):
        with pytest.raises(StepTimeout):
            asyncio.run(alarm.wait(yield_for_ever, (), {}, 0.004))


@pytest.mark.slow
def test_a_tight_loop_of_yields_never_hangs_when_only_the_signal_can_end_it(
    alarm: SystemAlarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Here the signal comes first, so that it lands in the loop's own code as often as in the block's.
    monkeypatch.setattr("handler.engine.alarm.COURTESY", -0.003)
    for _ in range(200):
        with pytest.raises(StepTimeout):
            asyncio.run(alarm.wait(yield_for_ever, (), {}, 0.004))


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(("took", "late"), [(5.0, False), (5.001, True)])
def test_off_the_main_thread_a_coroutine_that_blocked_its_loop_is_late(took: float, late: bool) -> None:
    clock = Clock()
    outcome: list[Any] = []

    async def block() -> str:
        clock.now += took
        return "done"

    def run() -> None:
        try:
            outcome.append(asyncio.run(SystemAlarm(clock).wait(block, (), {}, 5)))
        except StepTimeout as timeout:
            outcome.append(timeout)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert (outcome == ["done"]) is not late
    if late:
        assert outcome[0].late


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
