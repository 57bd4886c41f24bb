"""The grammar of tags."""

from __future__ import annotations

import time
from typing import Any

import pytest

from handler.engine import ScopedObject
from handler.engine.language.tags import PathError, Tag, parse, resolve

CONTEXTS = {
    "job": {
        "variables": {
            "v": [1, 2, 3],
            "a.b": 9,
            "n": "v",
            "o": {"l": [{"x": "deep"}]},
            "t": "text",
            "zero": 0,
            "": "empty",
        },
        "parameters": {"order": {"lines": [1, 2, 3]}, "tag": "{# t #}"},
    },
    "steps": {"a": {"result": {"k": "r"}}, "a.b": {"result": 7}},
}


def value_of(text: Any) -> Any:
    return resolve(text, CONTEXTS, lambda _: None)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{# v #}", [1, 2, 3]),
        (" \n{# v #}\t", [1, 2, 3]),
        ("{#   v   #}", [1, 2, 3]),
        ("{# zero #}", 0),
        ("{: a.k :}", "r"),
        ("{< order.lines.1 >}", 2),
        ("{% job.variables.o.l.0.x %}", "deep"),
        ("{# v.-1 #}", 3),
        ("{# v.1:3 #}", [2, 3]),
        ("{# v.::-1 #}", [3, 2, 1]),
        ("{# t.1 #}", "e"),
        ("{# t.:2 #}", "te"),
        ("<{# v #}|{# t #}>", "<[1, 2, 3]|text>"),
        ("{# v #}{# t #}", "[1, 2, 3]text"),
        ("{# {# n #}.0 #}", 1),
        ("{# {# n #} #}", [1, 2, 3]),
        ("{% job.variables.{# n #} %}", [1, 2, 3]),
        ("{: {< order.lines.0 >} :}", None),
        ("{< tag >}", "{# t #}"),
        ("x{< tag >}", "x{# t #}"),
    ],
)
def test_a_tag_is_replaced(text: str, value: Any) -> None:
    if value is None:
        with pytest.raises(PathError):
            value_of(text)
    else:
        assert value_of(text) == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "{",
        "{#v#}",
        "{# v#}",
        "{#v #}",
        "{# a b #}",
        "{# v :}",
        "{# #}",
        "{#  #}",
        "{# v",
        "{%",
        "# v #}",
        "{! v !}",
        "{\t# v #}",
        "{#\tv #}",
        "{# v\n#}",
    ],
)
def test_a_look_alike_of_a_tag_is_text(text: str) -> None:
    assert value_of(text) == text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("\\{# v #}", "{# v #}"),
        ("\\\\{# v #}", "\\{# v #}"),
        ("\\{# {# t #} #}", "{# text #}"),
        ("a\\b {# t #}", "a\\b text"),
        ("\\{x", "\\{x"),
        ("\\{# ", "{# "),
    ],
)
def test_a_backslash_before_an_opener_keeps_it(text: str, value: str) -> None:
    assert value_of(text) == value


def test_a_value_of_a_nested_tag_is_one_key_dots_and_all() -> None:
    contexts = {"job": {"variables": {"a.b": 9}, "parameters": {"k": "a.b"}}}
    assert resolve("{# {< k >} #}", contexts, lambda _: None) == 9


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{< order.lines.7 >}", "`order.lines.7`: a list of 3 at `order.lines` has no `7`"),
        ("{< order.nope >}", "`order.nope`: a dictionary of 1 (`lines`) at `order` has no `nope`"),
        ("{# t.x #}", "`t.x`: a string of 4 at `t` has no `x`"),
        ("{# t.4 #}", "`t.4`: a string of 4 at `t` has no `4`"),
        ("{# zero.x #}", "`zero.x`: a number at `zero` has no `x`"),
        ("{# v.0:1:0 #}", "`v.0:1:0`: the slice `0:1:0` has the step 0, which never ends"),
        ("{: b :}", "`b`: a dictionary of 2 (`a`, `a.b`) has no `b`"),
        ("{: a.k.x :}", "`a.k.x`: a string of 1 at `a.k` has no `x`"),
        ("{% nope %}", "`nope`: a dictionary of 2 (`job`, `steps`) has no `nope`"),
        ("{# _x #}", "`_x`: `_x` is out of reach: keys that start or end with `_` are private"),
        ("{# o.x_ #}", "`o.x_`: `x_` is out of reach: keys that start or end with `_` are private"),
    ],
)
def test_a_path_that_leads_nowhere_says_where_it_stopped_and_shows_the_value_there(text: str, message: str) -> None:
    with pytest.raises(PathError) as raised:
        value_of(text)
    assert str(raised.value) == message


def test_a_tag_hands_out_a_copy() -> None:
    got = value_of("{# v #}")
    got.append(4)
    assert value_of("{# v #}") == [1, 2, 3]


@pytest.mark.parametrize(
    "text", ["{% " * 80_000, "{% {" * 60_000, "{% a{% b" * 30_000, "{%" + " " * 250_000, "\\" * 250_000]
)
def test_a_hostile_text_is_read_in_linear_time(text: str) -> None:
    started = time.process_time()
    parse(text)
    assert time.process_time() - started < 5


def test_more_tags_within_tags_than_anyone_writes_are_text() -> None:
    text = "{# " * 33 + "n" + " #}" * 33
    assert not any(isinstance(piece, Tag) and piece.path.count("{#") >= 32 for piece in parse(text))


FAIL = {"action": "LOGIC.ASSERT", "parameters": {"value": False}}


def show(value: Any, **more: Any) -> dict[str, Any]:
    return {"action": "OBJECT.COPY", "parameters": {"value": value}, **more}


class Person:
    name, spare, token_, _hidden = "Ada", None, "secret", "secret"


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


def test_tags_show_the_written_action_of_a_step_whose_block_is_unknown(run: Any) -> None:
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
def test_the_error_of_a_path_that_leads_nowhere_shows_a_value_of_any_kind(run: Any, path: str, message: str) -> None:
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


def test_a_job_inside_a_longer_string_shows_the_fields_that_tags_can_read(run: Any) -> None:
    job = run({"id": "j", "steps": [{"action": "TEXT.CREATE", "parameters": {"value": "<{% job %}>"}}]})
    assert job[1].return_value == "<{'id': 'j', 'name': None, 'success': None, 'parameters': {}, 'variables': {}}>"


def test_a_scoped_object_is_a_mapping_of_exactly_the_names_that_it_lists() -> None:
    seen = ScopedObject(Person(), ["name", "token_", "_hidden", "__class__"])
    assert (dict(seen), len(seen), bool(seen)) == ({"name": "Ada"}, 1, True)
    for hidden in ("spare", "token_", "_hidden"):
        with pytest.raises(AttributeError):
            getattr(seen, hidden)


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
