"""The alarm and blocks that clean up or catch its exception."""

from __future__ import annotations

import gc
import queue
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from handler.engine.alarm.alarm import StepTimeout, SystemAlarm

LIMIT = 0.02
GRACE = 0.03


def count_forever() -> None:
    while True:
        pass


def test_clean_up_has_the_grace(alarm: SystemAlarm) -> None:
    cleaned: list[str] = []

    def block() -> None:
        try:
            count_forever()
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
            count_forever()
        finally:
            count_forever()

    assert stop(block) >= LIMIT + GRACE


def catch_all_while_waiting() -> None:
    while True:
        try:  # noqa: SIM105  # another test covers suppress()
            time.sleep(60)
        except BaseException:  # noqa: BLE001, S110  # as a bad block does
            pass


def catch_all_while_counting() -> None:
    while True:
        try:  # noqa: SIM105  # another test covers suppress()
            count_forever()
        except BaseException:  # noqa: BLE001, S110  # as a bad block does
            pass


def catch_all_thrice() -> None:
    while True:
        try:
            try:
                try:  # noqa: SIM105  # another test covers suppress()
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
        try:  # noqa: SIM105  # another test covers suppress()
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


def test_no_alarm_is_raised_in_a_hook_of_the_interpreter(
    stop: Callable[..., float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A library's callback of the garbage collector may run in any block, and Python only reports an error there."""
    reported: list[object] = []

    def report(unraisable: Any) -> None:
        reported.append(unraisable.exc_value)

    def note(phase: str, info: dict[str, int]) -> None:
        del phase, info
        for _ in range(20):
            pass

    def block() -> None:
        while True:
            try:  # noqa: SIM105  # another test covers suppress()
                gc.collect(0)
            except BaseException:  # noqa: BLE001, S110  # as a bad block does
                pass

    monkeypatch.setattr(sys, "unraisablehook", report)
    gc.callbacks.append(note)
    try:
        stop(block)
    finally:
        gc.callbacks.remove(note)
    assert reported == []


def test_tracing_leaves_nothing_behind(stop: Callable[..., float]) -> None:
    before, frame = sys.gettrace(), sys._getframe()
    stop(catch_all_while_waiting)
    assert sys.gettrace() is before
    assert frame.f_trace is None or before is not None


def test_a_block_that_turns_the_timeout_into_a_result_has_still_run_out_of_time(stop: Callable[..., float]) -> None:
    def block() -> str:
        try:
            count_forever()
        finally:
            return "saved"  # noqa: B012  # the block of this test

    stop(block)


def test_a_block_that_turns_the_timeout_into_another_error_has_still_run_out_of_time(alarm: SystemAlarm) -> None:
    def block() -> None:
        try:
            count_forever()
        except BaseException:  # noqa: BLE001  # the block of this test
            raise ValueError("not my fault") from None

    with pytest.raises(StepTimeout) as raised:
        alarm.call(block, (), {}, LIMIT)
    assert isinstance(raised.value.__cause__, ValueError)
