"""Problems found before a run in loops, choices, tries, expressions, conditions, waits and the output."""

from __future__ import annotations

from typing import Any

import pytest

from blocks.block import REGISTRY, Block, Registry
from handler.caller import Rights
from handler.payload.parse import parse
from handler.payload.problem import MAX_MESSAGE, MAX_POINTER, MAX_PROBLEMS, Problem
from handler.validation.deployment import Deployment
from handler.validation.validate import find_problems

NOBODY = Rights(frozenset(), 1000)


def found(*steps: dict[str, Any], deployment: Deployment | None = None, **job: Any) -> list[Problem]:
    return find_problems(parse({**job, "steps": list(steps)}), NOBODY, deployment=deployment)


def find(*steps: dict[str, Any], **job: Any) -> list[tuple[str, str, str | None]]:
    return [(problem.severity, problem.code, problem.path) for problem in found(*steps, **job)]


def join(id_: str | None = None, **parameters: Any) -> dict[str, Any]:
    return {"id": id_, "action": "TEXT.JOIN", "parameters": {"text1": "a", "text2": "b"} | parameters}


def each(*steps: dict[str, Any], id_: str = "l", items: Any = "{< l >}", **fields: Any) -> dict[str, Any]:
    return {"id": id_, "for_each": items, "do": list(steps), **fields}


def choose(
    *steps: dict[str, Any], id_: str = "c", other: tuple[dict[str, Any], ...] = (), **fields: Any
) -> dict[str, Any]:
    branch = {"if": "{< p >}", "do": list(steps)}
    return {"id": id_, "choose": [branch], "else": list(other), **fields}


BAD = {"id": "bad", "action": "TEXT.JION"}
ERROR, WARNING = "error", "warning"

# ---------------------------------------------------------------------- which values a step can read


def test_a_good_job_of_every_kind_has_no_problems() -> None:
    steps = [
        each(
            join("tax", text1="{= str(order.net) =}", text2="{% loop.index %} of {% loop.count %}"),
            join("post", text1="{: tax :}", text2="{% order.name %}"),
            **{"as": "order"},
        ),
        {"set": {"net": "{= len(steps.l.result) =}", "gross": "{= variables.net * 2 =}"}},
        choose(join("a"), other=(join("a"),)),
        {"id": "t", "try": [join("x")], "catch": [join("y", text1="{% steps.t.failed_step.error.message %}")]},
        {"id": "w", "while": "{= loop.index == 0 or steps.s.result != 'x' =}", "max": 3, "do": [join("s")]},
        {"wait": {"seconds": 5}},
        join(text1="{: a :}", text2="{# net #} {# gross #}"),
        {**join(), "if": "{= len([i for i in steps.l.items if i.status.name != 'DONE']) > 0 =}"},
        {"end": "job", "message": "{% steps.l.items.0.status.name %}", "if": "{% job.failed_step.id %}"},
    ]
    assert found(*steps, parameters={"l": [{"net": 1}], "p": 1}, output={"list": "{: l :}"}) == []


def test_steps_inside_are_found_by_their_path_with_a_star_for_the_item() -> None:
    assert find(each(choose(BAD))) == [
        (ERROR, "INVALID_ARGUMENT", "l"),
        (ERROR, "INVALID_ARGUMENT", "l.*.c"),
        (ERROR, "BLOCK_NOT_FOUND", "l.*.bad"),
    ]


def test_a_pointer_leads_to_the_inner_step() -> None:
    assert found(choose(BAD), parameters={"p": 1})[0].pointer == "/steps/0/choose/0/do/0/action"
    assert found({"id": "t", "try": [join("a")], "catch": [BAD]})[0].pointer == "/steps/0/catch/0/action"


def test_an_inner_step_cannot_be_read_outside_and_the_message_names_the_steps_that_can() -> None:
    problems = found(each(join("post")), join("z", text1="{: post :}"), parameters={"l": []})
    assert [(p.severity, p.code, p.path) for p in problems] == [(ERROR, "INVALID_ARGUMENT", "z")]
    assert "inside of `l`" in problems[0].message
    assert "{: l :}" in problems[0].message


@pytest.mark.parametrize("text", ["{: l :}", "{: post :}"])
def test_a_loop_and_the_step_itself_have_no_result_yet_inside(text: str) -> None:
    codes = {problem.code for problem in found(each(join("post", text1=text)), parameters={"l": []})}
    assert codes == {"LATER_STEP", "INVALID_TYPE"}


def test_the_items_of_a_loop_can_be_read_inside_of_it() -> None:
    assert find(each(join("a", text1="{% steps.l.items.0.status.name %}")), parameters={"l": []}) == []


def test_a_step_of_another_branch_has_not_run() -> None:
    problems = found(choose(join("a"), other=(join("b", text1="{: a :}"),)), parameters={"p": 1})
    assert "another branch" in problems[0].message


def test_the_same_id_in_two_branches_means_the_one_of_the_own_branch() -> None:
    one = (join("a"), join("x", text1="{: a :}"))
    assert find(choose(*one, other=(join("a"), join("y", text1="{: a :}"))), parameters={"p": 1}) == []


@pytest.mark.parametrize(
    ("text", "good"), [("{% loop.index %}", True), ("{% loop.count %}", False), ("{% item %}", False)]
)
def test_a_while_counts_rounds_and_has_neither_a_count_nor_items(text: str, good: bool) -> None:
    step = {"id": "w", "while": "{: s :}", "max": 2, "do": [join("s", text1=f"x{text}")]}
    assert (find(step) == []) is good


@pytest.mark.parametrize("text", ["{% loop.index %}", "{% item %}", "{= item =}", "{= loop.index =}"])
def test_outside_of_loops_there_is_no_loop_and_no_item(text: str) -> None:
    assert find(join(text1=text))[0][:2] == (ERROR, "INVALID_ARGUMENT")


def test_an_outer_loop_is_read_by_its_name_and_only_where_there_is_one() -> None:
    inner = each(join("a", text1="x{% loop.outer.index %}{% item %}{% row %}"), id_="i", items="{% row.items %}")
    assert find(each(inner, **{"as": "row"}), parameters={"l": []}) == []
    assert find(each(join("a", text1="x{% loop.outer.index %}")), parameters={"l": []})[0][0] == ERROR


def test_the_short_form_of_a_loop_sees_its_item() -> None:
    short = {"id": "l", "for_each": "{< l >}", "action": "TEXT.JOIN", "parameters": {"text1": "{% item %}", "text2": 5}}
    assert [(p.code, p.pointer) for p in found(short, parameters={"l": []})] == [
        ("INVALID_TYPE", "/steps/0/parameters/text2")
    ]


@pytest.mark.parametrize("block", [{"action": "NO"}, {"action": "text.jion"}])
def test_a_short_form_with_an_unknown_block_is_an_error_of_the_loop(block: dict[str, Any]) -> None:
    assert find({"id": "l", "for_each": [], **block}) == [(ERROR, "BLOCK_NOT_FOUND", "l")]


# ---------------------------------------------------------------------- ids


@pytest.mark.parametrize(
    "steps",
    [
        [join("a"), each(join("a"))],
        [each(join("a")), join("a")],  # wherever the outer step is
        [each(join("l"))],
        [each(each(join("l"), id_="i"))],
        [choose(join("a"), join("a"))],
        [choose(join("a")), join("a")],
        [join("c"), choose(join("x"))],
        [{"id": "t", "try": [join("a")], "catch": [join("a")]}],
        [choose(choose(join("a"), id_="d"), join("a"))],
    ],
)
def test_an_id_that_is_taken_is_found(steps: list[dict[str, Any]]) -> None:
    problems = found(*steps, parameters={"l": [], "p": 1})
    assert [problem.code for problem in problems].count("DUPLICATE_STEP_IDS") == 1


@pytest.mark.parametrize(
    "steps",
    [
        [each(join("a")), each(join("a"), id_="m")],
        [choose(join("a"), other=(join("a"),))],
        [choose(each(join("a")), other=(each(join("a")),))],
        [choose(choose(join("a"), id_="d", other=(join("a"),)), other=(join("a"),))],
    ],
)
def test_an_id_may_be_repeated_where_it_means_only_one_step(steps: list[dict[str, Any]]) -> None:
    assert find(*steps, parameters={"l": [], "p": 1}) == []


def test_a_step_cannot_be_called_output_where_the_job_has_one() -> None:
    assert find(join("output"), output=1) == [(ERROR, "DUPLICATE_STEP_IDS", "output")]
    assert find(join("output")) == []


# ---------------------------------------------------------------------- variables


def test_a_set_variable_exists_from_then_on() -> None:
    make = {"id": "v", "set": {"n": "{= 1 =}", "m": "{= variables.n =}"}}
    assert find(make, join(text1="{# n #}")) == []
    assert find(join(text1="{# n #}"), make)[0][0] == ERROR
    assert find({**make, "set": {"m": "{= variables.n =}", "n": 1}})[0][0] == ERROR


@pytest.mark.parametrize("maybe", [{"if": "{< p >}"}, {"allow_failure": True}])
def test_a_variable_that_is_set_in_some_runs_only_is_uncertain(maybe: dict[str, Any]) -> None:
    make = {"id": "v", "set": {"n": 1}, **maybe}
    assert find(make, join("z", text1="{# n #}"), parameters={"p": 1}) == [(WARNING, "UNCERTAIN_VARIABLE", "z")]


def test_a_variable_that_a_branch_or_a_loop_sets_is_uncertain_behind_it_and_not_inside() -> None:
    make = {"id": "v", "set": {"n": 1}}
    for step in (choose(make, join("x", text1="{# n #}")), each(make, join("x", text1="{# n #}"))):
        problems = find(step, join("z", text1="{# n #}"), parameters={"p": 1, "l": []})
        assert problems == [(WARNING, "UNCERTAIN_VARIABLE", "z")]


def test_a_variable_that_every_branch_sets_exists_behind_the_choice() -> None:
    step = choose({"id": "v", "set": {"n": 1}}, other=({"id": "v", "set": {"n": 2, "m": 3}},))
    assert find(step, join(text1="{# n #}"), parameters={"p": 1}) == []
    assert find(step, join("z", text1="{# m #}"), parameters={"p": 1}) == [(WARNING, "UNCERTAIN_VARIABLE", "z")]


def test_a_step_of_a_loop_may_read_a_variable_that_a_later_step_sets() -> None:
    loop = each(join("x", text1="{# n #}"), {"id": "v", "set": {"n": 1}})
    assert find(loop, parameters={"l": []}) == [(WARNING, "UNCERTAIN_VARIABLE", "l.*.x")]
    assert find(loop, parameters={"l": []}, variables={"n": 7}) == []


# ---------------------------------------------------------------------- expressions


@pytest.mark.parametrize(
    ("expression", "column", "says"),
    [
        ("{= 1 + =}", 7, "missing"),
        ("{= parameters.m =}", 15, "did you mean `n`?"),
        ("a{= foo(1) =}", 5, "no function `foo`"),
        ("{= round() =}", 4, "argument"),
        ("{= parameters.n && true =}", 17, "written `and`"),
        ("{= nope =}", 4, "no `nope`"),
        ("{= 1 / 0 =}", 4, "zero"),
        ("{= 1 + 'a' =}", 4, "string"),
        ("{= steps.x.result + steps.nope.result =}", 27, "no step `nope`"),
        ("{= steps.x.result + variables.w =}", 31, "no variable `w`"),
        ("{= steps.x.result + parameters.m =}", 32, "no parameter `m`"),
    ],
)
def test_an_expression_that_is_wrong_is_an_error_with_its_column(expression: str, column: int, says: str) -> None:
    problem = found(join("x"), join(text1=expression), parameters={"n": 1})[0]
    assert (problem.severity, problem.code, problem.column) == (ERROR, "INVALID_ARGUMENT", column)
    assert says in problem.message
    assert f"olumn {column}" in problem.message


@pytest.mark.parametrize(
    "expression",
    [
        "{= steps.x.result and steps.nope.result =}",
        "{= 1 if steps.x.result else variables.w =}",
        "{= [parameters.m for i in steps.x.result] =}",
    ],
)
def test_a_name_that_may_never_be_read_is_a_warning(expression: str) -> None:
    assert {problem.severity for problem in found(join("x"), join(text1=expression))} == {WARNING}


@pytest.mark.parametrize(
    "expression",
    [
        "{= default(steps.x.result.a + variables.w, 1) =}",
        "{= try(steps.x.result / steps.nope.result, 0) =}",
        "{= now() =}",
    ],
)
def test_a_value_with_a_default_or_known_only_to_a_run_is_not_a_problem(expression: str) -> None:
    assert find(join("x"), join(text1=expression)) == []


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("job.id", True),
        ("job.name", True),
        ("steps.x.id", True),
        ("steps.x.path", True),
        ("steps.x.action", True),
        ("steps.x.block.name", True),
        ("steps.x.parameters.text1", True),
        ("steps.x.result", False),
        ("steps.x.position", False),
        ("steps.x.status.value", False),
        ("job.created_at", False),
    ],
)
def test_a_value_that_is_known_before_the_run_is_judged(text: str, known: bool) -> None:
    problems = find(join("x"), {"id": "w", "wait": {"seconds": f"{{= {text} =}}"}}, id="j", name="order")
    assert problems == ([(ERROR, "INVALID_TYPE", "w")] if known else [])


@pytest.mark.parametrize("text", ["steps.x.nope", "steps.x.callback", "steps.ok.callback.nope", "job.nope"])
def test_a_key_that_no_view_has_is_an_error(text: str) -> None:
    steps = [join("x"), {"id": "ok", "wait_for": {"timeout": 5}}, join("y", text1=f"{{= {text} =}}")]
    assert find(*steps) == [(ERROR, "INVALID_ARGUMENT", "y")]


def test_a_name_of_a_comprehension_hides_the_context_of_that_name() -> None:
    assert find(join("x"), join(text1="{= str([steps.q for steps in steps.x.result]) =}")) == []


@pytest.mark.parametrize("wait", [{"seconds": "{< nope >}"}, {"until": "{= nope =}"}])
def test_a_wait_that_cannot_be_evaluated_is_one_error(wait: dict[str, Any]) -> None:
    assert find({"id": "w", "wait": wait}) == [(ERROR, "INVALID_ARGUMENT", "w")]


def test_the_message_of_an_early_end_is_read_like_any_value() -> None:
    assert find({"id": "e", "end": "job"}) == []
    assert find({"id": "e", "end": "job", "message": "{< nope >}"}) == [(ERROR, "INVALID_ARGUMENT", "e")]


def test_a_known_expression_of_the_wrong_type_is_found() -> None:
    assert find(join("x", text1="{= parameters.n * 2 =}"), parameters={"n": 1}) == [(ERROR, "INVALID_TYPE", "x")]


def test_a_time_that_is_compared_with_now_as_text_is_a_warning() -> None:
    assert find({**join("x"), "if": "{= parameters.t < now() =}"}, parameters={"t": "2027-01-01"}) == [
        (WARNING, "TIME_AS_TEXT", "x")
    ]


@pytest.mark.parametrize(
    ("text", "write"),
    [
        ("{<n>}", "{< n >}"),
        ("{{ n }}", "{< n >}"),
        ("${n}", "{< n >}"),
        ("{< First Name >}", '["First Name"]'),
        ("{= 1", "{= 1 =}"),
    ],
)
def test_a_look_alike_of_a_tag_is_a_warning_with_the_correct_spelling(text: str, write: str) -> None:
    problem = found(join("x", text1=text))[0]
    assert (problem.severity, problem.code) == (WARNING, "LOOKS_LIKE_A_TAG")
    assert write in problem.message


# ---------------------------------------------------------------------- conditions


@pytest.mark.parametrize(
    ("text", "meant"),
    [("{< n >} > 5", "{= {< n >} > 5 =}"), ("not {< n >}", "{= not {< n >} =}"), ("{< n >}{< n >}", "and")],
)
def test_a_condition_with_a_tag_beside_other_text_is_an_error_with_the_expression_that_was_meant(
    text: str, meant: str
) -> None:
    for step, pointer in [
        ({**join("x"), "if": text}, "/steps/0/if"),
        ({**join("x"), "if": ["{< n >}", text]}, "/steps/0/if/1"),
        ({"id": "x", "while": text, "max": 1, "do": [join("y")]}, "/steps/0/while"),
        ({"id": "x", "choose": [{"if": text, "do": [join("y")]}]}, "/steps/0/choose/0/if"),
        ({**join("x"), "poll": {"until": text, "every": 1, "max": 1}}, "/steps/0/poll/until"),
    ]:
        problem = found(step, parameters={"n": 7})[0]
        assert (problem.severity, problem.code, problem.pointer) == (ERROR, "INVALID_ARGUMENT", pointer)
        assert meant in problem.message


@pytest.mark.parametrize(
    ("text", "always"), [("yes", "true"), ("{= 1 > 2 =}", "false"), ("", "false"), ("{= true =}", "true")]
)
def test_a_condition_that_is_the_same_in_every_run_is_a_warning(text: str, always: str) -> None:
    problems = found({**join("x"), "if": text})
    assert [(problem.severity, problem.code) for problem in problems] == [(WARNING, "CONSTANT_CONDITION")]
    assert f"always {always}" in problems[0].message


@pytest.mark.parametrize("condition", [True, False, "{< n >}", " {< n >} ", "{= parameters.n > 1 =}", "{= now() =}"])
def test_a_condition_that_is_a_boolean_or_depends_on_the_job_has_no_warning(condition: Any) -> None:
    assert find({**join("x"), "if": condition}, parameters={"n": 7}) == []


def test_a_branch_behind_one_that_may_hold_is_judged_with_warnings_only() -> None:
    branches = [{"if": "{: a :}", "do": [join("x")]}, {"if": "{< no >}", "do": [join("y")]}]
    assert find(join("a"), {"id": "c", "choose": branches}) == [(WARNING, "INVALID_ARGUMENT", "c")]


def test_the_condition_of_a_poll_sees_the_result_which_nothing_else_does() -> None:
    poll = {"until": "{= result.status == 'ready' =}", "every": 1, "max": 5}
    assert find({**join("x"), "poll": poll}) == []
    assert find(join("x", text1="{= result =}"))[0][0] == ERROR


# ---------------------------------------------------------------------- loops, waits, blocks


@pytest.mark.parametrize("items", [5, True, None, "text", "{< n >}", "{= 'abc' =}"])
def test_a_value_that_is_not_a_list_is_found_where_it_is_known(items: Any) -> None:
    assert find(each(join("a"), items=items), parameters={"n": 7}) == [(ERROR, "INVALID_TYPE", "l")]


@pytest.mark.parametrize(("limit", "good"), [(3, True), (2, False)])
def test_a_deployment_may_allow_fewer_or_more_items(limit: int, good: bool) -> None:
    step = each(join("a"), items=[1, 2, 3])
    codes = [problem.code for problem in found(step, deployment=Deployment(items=limit))]
    assert codes == ([] if good else ["STEP_LIMIT_EXCEED"])


@pytest.mark.parametrize(("count", "good"), [(999, True), (1000, True), (1001, False)])
def test_a_list_that_is_too_long_is_found_where_it_is_known(count: int, good: bool) -> None:
    problems = find(each(join("a")), parameters={"l": [0] * count})
    assert problems == ([] if good else [(ERROR, "STEP_LIMIT_EXCEED", "l")])


@pytest.mark.parametrize(("count", "good"), [(250, True), (251, False)])
def test_a_list_with_too_many_records_is_found_where_it_is_known(count: int, good: bool) -> None:
    steps = [join(f"a{number}") for number in range(20)]
    problems = find(each(*steps), parameters={"l": [0] * count})
    assert problems == ([] if good else [(ERROR, "STEP_LIMIT_EXCEED", "l")])


def test_a_list_is_held_to_the_limits_of_the_deployment() -> None:
    loop = parse({"steps": [each(join("a"), join("b"), items=[1, 2, 3])]})
    for limits, wrong in (((3, 6), False), ((2, 6), True), ((3, 5), True)):
        deployment = Deployment(items=limits[0], loop_records=limits[1])
        problems = find_problems(loop, Rights(frozenset(), 1000), deployment=deployment)
        assert [problem.code for problem in problems] == ["STEP_LIMIT_EXCEED"] * wrong, limits


@pytest.mark.parametrize(
    ("wait", "code"),
    [
        ({"seconds": "{= 0 - 1 =}"}, "INVALID_TYPE"),
        ({"seconds": "{< t >}"}, "INVALID_TYPE"),
        ({"until": "2027-01-01T09:00:00"}, "INVALID_TYPE"),
        ({"until": "{= 5 =}"}, "INVALID_TYPE"),
        ({"seconds": 101}, "INVALID_ARGUMENT"),
    ],
)
def test_a_wait_that_cannot_be_is_found_where_it_is_known(wait: dict[str, Any], code: str) -> None:
    deployment = Deployment(longest_wait=100)
    problems = found({"id": "w", "wait": wait}, parameters={"t": "soon"}, deployment=deployment)
    assert [(problem.severity, problem.code) for problem in problems] == [(ERROR, code)]


def test_a_wait_for_an_answer_that_cannot_be_given_is_found() -> None:
    step = {"id": "w", "wait_for": {"timeout": 5, "not_sender": True}}
    assert found(step) == []
    problem = found(step, deployment=Deployment(has_principals=False))[0]
    assert (problem.code, problem.pointer) == ("INVALID_ARGUMENT", "/steps/0/wait_for/not_sender")


@pytest.mark.parametrize("key", ["url", "token"])
def test_a_callback_can_be_read_early_and_only_where_the_deployment_has_callbacks(key: str) -> None:
    steps = [join("mail", text1=f"{{% steps.ok.callback.{key} %}}"), {"id": "ok", "wait_for": {"timeout": 5}}]
    assert find(*steps) == []
    problem = found(*steps, deployment=Deployment(has_callbacks=False))[0]
    assert (problem.severity, problem.code, problem.path) == (ERROR, "INVALID_ARGUMENT", "mail")
    assert "PUBLIC_URL" in problem.message


@pytest.fixture
def once(monkeypatch: pytest.MonkeyPatch) -> None:
    def pay() -> None: ...

    REGISTRY.load()
    monkeypatch.setitem(REGISTRY._blocks, "SPECIAL.PAY", Block(pay, category="SPECIAL", effect="at_most_once"))


@pytest.mark.usefixtures("once")
def test_a_retry_of_a_block_that_runs_once_at_most_is_a_warning_and_a_poll_an_error() -> None:
    step = {"id": "p", "action": "SPECIAL.PAY"}
    assert find({**step, "retry": {}}) == [(WARNING, "AT_MOST_ONCE", "p")]
    assert find({**step, "poll": {"until": "{= result =}", "every": 1, "max": 2}}) == [(ERROR, "INVALID_ARGUMENT", "p")]


def test_another_registry_has_other_blocks() -> None:
    job = parse({"steps": [join()]})
    assert find_problems(job, NOBODY, registry=Registry())[0].code == "BLOCK_NOT_FOUND"


def test_the_output_is_read_as_the_last_step() -> None:
    problems = found(join("a"), output={"x": ["{: a :}", "{: b :}"]})
    assert [(p.code, p.pointer, p.path) for p in problems] == [("INVALID_ARGUMENT", "/output/x/1", "output")]


# ---------------------------------------------------------------------- problems that cause others


def test_a_problem_that_another_one_causes_comes_last_and_says_so() -> None:
    problems = found(BAD, join("b", text1="{: bad.0 :}"), join("c", text1="{: b.0 :}"), {"id": "d", "action": "NO"})
    assert [(problem.path, problem.because) for problem in problems] == [
        ("bad", None),
        ("d", None),
        ("b", "bad"),
        ("c", "b"),
    ]


def test_a_step_with_a_mistake_of_its_own_beside_a_broken_result_has_both() -> None:
    problems = found(BAD, join("b", text1="{: bad.0 :}", text2="{: nope :}"))
    assert {(problem.pointer, problem.because) for problem in problems[1:]} == {
        ("/steps/1/parameters/text1", "bad"),
        ("/steps/1/parameters/text2", None),
    }


# ---------------------------------------------------------------------- bounds

LONG = "".join(chr(97 + number % 26) for number in range(64))


@pytest.mark.parametrize(
    "job",
    [
        {"steps": [join(text1={"k" * 150_000: ["{< n >}"] * 8_000})]},
        {"steps": [join(text1="{< n >}" * 30_000)]},
        {"steps": [join(text1="{= n =}" * 30_000)]},
        {"steps": [join(text1="{: z :}" * 30_000), join("z")]},
        {"steps": [{"id": LONG[30 + number % 26 :] + str(number), "action": LONG} for number in range(900)]},
        {"steps": [join(**{f"p{number}": 1 for number in range(20_000)})]},
    ],
    ids=["long keys", "tags", "expressions", "later steps", "names", "parameters"],
)
def test_problems_are_few_and_short_for_any_job(job: dict[str, Any]) -> None:
    problems = find_problems(parse(job), NOBODY)
    assert 0 < len(problems) <= MAX_PROBLEMS + 1
    assert all(len(p.pointer) <= MAX_POINTER and len(p.message) <= MAX_MESSAGE for p in problems)


def test_expressions_that_cost_much_are_left_to_the_run_once_the_job_has_had_enough() -> None:
    costly = "{= sum(x * y for x in parameters.l for y in parameters.l if x) =}"
    problems = find(*[join(text1=costly)] * 500, parameters={"l": list(range(1000))})
    assert 0 < len(problems) < 10
