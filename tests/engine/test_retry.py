"""Retries of a step: how often, when, and never past a deadline."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from blocks.block import Block, CallFailedError, CallRefusedError
from handler.engine import Conduit, ConduitStatus, InvocationTime, Outcome, Retry, Runtime


class World:
    """A clock that only waiting advances."""

    def __init__(self) -> None:
        self.time = 1000.0
        self.waits: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.time += seconds

    def runtime(self, **more: Any) -> Runtime:
        return Runtime(now=lambda: self.time, sleep=self.sleep, random=lambda: 0.0, **more)


def failing(times: int, error: type[Exception] = OSError, **options: Any) -> tuple[Block[..., Any], Callable[[], int]]:
    calls = 0

    def flaky() -> str:
        nonlocal calls
        calls += 1
        if calls <= times:
            raise error("not yet")
        return "at last"

    return Block(flaky, private=True, **options), lambda: calls


def job_of(block: Block[..., Any], retry: dict[str, Any], **step: Any) -> Conduit:
    return Conduit.from_dict({"steps": [{"action": "FLAKY", "retry": retry, **step}]}, blocks=[block])


def go(job: Conduit, runtime: Runtime) -> Outcome:
    run: Awaitable[Outcome] = job.run(runtime)
    return asyncio.run(run)  # type: ignore[arg-type]  # a coroutine is awaitable


def test_a_step_is_tried_until_it_works() -> None:
    world, (block, calls) = World(), failing(2)
    job = job_of(block, {"attempts": 3, "delay": 1, "backoff": 2, "jitter": False})
    go(job, world.runtime())
    assert (job[1].status, job[1].return_value, job[1].attempts, calls()) == (ConduitStatus.DONE, "at last", 3, 3)
    assert world.waits == [1, 2]
    assert job[1].error is None


def test_a_retry_of_n_attempts_tries_n_times() -> None:
    world, (block, calls) = World(), failing(99)
    job = job_of(block, {"attempts": 4, "delay": 10, "max_delay": 15, "jitter": False})
    go(job, world.runtime())
    assert (job[1].status, calls(), world.waits) == (ConduitStatus.UNHANDLED_EXCEPTION, 4, [10, 15, 15])


@pytest.mark.parametrize(("random", "wait"), [(0.0, 5.0), (0.5, 7.5)])
def test_jitter_waits_between_half_and_all_of_the_delay(random: float, wait: float) -> None:
    assert Retry(delay=10, jitter=True).wait_after(1, lambda: random) == wait


def test_backoff_never_overflows() -> None:
    assert Retry(delay=1, backoff=1e9, max_delay=30, jitter=False).wait_after(10**6, lambda: 0) == 30


def test_only_the_named_statuses_are_tried_again() -> None:
    for on, expected in ((["UNHANDLED_EXCEPTION"], 1), (["INVALID_ARGUMENT"], 2)):
        block, calls = failing(1, ValueError)
        go(job_of(block, {"on": on}), World().runtime())
        assert calls() == expected


def call_that_fails(*errors: Exception) -> tuple[Block[..., Any], Callable[[], int]]:
    calls = 0

    def flaky() -> str:
        nonlocal calls
        calls += 1
        if calls <= len(errors):
            raise errors[calls - 1]
        return "at last"

    return Block(flaky, private=True), lambda: calls


def test_a_failed_call_is_tried_again_by_default_and_a_refused_one_is_not() -> None:
    for error, expected in ((CallFailedError("down"), 2), (CallRefusedError("no"), 1)):
        block, calls = call_that_fails(error)
        go(job_of(block, {"attempts": 5}), World().runtime())
        assert calls() == expected


@pytest.mark.parametrize(
    ("details", "on", "expected"),
    [
        ({"status": 409}, [{"http": [409, 423]}], 2),
        ({"status": 423}, [{"http": [409]}, {"http": [423]}], 2),
        ({"status": 404}, [{"http": [409, 423]}], 1),
        ({"status": True}, [{"http": [1]}], 1),
        ({"code": "LimitExceededException"}, ["ASSERTION_ERROR", {"code": ["LimitExceededException"]}], 2),
        ({"code": "AccessDenied"}, [{"code": ["LimitExceededException"]}], 1),
        ({"code": ["LimitExceededException"]}, [{"code": ["LimitExceededException"]}], 1),
        ({}, [{"http": [409]}, {"code": []}], 1),
        (None, [{"http": [409]}], 1),
        ({"status": 409}, ["CALL_REFUSED"], 2),
    ],
)
def test_an_entry_may_name_the_answer_of_the_service(details: Any, on: Any, expected: int) -> None:
    block, calls = call_that_fails(CallRefusedError("no", details))
    go(job_of(block, {"on": on}), World().runtime())
    assert calls() == expected


def test_a_failed_call_is_not_tried_again_where_only_other_entries_are_named() -> None:
    block, calls = call_that_fails(CallFailedError("down", details={"status": 503}))
    go(job_of(block, {"on": [{"http": [409]}]}), World().runtime())
    assert calls() == 1


@pytest.mark.parametrize(
    "entry", [1, None, [], {}, {"http": 409}, {"http": [409], "code": []}, {"htp": [409]}, "FAILED"]
)
def test_an_invalid_entry_of_retry_on_is_refused(entry: Any) -> None:
    with pytest.raises(ValueError, match=r"retry\.on"):
        Retry.from_dict({"on": [entry]})


def test_a_service_that_asks_for_a_longer_wait_gets_it_and_a_shorter_one_changes_nothing() -> None:
    world = World()
    block, _ = call_that_fails(*(CallFailedError("busy", retry_after=seconds) for seconds in (90.0, 2.0, 0.0, -1.0)))
    job = job_of(block, {"attempts": 9, "delay": 10, "backoff": 1, "max_delay": 10, "jitter": False})
    go(job, world.runtime())
    assert world.waits == [90.0, 10.0, 10.0, 10.0]
    assert job[1].status is ConduitStatus.DONE


def test_a_wait_that_a_service_asks_for_past_the_end_of_the_job_is_not_begun() -> None:
    world = World()
    block, calls = call_that_fails(CallFailedError("busy", retry_after=3600.0))
    job = job_of(block, {"attempts": 3})
    go(job, world.runtime(job_ends_at=1010.0))
    assert (calls(), world.waits, job[1].status) == (1, [], ConduitStatus.CALL_FAILED)


def test_a_long_wait_that_a_service_asks_for_is_left_to_the_next_invocation() -> None:
    world = World()
    block, _ = call_that_fails(CallFailedError("busy", retry_after=120.0))
    job = job_of(block, {"attempts": 3, "delay": 1})
    assert go(job, world.runtime(invocation=InvocationTime(ends_at=1030.0, fresh=30.0))) is Outcome.PAUSED
    assert job.paused is not None
    assert job.paused.resume_in == 120.0


def test_a_block_that_may_run_once_is_not_tried_again() -> None:
    block, calls = failing(1, effect="at_most_once")
    go(job_of(block, {"attempts": 3}), World().runtime())
    assert calls() == 1


def test_no_try_is_started_that_the_job_has_no_time_for() -> None:
    world, (block, calls) = World(), failing(99)
    job = job_of(block, {"attempts": 10, "delay": 4, "backoff": 1, "jitter": False})
    go(job, world.runtime(job_ends_at=1010.0))
    assert (calls(), world.waits) == (3, [4, 4])


def test_a_declared_timeout_must_fit_before_another_try_starts() -> None:
    world, (block, calls) = World(), failing(99)
    job = job_of(block, {"attempts": 10, "delay": 4, "backoff": 1, "jitter": False}, timeout=5)
    go(job, world.runtime(job_ends_at=1010.0))
    assert calls() == 2


def test_a_wait_that_outlives_the_invocation_is_left_to_the_next() -> None:
    world, (block, calls) = World(), failing(2)
    retry = {"attempts": 3, "delay": 60, "max_delay": 60, "jitter": False}
    job = job_of(block, retry)
    assert go(job, world.runtime(invocation=InvocationTime(ends_at=1030.0, fresh=30.0))) is Outcome.PAUSED
    assert (job.paused.tries, job.paused.resume_in, job.paused.cut) == (1, 60, False)
    assert job[1].status is ConduitStatus.NONE

    payload, paused = {"steps": [{"action": "FLAKY", "retry": retry}]}, job.paused
    for world.time in (2000.0, 2100.0):  # each invocation has time for the wait, but ends nevertheless
        options = {"tries": paused.tries, "waiting": paused.waiting, "blocks": [block]}
        later = Conduit.restore(payload, [], {}, **options)
        outcome = go(later, world.runtime(invocation=InvocationTime(ends_at=2900.0, fresh=900.0)))
        paused = later.paused
    assert outcome is Outcome.FINISHED
    assert (later[1].status, later[1].attempts, calls()) == (ConduitStatus.DONE, 3, 3)


def test_each_try_resolves_its_arguments_again(run: Any) -> None:
    seen: list[Any] = []

    def spoil(*, items: list[Any]) -> None:
        seen.append(list(items))
        items.append("spoilt")
        if len(seen) < 2:
            raise OSError

    data = {
        "parameters": {"l": [1]},
        "steps": [{"action": "SPOIL", "parameters": {"items": "{< l >}"}, "retry": {"delay": 0}}],
    }
    run(data, blocks=[Block(spoil, private=True)])
    assert seen == [[1], [1]]


@pytest.mark.parametrize("retry", [{"tries": 3}, {"on": ["NOPE"]}])
def test_a_retry_with_impossible_values_is_refused(retry: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="retry"):
        Conduit.from_dict({"steps": [{"action": "LOGIC.TRUE", "retry": retry}]})


TRUE = {"action": "LOGIC.TRUE"}


FAIL = {"action": "LOGIC.ASSERT", "parameters": {"value": False}}


class Clock:
    """A clock that only a test advances."""

    def __init__(self) -> None:
        self.time = 0.0

    def __call__(self) -> float:
        return self.time


def test_a_step_starts_with_all_its_tries_after_a_step_that_used_some(run: Any, make_block: Any) -> None:
    calls: list[int] = []

    def fail() -> None:
        calls.append(1)
        raise OSError

    step = {"action": "FAIL", "allow_failure": True, "retry": {"attempts": 2, "delay": 0}}
    run({"steps": [TRUE, step, step]}, blocks=[make_block(fail)])
    assert len(calls) == 4


def test_a_step_to_be_tried_again_fails_when_the_time_of_its_job_is_over(run: Any) -> None:
    job = run({"steps": [TRUE | {"retry": {}}]}, Runtime(now=Clock(), job_ends_at=0))
    assert (job[1].status, job[1].attempts) == (ConduitStatus.TIME_LIMIT_EXCEED, 0)
    assert job[1].error["message"] == "not started: the time limit of the whole job had passed"


def test_the_times_of_a_step_that_is_tried_again_are_those_of_its_last_try(make_block: Any) -> None:
    clock, calls = Clock(), iter([OSError, None])

    def work() -> None:
        clock.time += 1
        if error := next(calls):
            raise error

    async def sleep(seconds: float) -> None:
        clock.time += seconds

    retry = {"attempts": 2, "delay": 2, "jitter": False}
    job = Conduit.from_dict({"steps": [{"action": "WORK", "retry": retry}]}, blocks=[make_block(work)])
    asyncio.run(job.run(Runtime(now=clock, sleep=sleep)))
    assert (job[1].started_at, job[1].finished_at, job[1].duration_ms) == (3, 4, 1000)


@pytest.mark.parametrize(("ends_at", "outcome"), [(4.0, Outcome.FINISHED), (3.0, Outcome.PAUSED)])
def test_a_retry_waits_only_while_the_invocation_leaves_time_for_it(
    make_block: Any, ends_at: float, outcome: Outcome
) -> None:
    clock = Clock()

    def fail() -> None:
        clock.time += 1
        raise OSError

    async def sleep(seconds: float) -> None:
        clock.time += seconds

    retry = {"attempts": 2, "delay": 2, "jitter": False}
    job = Conduit.from_dict({"steps": [{"action": "FAIL", "retry": retry}]}, blocks=[make_block(fail)])
    invocation = InvocationTime(ends_at=ends_at)
    assert asyncio.run(job.run(Runtime(now=clock, sleep=sleep, invocation=invocation))) is outcome


@pytest.mark.parametrize(("ends_at", "attempts"), [(4.0, 2), (3.9, 1)])
def test_a_try_that_can_end_with_its_job_or_its_invocation_is_waited_for(
    make_block: Any, ends_at: float, attempts: int
) -> None:
    for limit in ({"job_ends_at": ends_at}, {"invocation": InvocationTime(ends_at=ends_at)}):
        clock = Clock()

        def fail(clock: Clock = clock) -> None:
            clock.time += 1
            raise OSError

        async def sleep(seconds: float, clock: Clock = clock) -> None:
            clock.time += seconds

        retry = {"attempts": 2, "delay": 2, "jitter": False}
        step = {"action": "FAIL", "retry": retry, "timeout": 1}
        job = Conduit.from_dict({"steps": [step]}, blocks=[make_block(lambda fail=fail: fail(), name="fail")])
        asyncio.run(job.run(Runtime(now=clock, sleep=sleep, **limit)))
        assert job[1].attempts == attempts


def test_the_defaults_of_retry_are_the_documented_ones(make_block: Any) -> None:
    waits: list[float] = []

    def fail() -> None:
        raise OSError

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    for retry in ({}, {"attempts": 7}):
        job = Conduit.from_dict({"steps": [{"action": "FAIL", "retry": retry}]}, blocks=[make_block(fail)])
        asyncio.run(job.run(Runtime(now=Clock(), sleep=sleep, random=lambda: 0.5)))
    assert waits == [0.75, 1.5, *(0.75 * delay for delay in (1, 2, 4, 8, 16, 30))]
