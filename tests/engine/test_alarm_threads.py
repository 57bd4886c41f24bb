"""The alarm off the main thread, where no signal arrives."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from handler.engine.alarm import StepTimeout, SystemAlarm


def in_a_thread(function: Callable[[], Any]) -> list[Any]:
    """What the function gave or raised in a thread."""
    outcome: list[Any] = []

    def run() -> None:
        try:
            outcome.append(function())
        except BaseException as error:  # noqa: BLE001  # looked at by the test
            outcome.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return outcome


class Clock:
    """A clock that a block moves on."""

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
