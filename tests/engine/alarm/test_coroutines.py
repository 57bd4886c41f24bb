"""The alarm and coroutine functions: real time, in milliseconds."""

from __future__ import annotations

import asyncio
import gc
import math
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

from handler.engine.alarm.alarm import StepTimeout, SystemAlarm
from tests.engine.alarm.coroutines import block_the_loop, sleep_long, yield_forever

LIMIT = 0.02
GRACE = 0.03


@pytest.fixture(scope="module", autouse=True)
def old_objects() -> None:
    """Exempt them from the collections of these tests, which look for the tasks that a test has left."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def stop(alarm: SystemAlarm) -> Callable[[Callable[[], Any]], float]:
    """Runs a coroutine function that must be stopped, and returns the seconds that it took."""

    def stop_function(function: Callable[[], Any]) -> float:
        began = time.monotonic()
        with pytest.raises(StepTimeout):
            asyncio.run(alarm.wait(function, (), {}, LIMIT))
        return time.monotonic() - began

    return stop_function


async def block_the_loop_in_c() -> None:
    time.sleep(60)  # noqa: ASYNC251  # the block of this test


async def swallow_one_cancellation() -> None:
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        await asyncio.sleep(60)


async def swallow_every_cancellation() -> None:
    while True:
        try:  # noqa: SIM105  # another test covers suppress()
            await asyncio.sleep(60)
        except BaseException:  # noqa: BLE001, S110  # as a bad block does
            pass


async def swallow_all_while_blocking_the_loop() -> None:
    while True:
        try:  # noqa: SIM105  # another test covers suppress()
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
    def count_forever() -> None:
        while True:
            pass

    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda *_: None)  # the loop would log the alarm's exception in a callback
    loop.call_soon(count_forever)
    await asyncio.sleep(60)


@pytest.mark.parametrize(
    "block",
    [
        sleep_long,
        yield_forever,
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
def test_a_coroutine_of_any_kind_is_stopped_at_its_limit(stop: Callable[..., float], block: Any) -> None:
    assert LIMIT <= stop(block) < 10
    gc.collect()  # a task whose exception was never retrieved is reported when it is collected, and fails this test


def test_a_result_comes_back_as_it_is(alarm: SystemAlarm) -> None:
    async def block(*args: int, **kwargs: int) -> Any:
        await asyncio.sleep(0)
        return args, kwargs

    assert asyncio.run(alarm.wait(block, (1, 2), {"a": 3}, 5)) == ((1, 2), {"a": 3})
    assert asyncio.run(alarm.wait(block, (1, 2), {"a": 3}, math.inf)) == ((1, 2), {"a": 3})


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt(), SystemExit(3), asyncio.CancelledError()])
def test_an_exception_of_a_coroutine_comes_out_unchanged_and_the_loop_goes_on(
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
