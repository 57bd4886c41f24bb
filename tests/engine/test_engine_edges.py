"""Edges of the run that a change could cross unseen: each test fails for a change that no other one notices."""

from __future__ import annotations

import asyncio
from types import MappingProxyType
from typing import Any

import pytest

from handler.engine import Conduit, ConduitStatus, Decision, Limits, Outcome, Runtime
from handler.engine.outcome import Paused

TRUE = {"action": "LOGIC.TRUE"}
FAIL = {"action": "LOGIC.ASSERT", "parameters": {"value": False}}


def show(value: Any, **more: Any) -> dict[str, Any]:
    return {"action": "OBJECT.COPY", "parameters": {"value": value}, **more}


def record(status: str, **more: Any) -> dict[str, Any]:
    return {"status": {"name": status, "value": ConduitStatus[status].value}, **more}


# ---------------------------------------------------------------------- checks and the list of steps


def test_a_job_with_exactly_the_tags_that_a_block_requires_may_use_it(run: Any, statuses: Any, make_block: Any) -> None:
    secret = make_block(lambda: 1, name="secret", tags=["A", "B"])
    assert statuses(run({"tags": ["B", "A"], "steps": [{"action": "SECRET"}]}, blocks=[secret])) == ["DONE"]


def test_a_name_that_only_looks_like_a_blocks_in_capitals_is_no_block(make_block: Any) -> None:
    job = Conduit.from_dict({"steps": [{"action": "\ufb01nd"}]}, blocks=[make_block(lambda: 1, name="find")])
    assert job[1].status is ConduitStatus.BLOCK_NOT_FOUND


def test_a_deleted_step_no_longer_counts_as_a_use_of_its_block(run: Any, statuses: Any, make_block: Any) -> None:
    once = make_block(lambda: 1, name="once", max_uses=1)
    job = Conduit.from_dict({"steps": [{"action": "ONCE"}] * 2}, blocks=[once])
    job.delete_step("1")
    assert statuses(run(job)) == ["DONE"]
    assert [(step.id, step.position) for step in job] == [("2", 1)]


@pytest.mark.parametrize("usual", [(), ("id",), ("id", "parameters"), ("action", "id"), ("action", "id", "parameters")])
def test_what_a_step_says_counts_whatever_else_it_says(usual: tuple[str, ...]) -> None:
    said = {"action": "LOGIC.TRUE", "id": "x", "parameters": {}}
    options = {"if": False, "forced": True, "timeout": 5, "allow_failure": True}
    for option, value in options.items():
        (step,) = Conduit.from_dict({"steps": [{name: said[name] for name in usual} | {option: value}]})
        assert getattr(step, "if_condition" if option == "if" else option) == value


def test_what_has_run_keeps_its_status_when_another_step_is_deleted(run: Any, statuses: Any) -> None:
    job = run({"steps": [FAIL | {"allow_failure": True}, TRUE, TRUE]})
    job.delete_step(3)
    assert statuses(job) == ["ASSERTION_ERROR", "DONE"]


@pytest.mark.parametrize(("deleted", "ran"), [("a", ["a", "b", "c"]), ("c", ["a", "b"]), ("b", ["a", "c"])])
def test_a_paused_job_goes_on_at_the_same_step_when_another_is_deleted(deleted: str, ran: list[str]) -> None:
    answers, heard = iter([None, Decision.PAUSE]), list[str]()
    job = Conduit.from_dict(
        {"steps": [TRUE | {"id": name} for name in "abc"]},
        before_step=lambda *_: next(answers, None),
        on_step_update=lambda _, step: heard.append(step.id),
    )
    asyncio.run(job.run())
    job.delete_step(deleted)
    asyncio.run(job.run())
    assert heard == ran


def test_positions_begin_at_one_and_a_step_that_is_not_there_can_be_deleted_in_silence() -> None:
    job = Conduit.from_dict({"steps": [TRUE]})
    assert job.get_step(0, silent=True) is None
    assert job.get_step(2, silent=True) is None
    job.delete_step("nope")
    assert len(job) == 1
    del job["1"]
    assert len(job) == 0
    with pytest.raises(KeyError):
        del job["1"]


@pytest.mark.parametrize("step", [1, "LOGIC.TRUE", None])
def test_a_step_that_is_no_dictionary_is_refused_with_its_position(step: Any) -> None:
    job = Conduit.from_dict({"steps": [TRUE]})
    with pytest.raises(TypeError, match="step 3 is"):
        job.load_step_list([TRUE, step])


def test_steps_and_parameters_may_be_any_mapping(run: Any) -> None:
    step = MappingProxyType({"action": "TEXT.COUNT", "parameters": MappingProxyType({"text": "abc"})})
    assert run({"steps": [step]})[1].return_value == 3


def test_an_id_that_is_no_text_becomes_one(run: Any) -> None:
    assert run({"steps": [TRUE | {"id": 7}, show("{: 7 :}")]})["2"].return_value is True


@pytest.mark.parametrize("parameters", [[1], "text", 1])
def test_parameters_that_are_no_dictionary_are_of_the_wrong_type(run: Any, parameters: Any) -> None:
    step = run({"steps": [TRUE | {"parameters": parameters}]})[1]
    assert (step.status, step.attempts) == (ConduitStatus.INVALID_TYPE, 0)
    assert step.error["message"] == "`parameters` is a dictionary of the block's parameters"


# ---------------------------------------------------------------------- the run


def test_a_job_is_known_by_its_name_and_has_not_paused_before_it_ran() -> None:
    assert (str(Conduit(name="Ada's")), str(Conduit())) == ("Ada's", "Unnamed Conduit")
    assert Conduit().paused is None
    step = Conduit.from_dict({"steps": [TRUE]})[1]
    assert (str(step), step.duration_ms) == ("1", None)
    assert repr(step) == "<ConduitStep '1' (LOGIC.TRUE): NONE>"


def test_a_listener_that_is_async_is_waited_for(run: Any) -> None:
    heard: list[str] = []

    async def listen(_job: Conduit, step: Any) -> None:
        await asyncio.sleep(0)
        heard.append(step.id)

    run({"steps": [TRUE, TRUE]}, on_step_update=listen)
    assert heard == ["1", "2"]


@pytest.mark.parametrize("answer", [None, Decision.PROCEED, "proceed"])
def test_an_async_answer_to_proceed_lets_the_step_run(run: Any, statuses: Any, answer: Any) -> None:
    async def before(_job: Conduit, _step: Any) -> Any:
        return answer

    assert statuses(run({"steps": [TRUE]}, before_step=before)) == ["DONE"]


def test_an_answer_that_means_nothing_is_the_callers_mistake_and_says_so(run: Any) -> None:
    with pytest.raises(TypeError, match="before_step answers None"):
        run({"steps": [TRUE]}, before_step=lambda *_: True)


def test_the_end_of_a_job_is_told_once_however_often_it_is_run() -> None:
    ended, answers = list[Any](), iter([Decision.PAUSE])
    job = Conduit.from_dict(
        {"steps": [TRUE]}, on_job_finish=lambda *_: ended.append(1), before_step=lambda *_: next(answers, None)
    )
    for _ in range(3):
        asyncio.run(job.run())
    assert (ended, job.paused) == ([1], None)


def test_a_job_that_is_cancelled_while_it_is_paused_is_paused_no_more(statuses: Any) -> None:
    job = Conduit.from_dict({"steps": [TRUE]}, before_step=lambda *_: Decision.PAUSE)
    asyncio.run(job.run())
    paused = [job.paused]
    job.cancel()
    assert asyncio.run(job.run()) is Outcome.FINISHED
    assert statuses(job) == ["CANCELLED"]
    assert [*paused, job.paused] == [Paused(position=1), None]


def test_the_run_ends_with_the_task_that_runs_it_and_the_step_stays_open(make_block: Any) -> None:
    began = asyncio.Event()

    async def wait_for_ever() -> None:
        began.set()
        await asyncio.Event().wait()

    job = Conduit.from_dict({"steps": [{"action": "WAIT"}]}, blocks=[make_block(wait_for_ever, name="wait")])

    async def run_and_cancel() -> None:
        task = asyncio.create_task(job.run())
        await began.wait()
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(run_and_cancel())
    assert job[1].status is ConduitStatus.NONE


@pytest.mark.parametrize(
    ("error", "status"), [(ValueError("x"), "INVALID_ARGUMENT"), (KeyError("x"), "UNHANDLED_EXCEPTION")]
)
def test_what_a_coroutine_block_raises_decides_its_status_too(
    run: Any, statuses: Any, make_block: Any, error: Exception, status: str
) -> None:
    async def fail() -> None:
        raise error

    assert statuses(run({"steps": [{"action": "FAIL"}]}, blocks=[make_block(fail)])) == [status]


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


def test_a_step_starts_with_no_try_of_the_step_before_it_used_up(run: Any, make_block: Any) -> None:
    calls: list[int] = []

    def fail() -> None:
        calls.append(1)
        raise OSError

    step = {"action": "FAIL", "allow_failure": True, "retry": {"attempts": 2, "delay": 0}}
    run({"steps": [TRUE, step, step]}, blocks=[make_block(fail)])
    assert len(calls) == 4


class Pause:
    """Hands control out once."""

    def __await__(self) -> Any:
        yield


def test_a_run_that_is_closed_while_a_block_waits_blames_no_step(make_block: Any) -> None:
    async def wait() -> None:
        await Pause()

    job = Conduit.from_dict({"steps": [{"action": "WAIT"}]}, blocks=[make_block(wait)])
    running = job.run()
    running.send(None)
    running.close()
    assert (job[1].status, job[1].error) == (ConduitStatus.NONE, None)


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


def test_a_job_that_is_given_a_further_step_finishes_once_more() -> None:
    ended: list[Any] = []
    job = Conduit.from_dict({"steps": [TRUE]}, on_job_finish=lambda _, failed: ended.append(failed))
    asyncio.run(job.run())
    assert job
    job.load_step_list([FAIL])
    asyncio.run(job.run())
    assert not job
    assert ended == [None, job[2]]
