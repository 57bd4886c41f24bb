"""Edges of what tags see and give that a change could cross unseen."""

from __future__ import annotations

from typing import Any

import pytest

from handler.engine import ConduitStatus, Limits, Runtime, ScopedObject
from handler.engine.language.tags import resolve

FAIL = {"action": "LOGIC.ASSERT", "parameters": {"value": False}}


def show(value: Any, **more: Any) -> dict[str, Any]:
    return {"action": "OBJECT.COPY", "parameters": {"value": value}, **more}


# ---------------------------------------------------------------------- what tags see


def test_the_result_of_a_step_that_failed_is_null_for_every_tag(run: Any) -> None:
    tags = ["{: f :}", "{% steps.f.result %}", "{% steps.f.status.name %}", "{% steps.f.error.type %}"]
    job = run({"steps": [FAIL | {"id": "f", "allow_failure": True}, show(tags)]})
    assert job[2].return_value == [None, None, "ASSERTION_ERROR", "AssertionError"]


def test_all_of_a_step_and_of_its_job_can_be_read(run: Any) -> None:
    keys = ["id", "position", "action", "parameters", "error", "status.value", "block.category", "block.name"]
    step = {"id": "a", "action": "text.count", "parameters": {"text": "{% job.name %}"}}
    job = run({"id": "j", "name": "n", "steps": [step, show([f"{{% steps.a.{key} %}}" for key in keys])]})
    assert job[2].return_value == ["a", 1, "TEXT.COUNT", step["parameters"], None, 0, "TEXT", "COUNT"]
    assert dict(job.contexts["job"]) == {"id": "j", "name": "n", "success": True, "parameters": {}, "variables": {}}
    assert (len(job.contexts["steps"]), set(job["a"].view)) == (2, {key.split(".")[0] for key in keys} | {"result"})


def test_of_an_unknown_block_tags_see_what_the_action_says(run: Any) -> None:
    names = [f"{{% steps.{step}.block.{key} %}}" for step in ("a", "b") for key in ("category", "name")]
    unknown = [{"id": "a", "action": "MY.OWN.ONE"}, {"id": "b", "action": "ALONE"}]
    job = run(
        {"steps": [step | {"allow_failure": True} for step in unknown] + [show([*names, "{% steps.a.action %}"])]}
    )
    assert job[3].return_value == ["MY", "ONE", None, "ALONE", "MY.OWN.ONE"]


def test_a_step_may_be_named_like_a_part_of_a_path(run: Any) -> None:
    steps = [show(name, id=name) for name in ("steps", "variables", "parameters", "a")]
    tags = ["{: a :}", "{# v #}", "{< p >}", "{% job.variables.v %}"]
    job = run({"variables": {"v": 1}, "parameters": {"p": 2}, "steps": [*steps, show(tags)]})
    assert job[5].return_value == ["a", 1, 2, 1]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("job.variables.none.x", "null at `job.variables.none` has no `x`"),
        ("job.variables.yes.x", "a boolean at `job.variables.yes` has no `x`"),
        ("job.variables.empty.x", "an empty dictionary at `job.variables.empty` has no `x`"),
        ("job.variables.list.99", "a list of 1 at `job.variables.list` has no `99`"),
        ("job.variables.list.x", "a list of 1 at `job.variables.list` has no `x`"),
        ("job.variables.five.x", "a dictionary of 5 (`1`, `2`, `3`, `4`, `5`) at `job.variables.five` has no `x`"),
        ("job.variables.six.x", "a dictionary of 6 (`1`, `2`, `3`, `4`, `5`, …) at `job.variables.six` has no `x`"),
        ("job.tags", "a job at `job` has no `tags`"),
        ("steps.1.x", "a step at `steps.1` has no `x`"),
        ("steps.x", "a job of 1 steps at `steps` has no `x`"),
    ],
)
def test_a_path_that_leads_nowhere_says_what_is_there_whatever_it_is(run: Any, path: str, message: str) -> None:
    variables: dict[str, Any] = {"none": None, "yes": True, "empty": {}, "list": [1]}
    variables |= {"five": dict.fromkeys("12345"), "six": dict.fromkeys("123456")}
    job = run({"variables": variables, "steps": [show(f"{{% {path} %}}")]})
    assert job[1].error == {"type": "PathError", "message": f"`{path}`: {message}"}


@pytest.mark.parametrize("key", ["_secret", "secret_", "__class__"])
def test_a_private_key_is_out_of_reach_through_another_tag_too(run: Any, key: str) -> None:
    variables = {"key": key, key: 1}
    error = run({"variables": variables, "steps": [show("{% job.variables.{# key #} %}")]})[1].error
    assert error["type"] == "PathError"
    assert f"`{key}` is out of reach" in error["message"]


def test_a_shortcut_to_a_step_that_is_not_there_says_so(run: Any) -> None:
    error = run({"steps": [show("{: nope :}")]})[1].error
    assert error == {"type": "PathError", "message": "`nope`: a job of 1 steps has no `nope`"}


def test_a_job_put_into_a_text_shows_what_tags_see_of_it(run: Any) -> None:
    job = run({"id": "j", "steps": [{"action": "TEXT.CREATE", "parameters": {"value": "<{% job %}>"}}]})
    assert job[1].return_value == "<{'id': 'j', 'name': None, 'success': None, 'parameters': {}, 'variables': {}}>"


class Person:
    name, spare, token_, _hidden = "Ada", None, "secret", "secret"


def test_a_scoped_object_is_a_mapping_of_what_it_lists_and_of_no_more() -> None:
    seen = ScopedObject(Person(), ["name", "token_", "_hidden", "__class__"])
    assert (dict(seen), len(seen), bool(seen)) == ({"name": "Ada"}, 1, True)
    for hidden in ("spare", "token_", "_hidden"):
        with pytest.raises(AttributeError):
            getattr(seen, hidden)


# ---------------------------------------------------------------------- values that tags give


@pytest.mark.parametrize(
    ("written", "value"),
    [
        (" {# {# n #} #}\n", [1]),
        ("{# n #} {# n #}", "v v"),
        ("{# a{b #}", 5),
        ("{# a{b{# n #} #}", 6),
        ({1: "x", "{# n #}": 2, "{# five #}": 3}, {"1": "x", "v": 2, "5": 3}),
    ],
)
def test_what_the_user_wrote_becomes_this_value(written: Any, value: Any) -> None:
    contexts = {"job": {"variables": {"v": [1], "n": "v", "a{b": 5, "a{bv": 6, "five": 5}}}
    assert resolve(written, contexts, lambda _: None) == value


@pytest.mark.parametrize("given", [[{"k": [1]}], {"k": {"l": [1]}}])
def test_a_block_that_changes_what_a_tag_gave_it_changes_its_own_copy(run: Any, make_block: Any, given: Any) -> None:
    def spoil(*, value: Any) -> None:
        (value[0] if isinstance(value, list) else value)["k"] = "spoilt"

    data = {"parameters": {"p": given}, "steps": [{"action": "SPOIL", "parameters": {"value": "{< p >}"}}]}
    job = run(data, blocks=[make_block(spoil)])
    assert job[1].status is ConduitStatus.DONE
    assert "spoilt" not in str(job.local_values)


def test_an_object_that_code_gave_a_job_reaches_its_blocks_as_it_is(run: Any, make_block: Any) -> None:
    person, seen = Person(), list[Any]()
    look = make_block(lambda *, value: seen.append(value), name="look")
    step = {"action": "LOOK", "parameters": {"value": "{# person #}"}}
    run({"variables": {"person": person}, "steps": [step]}, blocks=[look])
    assert seen == [person]
    error = run({"variables": {"person": person}, "steps": [show("{# person.name #}")]})[1].error
    assert error["message"] == "`person.name`: a value at `person` has no `name`"


def test_parameters_nested_without_end_are_a_status(run: Any, statuses: Any) -> None:
    value: Any = []
    for _ in range(100_000):
        value = [value]
    job = run({"steps": [show(value)]})
    assert (statuses(job), job[1].error["message"]) == (["INVALID_ARGUMENT"], "the parameters are nested too deep")
    while value:  # taken apart by hand: freeing it at once would recurse as deep
        value = value.pop()


def levels(depth: int, inner: Any) -> Any:
    """A value of that many levels: `inner` is the deepest, and beside each level stand values that are not as deep."""
    for level in range(depth - 1):
        inner = {"a": {}, "k": inner, "l": [1]} if level % 2 else [[1], inner, {}]
    return inner


@pytest.mark.parametrize(("over", "status"), [(-1, "DONE"), (0, "DONE"), (1, "RESULT_LIMIT_EXCEED")])
@pytest.mark.parametrize("inner", [[], {}, [1], {"k": 1}], ids=str)
@pytest.mark.parametrize("limit", [4, 5, 32])
def test_levels_are_counted_along_the_deepest_branch(
    run: Any, statuses: Any, make_block: Any, limit: int, inner: Any, over: int, status: str
) -> None:
    give = make_block(lambda: levels(limit + over, inner), name="give")
    job = run({"steps": [{"action": "GIVE"}]}, Runtime(limits=Limits(nesting=limit)), blocks=[give])
    assert statuses(job) == [status]


def test_a_result_nested_without_end_is_a_status(run: Any, make_block: Any) -> None:
    step = run({"steps": [{"action": "GIVE"}]}, blocks=[make_block(lambda: levels(5000, []), name="give")])[1]
    assert step.status is ConduitStatus.RESULT_LIMIT_EXCEED
    assert step.error["message"] == "the value is nested deeper than 32 levels"


def test_a_result_is_a_copy_that_its_block_cannot_change_afterwards(run: Any, make_block: Any) -> None:
    kept: list[Any] = []

    def give() -> list[Any]:
        kept.append((1, []))
        return kept

    job = run({"steps": [{"action": "GIVE"}] * 2}, blocks=[make_block(give)])
    kept[0][1].append("spoilt")
    assert [step.return_value for step in job] == [[[1, []]], [[1, []], [1, []]]]


def test_a_wide_value_is_not_a_deep_one(run: Any, statuses: Any) -> None:
    assert statuses(run({"steps": [show([[]] * 100 + [{}] * 100)]})) == ["DONE"]


@pytest.mark.parametrize(
    ("value", "text"),
    [(True, "true"), (False, "false"), (None, "null"), (1.5, "1.5"), ("ä", '"ä"'), ((1, 2), "[1,2]"), (["ä"], '["ä"]')],
)
def test_a_result_is_kept_as_canonical_json(run: Any, make_block: Any, value: Any, text: str) -> None:
    assert run({"steps": [{"action": "GIVE"}]}, blocks=[make_block(lambda: value, name="give")])[1].result_json == text
