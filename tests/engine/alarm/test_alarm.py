"""The alarm and plain functions: real time, in milliseconds."""

from __future__ import annotations

import math
import queue
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from handler.engine.alarm.alarm import StepTimeout, SystemAlarm

LIMIT = 0.02
GRACE = 0.03


def count_forever() -> None:
    while True:
        pass


def wait_at_a_socket() -> None:
    left, right = socket.socketpair()
    with left, right:
        left.recv(1)


def wait_for_a_lock() -> None:
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()


def match_an_exploding_expression() -> None:
    re.match(r"(a+)+$", "a" * 40 + "b")


def wait_for_a_program() -> None:
    subprocess.run([sys.executable, "-c", "import time; time.sleep(60)"], check=False)


def raise_a_big_power() -> int:
    return len(str(7 ** (10**8)))


@pytest.mark.parametrize(
    "block",
    [
        count_forever,
        lambda: time.sleep(60),
        wait_at_a_socket,
        wait_for_a_lock,
        lambda: queue.Queue[int]().get(),
        match_an_exploding_expression,
        wait_for_a_program,
        raise_a_big_power,
        lambda: sorted(range(3 * 10**6), key=lambda number: -number),
    ],
    ids=["loop", "sleep", "socket", "lock", "queue", "expression", "program", "power", "sort"],
)
def test_a_block_is_stopped_at_its_limit_in_any_wait(stop: Callable[..., float], block: Any) -> None:
    assert LIMIT <= stop(block) < 10


def test_a_result_comes_back_as_it_is(alarm: SystemAlarm) -> None:
    result = object()
    assert alarm.call(lambda *args, **kwargs: (args, kwargs, result), (1, 2), {"a": 3}, 5) == ((1, 2), {"a": 3}, result)


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt(), SystemExit(3), GeneratorExit()])
def test_an_exception_of_a_block_comes_out_unchanged(alarm: SystemAlarm, error: BaseException) -> None:
    def fail() -> None:
        raise error

    with pytest.raises(type(error)) as raised:
        alarm.call(fail, (), {}, 5)
    assert raised.value is error


@pytest.mark.parametrize("seconds", [0, 0.0, -0.0, -1, -math.inf, math.nan])
def test_a_block_without_any_time_left_is_not_begun(alarm: SystemAlarm, seconds: float) -> None:
    begun: list[int] = []
    with pytest.raises(StepTimeout) as raised:
        alarm.call(begun.append, (1,), {}, seconds)
    assert begun == []
    assert not raised.value.late


@pytest.mark.parametrize("seconds", [1e-3, 1e-6, 1e-7, 1e-9, 5e-324])
def test_a_limit_shorter_than_the_timer_resolves_still_stops_a_block(alarm: SystemAlarm, seconds: float) -> None:
    with pytest.raises(StepTimeout):
        alarm.call(count_forever, (), {}, seconds)


@pytest.mark.parametrize("seconds", [1e6, 1e6 + 1, 2.0**31, 1e10, 1e19, sys.float_info.max, math.inf])
def test_a_limit_far_in_the_future_lets_a_block_run(alarm: SystemAlarm, seconds: float) -> None:
    assert alarm.call(lambda: "done", (), {}, seconds) == "done"


def test_a_forged_timeout_is_an_error_of_the_block(alarm: SystemAlarm) -> None:
    def forge() -> None:
        raise StepTimeout(1)

    with pytest.raises(RuntimeError, match="only the alarm may"):
        alarm.call(forge, (), {}, 5)


def test_a_timeout_kept_from_an_earlier_call_is_forged_too(alarm: SystemAlarm) -> None:
    kept: list[BaseException] = []

    def keep() -> None:
        try:
            count_forever()
        except BaseException as error:
            kept.append(error)
            raise

    def raise_kept() -> None:
        raise kept[0]

    with pytest.raises(StepTimeout):
        alarm.call(keep, (), {}, LIMIT)
    with pytest.raises(RuntimeError, match="only the alarm may"):
        alarm.call(raise_kept, (), {}, 5)


def test_a_block_within_a_block_ends_at_its_own_limit_and_the_outer_one_goes_on(alarm: SystemAlarm) -> None:
    def outer() -> str:
        with pytest.raises(StepTimeout):
            alarm.call(count_forever, (), {}, LIMIT)
        return "went on"

    assert alarm.call(outer, (), {}, 5) == "went on"


def test_the_outer_limit_ends_a_block_within_a_block(alarm: SystemAlarm) -> None:
    def outer() -> None:
        alarm.call(count_forever, (), {}, 60)

    with pytest.raises(StepTimeout) as raised:
        alarm.call(outer, (), {}, LIMIT)
    assert raised.value.seconds == LIMIT


def test_the_outer_limit_still_holds_after_an_inner_block_ended(alarm: SystemAlarm) -> None:
    def outer() -> None:
        alarm.call(int, (), {}, LIMIT / 4)
        count_forever()

    with pytest.raises(StepTimeout) as raised:
        alarm.call(outer, (), {}, LIMIT)
    assert raised.value.seconds == LIMIT


class Lasting:
    """Its finalizer runs until after the limit."""

    def __init__(self, ended: list[str]) -> None:
        self.ended = ended

    def __del__(self) -> None:
        ends_at = time.process_time() + LIMIT + GRACE / 3
        while time.process_time() < ends_at:
            pass
        self.ended.append("gone")


def test_an_alarm_is_not_lost_in_a_finalizer(busy_alarm: SystemAlarm) -> None:
    ended: list[str] = []

    def block() -> None:
        Lasting(ended)
        count_forever()

    with pytest.raises(StepTimeout):
        busy_alarm.call(block, (), {}, LIMIT)  # an exception in a finalizer would be reported, and fail this test
    assert ended == ["gone"]


TAKE_A_LOCK = """
def take_and_release(taken, now, ends_at):
    taken.append("lock")
    while now() < ends_at:  # the limit passes between the line that takes the lock and the block that releases it
        pass
    try:
        pass
    finally:
        taken.clear()
"""


@pytest.mark.parametrize("module", ["logging", "importlib._bootstrap"])
def test_an_alarm_leaves_no_lock_taken_that_other_threads_need(stop: Callable[..., float], module: str) -> None:
    functions: dict[str, Any] = {"__name__": module}
    exec(compile(TAKE_A_LOCK, module, "exec"), functions)  # noqa: S102  # a function such as that module might have
    taken: list[str] = []

    def block() -> None:
        ends_at = time.monotonic() + LIMIT + GRACE / 3
        functions["take_and_release"](taken, time.monotonic, ends_at)
        count_forever()

    stop(block)
    assert taken == []


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # reports the error in the finalizer
def test_a_finalizer_that_outlasts_the_grace_is_stopped(alarm: SystemAlarm) -> None:
    class Endless:
        def __del__(self) -> None:
            count_forever()

    def block() -> None:
        Endless()
        count_forever()

    with pytest.raises(StepTimeout):
        alarm.call(block, (), {}, LIMIT)
