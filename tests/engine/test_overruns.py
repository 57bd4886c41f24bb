"""Steps that overrun, with the real alarm and in real processes."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import time
from typing import Any

import pytest

from blocks.block import Block
from handler.engine import Conduit, ConduitStatus, Outcome, Runtime
from handler.engine.alarm.alarm import StepTimeout, SystemAlarm


def job_of(block: Block[..., Any], *steps: dict[str, Any]) -> Conduit:
    return Conduit.from_dict({"steps": [{"action": block.action, **step} for step in steps]}, blocks=[block])


def go(job: Conduit, runtime: Runtime) -> Outcome:
    return asyncio.run(job.run(runtime))


@pytest.fixture
def real() -> Runtime:
    return Runtime(alarm=SystemAlarm(time.monotonic, grace=0.02))


def catch_everything() -> None:
    while True:
        try:  # noqa: SIM105  # as a bad block does
            time.sleep(60)
        except BaseException:  # noqa: BLE001, S110  # as a bad block does
            pass


async def swallow_cancellation() -> None:
    while True:
        try:  # noqa: SIM105  # as a bad block does
            await asyncio.sleep(60)
        except BaseException:  # noqa: BLE001, S110  # as a bad block does
            pass


@pytest.mark.parametrize("isolation", [None, "process"])
@pytest.mark.parametrize("function", [catch_everything, swallow_cancellation])
def test_a_block_that_swallows_everything_ends_and_the_job_goes_on(
    real: Runtime, function: Any, isolation: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # On a busy machine the coroutine survives all attempts to stop it; Python warns when it is garbage-collected.
    monkeypatch.setattr(sys, "unraisablehook", lambda _: None)
    bad = Block(function, private=True, timeout=0.02, isolation=isolation)
    job = job_of(bad, {"allow_failure": True}, {"allow_failure": True})
    assert go(job, real) is Outcome.FINISHED
    assert [step.status.name for step in job] == ["TIME_LIMIT_EXCEED"] * 2
    assert "the block's time limit" in job[1].error["message"]
    gc.collect()


@pytest.mark.parametrize("timeout", [1e-9, 1e-6, 1e-4])
def test_a_limit_shorter_than_a_millisecond_holds(real: Runtime, timeout: float) -> None:
    job = job_of(Block(catch_everything, private=True), {"timeout": timeout})
    go(job, real)
    assert job[1].status is ConduitStatus.TIME_LIMIT_EXCEED


@pytest.mark.parametrize("timeout", [1e6, 1e9, 1e300])
def test_a_limit_far_in_the_future_lets_a_step_run(real: Runtime, timeout: float) -> None:
    job = job_of(Block(lambda: "done", name="quick", private=True), {"timeout": timeout})
    go(job, real)
    assert job[1].status is ConduitStatus.DONE


def forge_a_timeout() -> None:
    raise StepTimeout(1)


def raise_value_error() -> None:
    raise ValueError("no such thing")


@pytest.mark.parametrize(
    ("function", "status", "type_"),
    [
        (forge_a_timeout, "UNHANDLED_EXCEPTION", "RuntimeError"),
        (raise_value_error, "INVALID_ARGUMENT", "ValueError"),
        (lambda: {1, 2}, "RESULT_LIMIT_EXCEED", "RESULT_LIMIT_EXCEED"),
    ],
)
@pytest.mark.parametrize("isolation", [None, "process"])
def test_isolation_changes_no_outcome(real: Runtime, function: Any, isolation: Any, status: str, type_: str) -> None:
    job = job_of(Block(function, name="odd", private=True, timeout=5, isolation=isolation), {})
    go(job, real)
    assert (job[1].status.name, job[1].error["type"]) == (status, type_)


def test_a_timeout_that_a_block_without_any_limit_makes_up_is_an_error_of_the_block(real: Runtime) -> None:
    job = job_of(Block(forge_a_timeout, private=True), {})
    go(job, real)
    assert job[1].status is ConduitStatus.UNHANDLED_EXCEPTION


def test_an_isolated_block_that_takes_its_process_with_it_fails_alone(real: Runtime) -> None:
    job = job_of(Block(lambda: os._exit(9), name="leave", private=True, isolation="process"), {})
    go(job, real)
    assert job[1].status is ConduitStatus.UNHANDLED_EXCEPTION
    assert "exit code 9" in job[1].error["message"]
