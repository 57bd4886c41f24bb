"""Edges of when a step is begun, waited for and ended, that a change could cross unseen."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from handler.engine import Conduit, ConduitStatus, Decision, InvocationTime, Limits, Outcome, Runtime
from handler.engine.alarm.alarm import StepTimeout
from handler.engine.outcome import Paused

TRUE = {"action": "LOGIC.TRUE"}


class Clock:
    """Moves when told."""

    def __init__(self) -> None:
        self.time = 0.0

    def __call__(self) -> float:
        return self.time


def plain() -> int:
    return 1


async def waiting() -> int:
    return 1


@pytest.mark.parametrize("function", [plain, waiting])
def test_an_invocation_that_ends_while_before_step_answers_begins_nothing(make_block: Any, function: Any) -> None:
    clock = Clock()

    def take_long(_job: Conduit, _step: Any) -> None:
        clock.time += 9

    block = make_block(function, name="block")
    job = Conduit.from_dict({"steps": [{"action": "BLOCK"}]}, blocks=[block], before_step=take_long)
    outcome = asyncio.run(job.run(Runtime(now=clock, invocation=InvocationTime(ends_at=5))))
    assert (outcome, job[1].status, job[1].attempts) == (Outcome.PAUSED, ConduitStatus.NONE, 0)
    assert job.paused == Paused(position=1)


def test_nobody_is_asked_about_a_step_that_the_invocation_has_no_time_for() -> None:
    asked: list[Any] = []
    job = Conduit.from_dict({"steps": [TRUE]}, before_step=lambda *_: asked.append(1))
    asyncio.run(job.run(Runtime(now=Clock(), invocation=InvocationTime(ends_at=0))))
    assert not asked


def test_a_step_to_be_tried_again_fails_when_the_time_of_its_job_is_over(run: Any) -> None:
    job = run({"steps": [TRUE | {"retry": {}}]}, Runtime(now=Clock(), job_ends_at=0))
    assert (job[1].status, job[1].attempts) == (ConduitStatus.TIME_LIMIT_EXCEED, 0)
    assert job[1].error["message"] == "not started: the time limit of the whole job had passed"


@pytest.mark.parametrize(
    ("own", "block", "left", "outcome"),
    [
        (None, 4, 3.5, Outcome.PAUSED),
        (80, 4, 3.5, Outcome.PAUSED),
        (4, 80, 3.5, Outcome.PAUSED),
        (4, None, 4, Outcome.FINISHED),
        (10, None, 9, Outcome.PAUSED),
        (11, None, 9, Outcome.FINISHED),
        (None, None, 0.11, Outcome.FINISHED),
        (None, None, 0.09, Outcome.PAUSED),
    ],
)
def test_a_step_needs_the_shorter_of_its_timeouts_where_a_fresh_invocation_has_it(
    make_block: Any, own: float | None, block: float | None, left: float, outcome: Outcome
) -> None:
    clock = Clock()
    made = make_block(plain, timeout=block)

    def move(_job: Conduit, step: Any) -> None:
        clock.time = 100 - left if step.position == 1 else clock.time

    job = Conduit.from_dict({"steps": [TRUE, {"action": "PLAIN", "timeout": own}]}, blocks=[made], on_step_update=move)
    assert asyncio.run(job.run(Runtime(now=clock, invocation=InvocationTime(ends_at=100, fresh=10)))) is outcome


def test_a_step_that_is_tried_again_started_when_it_was_first_begun(make_block: Any) -> None:
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
    assert (job[1].started_at, job[1].finished_at, job[1].duration_ms) == (0, 4, 4000)


@pytest.mark.parametrize(("ends_at", "outcome"), [(4.0, Outcome.FINISHED), (3.0, Outcome.PAUSED)])
def test_a_try_is_waited_for_up_to_the_last_moment_that_leaves_it_its_time(
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


def test_a_retry_that_says_no_more_waits_as_it_is_documented(make_block: Any) -> None:
    waits: list[float] = []

    def fail() -> None:
        raise OSError

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    for retry in ({}, {"attempts": 7}):
        job = Conduit.from_dict({"steps": [{"action": "FAIL", "retry": retry}]}, blocks=[make_block(fail)])
        asyncio.run(job.run(Runtime(now=Clock(), sleep=sleep, random=lambda: 0.5)))
    assert waits == [0.75, 1.5, *(0.75 * delay for delay in (1, 2, 4, 8, 16, 30))]


def test_a_step_that_fails_tells_when_it_ended_and_how_long_it_took(run: Any, make_block: Any) -> None:
    clock = Clock()

    def fail() -> None:
        clock.time += 1.2345678
        raise OSError

    def turn_back() -> None:
        clock.time -= 100
        raise OSError

    steps = [{"action": "FAIL", "allow_failure": True}, {"action": "TURN_BACK"}]
    job = run({"steps": steps}, Runtime(now=clock), blocks=[make_block(fail), make_block(turn_back)])
    assert (job[1].started_at, job[1].finished_at, job[1].duration_ms) == (0, 1.2345678, 1234.568)
    assert (job[2].started_at, job[2].finished_at, job[2].duration_ms) == (1.2345678, 1.2345678, 0)


def test_steps_that_did_not_begin_leave_the_invocation_to_the_first_that_does(run: Any, statuses: Any) -> None:
    runtime = Runtime(now=Clock(), invocation=InvocationTime(ends_at=5, fresh=10))
    job = run({"steps": [TRUE | {"if": False}, TRUE | {"timeout": 8}, TRUE | {"timeout": 8}]}, runtime)
    assert statuses(job) == ["IF_CONDITION_FAILED", "DONE", "NONE"]
    assert job.paused == Paused(position=3, tries=0, resume_in=0, cut=False)
    job = run({"steps": [TRUE, TRUE | {"if": False}, TRUE | {"timeout": 8}]}, runtime)
    assert statuses(job) == ["DONE", "IF_CONDITION_FAILED", "NONE"]


def test_a_step_that_is_paused_before_it_began_has_no_times() -> None:
    job = Conduit.from_dict({"steps": [TRUE]}, before_step=lambda *_: Decision.PAUSE)
    asyncio.run(job.run())
    assert (job[1].started_at, job[1].finished_at, job[1].duration_ms) == (None, None, None)


def test_a_block_that_makes_up_a_time_limit_where_there_is_none_has_just_failed(
    run: Any, statuses: Any, make_block: Any
) -> None:
    def pretend() -> None:
        raise StepTimeout(1)

    assert statuses(run({"steps": [{"action": "PRETEND"}]}, blocks=[make_block(pretend)])) == ["UNHANDLED_EXCEPTION"]


class LateAlarm:
    """Stops each block when it is through."""

    def call(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any], seconds: float) -> Any:
        function(*args, **kwargs)
        raise StepTimeout(seconds)

    async def wait(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any], seconds: float) -> Any:
        await function(*args, **kwargs)
        raise StepTimeout(seconds)


def test_a_step_that_was_stopped_says_after_how_long_and_by_which_limit(run: Any, make_block: Any) -> None:
    clock = Clock()
    clock.time = 1000.0

    def work(call__: Any) -> None:
        clock.time += 0.75
        left.append(call__.time_left)

    left: list[float] = []
    runtime = Runtime(now=clock, alarm=LateAlarm())
    job = run({"steps": [{"action": "WORK", "timeout": 0.5}]}, runtime, blocks=[make_block(work)])
    assert left == [0]
    assert job[1].status is ConduitStatus.TIME_LIMIT_EXCEED
    message = "stopped after 0.750 s by the step's own time limit (`timeout`): 0.500 s were left"
    assert job[1].error == {"type": "TIME_LIMIT_EXCEED", "message": message}


def test_a_coroutine_that_the_invocation_cuts_off_runs_again(make_block: Any) -> None:
    job = Conduit.from_dict({"steps": [{"action": "WAITING"}]}, blocks=[make_block(waiting)])
    runtime = Runtime(now=Clock(), alarm=LateAlarm(), invocation=InvocationTime(ends_at=5))
    assert asyncio.run(job.run(runtime)) is Outcome.PAUSED
    assert (job[1].status, job.paused) == (ConduitStatus.NONE, Paused(position=1, cut=True))
    assert (job[1].started_at, job[1].finished_at, job[1].duration_ms) == (0, None, None)


def test_a_block_has_no_more_time_than_its_invocation(run: Any, make_block: Any) -> None:
    clock = Clock()
    clock.time = 1000.0
    look = make_block(lambda call__: call__.time_left, name="look")
    runtime = Runtime(now=clock, invocation=InvocationTime(ends_at=1005, fresh=7))
    assert run({"steps": [{"action": "LOOK", "timeout": 10}]}, runtime, blocks=[look])[1].return_value == 5


def test_each_try_and_the_condition_have_the_whole_budget_of_what_tags_expand_to(
    run: Any, statuses: Any, make_block: Any
) -> None:
    errors = iter([OSError, OSError, None])

    def work(*, text: str) -> int:
        if error := next(errors):
            raise error
        return len(text)

    step = {"action": "WORK", "if": "{< t >}!", "parameters": {"text": "{< t >}!"}, "retry": {"delay": 0}}
    runtime = Runtime(limits=Limits(parameters=100))
    job = run({"parameters": {"t": "x" * 60}, "steps": [step]}, runtime, blocks=[make_block(work)])
    assert (statuses(job), job[1].attempts) == (["DONE"], 3)


def test_each_run_without_a_world_of_its_own_reads_the_time_anew(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for now in (1e9, 2e9):  # as after a sandbox was frozen, which its monotonic clock does not notice
        monkeypatch.setattr("time.time", lambda now=now: now)
        assert run({"steps": [TRUE]})[1].started_at == pytest.approx(now, abs=60)
