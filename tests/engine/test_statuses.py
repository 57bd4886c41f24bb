"""The status of a step, and its effect on the job."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pydantic import TypeAdapter

from blocks.block import CallFailedError, CallRefusedError
from handler.engine import Conduit, ConduitStatus, ConduitStep, Decision, Outcome

TRUE = {"action": "LOGIC.TRUE"}
FAIL = {"action": "LOGIC.ASSERT", "parameters": {"value": False}}


def test_an_empty_job_succeeds(run: Any) -> None:
    assert run({}).success is True


def test_success_is_unknown_before_a_run_and_false_as_soon_as_a_step_failed(run: Any) -> None:
    seen: list[bool | None] = []
    job = Conduit.from_dict({"steps": [TRUE, FAIL, TRUE]}, on_step_update=lambda j, _: seen.append(j.success))
    assert job.success is None
    run(job)
    assert seen == [None, False, False]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ValueError("x"), "INVALID_ARGUMENT"),
        (AssertionError("x"), "ASSERTION_ERROR"),
        (KeyError("x"), "UNHANDLED_EXCEPTION"),
        (RecursionError("x"), "UNHANDLED_EXCEPTION"),
    ],
)
def test_the_exception_of_a_block_decides_its_status(
    run: Any, statuses: Any, make_block: Any, error: Exception, status: str
) -> None:
    def fail() -> None:
        raise error

    job = run({"steps": [{"action": "FAIL"}]}, blocks=[make_block(fail)])
    assert statuses(job) == [status]
    assert job[1].return_value is error
    assert job[1].error == {"type": type(error).__name__, "message": "x"}


@pytest.mark.parametrize("kind", [CallFailedError, CallRefusedError])
@pytest.mark.parametrize("isolation", [None, "process"])
def test_a_failed_call_keeps_the_answer_of_the_service(run: Any, make_block: Any, kind: Any, isolation: Any) -> None:
    def call() -> None:
        raise kind("the service said 409", details={"status": 409, "body": "taken"})

    job = run({"steps": [{"action": "CALL"}]}, blocks=[make_block(call, isolation=isolation)])
    assert job[1].status.name == {"CallFailedError": "CALL_FAILED", "CallRefusedError": "CALL_REFUSED"}[kind.__name__]
    details = {"status": 409, "body": "taken"}
    assert job[1].error == {"type": kind.__name__, "message": "the service said 409", "details": details}


@pytest.mark.parametrize("details", [{"x": object()}, [1, 2], "text", {"x": float("nan")}])
def test_details_that_are_not_an_object_do_not_hide_that_a_call_failed(run: Any, make_block: Any, details: Any) -> None:
    def call() -> None:
        raise CallFailedError("no answer", retry_after=float("inf"), details=details)

    job = run({"steps": [{"action": "CALL"}]}, blocks=[make_block(call)])
    assert job[1].status.name == "CALL_FAILED"
    assert job[1].error == {"type": "CallFailedError", "message": "no answer"}


def test_the_details_of_a_failed_call_can_be_read_by_a_tag(run: Any, make_block: Any) -> None:
    def call() -> None:
        raise CallRefusedError("no", details={"status": 404})

    steps = [
        {"id": "call", "action": "CALL", "allow_failure": True},
        {
            "id": "read",
            "action": "TEXT.JOIN",
            "parameters": {"text1": "is {% steps.call.error.details.status %}", "text2": "."},
        },
    ]
    assert run({"steps": steps}, blocks=[make_block(call)])["read"].return_value == "is 404 ."


def test_a_validation_error_inside_a_block_is_a_value_error_like_any_other(
    run: Any, statuses: Any, make_block: Any
) -> None:
    assert statuses(
        run(
            {"steps": [{"action": "PARSE"}]},
            blocks=[make_block(lambda: TypeAdapter(int).validate_python("x"), name="parse")],
        )
    ) == ["INVALID_ARGUMENT"]


def test_checks_win_in_their_order(make_block: Any) -> None:
    secret = make_block(lambda: 1, name="secret", tags=["A", "B"], max_uses=0)
    steps = [
        TRUE | {"id": "x"},
        {"id": "x", "action": "NOPE", "allow_failure": True},
        {"id": "x", "action": "SECRET", "allow_failure": True},
        {"id": "y", "action": "SECRET", "allow_failure": True},
    ]
    job = Conduit.from_dict({"steps": steps, "step_limit": 0, "tags": ["A"]}, blocks=[secret])
    assert [s.status.name for s in job] == [
        "STEP_LIMIT_EXCEED",
        "BLOCK_NOT_FOUND",
        "DUPLICATE_STEP_IDS",
        "FORBIDDEN_BLOCK",
    ]
    job = Conduit.from_dict({"steps": steps[3:], "step_limit": 0, "tags": ["A", "B", "C"]}, blocks=[secret])
    assert [s.status.name for s in job] == ["BLOCK_LIMIT_EXCEED"]


def test_forced_steps_run_after_a_failure_but_never_past_a_failed_check(run: Any, statuses: Any) -> None:
    job = run({"steps": [FAIL, TRUE, TRUE | {"forced": True}, {"action": "NOPE", "forced": True}]})
    assert statuses(job) == ["ASSERTION_ERROR", "SKIPPED", "DONE", "BLOCK_NOT_FOUND"]


def test_a_failed_check_behind_a_failure_is_skipped(run: Any, statuses: Any) -> None:
    assert statuses(run({"steps": [FAIL, {"action": "NOPE"}]})) == ["ASSERTION_ERROR", "SKIPPED"]


def test_a_condition_that_is_not_met_is_not_a_failure(run: Any, statuses: Any) -> None:
    job = run({"steps": [TRUE | {"if": ""}, TRUE]})
    assert statuses(job) == ["IF_CONDITION_FAILED", "DONE"]
    assert job.success


def test_a_condition_that_leads_nowhere_is_invalid_argument(run: Any, statuses: Any) -> None:
    assert statuses(run({"steps": [TRUE | {"if": "{# missing #}"}]})) == ["INVALID_ARGUMENT"]


@pytest.mark.parametrize("condition", [{"a": 1}, 1, [1], 0.0])
def test_a_condition_of_another_type_is_invalid_argument(run: Any, statuses: Any, condition: Any) -> None:
    assert statuses(run({"steps": [TRUE | {"if": condition}]})) == ["INVALID_ARGUMENT"]


def test_the_failure_of_a_step_that_may_fail_leaves_the_job_alone(run: Any, statuses: Any) -> None:
    job = run({"steps": [FAIL | {"allow_failure": True}, TRUE]})
    assert statuses(job) == ["ASSERTION_ERROR", "DONE"]
    assert (job.success, job.failed_step) == (True, None)


def test_block_limits_are_overridden_by_the_first_glob_that_matches(run: Any, statuses: Any, make_block: Any) -> None:
    once = make_block(lambda: 1, name="once", max_uses=1)
    steps = [{"action": "ONCE", "allow_failure": True}] * 3
    assert statuses(run({"steps": steps}, blocks=[once], block_limit_overrides={"on?e": 2, "*": 0})) == [
        "DONE",
        "DONE",
        "BLOCK_LIMIT_EXCEED",
    ]
    assert statuses(run({"steps": steps}, blocks=[once], block_limit_overrides={"*": None})) == ["DONE"] * 3
    assert (
        statuses(run({"steps": steps}, blocks=[once], block_limit_overrides={"TWICE": 5}))
        == ["DONE"] + ["BLOCK_LIMIT_EXCEED"] * 2
    )
    lowered = run({"steps": [TRUE | {"allow_failure": True}] * 2}, block_limit_overrides={"LOGIC.*": 1})
    assert statuses(lowered) == ["DONE", "BLOCK_LIMIT_EXCEED"]


def test_a_private_block_exists_only_for_the_job_that_has_it(run: Any, statuses: Any, make_block: Any) -> None:
    hidden = make_block(lambda: 1, name="hidden_block")
    assert statuses(run({"steps": [{"action": "hidden_block"}]}, blocks=[hidden])) == ["DONE"]
    assert statuses(run({"steps": [{"action": "hidden_block"}]})) == ["BLOCK_NOT_FOUND"]


def test_global_values_fill_positional_parameters(run: Any, make_block: Any) -> None:
    block = make_block(lambda db, name__, extra="d", *, name: f"{db} {name__} {name} {extra}", name="show")
    job = run(
        {"steps": [{"action": "SHOW", "parameters": {"name": "mine"}}]},
        blocks=[block],
        global_values={"db": "DB", "name": "ours"},
    )
    assert job[1].return_value == "DB ours mine d"


def test_a_missing_global_value_is_the_deployments_fault_and_says_so(run: Any, make_block: Any) -> None:
    job = run({"steps": [{"action": "SHOW"}]}, blocks=[make_block(lambda gateway__: gateway__, name="show")])
    assert job[1].status is ConduitStatus.UNHANDLED_EXCEPTION
    assert "`gateway`" in job[1].error["message"]


def test_users_cannot_set_a_global_value(run: Any, statuses: Any, make_block: Any) -> None:
    block = make_block(lambda db, **rest: [db, sorted(rest)], name="show")
    job = run(
        {"steps": [{"action": "SHOW", "parameters": {"db": "attacker"}}]}, blocks=[block], global_values={"db": "ours"}
    )
    assert statuses(job) == ["INVALID_TYPE"]


def test_listeners_hear_of_every_step_and_once_of_the_end(run: Any) -> None:
    heard: list[Any] = []

    async def on_finish(_job: Conduit, failed: ConduitStep | None) -> None:
        heard.append(failed and failed.id)

    run(
        {"steps": [TRUE, FAIL | {"id": "f"}, TRUE]},
        on_step_update=lambda _, step: heard.append((step.id, step.status.name)),
        on_job_finish=on_finish,
    )
    assert heard == [("1", "DONE"), ("f", "ASSERTION_ERROR"), ("3", "SKIPPED"), "f"]


def test_the_events_example_of_the_librarys_page_runs_as_written(capsys: pytest.CaptureFixture[str]) -> None:
    job = Conduit()
    job.on_step_update = lambda j, step: print(step.id, "has finished!")  # noqa: ARG005, T201  # copied from the page
    job.create_step("LOGIC.TRUE", id="a")
    asyncio.run(job.run())
    assert capsys.readouterr().out == "a has finished!\n"


def test_before_step_may_pause_and_the_next_run_goes_on_there(statuses: Any) -> None:
    answers = iter([None, Decision.PAUSE, Decision.PROCEED])
    finished: list[Any] = []
    job = Conduit.from_dict(
        {"steps": [TRUE, TRUE]}, before_step=lambda *_: next(answers), on_job_finish=lambda *a: finished.append(a)
    )
    assert asyncio.run(job.run()) is Outcome.PAUSED
    assert statuses(job) == ["DONE", "NONE"]
    assert (job.paused.position, finished) == (2, [])
    assert asyncio.run(job.run()) is Outcome.FINISHED
    assert (statuses(job), len(finished), job.success) == (["DONE", "DONE"], 1, True)


def test_before_step_is_asked_only_before_steps_that_would_run(run: Any) -> None:
    asked: list[str] = []
    steps = [TRUE | {"if": ""}, TRUE, {"action": "TEXT.COUNT"}, TRUE, {"action": "NOPE", "forced": True}]
    run({"steps": steps}, before_step=lambda _, step: asked.append(step.id))
    assert asked == ["2"]


@pytest.mark.parametrize("status", [ConduitStatus.INTERRUPTED, ConduitStatus.TIME_LIMIT_EXCEED])
def test_before_step_may_give_a_status_instead(run: Any, statuses: Any, status: ConduitStatus) -> None:
    async def answer(_job: Conduit, _step: ConduitStep) -> ConduitStatus:
        return status

    job = run({"steps": [TRUE, TRUE]}, before_step=answer)
    assert statuses(job) == [status.name, "SKIPPED"]
    assert job[1].attempts == 0


def test_answering_cancelled_cancels_all_that_has_not_run(run: Any, statuses: Any) -> None:
    answers = iter([None, ConduitStatus.CANCELLED])
    job = run({"steps": [TRUE, TRUE, TRUE | {"forced": True}]}, before_step=lambda *_: next(answers))
    assert statuses(job) == ["DONE", "CANCELLED", "CANCELLED"]
    assert (job.success, job.cancelled, job.failed_step) == (False, True, job[2])


def test_a_cancelled_job_has_no_skipped_steps(run: Any, statuses: Any) -> None:
    job = Conduit.from_dict({"steps": [FAIL, TRUE]}, on_step_update=lambda j, _: j.cancel())
    assert statuses(run(job)) == ["ASSERTION_ERROR", "CANCELLED"]


def test_a_step_can_be_deleted_and_the_checks_are_made_again(run: Any, statuses: Any) -> None:
    job = Conduit.from_dict({"steps": [TRUE | {"id": "a"}, TRUE | {"id": "a"}]})
    job.delete_step("a")
    assert (len(job), job["a"].position) == (1, 1)
    assert statuses(run(job)) == ["DONE"]
    with pytest.raises(KeyError):
        job.delete_step("zzz", silent=False)
    assert job.get_step("zzz", silent=True) is None


def test_blocks_may_be_coroutines(run: Any, make_block: Any) -> None:
    async def later(*, value: int) -> int:
        await asyncio.sleep(0)
        return value

    assert (
        run({"steps": [{"action": "LATER", "parameters": {"value": 3}}]}, blocks=[make_block(later)])[1].return_value
        == 3
    )


def test_a_step_that_does_not_end_done_changes_no_variable(run: Any, make_block: Any) -> None:
    def spoil(job__: Any) -> None:
        job__.variables["v"].append(2)
        job__.variables["w"] = 1
        del job__.variables["x"]
        raise ValueError

    job = run({"variables": {"v": [1], "x": 0}, "steps": [{"action": "SPOIL"}]}, blocks=[make_block(spoil)])
    assert job.variables == {"v": [1], "x": 0}


def test_a_step_reports_the_variables_that_it_changed(run: Any, make_block: Any) -> None:
    def change(job__: Any) -> None:
        job__.variables["v"].append(2)
        job__.variables["same"]
        del job__.variables["x"]

    job = run(
        {"variables": {"v": [1], "x": 0, "same": 1}, "steps": [{"action": "CHANGE"}]}, blocks=[make_block(change)]
    )
    assert job.variables == {"v": [1, 2], "same": 1}
    assert job[1].variables_json == '{"set":{"v":[1,2]},"deleted":["x"]}'


def test_a_restored_job_goes_on_where_its_records_end(run: Any, statuses: Any) -> None:
    payload = {
        "steps": [
            TRUE | {"id": "a"},
            FAIL | {"id": "b"},
            TRUE,
            {"action": "TEXT.CREATE", "parameters": {"value": "{: a :}{# n #}"}, "forced": True},
        ]
    }
    first = run(payload)
    records = [
        {
            "id": s.id,
            "position": s.position,
            "action": s.action,
            "status": {"name": s.status.name, "value": s.status.value},
            "result": s.return_value if s.result_json else None,
            "result_json": s.result_json,
            "error": s.error,
            "attempts": s.attempts,
        }
        for s in first.steps[:2]
    ]
    job = Conduit.restore(payload, records, {"n": 5}, attempts=1)
    assert (job.success, job.failed_step.id) == (False, "b")
    run(job)
    assert statuses(job) == ["DONE", "ASSERTION_ERROR", "SKIPPED", "DONE"]
    assert job[4].return_value == "True5"
