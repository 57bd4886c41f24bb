"""Problems found in a job before it runs: all that can be known, and none that a run would not have."""

from __future__ import annotations

import time
from typing import Any

import pytest

from blocks.block import REGISTRY, Block
from handler.caller import Rights
from handler.engine import ConduitStatus, Limits
from handler.payload.parse import parse
from handler.payload.problem import CODES
from handler.validation.validate import find_problems

NOBODY = Rights(frozenset(), 1000)


def find(*steps: dict[str, Any], rights: Rights = NOBODY, **job: Any) -> list[tuple[str, str, str]]:
    problems = find_problems(parse({**job, "steps": list(steps)}), rights)
    return [(problem.severity, problem.code, problem.pointer) for problem in problems]


def message(*steps: dict[str, Any], **job: Any) -> str:
    return find_problems(parse({**job, "steps": list(steps)}), NOBODY)[0].message


def join(**parameters: Any) -> dict[str, Any]:
    return {"action": "TEXT.JOIN", "parameters": {"text1": "a", "text2": "b"} | parameters}


def test_a_good_job_has_no_problems() -> None:
    assert find(join(), {"action": "text.uppercase", "parameters": {"text": "{: 1 :}"}}) == []


def test_an_empty_job_has_no_problems() -> None:
    assert find() == []


def test_an_unknown_block_is_found_with_the_one_that_was_meant() -> None:
    assert find({"action": "TEXT.JION"}) == [("error", "BLOCK_NOT_FOUND", "/steps/0/action")]
    assert "Did you mean TEXT.JOIN?" in message({"action": "text.jion"})


def test_a_duplicate_id_is_found_with_its_place() -> None:
    assert find({**join(), "id": "2"}, join()) == [("error", "DUPLICATE_STEP_IDS", "/steps/1/action")]
    assert find({**join(), "id": "a"}, {**join(), "id": "a"}) == [("error", "DUPLICATE_STEP_IDS", "/steps/1/id")]


@pytest.fixture
def special(monkeypatch: pytest.MonkeyPatch) -> None:
    def do(*, text: str = "") -> str:
        return text

    def meddle(job__: Any) -> None:
        job__.variables["any"] = 1

    REGISTRY.load()
    for block in (
        Block(do, name="LOCKED", category="SPECIAL", tags=["BILLING", "OPS"]),
        Block(do, name="ONCE", category="SPECIAL", max_uses=1),
        Block(meddle, category="SPECIAL"),
    ):
        monkeypatch.setitem(REGISTRY._blocks, block.action, block)


@pytest.mark.usefixtures("special")
def test_a_block_that_the_caller_may_not_use_is_found_with_the_tags_that_lack() -> None:
    rights = Rights(frozenset({"OPS"}), 1000)
    assert find({"action": "SPECIAL.LOCKED"}, rights=rights) == [("error", "FORBIDDEN_BLOCK", "/steps/0/action")]
    assert "BILLING" in message({"action": "SPECIAL.LOCKED"})
    assert find({"action": "SPECIAL.LOCKED"}, rights=Rights(frozenset({"OPS", "BILLING"}), 1000)) == []


@pytest.mark.usefixtures("special")
def test_the_uses_of_a_block_past_its_limit_are_found() -> None:
    once = {"action": "SPECIAL.ONCE"}
    assert find(once, once, once) == [
        ("error", "BLOCK_LIMIT_EXCEED", "/steps/1/action"),
        ("error", "BLOCK_LIMIT_EXCEED", "/steps/2/action"),
    ]


@pytest.mark.parametrize(("count", "over"), [(1, 0), (2, 0), (3, 1)])
def test_the_steps_past_the_step_limit_are_found(count: int, over: int) -> None:
    found = find(*[join()] * count, rights=Rights(frozenset(), 2))
    assert found == [("error", "STEP_LIMIT_EXCEED", "/steps/2")] * over


def test_a_parameter_that_the_block_lacks_is_found_with_the_one_that_was_meant() -> None:
    assert find(join(join_wit="-")) == [("error", "INVALID_TYPE", "/steps/0/parameters/join_wit")]
    assert "Did you mean join_with?" in message(join(join_wit="-"))


def test_a_missing_parameter_is_found() -> None:
    step = {"action": "TEXT.JOIN", "parameters": {"text1": "a"}}
    assert find(step) == [("error", "INVALID_TYPE", "/steps/0/parameters")]
    assert message(step) == "TEXT.JOIN needs the parameter 'text2'."


def test_a_parameter_whose_name_only_a_run_knows_may_be_the_missing_one() -> None:
    step = {"action": "TEXT.JOIN", "parameters": {"text1": "a", "{: 1 :}": "b"}}
    assert find(join(), step) == []


def test_a_literal_of_the_wrong_type_is_found_beside_a_tag() -> None:
    found = find(join(), join(text1="{: 1 :}", text2=7))
    assert found == [("error", "INVALID_TYPE", "/steps/1/parameters/text2")]


def test_a_known_value_of_the_wrong_type_is_found_behind_its_tag() -> None:
    assert find(join(text1="{< n >}"), parameters={"n": 7}) == [("error", "INVALID_TYPE", "/steps/0/parameters/text1")]
    assert find(join(text1="{# n #}"), variables={"n": 7}) == [("error", "INVALID_TYPE", "/steps/0/parameters/text1")]


def test_a_literal_deep_in_a_list_is_found_with_its_place() -> None:
    step = {"action": "TEXT.JOIN_LIST", "parameters": {"list": ["a", "{: 1 :}", {}]}}
    assert find(join(), step) == [("error", "INVALID_TYPE", "/steps/1/parameters/list/2")]


def test_a_string_in_place_of_a_list_is_found_with_any_value_of_its_tags() -> None:
    step = {"action": "LISTS.COUNT", "parameters": {"list": "x {: 1 :}"}}
    assert find(join(), step) == [("error", "INVALID_TYPE", "/steps/1/parameters/list")]


def test_an_unknown_step_in_a_tag_is_found_with_the_one_that_was_meant() -> None:
    step = {**join(), "id": "greeting"}
    assert find(step, join(text1="{: greting :}")) == [("error", "INVALID_ARGUMENT", "/steps/1/parameters/text1")]
    assert "Did you mean greeting?" in message(step, join(text1="{: greting :}"))


def test_an_unknown_parameter_or_variable_in_a_tag_is_found_with_the_one_that_was_meant() -> None:
    assert find(join(text1="x{< nam >}"), parameters={"name": "a"}) == [
        ("error", "INVALID_ARGUMENT", "/steps/0/parameters/text1")
    ]
    assert "Did you mean name?" in message(join(text1="{< nam >}"), parameters={"name": "a"})
    assert "Did you mean name?" in message(join(text1="{# nam #}"), variables={"name": "a"})


def test_a_bad_tag_in_a_key_or_a_condition_is_found_with_its_place() -> None:
    step = {"action": "DICTIONARY.COUNT", "parameters": {"dictionary": {"{< no >}": 1}}}
    assert find(step) == [("error", "INVALID_ARGUMENT", "/steps/0/parameters/dictionary/{< no >}")]
    assert find({**join(), "if": ["{< yes >}", "{< no >}"]}, parameters={"yes": 1}) == [
        ("error", "INVALID_ARGUMENT", "/steps/0/if/1")
    ]


def test_a_reference_to_a_later_step_is_a_warning() -> None:
    step = {"action": "LOGIC.IS_NONE", "parameters": {"value": "{: late :}"}}
    assert find(step, {**join(), "id": "late"}) == [("warning", "LATER_STEP", "/steps/0/parameters/value")]


def test_a_part_of_a_later_steps_result_is_an_error_since_it_is_still_null() -> None:
    found = find(join(text1="{: late.0 :}"), {**join(), "id": "late"})
    assert ("error", "INVALID_ARGUMENT", "/steps/0/parameters/text1") in found


def test_a_variable_that_only_some_step_may_make_is_a_warning_and_before_it_an_error() -> None:
    make = {"action": "VARIABLE.SET", "parameters": {"name": "w", "value": 1}}
    read = join(text1="{# w #}")
    assert find(make, read) == [("warning", "UNCERTAIN_VARIABLE", "/steps/1/parameters/text1")]
    assert find(read, make) == [("error", "INVALID_ARGUMENT", "/steps/0/parameters/text1")]


def test_a_variable_that_a_step_may_delete_is_a_warning() -> None:
    delete = {"action": "VARIABLE.DELETE", "parameters": {"name": "w"}}
    found = find(delete, join(text1="{# w #}"), variables={"w": "x"})
    assert found == [("warning", "UNCERTAIN_VARIABLE", "/steps/1/parameters/text1")]


@pytest.mark.usefixtures("special")
def test_a_block_that_sees_the_job_may_make_any_variable() -> None:
    assert find(join(text1="{# any #}"), {"action": "SPECIAL.MEDDLE"})[0][0] == "error"
    assert find({"action": "SPECIAL.MEDDLE"}, join(text1="{# any #}"))[0][0] == "warning"


def test_a_variable_that_a_step_may_have_changed_is_no_longer_known() -> None:
    change = {"action": "VARIABLE.SET", "parameters": {"name": "n", "value": "x"}}
    assert find(change, join(text1="{# n #}"), variables={"n": 7}) == []
    sort = {"action": "LISTS.SORT", "parameters": {"list": "{# v #}"}}
    assert find(sort, join(text1="{# v.0 #}"), variables={"v": [1]}) == []


def test_a_step_that_never_runs_changes_nothing() -> None:
    never = {"action": "VARIABLE.SET", "parameters": {"name": "w", "value": 1}, "if": False}
    assert find(never, join(text1="{# w #}")) == [("error", "INVALID_ARGUMENT", "/steps/1/parameters/text1")]


def test_a_step_behind_a_condition_that_is_not_met_is_not_checked() -> None:
    assert find({**join(text1=7), "if": "{< flag >}"}, parameters={"flag": False}) == []
    assert find({**join(text1=7), "if": "{< flag >}"}, parameters={"flag": True})[0][0] == "error"


def test_a_problem_behind_a_condition_that_only_the_run_decides_is_a_warning() -> None:
    found = find(join(), {**join(text1=7), "if": "{: 1 :}"})
    assert found == [("warning", "INVALID_TYPE", "/steps/1/parameters/text1")]


def test_an_in_place_block_on_something_read_only_is_found() -> None:
    step = {"action": "LISTS.SORT", "parameters": {"list": "{< l >}"}}
    assert find(step, parameters={"l": [2, 1]}) == [("error", "INVALID_ARGUMENT", "/steps/0/parameters/list")]


def test_tags_that_expand_past_the_budget_are_found_and_cost_no_more_than_it() -> None:
    step = join(text1="{< big >}" * 40)
    problems = find_problems(
        parse({"parameters": {"big": "x" * 100_000}, "steps": [step] * 50}), NOBODY, Limits(parameters=1_000_000)
    )
    assert {problem.code for problem in problems} == {"RESULT_LIMIT_EXCEED"}


def test_everything_is_found_at_once() -> None:
    found = find({"action": "NO"}, join(text1=1), join(text1="{: no :}"), join(x=1), {**join(), "id": "2"})
    assert [pointer for _, _, pointer in found] == [
        "/steps/0/action",
        "/steps/1/parameters/text1",
        "/steps/2/parameters/text1",
        "/steps/3/parameters/x",
        "/steps/4/id",
    ]


def test_every_code_is_a_status_or_a_listed_one() -> None:
    job = {"steps": [{"action": "NO"}, join(text1="{: 9 :}"), join(text1="{: 1 :}{: 4 :}"), {"action": "LOGIC.NO"}]}
    assert {problem.code for problem in find_problems(parse(job), NOBODY)} <= {*ConduitStatus.__members__, *CODES}


def test_a_thousand_mistakes_are_found_in_no_time() -> None:
    find(*[{"action": f"TEXT.JION{number}", "id": f"s{number}"} for number in range(1000)])


@pytest.mark.parametrize(
    ("steps", "variables"),
    [
        ([{"action": "TEXT.JOIN_LIST", "parameters": {"list": "{# v #}"}}] * 900, {"v": ["x"] * 20_000}),
        (
            [{"action": "DICTIONARY.CREATE", "parameters": {str(n): "{# v #}" for n in range(40)}}] * 150,
            {"v": [1] * 9999},
        ),
        ([join(**{f"p{number}": 1 for number in range(20_000)})], {}),
        ([{"action": "TEXT.JOIN_LIST", "parameters": {"list": [1] * 90_000}}], {}),
    ],
    ids=["one large value often", "many tags a step", "many unknown parameters", "many wrong items"],
)
def test_a_small_payload_costs_little_to_judge_even_if_it_expands_to_much(steps: Any, variables: Any) -> None:
    began = time.process_time()
    find(*steps, variables=variables)
    assert time.process_time() - began < 10  # without bounds: half a minute
