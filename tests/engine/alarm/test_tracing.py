"""The trace that makes the lines of a block raise after it has caught a timeout."""

from __future__ import annotations

import asyncio
import gc
import sys
from types import FrameType

import pytest

from handler.engine.alarm.tracing import LineTrace


class TimeIsOver(BaseException):
    """Raised by the traced lines."""


class Block:
    """A block that consists of `run_three_lines`."""

    def is_running_in(self, frame: FrameType | None) -> bool:
        return frame is not None and frame.f_code is run_three_lines.__code__

    def make_timeout(self) -> BaseException:
        return TimeIsOver()


@pytest.fixture
def trace() -> LineTrace:
    return LineTrace(Block())


def run_three_lines(ran: list[int]) -> None:
    ran.append(1)
    ran.append(2)
    ran.append(3)


@pytest.mark.parametrize(("attempt", "lines"), [(0, []), (1, [1]), (2, [1, 2]), (3, [1, 2, 3]), (64, [])])
def test_each_attempt_lets_one_more_line_run_until_the_count_starts_over(
    trace: LineTrace, attempt: int, lines: list[int]
) -> None:
    ran = list[int]()
    try:
        trace.begin(None, attempt)
        run_three_lines(ran)
    except TimeIsOver:
        assert len(lines) < 3
    finally:
        trace.end()
    assert ran == lines


def test_no_line_of_a_hook_of_the_garbage_collector_raises(trace: LineTrace, monkeypatch: pytest.MonkeyPatch) -> None:
    reported, ran = list[object](), list[int]()

    def hook(phase: str, info: dict[str, int]) -> None:
        del phase, info
        run_three_lines(ran)

    monkeypatch.setattr(sys, "unraisablehook", reported.append)
    gc.callbacks.append(hook)
    try:
        trace.begin(None, 0)
        gc.collect(0)
    finally:
        trace.end()
        gc.callbacks.remove(hook)
    assert (reported, ran) == ([], [1, 2, 3] * 2)


def test_only_lines_of_the_chosen_task_raise(trace: LineTrace) -> None:
    async def scenario() -> tuple[list[int], list[int]]:
        ours, theirs, begin = list[int](), list[int](), asyncio.Event()

        async def wait_and_run() -> None:
            try:
                await begin.wait()
                run_three_lines(ours)
            except TimeIsOver:
                ours.append(0)

        task = asyncio.create_task(wait_and_run())
        await asyncio.sleep(0)
        try:
            trace.begin_in_task(task, 0)
            run_three_lines(theirs)
            begin.set()
            await asyncio.wait([task])
        finally:
            trace.end()
        return ours, theirs

    assert asyncio.run(scenario()) == ([0], [1, 2, 3])
