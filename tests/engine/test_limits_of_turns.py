"""The scope of a step's time limit, and the values that a block may return."""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Mapping
from typing import Any

import pytest

from handler.engine import Conduit, ConduitStatus, Runtime


def test_the_error_of_a_plain_block_that_starts_an_event_loop_advises_a_coroutine(run: Any, make_block: Any) -> None:
    def start_one() -> int:
        loop = asyncio.new_event_loop()
        try:
            loop.run_forever()
        finally:
            loop.close()
        return 1

    def start_another() -> int:
        coroutine = answer()
        try:
            return asyncio.run(coroutine)
        finally:
            coroutine.close()

    for function in (start_one, start_another):
        job: Conduit = run({"steps": [{"action": "BLOCK"}]}, blocks=[make_block(function, name="block")])
        assert job[1].error is not None
        assert job[1].error["type"] == "RuntimeError"
        assert "async def" in job[1].error["message"]


def deco(function: Any) -> Any:
    @functools.wraps(function)
    def call(*given: Any, **arguments: Any) -> Any:
        return function(*given, **arguments)

    return call


async def answer(*, value: int = 1) -> int:
    return value + 1


class Called:
    """A callable object like a coroutine function."""

    __name__ = "called"

    async def __call__(self, *, value: int = 1) -> int:
        return value + 1


async def answer_with(db__: str, *, value: int = 1) -> int:
    return value + len(db__)


@deco
def answer_with_decorated(db__: str, *, value: int = 1) -> Any:
    return answer_with(db__, value=value)


@pytest.mark.parametrize("timeout", [None, 5])
@pytest.mark.parametrize("function", [deco(answer), Called(), answer_with, answer_with_decorated])
def test_an_awaitable_that_a_block_returns_is_awaited(
    run: Any, make_block: Any, function: Any, timeout: float | None
) -> None:
    step = {"action": "F", "parameters": {"value": 2}, "timeout": timeout}
    job: Conduit = run({"steps": [step]}, blocks=[make_block(function, name="f")], global_values={"db": "1"})
    assert (job[1].status, job[1].return_value) == (ConduitStatus.DONE, 3)


@pytest.mark.parametrize("timeout", [None, 5])
@pytest.mark.parametrize("is_async", [False, True])
def test_stop_iteration_is_kept_as_it_is(run: Any, make_block: Any, timeout: float | None, is_async: bool) -> None:
    def stop() -> None:
        raise StopIteration("empty")

    async def stop_later() -> None:
        raise StopIteration("empty")

    block = make_block(stop_later if is_async else stop, name="stop")
    job: Conduit = run({"steps": [{"action": "STOP", "timeout": timeout}]}, blocks=[block])
    assert job[1].status is ConduitStatus.UNHANDLED_EXCEPTION
    assert job[1].error == {"type": "StopIteration", "message": "empty"}


@pytest.mark.parametrize(
    "result", [{1: "a", "1": "b"}, [{"x": {None: 1, "null": 2}}], ({True: 1, "true": 2},), {"a": {1: 0, "1": 0}}]
)
def test_keys_that_are_one_in_json_cannot_be_kept(run: Any, make_block: Any, result: Any) -> None:
    def give() -> Any:
        return result

    job: Conduit = run({"steps": [{"action": "GIVE"}]}, blocks=[make_block(give)])
    assert job[1].status is ConduitStatus.RESULT_LIMIT_EXCEED


@pytest.mark.parametrize(
    "result", [{1: "a", "2": "b"}, {"a": [{1: 2}, {"b": 1.5}]}, [[], {}, ()], {"é": {"ü": "\u2028"}}]
)
def test_keys_that_differ_in_json_are_kept(run: Any, make_block: Any, result: Any) -> None:
    def give() -> Any:
        return result

    job: Conduit = run({"steps": [{"action": "GIVE"}]}, blocks=[make_block(give)])
    assert job[1].status is ConduitStatus.DONE


class Provided(Mapping[str, Any]):
    """Global values that are made on access."""

    def __init__(self, make: Any) -> None:
        self._make = make

    def __getitem__(self, name: str) -> Any:
        return {"db": self._make}[name]()

    def __iter__(self) -> Any:
        return iter(["db"])

    def __len__(self) -> int:
        return 1


def use(db__: Any) -> int:
    return len(db__)


@pytest.mark.parametrize("error", [KeyError("secret"), ValueError("secret"), RuntimeError("secret")])
def test_a_global_value_that_cannot_be_made_is_named_and_nothing_else(
    run: Any, make_block: Any, error: Exception
) -> None:
    def fail() -> Any:
        raise error

    reports = list[tuple[str, Exception]]()
    runtime = Runtime(report=lambda message, error: reports.append((message, error)))
    job: Conduit = run({"steps": [{"action": "USE"}]}, runtime, blocks=[make_block(use)], global_values=Provided(fail))
    assert job[1].status is ConduitStatus.UNHANDLED_EXCEPTION
    assert job[1].error is not None
    assert job[1].error["message"] == "the global value `db` could not be created"
    assert reports == [("the global value `db` could not be created", error)]


async def use_later(db__: Any) -> int:
    return len(db__)


@pytest.mark.parametrize("function", [use, use_later])
def test_making_a_global_value_takes_from_the_steps_time(run: Any, make_block: Any, function: Any) -> None:
    def spin() -> Any:
        until = time.monotonic() + 5
        while time.monotonic() < until:
            pass

    job: Conduit = run(
        {"steps": [{"action": "USE", "timeout": 0.02}]},
        blocks=[make_block(function, name="use")],
        global_values=Provided(spin),
    )
    assert job[1].status is ConduitStatus.TIME_LIMIT_EXCEED
    assert job[1].duration_ms is not None
    assert job[1].duration_ms < 4_000, "the block was stopped, not only reported as late"
