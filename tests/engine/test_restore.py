"""A job restored from its records continues where they end."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from handler.engine import Conduit, ConduitStatus, Limits, Outcome, Runtime

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


def test_a_recorded_cancellation_cancels_what_follows(run: Any, statuses: Any) -> None:
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
