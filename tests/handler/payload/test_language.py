"""The payload's steps without a block: every kind of step, and every mistake in one."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from blocks.block import Registry
from handler.payload.fields import KINDS
from handler.payload.parse import InvalidPayloadError, PayloadLimits, parse
from handler.payload.problem import MAX_PATH, MAX_POINTER, Problem
from handler.validation.schema import job_schema
from tests.examples import examples

SHAPE = Draft202012Validator(job_schema(Registry()))
A = {"id": "a", "action": "LOGIC.TRUE"}
FORM = {"type": "object", "properties": {"limit": {"type": "number"}}, "required": ["limit"]}
WHOLE: dict[str, dict[str, Any]] = {
    "block": {**A, "parameters": {"x": 1}, "retry": {"on": [{"http": [409]}, {"code": ["Busy"]}, "CALL_FAILED"]}},
    "poll": {**A, "poll": {"until": "{= result.done =}", "every": 20, "max": 60}, "timeout": 5},
    "for_each": {"for_each": "{< l >}", "as": "order", "tolerate": {"count": 2}, "do": [A], "timeout": 9},
    "short": {"for_each": [1, "{< n >}"], "action": "LOGIC.TRUE", "parameters": {}, "tolerate": {"percent": 12.5}},
    "an object": {"for_each": {"a": 1}, "do": [A]},
    "while": {"while": "{= loop.index < 3 =}", "max": 10, "do": [A], "allow_failure": True},
    "always": {"while": True, "max": 1, "do": [A]},
    "choose": {"choose": [{"if": "{< v >}", "do": [A]}, {"if": ["{< v >}"], "do": [A]}], "else": [A], "forced": True},
    "try": {"try": [A], "catch": [A]},
    "set": {"set": {"net": "{= 1 =}", "gross": [1]}},
    "end": {"end": "job", "message": "{< why >}", "if": "{< done >}"},
    "wait": {"wait": {"seconds": 259_200}},
    "wait by a tag": {"wait": {"seconds": "{< s >}"}},
    "wait until": {"wait": {"until": "2027-01-01T09:00:00+01:00"}},
    "wait_for": {
        "wait_for": {"timeout": 60, "message": "Go on?", "tags": ["finance"], "not_sender": True, "form": FORM}
    },
}


def problems(*steps: Any, most: int = 1000, **job: Any) -> list[tuple[str, str]]:
    return [(problem.pointer, problem.code) for problem in found(*steps, most=most, **job)]


def found(*steps: Any, most: int = 1000, **job: Any) -> list[Problem]:
    with pytest.raises(InvalidPayloadError) as raised:
        parse({**job, "steps": list(steps)}, PayloadLimits(steps=most))
    return raised.value.problems


def message(*steps: Any, **job: Any) -> str:
    return found(*steps, **job)[0].message


@pytest.mark.parametrize("name", WHOLE)
def test_every_kind_of_step_is_taken_as_it_is_with_each_of_its_fields(name: str) -> None:
    assert parse({"steps": [WHOLE[name]]}).steps == [WHOLE[name]]
    assert SHAPE.is_valid({"steps": [WHOLE[name]]})


def test_a_job_has_an_output_a_timeout_and_a_schema_that_is_ignored() -> None:
    job = parse({"$schema": "https://x/schema", "steps": [], "output": {"a": "{: x :}"}, "timeout": 5})
    assert (job.output, job.timeout) == ({"a": "{: x :}"}, 5.0)
    assert job.as_job()["output"] == {"a": "{: x :}"}
    assert "$schema" not in job.canonical()


def test_an_output_of_null_counts_as_no_output() -> None:
    assert "output" not in parse({"steps": [], "output": None}).as_job()


@pytest.mark.parametrize("step", [{}, {"id": "a"}, {"do": [A]}, {"else": []}, {"parameters": {}}])
def test_a_step_of_no_kind_is_refused_and_the_message_lists_the_kinds(step: dict[str, Any]) -> None:
    assert problems(step)[0] == ("/steps/0", "INVALID_FIELD")
    assert all(kind.key in message(step) for kind in KINDS.values())


@pytest.mark.parametrize("other", [kind.key for kind in KINDS.values() if kind.key not in ("action", "for_each")])
def test_a_step_of_several_kinds_is_refused_and_the_message_names_them(other: str) -> None:
    assert problems({**A, other: 1})[0] == ("/steps/0", "INVALID_FIELD")
    assert f"action and {other}" in message({**A, other: 1})


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        *[("while", "retry"), ("while", "poll"), ("choose", "retry"), ("try", "poll"), ("set", "retry")],
        *[("end", "retry"), ("wait", "retry"), ("wait_for", "poll"), ("choose", "allow_failure")],
        *[("try", "allow_failure"), ("end", "allow_failure"), ("set", "parameters"), ("wait", "timeout")],
        *[("block", "do"), ("block", "tolerate"), ("set", "else"), ("wait", "catch"), ("for_each", "max")],
    ],
)
def test_a_field_of_another_kind_is_refused_and_the_message_says_whose_it_is(kind: str, field: str) -> None:
    step = {**WHOLE[kind], field: {}}
    assert problems(step) == [(f"/steps/0/{field}", "INVALID_FIELD")]
    assert f"'{field}' belongs to steps with" in message(step)


@pytest.mark.parametrize(
    ("step", "pointer", "code"),
    [
        ({"for_each": []}, "/do", "MISSING_FIELD"),
        ({"for_each": [], "do": [A], "action": "X"}, "/action", "INVALID_FIELD"),
        ({"for_each": [], "do": [A], "retry": {}}, "/retry", "INVALID_FIELD"),
        ({"for_each": [], "do": []}, "/do", "INVALID_FIELD"),
        ({"for_each": [], "do": {}}, "/do", "INVALID_FIELD"),
        ({"for_each": [], "do": [A], "tolerate": {}}, "/tolerate", "INVALID_FIELD"),
        ({"for_each": [], "do": [A], "tolerate": {"count": 1, "percent": 1}}, "/tolerate", "INVALID_FIELD"),
        ({"for_each": [], "do": [A], "tolerate": {"count": -1}}, "/tolerate/count", "INVALID_FIELD"),
        ({"for_each": [], "do": [A], "tolerate": {"percent": "{< p >}"}}, "/tolerate/percent", "INVALID_FIELD"),
        ({"for_each": [], "do": [A], "tolerate": 5}, "/tolerate", "INVALID_FIELD"),
        ({"while": "{< x >}", "do": [A]}, "/max", "MISSING_FIELD"),
        ({"while": "{< x >}", "max": 0, "do": [A]}, "/max", "INVALID_FIELD"),
        ({"while": "{< x >}", "max": 1001, "do": [A]}, "/max", "INVALID_FIELD"),
        ({"while": "{< x >}", "max": "{< m >}", "do": [A]}, "/max", "INVALID_FIELD"),
        ({"while": 1, "max": 1, "do": [A]}, "/while", "INVALID_FIELD"),
        ({"while": "{< x >}", "max": 1}, "/do", "MISSING_FIELD"),
        ({"choose": []}, "/choose", "INVALID_FIELD"),
        ({"choose": [{"do": [A]}]}, "/choose/0/if", "MISSING_FIELD"),
        ({"choose": [{"if": True}]}, "/choose/0/do", "MISSING_FIELD"),
        ({"choose": [{"if": True, "do": [A], "else": []}]}, "/choose/0/else", "UNKNOWN_FIELD"),
        ({"choose": [7]}, "/choose/0", "INVALID_FIELD"),
        ({"try": []}, "/try", "INVALID_FIELD"),
        ({"set": []}, "/set", "INVALID_FIELD"),
        ({"end": "loops"}, "/end", "INVALID_FIELD"),
        ({"end": "loop"}, "/end", "INVALID_FIELD"),
        ({"end": "item"}, "/end", "INVALID_FIELD"),
        ({"end": "{< what >}"}, "/end", "INVALID_FIELD"),
        ({"wait": {}}, "/wait", "INVALID_FIELD"),
        ({"wait": {"seconds": 1, "until": "x"}}, "/wait", "INVALID_FIELD"),
        ({"wait": {"seconds": -1}}, "/wait/seconds", "INVALID_FIELD"),
        ({"wait": {"seconds": "5"}}, "/wait/seconds", "INVALID_FIELD"),
        ({"wait": {"seconds": None}}, "/wait/seconds", "INVALID_FIELD"),
        ({"wait": {"seconds": True}}, "/wait/seconds", "INVALID_FIELD"),
        ({"wait": {"until": 5}}, "/wait/until", "INVALID_FIELD"),
        ({"wait_for": {}}, "/wait_for/timeout", "MISSING_FIELD"),
        ({"wait_for": {"timeout": "{< t >}"}}, "/wait_for/timeout", "INVALID_FIELD"),
        ({"wait_for": {"timeout": 5, "tags": ["{< t >}"]}}, "/wait_for/tags/0", "INVALID_FIELD"),
        ({"wait_for": {"timeout": 5, "not_sender": "{< t >}"}}, "/wait_for/not_sender", "INVALID_FIELD"),
        ({"wait_for": {"timeout": 5, "form": []}}, "/wait_for/form", "INVALID_FIELD"),
        ({"wait_for": {"timeout": 5, "form": {"pattern": "x"}}}, "/wait_for/form/pattern", "UNKNOWN_FIELD"),
        ({"wait_for": {"timeout": 5, "form": {"items": {"type": "x"}}}}, "/wait_for/form/items/type", "INVALID_FIELD"),
        (
            {"wait_for": {"timeout": 5, "form": {"description": "{< d >}"}}},
            "/wait_for/form/description",
            "INVALID_FIELD",
        ),
        ({**A, "poll": {"every": 1, "max": 1}}, "/poll/until", "MISSING_FIELD"),
        ({**A, "poll": {"until": "{< x >}", "every": "{< e >}", "max": 1}}, "/poll/every", "INVALID_FIELD"),
        ({**A, "retry": {"on": ["NONE"]}}, "/retry/on/0", "INVALID_FIELD"),
        ({**A, "retry": {"on": [{"http": [5]}]}}, "/retry/on/0", "INVALID_FIELD"),
        ({**A, "retry": {"on": [{"code": [5]}]}}, "/retry/on/0", "INVALID_FIELD"),
    ],
)
def test_a_wrong_field_is_reported_with_its_place(step: dict[str, Any], pointer: str, code: str) -> None:
    assert problems(step) == [(f"/steps/0{pointer}", code)]
    assert not SHAPE.is_valid({"steps": [step]})


@pytest.mark.parametrize(
    "field",
    [
        *[{"forced": "yes"}, {"forced": 1}, {"allow_failure": "true"}, {"timeout": "5"}, {"timeout": True}],
        *[{"retry": {"attempts": "3"}}, {"retry": {"attempts": True}}, {"retry": {"jitter": 1}}, {"id": 5}],
        *[
            {"retry": {"delay": "1"}},
            {"retry": {"on": [{"http": ["409"]}]}},
            {"poll": {"until": 1, "every": 1, "max": 1}},
        ],
    ],
)
def test_no_value_is_converted_to_one_that_would_fit(field: dict[str, Any]) -> None:
    job = {"steps": [{"action": "A", **field}]}
    assert len(problems(*job["steps"])) == 1
    assert not SHAPE.is_valid(job)


@pytest.mark.parametrize("name", ["item", "order", "x1", "a_b", "Order"])
def test_an_item_may_have_any_name_that_means_nothing_else(name: str) -> None:
    assert parse({"steps": [{"for_each": [], "as": name, "do": [A]}]}).steps[0]["as"] == name


@pytest.mark.parametrize(
    "name",
    [
        *["", "a b", "{< n >}", 5, "_a", "a_", "1a", "a.b", "a-b", "é"],
        *["job", "steps", "parameters", "variables", "loop", "for", "in", "true", "None", "len", "try", "matches"],
    ],
)
def test_any_other_name_of_an_item_is_refused(name: Any) -> None:
    assert problems({"for_each": [], "as": name, "do": [A]}) == [("/steps/0/as", "INVALID_FIELD")]
    assert not SHAPE.is_valid({"steps": [{"for_each": [], "as": name, "do": [A]}]})


@pytest.mark.parametrize(
    ("step", "pointer"),
    [
        ({"for_each": [], "do": [{"action": "A"}]}, "/do/0/id"),
        ({"while": True, "max": 1, "do": [{"action": "A", "id": None}]}, "/do/0/id"),
        ({"choose": [{"if": True, "do": [{"action": "A"}]}]}, "/choose/0/do/0/id"),
        ({"choose": [{"if": True, "do": [A]}], "else": [{"action": "A"}]}, "/else/0/id"),
        ({"try": [{"action": "A"}]}, "/try/0/id"),
        ({"try": [A], "catch": [{"action": "A"}]}, "/catch/0/id"),
    ],
)
def test_a_step_inside_of_another_needs_an_id(step: dict[str, Any], pointer: str) -> None:
    assert problems(step) == [(f"/steps/0{pointer}", "INVALID_FIELD")]
    assert not SHAPE.is_valid({"steps": [step]})


def test_a_loop_can_be_ended_inside_of_it_also_in_a_choice_or_a_try() -> None:
    end = {"id": "e", "end": "loop"}
    inside = {"id": "c", "choose": [{"if": True, "do": [{"id": "t", "try": [end]}]}]}
    for steps in ([{"for_each": [], "do": [inside]}], [{"while": True, "max": 1, "do": [end]}]):
        parse({"steps": steps})
        assert SHAPE.is_valid({"steps": steps})


def test_end_loop_outside_a_loop_is_refused_also_in_a_choice_or_a_try() -> None:
    step = {"choose": [{"if": True, "do": [{"id": "e", "end": "item"}]}]}
    assert problems(step) == [("/steps/0/choose/0/do/0/end", "INVALID_FIELD")]
    assert not SHAPE.is_valid({"steps": [step]})


def nest(levels: int, *, choose: bool = False) -> dict[str, Any]:
    step: dict[str, Any] = A
    for level in range(levels):
        inner = {"if": True, "do": [step]}
        step = (
            {"id": f"l{level}", "choose": [inner]}
            if choose and level % 2
            else {"id": f"l{level}", "for_each": [], "do": [step]}
        )
    return step


@pytest.mark.parametrize("choose", [False, True])
@pytest.mark.parametrize(("levels", "taken"), [(3, True), (4, True), (5, False)])
def test_loops_and_choices_may_nest_four_deep(levels: int, taken: bool, choose: bool) -> None:
    step = nest(levels, choose=choose)
    assert SHAPE.is_valid({"steps": [step]}) == taken
    if taken:
        parse({"steps": [step]})
    else:
        assert [code for _, code in problems(step)] == ["NESTING_LIMIT_EXCEED"]


@pytest.mark.parametrize(("count", "taken"), [(49, True), (50, True), (51, False)])
def test_a_loop_has_50_steps_at_most(count: int, taken: bool) -> None:
    step = {"for_each": [], "do": [{**A, "id": f"s{n}"} for n in range(count)]}
    assert SHAPE.is_valid({"steps": [step]}) == taken
    if taken:
        parse({"steps": [step]})
    else:
        assert problems(step) == [("/steps/0/do", "INVALID_FIELD")]


@pytest.mark.parametrize(("count", "taken"), [(999, True), (1000, True), (1001, False)])
@pytest.mark.parametrize("kind", ["straight", "inner", "output"])
def test_a_job_has_1000_written_steps_at_most_inner_ones_and_the_output_included(
    count: int, taken: bool, kind: str
) -> None:
    if kind == "inner":
        groups, rest = divmod(count, 51)
        loops = [{"for_each": [], "do": [{**A, "id": f"s{n}"} for n in range(50)]}] * groups
        job: dict[str, Any] = {"steps": loops + [{"action": "A"}] * rest}
    else:
        job = {"steps": [{"action": "A"}] * (count - (kind == "output"))}
        job |= {"output": 1} if kind == "output" else {}
    if taken:
        parse(job)
    else:
        assert problems(*job.pop("steps"), **job) == [("/steps", "STEP_LIMIT_EXCEED")]


def test_another_step_limit_counts_as_well() -> None:
    parse({"steps": [A] * 2}, PayloadLimits(steps=2))
    assert problems(A, A, A, most=2) == [("/steps", "STEP_LIMIT_EXCEED")]


def test_a_problem_says_in_which_step_it_is() -> None:
    inner = {"id": "post", "action": 7}
    loop = {"id": "orders", "for_each": [], "do": [{"id": "c", "choose": [{"if": True, "do": [inner]}]}]}
    assert [problem.path for problem in found({"action": 7}, loop)] == ["1", "orders.*.post"]
    assert found(name=7)[0].path is None


# ---------------------------------------------------------------------- equal jobs


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    jobs = [parse({"steps": [one]}), parse({"steps": [other]})]
    texts = [job.meaning(job.canonical()) for job in jobs]
    return texts[0] == texts[1]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"action": "TEXT.JOIN"}, {"action": "text.Join"}),
        ({"action": "A"}, {"action": "A", "id": None, "if": None, "timeout": None, "retry": None, "poll": None}),
        ({"action": "A"}, {"action": "A", "parameters": {}, "forced": False, "allow_failure": False}),
        ({"action": "A", "retry": {}}, {"action": "A", "retry": {"attempts": 3, "delay": 1, "jitter": True}}),
        ({"for_each": [], "do": [A]}, {"for_each": [], "do": [A], "as": "item", "tolerate": {"count": 0}}),
        ({"for_each": [], "do": [A]}, {"for_each": [], "do": [{**A, "action": "logic.true"}], "timeout": None}),
        ({"choose": [{"if": True, "do": [A]}]}, {"choose": [{"if": True, "do": [A]}], "else": []}),
        ({"try": [A]}, {"try": [A], "catch": None}),
        ({"wait_for": {"timeout": 5}}, {"wait_for": {"timeout": 5.0, "tags": [], "not_sender": False, "form": None}}),
    ],
)
def test_nulls_defaults_and_the_case_of_a_blocks_name_make_no_other_job(one: Any, other: Any) -> None:
    assert same(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"action": "A"}, {"action": "B"}),
        ({"action": "A"}, {"action": "A", "if": True}),
        ({"action": "A"}, {"action": "A", "retry": {}}),
        ({"action": "A", "parameters": {"a": "x"}}, {"action": "A", "parameters": {"a": "X"}}),
        ({"action": "A", "parameters": {"a": None}}, {"action": "A", "parameters": {}}),
        ({"action": "A", "parameters": {"a": 1}}, {"action": "A", "parameters": {"a": 1.0}}),
        ({"set": {"a": None}}, {"set": {}}),
        ({"for_each": [], "do": [A]}, {"for_each": [], "do": [A], "as": "x"}),
    ],
)
def test_any_other_difference_makes_another_job(one: Any, other: Any) -> None:
    assert not same(one, other)


# ---------------------------------------------------------------------- hostile payloads


def test_pointers_paths_and_messages_are_short_for_any_payload() -> None:
    key, long = "k" * 50_000, "i" * 20_000
    bad = found(
        {"action": 5, "id": long}, {"id": long, "for_each": [], "do": [{"id": long, "end": 1, key: 1}]}, **{key: 1}
    )
    assert all(len(p.pointer) <= MAX_POINTER and len(p.message) <= 1000 for p in bad)
    assert all(len(p.path or "") <= MAX_PATH for p in bad)


def test_problems_are_capped_while_they_are_found() -> None:
    step = {"choose": [{"if": True, "do": [{}] * 50}] * 15}
    assert len(found(step)) <= 1001
    assert problems(*[{}] * 60_000) == [("/steps", "STEP_LIMIT_EXCEED")]


# ---------------------------------------------------------------------- the schema and the door agree

scalars = st.sampled_from(
    [None, True, 0, 1, 5, 1001, -1, 2.5, "", "x", "a_", "len", "loop", "job", "{< x >}", "{= 1 =}"]
)
anything = (
    scalars | st.lists(scalars, max_size=2) | st.dictionaries(st.sampled_from(["seconds", "count", "if"]), scalars)
)


def steps_of(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    lists = st.lists(inner, max_size=2) | scalars
    branch = st.fixed_dictionaries({}, optional={"if": scalars, "do": lists, "x": scalars}) | scalars
    retry = st.fixed_dictionaries(
        {},
        optional={
            "attempts": scalars,
            "jitter": scalars,
            "on": st.lists(st.sampled_from(["CALL_FAILED", "NONE", {"http": [409]}, {"http": [5]}, {"code": ["x"]}])),
        },
    )
    poll = st.fixed_dictionaries({}, optional={"until": scalars, "every": scalars, "max": scalars})
    wait = st.fixed_dictionaries({}, optional={"seconds": scalars, "until": scalars}) | scalars
    wait_for = st.fixed_dictionaries(
        {"timeout": scalars},
        optional={"message": scalars, "tags": st.lists(scalars, max_size=2) | scalars, "not_sender": scalars},
    )
    common = {
        "id": st.sampled_from(["a", "b", "a.b", "_a", "", None]),
        "if": scalars,
        "forced": st.sampled_from([True, False, 1, None]),
        "allow_failure": st.sampled_from([True, False, None]),
    }
    kinds: list[tuple[dict[str, Any], dict[str, Any]]] = [
        ({"action": st.sampled_from(["A", 1])}, {"retry": retry, "poll": poll, "timeout": scalars, "do": lists}),
        (
            {"for_each": anything, "do": lists},
            {"as": scalars, "tolerate": anything, "timeout": scalars, "retry": retry},
        ),
        ({"for_each": anything, "action": st.just("A")}, {"parameters": anything, "retry": retry, "do": lists}),
        ({"while": scalars, "max": scalars, "do": lists}, {"timeout": scalars, "parameters": anything}),
        ({"choose": st.lists(branch, max_size=2)}, {"else": lists}),
        ({"try": lists}, {"catch": lists, "timeout": scalars}),
        ({"set": anything}, {"end": scalars}),
        ({"end": st.sampled_from(["job", "loop", "item", "x"])}, {"message": scalars}),
        ({"wait": wait}, {"retry": retry}),
        ({"wait_for": wait_for}, {"wait": wait}),
    ]
    return st.one_of(
        [st.fixed_dictionaries(needed, optional={**common, **optional}) for needed, optional in kinds]
    ) | st.dictionaries(st.sampled_from(["id", "do", "x", "set"]), scalars, max_size=2)


JOBS = st.fixed_dictionaries(
    {"steps": st.lists(st.recursive(st.just(A), steps_of, max_leaves=6), max_size=2)},
    optional={"output": scalars, "timeout": scalars, "$schema": scalars, "variables": anything, "tags": scalars},
)


@settings(max_examples=examples(500))
@given(JOBS)
def test_the_schema_and_the_door_accept_the_same_jobs(job: dict[str, Any]) -> None:
    payload = None
    with suppress(InvalidPayloadError):
        payload = parse(json.dumps(job))
    assert SHAPE.is_valid(job) == (payload is not None)
    if payload is not None:
        assert parse(payload.canonical()).canonical() == payload.canonical()
        meaning = parse(payload.meaning(payload.canonical()))
        assert meaning.meaning(meaning.canonical()) == payload.meaning(payload.canonical())
