"""A job restored from its records continues where they end."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from handler.engine import Conduit, ConduitStatus, Limits, Outcome, Runtime
from handler.engine.flow.restore import RecordsMismatchError
from tests.engine.resuming import outline, record_of

TRUE = {"action": "LOGIC.TRUE"}


def record(status: str, **more: Any) -> dict[str, Any]:
    return {"status": {"name": status, "value": ConduitStatus[status].value}, **more}


def show(value: Any, **more: Any) -> dict[str, Any]:
    return {"action": "OBJECT.COPY", "parameters": {"value": value}, **more}


FAIL = {"action": "LOGIC.ASSERT", "parameters": {"value": False}}


def test_a_record_brings_its_error_back_and_a_finished_job_stays_finished(run: Any) -> None:
    error = {"type": "AssertionError", "message": "no"}
    job = Conduit.restore({"steps": [TRUE]}, [record("ASSERTION_ERROR", error=error)], {})
    run(job)
    assert (job[1].error, job[1].attempts, job.success) == (error, 0, False)
    again = Conduit.restore({"steps": [TRUE]}, [record("DONE", result=True, result_json="true", attempts=2)], {})
    assert (again[1].result_json, again[1].attempts) == ("true", 2)


def test_a_recorded_cancellation_cancels_the_later_steps(run: Any, statuses: Any) -> None:
    job = Conduit.restore({"steps": [TRUE, TRUE]}, [record("CANCELLED")], {})
    assert statuses(run(job)) == ["CANCELLED", "CANCELLED"]


def test_recorded_results_count_towards_the_budget_of_all_results(run: Any, statuses: Any) -> None:
    payload = {"steps": [show("x" * 48), show("x" * 49)]}
    job = Conduit.restore(payload, [record("DONE", result="x" * 48, result_json=f'"{"x" * 48}"')], {})
    assert statuses(run(job, Runtime(limits=Limits(results=100)))) == ["DONE", "RESULT_LIMIT_EXCEED"]


def test_an_empty_job_restored_without_records_finishes() -> None:
    assert asyncio.run(Conduit.restore({"steps": []}, [], {}, attempts=1).run()) is Outcome.FINISHED


@pytest.mark.parametrize(("used", "calls"), [(0, 6), (2, 4)])
def test_a_restored_job_has_the_tries_left_that_its_next_step_has_not_used(
    make_block: Any, used: int, calls: int
) -> None:
    called: list[int] = []

    def fail() -> None:
        called.append(1)
        raise OSError

    step = {"action": "FAIL", "retry": {"attempts": 3, "delay": 0}, "allow_failure": True}
    payload = {"steps": [step, step]}
    asyncio.run(Conduit.restore(payload, [], {}, tries=used, attempts=used, blocks=[make_block(fail)]).run())
    assert len(called) == calls


A, X = TRUE | {"id": "a"}, TRUE | {"id": "x"}
LOOP = {"id": "l", "for_each": [1], "do": [X]}


def opened(path: str = "l", **opened: Any) -> dict[str, Any]:
    return record("NONE", path=path, phase="open", opened=opened)


@pytest.mark.parametrize(
    ("steps", "records", "problem"),
    [
        ([A], [record("DONE", path="b")], "the record of b is in the place of a"),
        ([A], [record("DONE", path="a"), record("DONE", path="b")], "b, where the job has no further step"),
        ([A], [record("DONE", path="a", phase="close")], "a is recorded as closed where it cannot be"),
        ([A], [opened("a")], "a is recorded as opened but is not a loop or try"),
        ([LOOP], [opened(list=[1]), record("DONE", path="l.0.x"), record("DONE", path="l.1.x")], "no further item"),
        ([LOOP], [opened(list=[1, 2], count=1)], "another length than its record says"),
        ([A, LOOP | {"for_each": "{: steps.a.result :}"}],
         [record("DONE", path="a", result=5), opened(count=1)], "cannot be read again"),
        ([{"id": "t", "try": [A]}],
         [opened("t"), record("ASSERTION_ERROR", path="a"), record("DONE", path="c")], "nothing is to be caught"),
    ],
)  # fmt: skip
def test_records_of_another_payload_are_refused(
    steps: list[dict[str, Any]], records: list[dict[str, Any]], problem: str
) -> None:
    with pytest.raises(RecordsMismatchError, match=problem):
        Conduit.restore({"steps": steps}, records, {})


class Clock:
    """A clock that blocks and sleeps move."""

    def __init__(self, time: float = 1_000.0) -> None:
        self.time = time

    async def sleep(self, seconds: float) -> None:
        self.time += seconds

    def runtime(self) -> Runtime:
        return Runtime(now=lambda: self.time, sleep=self.sleep)


WAIT = {"id": "w", "wait": {"seconds": 50}}
FORCED = TRUE | {"id": "f", "forced": True}
TIMED = {"id": "l", "while": True, "max": 9, "timeout": 30}
INNER = {
    "while": {"id": "i", "while": True, "max": 9, "do": [WAIT, X]},
    "for_each": {"id": "i", "for_each": [1, 2], "tolerate": {"count": 2}, "do": [WAIT, X]},
    "try": {"id": "i", "try": [WAIT], "catch": [X]},
    "choose": {"id": "i", "choose": [{"if": True, "do": [WAIT, X]}]},
    "wait": WAIT,
}


@pytest.mark.parametrize("allowed", [False, True], ids=["", "allowed"])
@pytest.mark.parametrize("inner", INNER.values(), ids=INNER)
def test_a_job_whose_loop_ran_out_of_time_ends_alike_after_each_of_its_records(
    inner: dict[str, Any], allowed: bool
) -> None:
    loop = {**TIMED, "do": [inner, X, FORCED], "allow_failure": allowed}
    payload = {"steps": [loop, A], "output": "{: failed_step.path :}"}
    recording, job = record_of(payload, Clock().runtime())
    expected = outline(recording)
    failed = [entry[0] for entry in expected if entry[2] == "TIME_LIMIT_EXCEED"]
    assert (failed[0].endswith("w"), failed[-1], ("l.0.f", "DONE") in [(entry[0], entry[2]) for entry in expected]) == (
        True, "l", True,
    )  # fmt: skip
    for number in range(len(expected) + 1):
        again = recording.cut(number)
        clock = Clock(max([1_000.0, *(entry["finished_at"] or 0.0 for entry in again.records)]))
        restored = again.listen(recording.restored(number))
        asyncio.run(restored.run(clock.runtime()))
        assert outline(again) == expected
        assert getattr(restored.failed_step, "path", None) == getattr(job.failed_step, "path", None)


@pytest.mark.parametrize("kind", ["while", "for_each", "try"])
def test_a_cancelled_job_names_the_step_that_was_to_run_next_after_a_restore(kind: str) -> None:
    steps = [INNER[kind] | {"id": "l"}]
    where = "w" if kind == "try" else "l.0.w"
    begun = opened(**({"list": [1, 2]} if kind == "for_each" else {}))
    ended = [record("CANCELLED", path=where)]
    if kind != "try":
        ended.append(record("CANCELLED", path="l.0.x"))
    job = Conduit.restore({"steps": steps}, [begun, *ended, record("CANCELLED", path="l", phase="close")], {})
    assert (job.cancelled, getattr(job.failed_step, "path", None)) == (True, where)


def test_the_time_between_a_failure_and_its_redrive_does_not_count_for_a_loops_limit() -> None:
    loop = {"id": "l", "for_each": [1], "timeout": 30, "do": [WAIT]}
    clock = Clock(5_000.0)
    begun = opened(started_at=1_000.0, count=1, list=[1])
    job = Conduit.restore({"steps": [loop]}, [begun], {}, idle=[(500.0, 600.0), (1_010.0, 4_990.0)])
    asyncio.run(job.run(clock.runtime()))
    assert (clock.time, job["l"].status) == (1_000 + 30 + (4_990 - 1_010), ConduitStatus.TIME_LIMIT_EXCEED)
