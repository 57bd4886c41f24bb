"""Blocks in their own process."""

from __future__ import annotations

import asyncio
import math
import os
import resource
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from blocks.block import BudgetExceededError
from handler.engine import isolation
from handler.engine.alarm.alarm import StepTimeout
from handler.engine.failure import Failure
from handler.engine.isolation import LARGEST_RESULT, IsolationError, run_isolated
from handler.engine.status import ConduitStatus

LIMIT = 0.05


def test_a_result_comes_back_through_json() -> None:
    def block(*, a: int, b: list[int]) -> Any:
        return {"sum": a + sum(b), "tuple": (1, 2.5), "text": "ü\u2028", "none": None}

    given = run_isolated(block, {"a": 1, "b": [2, 3]}, 5)
    assert given == {"sum": 6, "tuple": [1, 2.5], "text": "ü\u2028", "none": None}


def test_a_result_larger_than_a_pipe_holds_comes_back_whole() -> None:
    assert run_isolated(lambda: "x" * 3_000_000, {}, 5) == "x" * 3_000_000


def test_a_coroutine_block_runs_in_a_loop_of_its_own_also_from_within_a_loop() -> None:
    async def block(*, name: str) -> str:
        await asyncio.sleep(0)
        return name

    async def run() -> Any:
        return run_isolated(block, {"name": "a"}, 5)

    assert asyncio.run(run()) == "a"
    assert run_isolated(block, {"name": "b"}, 5) == "b"


def test_it_runs_without_a_limit() -> None:
    assert run_isolated(lambda: 1, {}, math.inf) == 1


@pytest.mark.parametrize("seconds", [1e6, 1e7, 1e19, sys.float_info.max])
def test_a_limit_far_in_the_future_lets_it_run(seconds: float) -> None:
    assert run_isolated(lambda: 1, {}, seconds) == 1


def test_a_limit_longer_than_one_wait_for_the_child_is_waited_for_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolation, "LONGEST_WAIT", 0.001)
    assert run_isolated(lambda: time.sleep(0.01), {}, 5) is None


@pytest.mark.parametrize("seconds", [0, -1, -math.inf, math.nan])
def test_without_any_time_left_no_process_is_started(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    monkeypatch.delattr(os, "fork")
    with pytest.raises(StepTimeout):
        run_isolated(lambda: 1, {}, seconds)


def swallow_everything() -> None:
    while True:
        try:  # noqa: SIM105  # as a bad block does
            time.sleep(60)
        except BaseException:  # noqa: BLE001, S110  # as a bad block does
            pass


def count_in_c() -> int:
    return sum(range(10**11))


def ignore_every_signal() -> None:
    for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_IGN)
    time.sleep(60)


def close_the_pipe() -> None:
    os.closerange(3, 1000)
    time.sleep(60)


@pytest.mark.parametrize("block", [swallow_everything, count_in_c, ignore_every_signal, lambda: time.sleep(60)])
def test_an_isolated_block_ends_at_its_limit(block: Any) -> None:
    began = time.monotonic()
    with pytest.raises(StepTimeout):
        run_isolated(block, {}, LIMIT)
    assert LIMIT <= time.monotonic() - began < 10


def test_a_block_that_closes_every_file_ends_at_once() -> None:
    with pytest.raises(IsolationError, match="SIGKILL"):
        run_isolated(close_the_pipe, {}, 60)


def test_processes_that_a_block_started_end_with_it(tmp_path: Path) -> None:
    alive = tmp_path / "alive"
    os.mkfifo(alive)
    reader = os.open(alive, os.O_RDONLY | os.O_NONBLOCK)

    def block() -> str:
        os.open(alive, os.O_WRONLY)
        if os.fork() == 0:
            time.sleep(60)
            os._exit(0)
        return "done"

    try:
        assert run_isolated(block, {}, 5) == "done"
        poller = select.poll()
        poller.register(reader)
        assert poller.poll(10_000) == [(reader, select.POLLHUP)]  # no process holds the other end any more
    finally:
        os.close(reader)


def test_a_result_that_is_not_json_is_refused() -> None:
    for value in ({1, 2}, math.nan, object(), "\ud800"):
        with pytest.raises(Failure) as raised:
            run_isolated(lambda value=value: value, {}, 5)
        assert raised.value.status is ConduitStatus.RESULT_LIMIT_EXCEED


def test_a_result_too_large_to_take_over_is_refused() -> None:
    with pytest.raises(Failure, match="can leave its process") as raised:
        run_isolated(lambda: "x" * LARGEST_RESULT, {}, 5)
    assert raised.value.status is ConduitStatus.RESULT_LIMIT_EXCEED


class OddError(ValueError):
    """An error whose constructor has unusual parameters, so that it cannot be unpickled."""

    def __init__(self, one: int, two: int) -> None:
        super().__init__(f"{one} and {two}")
        self.one = one

    def __str__(self) -> str:
        return f"odd: {self.one}"


class Model(BaseModel):
    number: int


def fail_with(error: BaseException) -> Any:
    def block() -> None:
        raise error

    return block


def fail_locally() -> None:
    class LocalError(LookupError):
        pass

    raise LocalError("nobody can import me")


@pytest.mark.parametrize(
    ("block", "kind", "name", "text"),
    [
        (fail_with(ValueError("no")), ValueError, "ValueError", "no"),
        (fail_with(OddError(1, 2)), OddError, "OddError", "odd: 1"),
        (fail_with(KeyError("key")), KeyError, "KeyError", "key"),
        (fail_with(BudgetExceededError("too much")), BudgetExceededError, "BudgetExceededError", "too much"),
        (fail_with(SystemExit(3)), SystemExit, "SystemExit", "3"),
        (fail_with(KeyboardInterrupt()), KeyboardInterrupt, "KeyboardInterrupt", "KeyboardInterrupt"),
        (fail_with(ExceptionGroup("many", [ValueError("a")])), Exception, "ExceptionGroup", "many (1 sub-exception)"),
        (b"\xff".decode, UnicodeDecodeError, "UnicodeDecodeError", "invalid start byte"),
        (lambda: Model(number="x"), ValueError, "ValidationError", "number"),  # type: ignore[arg-type]  # on purpose
        (fail_locally, LookupError, "LocalError", "nobody can import me"),
        (lambda: 1 / 0, ZeroDivisionError, "ZeroDivisionError", "division by zero"),
    ],
)
def test_an_error_comes_back_with_its_name_its_text_and_its_place_among_errors(
    block: Any, kind: type[BaseException], name: str, text: str
) -> None:
    with pytest.raises(kind) as raised:
        run_isolated(block, {}, 5)
    assert type(raised.value).__name__ == name
    assert text in str(raised.value)


def test_a_forged_timeout_is_an_error_of_the_block() -> None:
    with pytest.raises(RuntimeError, match="only the alarm may"):
        run_isolated(fail_with(StepTimeout(1)), {}, 5)


def test_a_block_that_takes_too_much_memory_fails_and_says_so() -> None:
    with pytest.raises(MemoryError, match="needed more than 50000000 bytes"):
        run_isolated(lambda: len(bytearray(200_000_000)), {}, 5, memory=50_000_000)


def test_memory_that_the_process_holds_does_not_count_against_the_limit_of_a_block() -> None:
    held, before = bytearray(100_000_000), resource.getrlimit(resource.RLIMIT_AS)
    assert run_isolated(lambda: len(bytearray(20_000_000)), {}, 5, memory=50_000_000) == 20_000_000
    assert resource.getrlimit(resource.RLIMIT_AS) == before
    assert len(held) == 100_000_000


@pytest.mark.parametrize(
    ("block", "said"),
    [
        (lambda: os._exit(9), "exit code 9"),
        (lambda: os._exit(0), "exit code 0"),
        (lambda: os.kill(os.getpid(), signal.SIGSEGV), "SIGSEGV"),
        (lambda: os.kill(os.getpid(), signal.SIGKILL), "out of memory"),
    ],
)
def test_the_error_of_a_process_that_died_names_its_end(block: Any, said: str) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    with pytest.raises(IsolationError, match=said):
        run_isolated(block, {}, 5)


def test_changes_to_arguments_stay_in_the_child_process() -> None:
    items = [1, 2]
    assert run_isolated(lambda *, items: items.append(3), {"items": items}, 5) is None
    assert items == [1, 2]


def test_a_connection_of_the_parent_is_out_of_the_childs_reach() -> None:
    left, right = socket.socketpair()
    with left, right:
        with pytest.raises(OSError, match=r"not a socket|non-socket"):
            run_isolated(lambda: left.sendall(b"from the child"), {}, 5)
        left.sendall(b"from the parent")
        assert right.recv(100) == b"from the parent"


def test_no_exit_hook_of_the_parent_runs_in_the_child() -> None:
    program = """
import atexit
from handler.engine.isolation import run_isolated
atexit.register(print, "hook")
try:
    run_isolated(exit, {}, 5)
except SystemExit:
    print("left")
"""
    ended = subprocess.run(  # noqa: S603  # our own program
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert ended.stdout == "left\nhook\n"


def test_output_of_an_isolated_block_is_printed_once(capfd: pytest.CaptureFixture[str]) -> None:
    sys.__stdout__.write("before\n")  # type: ignore[union-attr]  # pytest has one
    sys.__stdout__.flush()  # type: ignore[union-attr]  # as above
    run_isolated(lambda: os.write(1, b"printed\n"), {}, 5)
    assert capfd.readouterr().out == "before\nprinted\n"


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_it_leaves_no_process_and_no_file_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    children: list[int] = []
    fork = os.fork

    def note_child() -> int:
        children.append(fork())
        return children[-1]

    monkeypatch.setattr(os, "fork", note_child)
    before = open_files()
    run_isolated(lambda: 1, {}, 5)
    with pytest.raises(StepTimeout):
        run_isolated(lambda: time.sleep(60), {}, LIMIT)
    assert len(children) == 2
    for child in children:
        with pytest.raises(ProcessLookupError):
            os.kill(child, 0)
    assert open_files() == before


def test_it_works_off_the_main_thread() -> None:
    outcome: list[Any] = []
    thread = threading.Thread(target=lambda: outcome.append(run_isolated(lambda: 7, {}, 5)))
    thread.start()
    thread.join()
    assert outcome == [7]
