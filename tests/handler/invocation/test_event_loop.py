"""A coroutine runs to its end wherever its caller is."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from handler.invocation.event_loop import run_coroutine


async def loop_and_thread() -> tuple[asyncio.AbstractEventLoop, str]:
    return asyncio.get_running_loop(), threading.current_thread().name


async def fail() -> None:
    raise ValueError("no")


def in_a_thread(work: Callable[[], Any]) -> Any:
    """The result of work in a thread, or its error."""
    outcome: list[Any] = []

    def run() -> None:
        try:
            outcome.append(work())
        except ValueError as error:
            outcome.append(error)

    thread = threading.Thread(target=run, name="theirs")
    thread.start()
    thread.join()
    return outcome[0]


def inside_a_loop(work: Callable[[], Any]) -> Any:
    async def run() -> Any:
        return work()

    return asyncio.run(run())


def test_the_main_thread_keeps_its_loop() -> None:
    first, name = run_coroutine(loop_and_thread())
    assert name == threading.main_thread().name
    assert run_coroutine(loop_and_thread())[0] is first
    assert not first.is_closed()


def test_another_thread_has_a_loop_for_each_coroutine() -> None:
    loop, name = in_a_thread(lambda: run_coroutine(loop_and_thread()))
    assert (loop.is_closed(), name) == (True, "theirs")


def test_inside_a_running_loop_it_runs_in_a_thread_of_its_own() -> None:
    loop, name = inside_a_loop(lambda: run_coroutine(loop_and_thread()))
    assert (loop.is_closed(), name) == (True, "conduit-job")


@pytest.mark.parametrize("where", [lambda work: work(), inside_a_loop])
def test_its_error_reaches_the_caller(where: Callable[[Callable[[], Any]], Any]) -> None:
    with pytest.raises(ValueError, match="no"):
        where(lambda: run_coroutine(fail()))


def test_its_error_reaches_a_caller_in_another_thread() -> None:
    assert str(in_a_thread(lambda: run_coroutine(fail()))) == "no"
