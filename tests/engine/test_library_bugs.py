"""Bugs of the library that this engine descends from; none of them exists here."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest

from handler.engine import Conduit, ConduitStatus, ScopedObject


def ascii_type(value: Any) -> str:
    return type(value).__name__


def step(action: str, **parameters: Any) -> dict[str, Any]:
    return {"action": action, "parameters": parameters}


def test_text_that_came_out_of_a_tag_is_not_scanned_again(run: Any) -> None:
    job = run(
        {
            "parameters": {"secret": "TOPSECRET"},
            "steps": [
                {"id": "a", **step("TEXT.CREATE", value="hello \\{< secret >} bye")},
                step("TEXT.CREATE", value="x {: a :} y"),
            ],
        }
    )
    assert job[2].return_value == "x hello {< secret >} bye y"


def test_a_tag_built_from_pieces_stays_text(run: Any) -> None:
    job = run(
        {
            "parameters": {"s": "SECRET"},
            "steps": [
                {"id": "a", **step("TEXT.JOIN", text1="{< s", text2=">}")},
                step("TEXT.CREATE", value="-{: a :}-"),
            ],
        }
    )
    assert job[2].return_value == "-{< s >}-"


def test_variables_that_refer_to_themselves_are_texts(run: Any) -> None:
    job = run({"variables": {"v": "x {# v #}"}, "steps": [step("TEXT.CREATE", value="a {# v #}")]})
    assert job[1].return_value == "a x {# v #}"


def test_600_bytes_that_refer_to_each_other_end_at_once(run: Any) -> None:
    variables = {f"v{n}": f"{{# v{n + 1} #}} " * 10 for n in range(8)}
    started = time.monotonic()
    job = run({"variables": variables, "steps": [step("TEXT.CREATE", value="{# v0 #} !")]})
    assert job.success
    assert time.monotonic() - started < 5


def test_jobs_do_not_share_default_values() -> None:
    one, other = Conduit(), Conduit()
    one.variables["x"] = 1
    assert other.variables == {}
    assert one.local_values is not other.local_values or not one.local_values


@pytest.mark.parametrize(
    ("limit", "expected"), [(2, ["DONE", "DONE", "STEP_LIMIT_EXCEED"]), (0, ["STEP_LIMIT_EXCEED"] + ["SKIPPED"] * 2)]
)
def test_a_step_limit_of_n_lets_n_through(run: Any, statuses: Any, limit: int, expected: list[str]) -> None:
    assert statuses(run({"steps": [step("LOGIC.TRUE")] * 3, "step_limit": limit})) == expected


def test_max_uses_of_n_lets_n_through(run: Any, statuses: Any, make_block: Any) -> None:
    once = make_block(lambda: 1, name="once", max_uses=1)
    assert statuses(run({"steps": [step("ONCE")] * 2}, blocks=[once])) == ["DONE", "BLOCK_LIMIT_EXCEED"]


@pytest.mark.parametrize("action", ["NO.SUCH", "nothing", "", "TEXT.JOIN.X", 1, None, ["TEXT.JOIN"]])
def test_an_unknown_block_is_a_status(run: Any, statuses: Any, action: Any) -> None:
    assert statuses(run({"steps": [{"action": action}]})) == ["BLOCK_NOT_FOUND"]


def test_a_lower_case_name_finds_its_block(run: Any) -> None:
    job = run({"steps": [step("logic.true")]})
    assert (job[1].status, job[1].action) == (ConduitStatus.DONE, "LOGIC.TRUE")


def test_a_wrong_type_is_invalid_type(run: Any, statuses: Any) -> None:
    job = run({"steps": [step("TEXT.COUNT", text=[1])]})
    assert statuses(job) == ["INVALID_TYPE"]
    assert [detail["parameter"] for detail in job[1].error["details"]] == ["text"]


@pytest.mark.parametrize("tag", ["{< o.a.b.c >}", "{< s.99 >}", "{< l.² >}", "{< l.x >}", "{< missing >}"])
def test_a_missing_path_is_an_error_and_no_other_value(run: Any, statuses: Any, tag: str) -> None:
    data = {"parameters": {"o": {"a": 1}, "s": "abc", "l": [1, 2]}, "steps": [step("TEXT.CREATE", value=tag)]}
    assert statuses(run(data)) == ["INVALID_ARGUMENT"]


def test_a_duplicate_id_keeps_the_first_result(run: Any, statuses: Any) -> None:
    job = run(
        {
            "steps": [
                {"id": "a", **step("TEXT.CREATE", value="first")},
                {"id": "a", **step("TEXT.CREATE", value="second")},
                {"forced": True, **step("TEXT.CREATE", value="{: a :}")},
            ]
        }
    )
    assert statuses(job) == ["DONE", "DUPLICATE_STEP_IDS", "DONE"]
    assert job[3].return_value == "first"


def test_an_id_with_dots_can_be_reached_through_a_tag(run: Any) -> None:
    job = run(
        {
            "parameters": {"which": "a.b"},
            "steps": [{"id": "a.b", **step("LOGIC.TRUE")}, step("TEXT.CREATE", value="{: {< which >} :}")],
        }
    )
    assert job[2].return_value == "True"


def test_tags_in_the_names_of_parameters_are_replaced(run: Any) -> None:
    job = run({"parameters": {"p": "text"}, "steps": [step("TEXT.COUNT", **{"{< p >}": "abc"})]})
    assert job[1].return_value == 3


def test_variables_inside_lists_are_plain_values(run: Any) -> None:
    job = run({"variables": {"v": [1]}, "steps": [step("LISTS.MERGE", list1=["{# v #}"], list2=[])]})
    assert json.dumps(job[1].return_value) == "[[1]]"


@pytest.mark.parametrize(
    ("condition", "status"), [(False, "IF_CONDITION_FAILED"), (True, "DONE"), (None, "DONE"), ([], "DONE")]
)
def test_if_takes_a_boolean(run: Any, statuses: Any, condition: Any, status: str) -> None:
    assert statuses(run({"steps": [{"if": condition, **step("LOGIC.TRUE")}]})) == [status]


def test_a_raising_listener_changes_nothing_that_the_steps_did() -> None:
    job = Conduit.from_dict({"steps": [step("LOGIC.TRUE")] * 2})

    def fail(_job: Conduit, _step: Any) -> None:
        raise OSError("the listener's own")

    job.on_step_update = fail
    with pytest.raises(OSError, match="the listener's own"):
        asyncio.run(job.run())
    assert [s.status.name for s in job] == ["DONE", "NONE"]
    job.on_step_update = None
    asyncio.run(job.run())
    assert job.success


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), GeneratorExit(), MemoryError()])
def test_a_block_cannot_end_the_process(run: Any, statuses: Any, make_block: Any, error: BaseException) -> None:
    def leave() -> None:
        raise error

    job = run({"steps": [step("LEAVE"), {"forced": True, **step("LOGIC.TRUE")}]}, blocks=[make_block(leave)])
    assert statuses(job) == ["UNHANDLED_EXCEPTION", "DONE"]
    assert job[1].return_value is error


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), asyncio.CancelledError(), GeneratorExit()])
def test_a_coroutine_block_cannot_end_the_process_either(
    run: Any, statuses: Any, make_block: Any, error: BaseException
) -> None:
    async def leave() -> None:
        raise error

    assert statuses(run({"steps": [step("LEAVE")]}, blocks=[make_block(leave)])) == ["UNHANDLED_EXCEPTION"]


def test_a_coroutine_block_that_claims_a_cancel_is_contained_without_asyncio_too(make_block: Any) -> None:
    async def leave() -> None:
        raise asyncio.CancelledError

    job = Conduit.from_dict({"steps": [step("LEAVE")]}, blocks=[make_block(leave)])
    with pytest.raises(StopIteration):
        job.run().send(None)
    assert job[1].status is ConduitStatus.UNHANDLED_EXCEPTION


def test_contexts_are_true_after_the_last_step(run: Any) -> None:
    job = run({"steps": [{"id": "a", **step("LOGIC.TRUE")}]})
    assert job.contexts["job"]["success"] is True
    assert job.contexts["steps"]["a"]["result"] is True


@pytest.mark.parametrize(
    "result",
    [{1, 2}, b"x", slice(1), object(), float("nan"), float("inf"), 10**4301, "\ud800", {(1, 2): 3}],
    ids=ascii_type,
)
def test_a_result_that_is_not_json_is_refused(run: Any, statuses: Any, make_block: Any, result: Any) -> None:
    job = run({"steps": [step("GIVE")]}, blocks=[make_block(lambda: result, name="give")])
    assert statuses(job) == ["RESULT_LIMIT_EXCEED"]
    assert job[1].result_json is None


def test_a_value_that_contains_itself_is_refused(run: Any, statuses: Any, make_block: Any) -> None:
    def knot() -> list[Any]:
        value: list[Any] = []
        value.append(value)
        return value

    assert statuses(run({"steps": [step("KNOT")]}, blocks=[make_block(knot)])) == ["RESULT_LIMIT_EXCEED"]


def test_in_place_blocks_change_the_variable_or_say_why_not(run: Any, statuses: Any) -> None:
    job = run(
        {
            "variables": {"v": [1], "o": {"l": [1]}},
            "parameters": {"p": [1]},
            "steps": [
                step("LISTS.APPEND", list="{# v #}", item=2),
                {**step("LISTS.APPEND", list="{< p >}", item=2), "allow_failure": True},
                {**step("LISTS.APPEND", list="{# o.l #}", item=2), "allow_failure": True},
                step("LISTS.POP", list=[7, 8]),
            ],
        }
    )
    assert statuses(job) == ["DONE", "INVALID_ARGUMENT", "INVALID_ARGUMENT", "DONE"]
    assert job.variables == {"v": [1, 2], "o": {"l": [1]}}
    assert job[4].return_value == 8


def test_read_only_values_stay_as_they_were(run: Any) -> None:
    given = {"a": [1]}
    job = run(
        {
            "parameters": given,
            "steps": [
                step("VARIABLE.SET", name="v", value="{< a >}"),
                step("LISTS.APPEND", list="{# v #}", item=2),
                {"id": "r", **step("LISTS.COPY", list="{# v #}")},
                step("LISTS.APPEND", list="{# v #}", item=3),
            ],
        }
    )
    assert given == {"a": [1]}
    assert job["r"].return_value == [1, 2]
    assert job.variables["v"] == [1, 2, 3]


def test_a_scoped_object_shows_its_listed_attributes_only(run: Any, statuses: Any) -> None:
    class User:
        name = "Ada"
        password = "secret"
        _token = "secret"

    class UsersJob(Conduit):
        def create_contexts(self) -> dict[str, Any]:
            return super().create_contexts() | {"user": ScopedObject(User(), ["name", "_token"])}

    job = UsersJob.from_dict(
        {
            "steps": [
                {**step("TEXT.CREATE", value=f"{{% user.{key} %}}"), "allow_failure": True}
                for key in ("name", "password", "_token", "__class__")
            ]
        }
    )
    run(job)
    assert statuses(job) == ["DONE", "INVALID_ARGUMENT", "INVALID_ARGUMENT", "INVALID_ARGUMENT"]
    assert ScopedObject(User(), ["name"]).name == "Ada"
