"""The hard stop, in a separate process, which it kills."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import time

import pytest

from handler.invocation.hard_stop import IN_LAMBDA


def run(program: str, *, in_lambda: bool = True) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, IN_LAMBDA: "127.0.0.1:0"}
    if not in_lambda:
        del environment[IN_LAMBDA]
    return subprocess.run(  # noqa: S603  # our own program
        [sys.executable, "-c", f"import math, time\nfrom handler.invocation.hard_stop import HardStop\n{program}"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_block_that_no_signal_can_stop_ends_with_its_process_and_leaves_a_stack() -> None:
    began = time.monotonic()
    ended = run("def count(): return sum(range(10**11))\nwith HardStop(0.3, margin=0.2):\n    count()")
    assert time.monotonic() - began < 30
    assert ended.returncode == 1
    assert "in count" in ended.stderr


def test_a_block_that_catches_everything_cannot_keep_the_wall_from_falling() -> None:
    ended = run(
        "with HardStop(0.3, margin=0.2):\n  while True:\n    try: time.sleep(9)\n    except BaseException: pass"
    )
    assert ended.returncode == 1


def test_nothing_happens_after_the_invocation_is_over() -> None:
    ended = run("with HardStop(0.3, margin=0.25):\n    pass\ntime.sleep(0.1)\nprint('went on')")
    assert ended.stdout == "went on\n"
    assert ended.returncode == 0


def test_the_wall_is_taken_down_when_the_invocation_fails() -> None:
    ended = run(
        "try:\n  with HardStop(0.3, margin=0.25): 1 / 0\nexcept ZeroDivisionError: pass\ntime.sleep(0.1)\nprint('on')"
    )
    assert ended.stdout == "on\n"


@pytest.mark.parametrize("seconds", [math.inf, math.nan, 1e300, 0.5, 0.0, -1.0, -math.inf])
def test_there_is_no_hard_stop_where_nothing_ends_the_process_or_too_little_time_is_left(seconds: float) -> None:
    ended = run(f"with HardStop(float('{seconds}'), margin=0.5): time.sleep(0.05)\nprint('went on')")
    assert ended.stdout == "went on\n"


def test_a_process_outside_of_lambda_is_left_alone() -> None:
    ended = run("with HardStop(0.3, margin=0.25): time.sleep(0.1)\nprint('went on')", in_lambda=False)
    assert ended.stdout == "went on\n"
