"""Fixtures of the engine's tests: a runner of jobs, and blocks for one test."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from blocks.block import Block, Registry
from handler.engine import Conduit, Runtime

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
