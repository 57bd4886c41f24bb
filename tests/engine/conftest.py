"""Fixtures of the engine's tests: a runner of jobs, blocks for one test, and an alarm with limits of milliseconds."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from blocks.block import Block, Registry
from handler.engine import Conduit, Runtime
from handler.engine.alarm.alarm import StepTimeout, SystemAlarm

Run = Callable[..., Conduit]


@pytest.fixture
def run() -> Run:
    """Runs a job, given as a dictionary or an object, to its end or pause, and returns it."""

    def run_job(data: Any, runtime: Runtime | None = None, **options: Any) -> Conduit:
        job = data if isinstance(data, Conduit) else Conduit.from_dict(data, **options)
        asyncio.run(job.run(runtime))
        return job

    return run_job


@pytest.fixture
def statuses() -> Callable[[Conduit], list[str]]:
    return lambda job: [step.status.name for step in job]


@pytest.fixture
def make_block() -> Callable[..., Block[..., Any]]:
    """Makes a block for the ``blocks`` of a single job."""

    def make(function: Callable[..., Any], **options: Any) -> Block[..., Any]:
        return Block(function, private=True, **options)

    return make


@pytest.fixture
def registry() -> Registry:
    return Registry()


@pytest.fixture
def alarm() -> SystemAlarm:
    return SystemAlarm(time.monotonic, grace=0.03)


@pytest.fixture
def busy_alarm() -> Iterator[SystemAlarm]:
    """An alarm that counts this process's CPU time: on a busy machine, a grace period in real time would pass idly."""
    before = signal.signal(signal.SIGALRM, signal.SIG_DFL)  # a timer keeps its first clock
    yield SystemAlarm(time.process_time, grace=0.03)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def stop(alarm: SystemAlarm) -> Callable[[Callable[[], Any]], float]:
    """Runs a plain function that must be stopped after 20 ms, and returns the seconds that it took."""

    def stop_function(function: Callable[[], Any]) -> float:
        began = time.monotonic()
        with pytest.raises(StepTimeout):
            alarm.call(function, (), {}, 0.02)
        return time.monotonic() - began

    return stop_function
