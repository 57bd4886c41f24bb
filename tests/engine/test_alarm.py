"""The alarm and plain functions: real time, in milliseconds."""

from __future__ import annotations

import math
import os
import queue
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from handler.engine.alarm import StepTimeout, SystemAlarm

LIMIT = 0.02
GRACE = 0.03
AIMED_ALARMS = int(os.environ.get("AIMED_ALARMS", "3000"))


@pytest.fixture
def alarm() -> SystemAlarm:
    return SystemAlarm(time.monotonic, grace=GRACE)


@pytest.fixture
def stop(alarm: SystemAlarm) -> Callable[[Callable[[], Any]], float]:
    """Runs a function that must be stopped, and gives the seconds that it took."""

    def stop_function(function: Callable[[], Any]) -> float:
        began = time.monotonic()
        with pytest.raises(StepTimeout):
            alarm.call(function, (), {}, LIMIT)
        return time.monotonic() - began

    return stop_function


def count_for_ever() -> None:
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
        count_for_ever,
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
def test_a_block_is_stopped_at_its_limit_whatever_it_waits_in(stop: Callable[..., float], block: Any) -> None:
    assert LIMIT <= stop(block) < 10


def test_a_result_comes_back_as_it_is(alarm: SystemAlarm) -> None:
    result = object()
    assert alarm.call(lambda *args, **kwargs: (args, kwargs, result), (1, 2), {"a": 3}, 5) == ((1, 2), {"a": 3}, result)


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt(), SystemExit(3), GeneratorExit()])
def test_what_a_block_raises_comes_out_as_it_is(alarm: SystemAlarm, error: BaseException) -> None:
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
        alarm.call(count_for_ever, (), {}, seconds)


@pytest.mark.parametrize("seconds", [1e6, 1e6 + 1, 2.0**31, 1e10, 1e19, sys.float_info.max, math.inf])
def test_a_limit_far_in_the_future_lets_a_block_run(alarm: SystemAlarm, seconds: float) -> None:
    assert alarm.call(lambda: "done", (), {}, seconds) == "done"


def test_clean_up_has_the_grace(alarm: SystemAlarm) -> None:
    cleaned: list[str] = []

    def block() -> None:
        try:
            count_for_ever()
        finally:
            with suppress(queue.Empty):
                queue.Queue[int]().get(timeout=GRACE / 3)
            cleaned.append("up")

    with pytest.raises(StepTimeout):
        alarm.call(block, (), {}, LIMIT)
    assert cleaned == ["up"]


def test_clean_up_that_outlasts_the_grace_is_stopped_too(stop: Callable[..., float]) -> None:
    def block() -> None:
        try:
            count_for_ever()
        finally:
            count_for_ever()

    assert stop(block) >= LIMIT + GRACE


def catch_all_while_waiting() -> None:
    while True:
        try:  # noqa: SIM105  # suppress() has a test of its own
            time.sleep(60)
        except BaseException:  # noqa: BLE001, S110  # as a bad block does
            pass


def catch_all_while_counting() -> None:
    while True:
        try:  # noqa: SIM105  # suppress() has a test of its own
            count_for_ever()
        except BaseException:  # noqa: BLE001, S110  # as a bad block does
            pass


def catch_all_thrice() -> None:
    while True:
        try:
            try:
                try:  # noqa: SIM105  # suppress() has a test of its own
                    time.sleep(60)
                except BaseException:  # noqa: BLE001, S110  # as a bad block does
                    pass
            except BaseException:  # noqa: BLE001, S110  # as a bad block does
                pass
        except BaseException:  # noqa: BLE001, S110  # as a bad block does
            pass


def suppress_all() -> None:
    while True:
        with suppress(BaseException):
            time.sleep(60)


def catch_all_around_a_block_that_catches_all() -> None:
    while True:
        try:  # noqa: SIM105  # suppress() has a test of its own
            catch_all_while_waiting()
        except BaseException:  # noqa: BLE001, S110  # as a bad block does
            pass


@pytest.mark.parametrize(
    "block",
    [
        catch_all_while_waiting,
        catch_all_while_counting,
        catch_all_thrice,
        suppress_all,
        pytest.param(catch_all_around_a_block_that_catches_all, marks=pytest.mark.slow),
    ],
)
def test_a_block_that_catches_every_timeout_is_ended_by_its_own_lines(stop: Callable[..., float], block: Any) -> None:
    assert stop(block) >= LIMIT + GRACE
    assert sys.gettrace() is None or "block" not in repr(sys.gettrace())


def test_tracing_leaves_nothing_behind(stop: Callable[..., float]) -> None:
    before, frame = sys.gettrace(), sys._getframe()
    stop(catch_all_while_waiting)
    assert sys.gettrace() is before
    assert frame.f_trace is None or before is not None


def test_a_block_that_turns_the_timeout_into_a_result_has_still_run_out_of_time(stop: Callable[..., float]) -> None:
    def block() -> str:
        try:
            count_for_ever()
        finally:
            return "saved"  # noqa: B012  # the block of this test

    stop(block)


def test_a_block_that_turns_the_timeout_into_another_error_has_still_run_out_of_time(alarm: SystemAlarm) -> None:
    def block() -> None:
        try:
            count_for_ever()
        except BaseException:  # noqa: BLE001  # the block of this test
            raise ValueError("not my fault") from None

    with pytest.raises(StepTimeout) as raised:
        alarm.call(block, (), {}, LIMIT)
    assert isinstance(raised.value.__cause__, ValueError)


def test_a_forged_timeout_is_an_error_of_the_block(alarm: SystemAlarm) -> None:
    def forge() -> None:
        raise StepTimeout(1)

    with pytest.raises(RuntimeError, match="only the alarm may"):
        alarm.call(forge, (), {}, 5)


def test_a_timeout_kept_from_an_earlier_call_is_forged_too(alarm: SystemAlarm) -> None:
    kept: list[BaseException] = []

    def keep() -> None:
        try:
            count_for_ever()
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
            alarm.call(count_for_ever, (), {}, LIMIT)
        return "went on"

    assert alarm.call(outer, (), {}, 5) == "went on"


def test_the_outer_limit_ends_a_block_within_a_block(alarm: SystemAlarm) -> None:
    def outer() -> None:
        alarm.call(count_for_ever, (), {}, 60)

    with pytest.raises(StepTimeout) as raised:
        alarm.call(outer, (), {}, LIMIT)
    assert raised.value.seconds == LIMIT


def test_the_outer_limit_still_holds_after_an_inner_block_ended(alarm: SystemAlarm) -> None:
    def outer() -> None:
        alarm.call(int, (), {}, LIMIT / 4)
        count_for_ever()

    with pytest.raises(StepTimeout) as raised:
        alarm.call(outer, (), {}, LIMIT)
    assert raised.value.seconds == LIMIT


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


@pytest.mark.slow
def test_no_aimed_alarm_escapes_and_no_finished_result_is_lost(alarm: SystemAlarm) -> None:
    # Each alarm is aimed at the end of its block: more rounds after one that finished in time, fewer after one that did
    # not. What a block does last, it does in one bytecode that looks at no signals: finishing and saying so are one.
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
def test_no_aimed_alarm_hides_what_a_block_raised(alarm: SystemAlarm) -> None:
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
