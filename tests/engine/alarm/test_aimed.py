"""The alarm at the very end of a block, aimed there thousands of times.

``AIMED_ALARMS`` in the environment is the number of alarms in each test; `make timeouts` sets 30,000.
"""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Iterator

import pytest

from handler.engine.alarm.alarm import StepTimeout, SystemAlarm

AIMED_ALARMS = int(os.environ.get("AIMED_ALARMS", "3000"))


@pytest.fixture
def alarm() -> SystemAlarm:
    return SystemAlarm(time.monotonic)


@pytest.fixture(autouse=True)
def no_collection() -> Iterator[None]:
    """No garbage collection while alarms are aimed. Libraries hook into it (hypothesis does), and an alarm that hits
    their code hits the middle of the one bytecode with which a block in these tests finishes.
    """
    gc.disable()
    yield
    gc.enable()


@pytest.mark.slow
def test_no_aimed_alarm_escapes_and_no_finished_result_is_lost(alarm: SystemAlarm) -> None:
    # Each alarm is aimed at the end of its block: a block gets more rounds after one that finished in time, and fewer
    # after one that did not. The last assignment of a block is one bytecode in which no signal is handled, so a block
    # that has finished has also recorded that it has.
    rounds, finished, stopped, lost = 100, 0, 0, 0

    def block(said: dict[str, bool]) -> str:
        for _ in range(rounds):
            pass
        said["finished"] = True
        return "result"

    for number in range(AIMED_ALARMS):
        said: dict[str, bool] = {}
        try:
            assert alarm.call(block, (said,), {}, 2e-5 + number % 50 * 1e-6) == "result"
        except StepTimeout:
            stopped += 1
            lost += "finished" in said
            rounds = max(0, rounds - 10)
        else:
            finished += 1
            rounds += 10
    assert lost == 0
    assert min(finished, stopped) > AIMED_ALARMS / 10


@pytest.mark.slow
def test_no_aimed_alarm_hides_the_error_of_a_block(alarm: SystemAlarm) -> None:
    rounds, failed, hidden, error = 100, 0, 0, ValueError("the block's own")

    def block(said: dict[str, bool]) -> None:
        for _ in range(rounds):
            pass
        said["failed"] = True
        raise error

    for number in range(AIMED_ALARMS):
        said: dict[str, bool] = {}
        try:
            alarm.call(block, (said,), {}, 2e-5 + number % 50 * 1e-6)
        except StepTimeout:
            hidden += "failed" in said
            rounds = max(0, rounds - 10)
        except ValueError:
            failed += 1
            rounds += 10
        error.__traceback__ = error.__context__ = None
    assert hidden == 0
    assert AIMED_ALARMS / 10 < failed < AIMED_ALARMS * 9 / 10


@pytest.mark.slow
def test_no_result_of_a_block_in_c_is_lost(alarm: SystemAlarm) -> None:
    lost, outcomes = 0, set()
    for number in range(AIMED_ALARMS):
        done: list[int] = []
        try:
            alarm.call(done.append, (1,), {}, 1e-6 + number % 100 * 2e-7)
            outcomes.add("finished")
        except StepTimeout:
            outcomes.add("stopped")
            lost += len(done)
    assert lost == 0
    assert outcomes == {"finished", "stopped"}
