"""The jobs of a batch: their turns, their shared calls, and the effect of one job's end on the others."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest

from handler.invocation.crew import LINGER, TURN, Crew
from handler.invocation.crew_members import LONG, MOST_HELD
from tests.handler.conftest import drive


@dataclass
class Station:
    """Ends the started calls when the crew has nothing else to do, one at a time, in the order of their start."""

    time: float = 0.0
    open: list[tuple[Callable[[], Any], Callable[[Any, BaseException | None], None]]] = field(default_factory=list)
    most_open: int = 0
    waits: list[float | None] = field(default_factory=list)

    def now(self) -> float:
        return self.time

    def start(self, call: Callable[[], Any], done: Callable[[Any, BaseException | None], None]) -> None:
        self.open.append((call, done))
        self.most_open = max(self.most_open, len(self.open))

    def has_news(self) -> bool:
        return False

    async def wait(self, seconds: float | None) -> None:
        self.waits.append(seconds)
        if not self.open:
            assert seconds is not None
            self.time += seconds
            return
        call, done = self.open.pop(0)
        try:
            result = call()
        except Exception as error:  # noqa: BLE001 (raised in the job that made the call)
            done(None, error)
        else:
            done(result, None)


@pytest.fixture
def station() -> Station:
    return Station()


@pytest.fixture
def crew(station: Station) -> Crew:
    return Crew(station)


Job = Callable[[], Coroutine[Any, Any, Any]]


def run(crew: Crew, *jobs: Job) -> list[Any]:
    return drive(crew.run(jobs))


def test_calls_of_several_jobs_are_on_their_way_at_once(crew: Crew, station: Station) -> None:
    async def job(number: int) -> int:
        return await crew.make(lambda: number * 2)

    assert run(crew, *[partial(job, number) for number in range(10)]) == [0, 2, 4, 6, 8, 10, 12, 14, 16, 18]
    assert station.most_open == 10


def test_no_more_than_ten_jobs_are_under_way(crew: Crew, station: Station) -> None:
    async def job() -> None:
        await crew.make(lambda: None)

    run(crew, *[job] * 25)
    assert station.most_open == 10


def test_between_two_calls_a_job_is_alone(crew: Crew) -> None:
    """Otherwise the time limit of one job's step could stop another job."""
    seen: list[str] = []

    async def job(name: str) -> None:
        for part in "abc":
            seen.extend([f"{name}{part}", f"{name}{part}"])
            await crew.make(lambda: None)

    run(crew, partial(job, "1"), partial(job, "2"))
    assert seen[::2] == seen[1::2]


def test_an_exception_of_a_call_is_raised_in_its_own_job(crew: Crew) -> None:
    def fail() -> None:
        raise OSError("down")

    async def unlucky() -> str:
        try:
            await crew.make(fail)
        except OSError as error:
            return str(error)
        return "nothing"

    async def lucky() -> str:
        return await crew.make(lambda: "fine")

    assert run(crew, unlucky, lucky, unlucky) == ["down", "fine", "down"]


def test_an_exception_of_a_job_is_raised_after_the_others_have_ended(crew: Crew) -> None:
    ended: list[int] = []

    async def bad() -> None:
        raise ValueError("a fault")

    async def good(number: int) -> None:
        await crew.make(lambda: None)
        ended.append(number)

    with pytest.raises(ValueError, match="a fault"):
        run(crew, bad, partial(good, 1), partial(good, 2))
    assert ended == [1, 2]


def test_calls_of_one_job_that_go_together_come_back_in_their_order(crew: Crew, station: Station) -> None:
    async def job() -> list[int]:
        return await crew.make_all([partial(int, text) for text in ("3", "1", "2")])

    assert run(crew, job) == [[3, 1, 2]]
    assert station.most_open == 3


# ---------------------------------------------------------------------- shared calls


def shared(calls: list[list[Any]]) -> Callable[[Sequence[Any]], Coroutine[Any, Any, list[Any]]]:
    async def work(parts: Sequence[Any]) -> list[Any]:
        calls.append(list(parts))
        return [ValueError(part) if part == "bad" else part * 2 for part in parts]

    return work


def test_parts_of_jobs_that_ask_at_the_same_time_go_in_one_call(crew: Crew) -> None:
    calls: list[list[Any]] = []

    async def job(number: int) -> int:
        return await crew.join("put", number, shared(calls))

    assert run(crew, *[partial(job, number) for number in range(4)]) == [0, 2, 4, 6]
    assert calls == [[0, 1, 2, 3]]


def test_a_part_that_failed_is_its_own_jobs_failure(crew: Crew) -> None:
    async def job(part: str) -> str:
        try:
            return await crew.join("put", part, shared([]))
        except ValueError as error:
            return f"failed: {error}"

    assert run(crew, partial(job, "a"), partial(job, "bad"), partial(job, "b")) == ["aa", "failed: bad", "bb"]


def test_a_shared_call_waits_a_moment_for_those_whose_calls_are_on_their_way(crew: Crew, station: Station) -> None:
    calls: list[list[Any]] = []

    async def job(number: int) -> int:
        for _ in range(number):
            await crew.make(lambda: None)
        return await crew.join("put", number, shared(calls))

    run(crew, *[partial(job, number) for number in range(3)])
    assert calls == [[0, 1, 2]]
    assert max(seconds for seconds in station.waits if seconds is not None) == LINGER


def test_a_shared_call_waits_again_after_each_part_but_not_for_ever(crew: Crew, station: Station) -> None:
    calls: list[list[Any]] = []

    def call() -> None:
        station.time += 0.8 * LINGER

    async def ticks() -> None:
        for _ in range(20):
            await crew.make(call)

    async def job(number: int) -> None:
        for _ in range(number):
            await crew.make(lambda: None)
        await crew.join("put", number, shared(calls))

    run(crew, ticks, *[partial(job, number) for number in range(9)])
    assert calls == [[0, 1, 2, 3, 4], [5, 6, 7, 8]]  # a part arrives every 4 ms, so the first call is sent after 20 ms


def test_a_shared_call_does_not_wait_for_long(crew: Crew, station: Station) -> None:
    calls: list[list[Any]] = []

    async def early() -> None:
        await crew.join("put", "early", shared(calls))

    async def late() -> None:
        def call() -> None:
            station.time += 2 * LINGER

        await crew.make(call)
        await crew.make(call)
        await crew.join("put", "late", shared(calls))

    run(crew, early, late)
    assert calls == [["early"], ["late"]]


# ---------------------------------------------------------------------- turns


def test_the_first_job_has_the_invocation_to_itself_until_its_first_step_has_ended(crew: Crew) -> None:
    story: list[str] = []

    async def first() -> None:
        await crew.begin()
        for _ in range(3):
            await crew.make(lambda: None)
        story.append("first")
        assert not crew.is_shared
        crew.recorded(0)

    async def other() -> None:
        await crew.make(lambda: None)
        story.append("read")
        await crew.begin()
        story.append("other")

    run(crew, first, other, other)
    assert story == ["read", "read", "first", "other", "other"]
    assert crew.is_shared


def test_a_first_job_without_a_step_lets_the_others_begin(crew: Crew) -> None:
    async def first() -> None:
        await crew.make(lambda: None)

    async def other() -> str:
        await crew.begin()
        return "ran"

    assert run(crew, first, other) == [None, "ran"]


def test_a_job_that_keeps_the_turn_keeps_it_while_it_calls(crew: Crew) -> None:
    story: list[str] = []

    async def once() -> None:
        crew.keep_turn(keep=True)
        for part in ("mark", "step", "record"):
            story.append(part)
            await crew.join("put", part, shared([]))
        crew.keep_turn(keep=False)
        await crew.make(lambda: None)
        story.append("end")

    async def other() -> None:
        story.append("other begins")
        await crew.make(lambda: None)
        story.append("other ends")

    run(crew, once, other)
    assert story == ["mark", "step", "record", "other begins", "end", "other ends"]


def test_a_job_that_keeps_the_turn_gives_it_away_while_it_sleeps(crew: Crew) -> None:
    story: list[str] = []

    async def once() -> None:
        crew.keep_turn(keep=True)
        await crew.sleep(3)
        story.append("awake")

    async def other() -> None:
        await crew.make(lambda: None)
        story.append("other")

    run(crew, once, other)
    assert story == ["other", "awake"]


def test_sleepers_wake_in_their_order(crew: Crew, station: Station) -> None:
    story: list[float] = []

    async def job(seconds: float) -> None:
        await crew.sleep(seconds)
        story.append(seconds)

    run(crew, *[partial(job, seconds) for seconds in (2.0, 1.0, 3.0)])
    assert story == [1.0, 2.0, 3.0]
    assert station.time == 3.0


def test_a_job_lets_others_go_on_only_after_a_while_and_only_if_they_wait(crew: Crew, station: Station) -> None:
    async def alone() -> list[bool]:
        wants = [crew.wants_turn()]
        station.time += TURN
        return [*wants, crew.wants_turn()]

    assert run(crew, alone) == [[False, False]]
    assert run(crew, alone, alone) == [[False, True], [False, False]]


def test_a_job_with_slow_steps_goes_on_when_others_have_written(crew: Crew, station: Station) -> None:
    story: list[str] = []

    async def slow() -> None:
        for number in range(2):
            story.append(f"slow {number}")
            station.time += LONG
            await crew.pass_turn()

    async def quick() -> None:
        for number in range(3):
            await crew.make(lambda: None)
            story.append(f"quick {number}")

    run(crew, slow, quick)
    assert story == ["slow 0", "quick 0", "quick 1", "quick 2", "slow 1"]


# ---------------------------------------------------------------------- contexts and awaitables


def test_each_job_has_a_context_of_its_own(crew: Crew) -> None:
    name: ContextVar[str] = ContextVar("name", default="nobody")

    async def job(own: str) -> list[str]:
        name.set(own)
        return [await crew.make(name.get), name.get()]

    assert run(crew, partial(job, "a"), partial(job, "b")) == [["a", "a"], ["b", "b"]]
    assert name.get() == "nobody"


class Foreign:
    """An awaitable that a block may use: the event loop that drives the crew resolves it."""

    def __await__(self) -> Any:
        return (yield "foreign")


def test_an_await_in_a_block_goes_to_the_event_loop_and_keeps_the_turn(crew: Crew) -> None:
    story: list[str] = []

    async def waits() -> Any:
        answer = await Foreign()
        story.append("waited")
        return answer

    async def other() -> None:
        story.append("other")

    coroutine = crew.run([waits, other])
    assert coroutine.send(None) == "foreign"
    assert story == []
    with pytest.raises(StopIteration) as stop:
        coroutine.send("answer")
    assert stop.value.value == ["answer", None]
    assert story == ["waited", "other"]


def test_a_crew_that_is_closed_closes_its_jobs(crew: Crew) -> None:
    closed: list[int] = []

    async def job(number: int) -> None:
        try:
            await Foreign()
        finally:
            closed.append(number)

    coroutine = crew.run([partial(job, 1), partial(job, 2)])
    coroutine.send(None)
    coroutine.close()
    assert closed == [1]


def test_jobs_that_hold_too_much_together_end_one_after_another(crew: Crew) -> None:
    """A batch thus takes little more memory than the largest of its jobs."""
    story: list[str] = []

    async def job(name: str) -> None:
        await crew.begin()
        for step in "12":
            crew.recorded(MOST_HELD // 4)
            story.append(f"{name}{step}")
            await crew.make(lambda: None)

    run(crew, *[partial(job, name) for name in "abcdef"])
    assert story[:6] == ["a1", "b1", "c1", "d1", "e1", "a2"], "with the fifth job they hold too much"
    assert len(story) == 12


def test_a_job_that_has_ended_holds_nothing(crew: Crew, station: Station) -> None:
    async def job() -> None:
        crew.hold(MOST_HELD)

    async def other() -> None:
        await crew.make(lambda: None)
        await crew.make(lambda: None)

    run(crew, job, other, other, job)
    assert station.most_open == 2
