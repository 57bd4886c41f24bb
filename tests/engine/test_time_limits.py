"""Time limits of steps in jobs: which limit applies, what happens when it is reached, and which steps may begin."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from blocks.block import Block, Call
from handler.engine import Conduit, ConduitStatus, Decision, InvocationTime, Outcome, Runtime
from handler.engine.alarm.alarm import StepTimeout
from handler.engine.outcome import Paused
from handler.engine.runtime import steady_clock

START = 1000.0


class World:
    """A clock that blocks and waits advance, and an alarm that uses it."""

    def __init__(self) -> None:
        self.time = START

    def runtime(self, **more: Any) -> Runtime:
        return Runtime(now=lambda: self.time, sleep=self.sleep, random=lambda: 0.0, alarm=self, **more)

    async def sleep(self, seconds: float) -> None:
        self.time += seconds

    def call(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], seconds: float) -> Any:
        began = self.time
        result = function(*args, **kwargs)
        if self.time - began > seconds:
            self.time = began + seconds
            raise StepTimeout(seconds)
        return result

    async def wait(
        self, function: Callable[..., Awaitable[Any]], args: tuple[Any, ...], kwargs: dict[str, Any], seconds: float
    ) -> Any:
        raise NotImplementedError

    def block(self, **options: Any) -> Block[..., Any]:
        """A block that takes as many seconds as its argument says."""

        def work(*, seconds: float) -> str:
            self.time += seconds
            return "done"

        return Block(work, private=True, **options)


def job_of(block: Block[..., Any], *steps: dict[str, Any]) -> Conduit:
    return Conduit.from_dict({"steps": [{"action": block.action, **step} for step in steps]}, blocks=[block])


def work(seconds: float, **step: Any) -> dict[str, Any]:
    return {"parameters": {"seconds": seconds}, **step}


def go(job: Conduit, runtime: Runtime) -> Outcome:
    return asyncio.run(job.run(runtime))


def invocation(seconds: float, fresh: float = math.inf) -> InvocationTime:
    return InvocationTime(ends_at=START + seconds, fresh=fresh)


# ---------------------------------------------------------------------- which limit applies


@pytest.mark.parametrize(
    ("step", "block", "job", "name"),
    [
        (2.0, 3.0, 4.0, "the step's own time limit"),
        (3.0, 2.0, 4.0, "the block's time limit"),
        (4.0, 3.0, 2.0, "the time limit of the whole job"),
        (None, None, 2.0, "the time limit of the whole job"),
        (None, 2.0, None, "the block's time limit"),
        (2.0, None, None, "the step's own time limit"),
    ],
)
def test_the_earliest_limit_holds_and_the_error_names_it_and_how_long_the_step_ran(
    step: float | None, block: float | None, job: float | None, name: str
) -> None:
    world = World()
    made = job_of(world.block(timeout=block), work(10, timeout=step) if step else work(10))
    assert go(made, world.runtime(invocation=invocation(60), job_ends_at=job and START + job)) is Outcome.FINISHED
    assert made[1].status is ConduitStatus.TIME_LIMIT_EXCEED
    assert name in made[1].error["message"]
    assert "2.000 s" in made[1].error["message"]
    assert world.time == START + 2


@pytest.mark.parametrize(("took", "status"), [(1.999, "DONE"), (2.0, "DONE"), (2.001, "TIME_LIMIT_EXCEED")])
def test_a_step_that_ends_exactly_at_its_limit_is_done(took: float, status: str) -> None:
    world = World()
    job = job_of(world.block(), work(took, timeout=2))
    go(job, world.runtime())
    assert job[1].status.name == status


def test_a_time_limit_fails_the_job_like_any_failure() -> None:
    world = World()
    job = job_of(world.block(), work(9, timeout=1), work(1), work(1, forced=True))
    go(job, world.runtime())
    assert [step.status.name for step in job] == ["TIME_LIMIT_EXCEED", "SKIPPED", "DONE"]
    assert job.success is False


def test_a_job_whose_time_is_over_begins_nothing_more() -> None:
    world = World()
    job = job_of(world.block(), work(2), work(1))
    assert go(job, world.runtime(job_ends_at=START + 2)) is Outcome.FINISHED
    assert [step.status.name for step in job] == ["DONE", "TIME_LIMIT_EXCEED"]
    assert job[2].attempts == 0
    assert "not started" in job[2].error["message"]


def test_a_block_can_read_how_much_time_it_has_left() -> None:
    world, seen = World(), []

    def look(call__: Call) -> None:
        seen.append(call__.time_left)
        world.time += 1.5
        seen.append(call__.time_left)

    job = job_of(Block(look, private=True, timeout=4), {})
    go(job, world.runtime())
    assert seen == [4.0, 2.5]


def test_a_block_without_any_limit_has_for_ever_left() -> None:
    seen = []
    job = job_of(Block(lambda call__: seen.append(call__.time_left), name="look", private=True), {})
    go(job, World().runtime())
    assert seen == [math.inf]


# ---------------------------------------------------------------------- the end of the invocation


def test_an_invocation_runs_the_steps_that_fit_and_leaves_the_rest_to_the_next() -> None:
    world = World()
    job = job_of(world.block(), *(work(1) for _ in range(30)))
    assert go(job, world.runtime(invocation=invocation(5))) is Outcome.PAUSED
    assert [step.status.name for step in job] == ["DONE"] * 5 + ["NONE"] * 25
    assert (job[6].attempts, job[6].started_at, job[6].finished_at) == (0, None, None)
    assert world.time == START + 5
    world.time = START
    assert go(job, world.runtime(invocation=invocation(100))) is Outcome.FINISHED
    assert {step.status.name for step in job} == {"DONE"}


def test_a_step_cut_off_by_the_invocation_is_not_failed_and_runs_again() -> None:
    world = World()
    job = job_of(world.block(), work(1), work(9))
    assert go(job, world.runtime(invocation=invocation(5))) is Outcome.PAUSED
    assert [step.status.name for step in job] == ["DONE", "NONE"]
    assert job.paused is not None
    assert job.paused.cut
    assert job.success is None
    assert go(job, world.runtime(invocation=InvocationTime(ends_at=world.time + 20))) is Outcome.FINISHED
    assert (job[2].status, job[2].attempts) == (ConduitStatus.DONE, 2)


def test_a_step_that_may_run_once_and_is_cut_off_is_interrupted() -> None:
    world = World()
    job = job_of(world.block(effect="at_most_once"), work(9))
    assert go(job, world.runtime(invocation=invocation(5))) is Outcome.FINISHED
    assert job[1].status is ConduitStatus.INTERRUPTED


@pytest.mark.parametrize(
    ("left", "fresh", "begins"),
    [(4.9, 900, False), (5.0, 900, True), (0.2, 900, False), (2.9, 3, False), (3.0, 3, True)],
    ids=["under 5 s", "5 s", "0.2 s", "less than a fresh one has", "all that a fresh one has"],
)
def test_a_step_that_may_run_once_and_has_no_timeout_begins_only_where_it_has_time(
    left: float, fresh: float, begins: bool
) -> None:
    """An interruption would fail its job."""
    world = World()
    job = job_of(world.block(effect="at_most_once"), work(1), work(0.1))
    outcome = go(job, world.runtime(invocation=invocation(1 + left, fresh=fresh)))
    assert outcome is (Outcome.FINISHED if begins else Outcome.PAUSED)
    assert [step.attempts for step in job] == [1, int(begins)]


def test_the_steps_own_limit_wins_over_an_equal_one_of_the_invocation() -> None:
    world = World()
    job = job_of(world.block(), work(9, timeout=5))
    assert go(job, world.runtime(invocation=invocation(5))) is Outcome.FINISHED
    assert job[1].status is ConduitStatus.TIME_LIMIT_EXCEED


@pytest.mark.parametrize("left", [0.0, -0.001, -1000.0, -math.inf])
def test_an_invocation_with_nothing_left_begins_nothing(left: float) -> None:
    world = World()
    job = job_of(world.block(), work(0))
    assert go(job, world.runtime(invocation=invocation(left))) is Outcome.PAUSED
    assert (job[1].status, job[1].attempts) == (ConduitStatus.NONE, 0)


@pytest.mark.parametrize("limits", [{}, {"invocation": None, "job_ends_at": None}, {"job_ends_at": math.inf}])
def test_no_limit_holds_where_none_is_known(limits: dict[str, Any]) -> None:
    world = World()
    job = job_of(world.block(), work(10**9))
    go(job, world.runtime(**limits))
    assert job[1].status is ConduitStatus.DONE


def test_a_step_waits_for_a_fresh_invocation_that_it_fits() -> None:
    world = World()
    job = job_of(world.block(), work(1), work(1, timeout=8))
    assert go(job, world.runtime(invocation=invocation(5, fresh=10))) is Outcome.PAUSED
    assert [step.attempts for step in job] == [1, 0]


def test_a_step_that_no_invocation_fits_begins_with_the_time_that_is_left() -> None:
    world = World()
    job = job_of(world.block(), work(1), work(1, timeout=80))
    assert go(job, world.runtime(invocation=invocation(5, fresh=10))) is Outcome.FINISHED
    assert [step.status.name for step in job] == ["DONE", "DONE"]


def test_the_first_step_of_an_invocation_begins_however_little_time_is_left() -> None:
    world = World()
    job = job_of(world.block(), work(0.05, timeout=8))
    assert go(job, world.runtime(invocation=invocation(0.06, fresh=10))) is Outcome.FINISHED
    assert job[1].status is ConduitStatus.DONE


# ---------------------------------------------------------------------- retries


def test_no_try_is_begun_that_cannot_end_in_time() -> None:
    world = World()
    retry = {"attempts": 9, "delay": 1, "backoff": 1, "jitter": False, "on": ["TIME_LIMIT_EXCEED"]}
    job = job_of(world.block(), work(9, timeout=2, retry=retry))
    assert go(job, world.runtime(invocation=invocation(9))) is Outcome.PAUSED
    assert job[1].attempts == 3  # at 0, 3 and 6 seconds; a fourth would begin at 9
    assert job.paused is not None
    assert (job.paused.tries, job.paused.resume_in, job.paused.cut) == (3, 1, False)


def test_no_try_is_begun_that_the_job_has_no_time_for() -> None:
    world = World()
    retry = {"attempts": 9, "delay": 1, "backoff": 1, "jitter": False, "on": ["TIME_LIMIT_EXCEED"]}
    job = job_of(world.block(), work(9, timeout=2, retry=retry))
    assert go(job, world.runtime(job_ends_at=START + 7)) is Outcome.FINISHED
    assert (job[1].status, job[1].attempts) == (ConduitStatus.TIME_LIMIT_EXCEED, 2)


# ---------------------------------------------------------------------- clocks that jump


def test_a_clock_that_jumps_back_makes_no_step_end_before_it_began() -> None:
    world = World()

    def turn_back() -> None:
        world.time -= 3600

    job = job_of(Block(turn_back, private=True), {})
    go(job, world.runtime(invocation=invocation(60)))
    assert job[1].status is ConduitStatus.DONE
    assert job[1].finished_at == job[1].started_at == START
    assert job[1].duration_ms == 0


def test_a_clock_that_jumps_ahead_ends_the_invocation_and_loses_nothing() -> None:
    world = World()
    job = job_of(world.block(), work(1), work(1))

    def jump(_: Conduit, step: Any) -> None:
        world.time += 3600 if step.position == 1 else 0

    job.on_step_update = jump
    assert go(job, world.runtime(invocation=invocation(60))) is Outcome.PAUSED
    assert [step.status.name for step in job] == ["DONE", "NONE"]


def test_the_clock_of_a_run_ignores_changes_of_the_systems_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    now = steady_clock()
    before = now()
    monkeypatch.setattr(time, "time", lambda: 0.0)
    assert before <= now() < before + 60


class Clock:
    """A clock that only a test advances."""

    def __init__(self) -> None:
        self.time = 0.0

    def __call__(self) -> float:
        return self.time


def plain() -> int:
    return 1


async def waiting() -> int:
    return 1


TRUE = {"action": "LOGIC.TRUE"}


class LateAlarm:
    """Stops each block only after it has finished."""

    def call(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any], seconds: float) -> Any:
        function(*args, **kwargs)
        raise StepTimeout(seconds)

    async def wait(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any], seconds: float) -> Any:
        await function(*args, **kwargs)
        raise StepTimeout(seconds)


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


def test_before_step_is_not_called_for_a_step_that_the_invocation_has_no_time_for() -> None:
    asked: list[Any] = []
    job = Conduit.from_dict({"steps": [TRUE]}, before_step=lambda *_: asked.append(1))
    asyncio.run(job.run(Runtime(now=Clock(), invocation=InvocationTime(ends_at=0))))
    assert not asked


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


def test_a_failed_step_has_its_end_and_its_duration(run: Any, make_block: Any) -> None:
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
