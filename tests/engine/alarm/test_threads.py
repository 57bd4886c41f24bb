"""The alarm off the main thread, where no signal arrives."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from handler.engine.alarm.alarm import StepTimeout, SystemAlarm


@pytest.fixture(autouse=True)
def _timer_of_this_test() -> Iterator[None]:
    """A new process timer for each test: a timer keeps its first clock, and no test must use another's."""
    before = signal.signal(signal.SIGALRM, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGALRM, before)


def in_a_thread(function: Callable[[], Any]) -> list[Any]:
    """The result or the exception of a function in a thread."""
    outcome: list[Any] = []

    def run() -> None:
        try:
            outcome.append(function())
        except BaseException as error:  # noqa: BLE001  # the test checks it
            outcome.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return outcome


class Clock:
    """A clock that a block advances."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(("took", "late"), [(4.999, False), (5.0, False), (5.001, True)])
def test_off_the_main_thread_the_limit_is_checked_afterwards(took: float, late: bool) -> None:
    clock = Clock()
    alarm = SystemAlarm(clock)

    def block() -> str:
        clock.now += took
        return "done"

    (outcome,) = in_a_thread(lambda: alarm.call(block, (), {}, 5))
    if late:
        assert isinstance(outcome, StepTimeout)
        assert outcome.late
    else:
        assert outcome == "done"


def test_off_the_main_thread_a_late_error_is_a_timeout() -> None:
    clock = Clock()

    def block() -> None:
        clock.now += 6
        raise ValueError("late")

    (outcome,) = in_a_thread(lambda: SystemAlarm(clock).call(block, (), {}, 5))
    assert isinstance(outcome, StepTimeout)


def test_off_the_main_thread_a_forged_timeout_is_an_error_of_the_block() -> None:
    def forge() -> None:
        raise StepTimeout(1)

    (outcome,) = in_a_thread(lambda: SystemAlarm(Clock()).call(forge, (), {}, 5))
    assert isinstance(outcome, RuntimeError)


@pytest.mark.parametrize(("took", "late"), [(5.0, False), (5.001, True)])
def test_off_the_main_thread_a_coroutine_that_blocked_its_loop_is_late(took: float, late: bool) -> None:
    clock = Clock()

    async def block() -> str:
        clock.now += took
        return "done"

    (outcome,) = in_a_thread(lambda: asyncio.run(SystemAlarm(clock).wait(block, (), {}, 5)))
    assert isinstance(outcome, StepTimeout) is late
    assert late or outcome == "done"


def test_a_thread_leaves_the_timer_of_the_main_thread_alone() -> None:
    clock = Clock()
    alarm = SystemAlarm(clock)
    alarm.call(int, (), {}, 5)  # registers the timer
    timers: list[tuple[float, float]] = []

    def block() -> None:
        timers.append(signal.getitimer(signal.ITIMER_REAL))
        clock.now += 6

    (outcome,) = in_a_thread(lambda: alarm.call(block, (), {}, 5))
    assert timers == [(0.0, 0.0)]
    assert isinstance(outcome, StepTimeout)
    assert outcome.late


def exit_as_interrupted() -> None:
    """End the process with exit code 0 if each block was interrupted at its limit."""
    ends = []
    for _ in range(2):
        try:
            SystemAlarm(time.monotonic).call(time.sleep, (5,), {}, 0.02)
        except StepTimeout as timeout:
            ends.append("late" if timeout.late else "interrupted")
    os._exit(0 if ends == ["interrupted"] * 2 else 1)


def exit_code_of_a_fork() -> int:
    child = os.fork()
    if child == 0:
        try:
            exit_as_interrupted()
        finally:
            os._exit(2)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_fork_interrupts_its_blocks_whichever_thread_made_it() -> None:
    SystemAlarm(time.monotonic).call(int, (), {}, 5)  # the child inherits a timer that knows the parent's main thread
    assert exit_code_of_a_fork() == 0
    assert in_a_thread(exit_code_of_a_fork) == [0]
