"""Waits, polls, and the time limits of loops and jobs, with a clock that only sleeping advances."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from handler.engine import Conduit, ConduitStatus, Decision, InvocationTime, Outcome, Runtime
from handler.engine.answers import Address, Answers

COPY = {"action": "OBJECT.COPY", "parameters": {"value": 1}}


class Clock:
    """A clock, and the sleeps that advanced it."""

    def __init__(self) -> None:
        self.time = 1_000.0
        self.sleeps: list[float] = []

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.time += seconds

    def runtime(self, left: float | None = None) -> Runtime:
        invocation = None if left is None else InvocationTime(ends_at=self.time + left, fresh=900.0)
        return Runtime(now=self.now, sleep=self.sleep, invocation=invocation)


def go(job: Conduit, clock: Clock, left: float | None = None) -> Outcome:
    return asyncio.run(job.run(clock.runtime(left)))


def statuses(job: Conduit) -> list[str]:
    return [step.status.name for step in job]


def test_a_wait_sleeps_where_nothing_ends_the_invocation() -> None:
    clock, job = Clock(), Conduit.from_dict({"steps": [{"id": "w", "wait": {"seconds": 3600}}]})
    assert go(job, clock) is Outcome.FINISHED
    assert (clock.sleeps, job["w"].return_value) == ([3600], "1970-01-01T01:16:40.000Z")


@pytest.mark.parametrize(("seconds", "outcome"), [(5, Outcome.FINISHED), (5.5, Outcome.PAUSED)])
def test_a_wait_of_more_than_five_seconds_gives_the_invocation_back(seconds: float, outcome: Outcome) -> None:
    clock, job = Clock(), Conduit.from_dict({"steps": [{"id": "w", "wait": {"seconds": seconds}}]})
    assert go(job, clock, 900) is outcome
    if outcome is Outcome.PAUSED:
        assert job.paused is not None
        assert job.paused.waiting is not None
        assert job.paused.waiting["until"] == 1_000 + seconds
        assert (job.paused.resume_in, job.paused.path) == (seconds, "w")


def test_a_wait_that_goes_on_elsewhere_ends_when_it_was_to_end() -> None:
    """Its condition and its length are not evaluated again, although both would have changed."""
    payload = {
        "variables": {"n": 2},
        "steps": [{"id": "l", "while": "{= epoch(now()) < 1001 =}", "max": 3, "do": [
            {"id": "w", "if": "{= epoch(now()) < 1001 =}", "wait": {"until": "{= time(epoch(now()) + 60) =}"}}]}],
    }  # fmt: skip
    clock, job = Clock(), Conduit.from_dict(payload)
    assert go(job, clock, 900) is Outcome.PAUSED
    assert job.paused is not None
    opened = {"path": "l", "phase": "open", "status": {"name": "NONE"}, "opened": job["l"].opened}
    later = Conduit.restore(payload, [opened], {"n": 2}, waiting=job.paused.waiting)
    clock.time = 1_050.0
    heard = list[Any]()
    later.on_step_update = lambda _, step: heard.append(
        (step.path, step.status.name, step.return_value, step.started_at)
    )
    assert go(later, clock, 900) is Outcome.PAUSED
    clock.time = 1_060.0
    assert go(later, clock, 900) is Outcome.FINISHED
    assert heard[0] == ("l.0.w", "DONE", "1970-01-01T00:17:40.000Z", 1_000.0)
    assert [entry[:2] for entry in heard[1:]] == [("l", "DONE")]


@pytest.mark.parametrize(
    "wait",
    [{"seconds": -1}, {"seconds": True}, {"seconds": "{= 'x' =}"}, {"until": "2027-01-01T00:00:00"}, {"until": 5}],
)
def test_a_malformed_time_is_an_invalid_type(wait: dict[str, Any]) -> None:
    job = Conduit.from_dict({"steps": [{"id": "w", "wait": wait}]})
    go(job, Clock())
    assert statuses(job) == ["INVALID_TYPE"]


@pytest.mark.parametrize(
    "seconds",
    [100, 1e308, 10**400, "{= 10000000000000000 =}", f"{{= {10**400} =}}"],
    ids=["seconds", "a float", "an integer", "an expression", "an expression of a long integer"],
)
def test_a_wait_beyond_the_records_is_refused_before_it_waits(seconds: Any) -> None:
    job = Conduit.from_dict({"steps": [{"id": "w", "wait": {"seconds": seconds}}]})
    clock = Clock()
    asyncio.run(job.run(Runtime(now=clock.now, sleep=clock.sleep, waits_end_by=1_050.0)))
    assert (statuses(job), clock.sleeps) == (["INVALID_ARGUMENT"], [])


def test_a_loops_time_limit_ends_the_wait_in_it_and_forced_steps_run() -> None:
    job = Conduit.from_dict({"steps": [
        {"id": "l", "for_each": [1, 2], "timeout": 30, "tolerate": {"count": 2}, "do": [
            {"id": "w", "wait": {"seconds": 50}}, COPY | {"id": "a"}, COPY | {"id": "b", "forced": True}]},
        COPY | {"id": "z"}]})  # fmt: skip
    heard = list[Any]()
    job.on_step_update = lambda _, step: heard.append((step.path, step.status.name))
    clock = Clock()
    go(job, clock)
    assert heard == [
        ("l.0.w", "TIME_LIMIT_EXCEED"), ("l.0.a", "SKIPPED"), ("l.0.b", "DONE"),
        ("l", "TIME_LIMIT_EXCEED"), ("z", "SKIPPED"),
    ]  # fmt: skip
    assert (clock.sleeps, getattr(job.failed_step, "path", None)) == ([30], "l")


def test_a_loop_begins_no_round_after_its_time_limit(make_block: Any) -> None:
    clock, calls = Clock(), list[float]()

    def work() -> None:
        calls.append(clock.time)
        clock.time += 20

    loop = {"id": "l", "while": True, "max": 9, "timeout": 30, "do": [{"id": "w", "action": "WORK"}]}
    job = Conduit.from_dict({"steps": [loop]}, blocks=[make_block(work)])
    go(job, clock)
    assert (calls, statuses(job)) == ([1_000, 1_020], ["TIME_LIMIT_EXCEED"])
    assert (job["l"].error or {})["message"] == "the time limit (`timeout`) of the loop `l` has passed"


def test_the_jobs_time_limit_ends_the_step_that_runs_and_forced_steps_run() -> None:
    job = Conduit.from_dict({"timeout": 30, "steps": [
        {"id": "w", "wait": {"seconds": 50}, "allow_failure": True},
        COPY | {"id": "a"}, COPY | {"id": "b", "forced": True}]})  # fmt: skip
    go(job, Clock())
    assert statuses(job) == ["TIME_LIMIT_EXCEED", "SKIPPED", "DONE"]
    assert (job.success, getattr(job.failed_step, "path", None)) == (False, "w")


@pytest.mark.parametrize("timeout", [1e126, 1e308])
def test_a_job_may_have_more_time_than_a_table_can_keep(timeout: float) -> None:
    job = Conduit.from_dict({"timeout": timeout, "steps": [COPY | {"id": "a"}]})
    go(job, Clock())
    assert statuses(job) == ["DONE"]
    assert job.timeout_at is not None
    assert job.timeout_at < 1e12


def poll_job(make_block: Any, ready_at: int, **options: Any) -> tuple[Conduit, list[int]]:
    calls = list[int]()

    def ask() -> int:
        calls.append(1)
        return len(calls)

    poll = {"until": f"{{= result >= {ready_at} =}}", "every": 20, "max": 3}
    step = {"id": "p", "action": "ASK", "poll": poll}
    return Conduit.from_dict({"steps": [step]}, blocks=[make_block(ask, **options)]), calls


def test_a_poll_calls_until_the_result_is_ready(make_block: Any) -> None:
    job, calls = poll_job(make_block, 3)
    clock = Clock()
    assert go(job, clock) is Outcome.FINISHED
    assert (job["p"].return_value, job["p"].attempts, len(calls), clock.sleeps) == (3, 3, 3, [20, 20])


def test_a_poll_that_is_never_ready_times_out(make_block: Any) -> None:
    job, calls = poll_job(make_block, 9)
    go(job, Clock())
    assert (statuses(job), len(calls)) == (["TIME_LIMIT_EXCEED"], 3)
    assert (job["p"].error or {})["type"] == "PollTimeout"


def test_a_poll_gives_the_invocation_back_and_counts_on(make_block: Any) -> None:
    job, calls = poll_job(make_block, 9)
    clock, outcomes = Clock(), list[Outcome]()
    for _ in range(3):
        outcomes.append(go(job, clock, 900))
        clock.time += 20
    assert (outcomes, len(calls)) == ([Outcome.PAUSED, Outcome.PAUSED, Outcome.FINISHED], 3)
    assert (job["p"].attempts, statuses(job)) == (3, ["TIME_LIMIT_EXCEED"])


def test_a_poll_counts_on_after_a_call_that_failed_and_had_to_wait_for_another_invocation(make_block: Any) -> None:
    calls = list[int]()

    def ask() -> int:
        calls.append(1)
        if len(calls) % 2 == 0:
            raise OSError("not now")
        return 0

    poll = {"until": "{= result > 0 =}", "every": 1, "max": 3}
    retry = {"attempts": 9, "delay": 2, "jitter": False, "backoff": 1}
    job = Conduit.from_dict(
        {"steps": [{"id": "p", "action": "ASK", "poll": poll, "retry": retry}]}, blocks=[make_block(ask)]
    )
    clock = Clock()
    while go(job, clock, 2.5) is Outcome.PAUSED:
        clock.time += 2
    assert (statuses(job), (job["p"].error or {})["type"], len(calls)) == (["TIME_LIMIT_EXCEED"], "PollTimeout", 5)


def test_a_poll_begins_no_call_that_takes_longer_than_the_invocation_has_left(make_block: Any) -> None:
    """Otherwise each invocation would have time for one call, begin two, and be interrupted in the second."""
    clock, began = Clock(), list[float]()

    def ask() -> int:
        began.append(clock.time)
        clock.time += 1.2
        return len(began)

    poll = {"until": "{= result == 4 =}", "every": 1, "max": 9}
    job = Conduit.from_dict({"steps": [{"id": "p", "action": "ASK", "poll": poll}]}, blocks=[make_block(ask)])
    starts = list[float]()
    while True:
        starts.append(clock.time)
        if go(job, clock, 3.0) is not Outcome.PAUSED:
            break
        clock.time = max(clock.time, starts[-1] + 10)
    assert began == starts
    assert statuses(job) == ["DONE"]


@pytest.mark.parametrize("every", [4, 3600])
@pytest.mark.parametrize("limit", ["loop", "job"])
def test_a_poll_waits_no_longer_than_a_limit_around_it(limit: str, every: float) -> None:
    poll = {"id": "p", **COPY, "poll": {"until": False, "every": every, "max": 9}}
    if limit == "loop":
        job = Conduit.from_dict({"steps": [{"id": "l", "timeout": 10, "for_each": [1], "do": [poll]}]})
    else:
        job = Conduit.from_dict({"steps": [poll, {"id": "f", "forced": True, **COPY}], "timeout": 10})
    clock = Clock()
    while go(job, clock, 900) is Outcome.PAUSED:
        assert job.paused is not None
        clock.time += job.paused.resume_in
    assert clock.time == 1_010
    assert [step.status.name for step in job] == ["TIME_LIMIT_EXCEED", *(["DONE"] if limit == "job" else [])]


def test_a_block_that_is_never_run_twice_is_not_polled(make_block: Any) -> None:
    job, calls = poll_job(make_block, 1, effect="at_most_once")
    go(job, Clock())
    assert (statuses(job), calls) == (["INVALID_ARGUMENT"], [])


ASK = {"id": "ok", "wait_for": {"timeout": 60, "message": "Agreed?"}}
YES = {"ok": True, "value": 7, "reason": None, "by": "ann", "at": "2026-11-26T19:00:00.000Z"}


def asking(*steps: dict[str, Any], given: dict[str, Any] | None = None, **fields: Any) -> Conduit:
    """A job whose steps can be answered, with the answers that it has."""
    job = Conduit.from_dict({"steps": steps, **fields})
    job.answers = Answers(given=given or {}, address=lambda path: Address(f"https://jobs.example.com/{path}", "t"))
    return job


def test_a_step_that_waits_for_an_answer_fails_where_none_can_be_given() -> None:
    job = Conduit.from_dict({"steps": [ASK]})
    assert go(job, Clock(), 900) is Outcome.FINISHED
    assert (statuses(job), (job["ok"].error or {})["message"]) == (
        ["INVALID_ARGUMENT"], "this step cannot be answered here",
    )  # fmt: skip


def test_a_question_that_outlasts_the_records_of_its_job_is_refused_before_it_is_asked() -> None:
    clock, job = Clock(), asking(ASK)
    asyncio.run(job.run(Runtime(now=clock.now, sleep=clock.sleep, waits_end_by=1_059.0)))
    assert statuses(job) == ["INVALID_ARGUMENT"]
    assert "1970-01-01T00:17:39.000Z" in (job["ok"].error or {})["message"]


@pytest.mark.parametrize(("size", "status"), [(4_096, "NONE"), (4_097, "INVALID_ARGUMENT")])
def test_a_question_has_at_most_4096_bytes(size: int, status: str) -> None:
    job = asking({"id": "ok", "wait_for": {"timeout": 60, "message": "x" * size}})
    go(job, Clock(), 900)
    assert statuses(job) == [status]


def test_an_answer_that_came_before_the_time_limit_of_the_job_counts_after_it() -> None:
    clock, job = (
        Clock(),
        asking({"id": "w", "wait": {"seconds": 50}, "forced": True}, ASK, given={"ok": YES}, timeout=40),
    )
    clock.time += 1
    job.timeout_at = 1_000.0
    job.delete_step("w")
    go(job, clock)
    assert (statuses(job), job["ok"].return_value["value"]) == (["DONE"], 7)


def test_the_address_of_a_later_question_names_the_item_of_its_loop() -> None:
    tell = {"id": "tell", "action": "OBJECT.COPY", "parameters": {"value": "{% steps.ok.callback.url %}"}}
    job = asking({"id": "l", "for_each": [1, 2], "do": [tell, ASK]}, given={"l.0.ok": YES})
    heard = list[Any]()
    job.on_step_update = lambda _, step: heard.append((step.path, step.return_value))
    assert go(job, Clock(), 900) is Outcome.PAUSED
    assert [value for path, value in heard if path.endswith("tell")] == [
        "https://jobs.example.com/l.0.ok", "https://jobs.example.com/l.1.ok",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "outcome", "status"),
    [(ConduitStatus.CANCELLED, Outcome.FINISHED, "CANCELLED"), (Decision.PAUSE, Outcome.PAUSED, "NONE")],
)
def test_a_job_is_asked_whether_it_goes_on_before_it_sleeps(answer: Any, outcome: Outcome, status: str) -> None:
    clock, job = Clock(), Conduit.from_dict({"steps": [{"id": "w", "wait": {"seconds": 3}}]})
    job.before_step = lambda *_: answer
    assert go(job, clock, 900) is outcome
    assert (statuses(job), clock.sleeps) == ([status], [])
