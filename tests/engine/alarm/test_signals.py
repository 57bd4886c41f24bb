"""The alarm and other users of the process's timer and its signal."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from types import FrameType

import pytest

from handler.engine.alarm.alarm import StepTimeout, SystemAlarm

LIMIT = 0.02


def count_forever() -> None:
    while True:
        pass


@pytest.fixture
def alarm() -> SystemAlarm:
    return SystemAlarm(time.monotonic)


@pytest.fixture(autouse=True)
def clean_signals() -> Iterator[None]:
    before = signal.getsignal(signal.SIGALRM)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def test_no_timer_is_left_armed_after_a_block(alarm: SystemAlarm) -> None:
    alarm.call(int, (), {}, 60)
    with pytest.raises(StepTimeout):
        alarm.call(count_forever, (), {}, LIMIT)
    with pytest.raises(ValueError, match="invalid literal"):
        alarm.call(int, ("x",), {}, 60)
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def call_a_block_within_a_block(alarm: SystemAlarm) -> None:
    alarm.call(lambda: alarm.call(int, (), {}, 60), (), {}, 60)


def test_no_timer_is_left_armed_after_a_block_within_a_block(alarm: SystemAlarm) -> None:
    call_a_block_within_a_block(alarm)
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_an_alarm_between_two_blocks_does_nothing(alarm: SystemAlarm) -> None:
    alarm.call(int, (), {}, 60)
    signal.raise_signal(signal.SIGALRM)
    assert alarm.call(int, ("7",), {}, 60) == 7


def test_an_alarm_that_comes_too_early_does_nothing(alarm: SystemAlarm) -> None:
    def block() -> str:
        signal.raise_signal(signal.SIGALRM)
        return "done"

    assert alarm.call(block, (), {}, 60) == "done"


def test_a_block_is_stopped_after_another_library_reset_the_handler(alarm: SystemAlarm) -> None:
    alarm.call(int, (), {}, 60)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # as a monitoring library did; the next alarm would kill the process
    with pytest.raises(StepTimeout):
        alarm.call(count_forever, (), {}, LIMIT)


def test_the_handler_stays_registered_between_blocks(alarm: SystemAlarm) -> None:
    alarm.call(int, (), {}, 60)
    registered = signal.getsignal(signal.SIGALRM)
    SystemAlarm(time.monotonic).call(int, (), {}, 60)
    assert signal.getsignal(signal.SIGALRM) is registered


def test_the_handler_of_another_library_gets_its_alarms_between_blocks(alarm: SystemAlarm) -> None:
    seen: list[int] = []

    def other(number: int, frame: FrameType | None) -> None:
        del frame
        seen.append(number)

    signal.signal(signal.SIGALRM, other)
    alarm.call(int, (), {}, 60)
    signal.raise_signal(signal.SIGALRM)
    assert seen == [signal.SIGALRM]


@pytest.mark.parametrize(
    "call",
    [
        lambda alarm: alarm.call(int, (), {}, 60),
        call_a_block_within_a_block,
        lambda alarm: alarm.call(int, (), {}, 1e19),
    ],
    ids=["block", "block within a block", "far limit"],
)
def test_the_timer_of_another_library_goes_on_after_a_block(
    alarm: SystemAlarm, call: Callable[[SystemAlarm], None]
) -> None:
    signal.signal(signal.SIGALRM, lambda number, frame: None)  # noqa: ARG005  # a handler's parameters
    signal.setitimer(signal.ITIMER_REAL, 100, 7)
    call(alarm)
    left, interval = signal.getitimer(signal.ITIMER_REAL)
    assert 90 < left <= 100
    assert interval == 7


def test_the_timer_of_another_library_that_ended_during_a_block_fires_after_it(alarm: SystemAlarm) -> None:
    seen: list[int] = []
    signal.signal(signal.SIGALRM, lambda number, frame: seen.append(number))  # noqa: ARG005  # a handler's parameters
    signal.setitimer(signal.ITIMER_REAL, LIMIT / 2)
    with pytest.raises(StepTimeout):
        alarm.call(count_forever, (), {}, LIMIT)
    ends_at = time.monotonic() + 5
    while not seen and time.monotonic() < ends_at:
        pass
    assert seen == [signal.SIGALRM]


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(("took", "late"), [(5.0, False), (6.0, True)])
def test_a_block_that_switched_the_timer_off_is_late_when_it_outlasts_its_limit(took: float, late: bool) -> None:
    clock = Clock()

    def block() -> str:
        signal.setitimer(signal.ITIMER_REAL, 0)
        clock.now += took
        return "done"

    if late:
        with pytest.raises(StepTimeout) as raised:
            SystemAlarm(clock).call(block, (), {}, 5)
        assert raised.value.late
    else:
        assert SystemAlarm(clock).call(block, (), {}, 5) == "done"


def test_a_block_that_took_the_signal_for_itself_is_late_when_it_outlasts_its_limit() -> None:
    clock = Clock()

    def block() -> None:
        signal.signal(signal.SIGALRM, signal.SIG_IGN)
        clock.now += 6

    with pytest.raises(StepTimeout):
        SystemAlarm(clock).call(block, (), {}, 5)
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
