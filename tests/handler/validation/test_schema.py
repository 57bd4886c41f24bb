"""The JSON Schema of a job: an editor underlines steps that cannot run, and no others."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import BeforeValidator, Field

from blocks.block import REGISTRY, Block, Registry
from handler.payload.parse import InvalidPayloadError, parse
from handler.validation.schema import job_schema
from tests.examples import ALL, examples

CASES = [
    json.loads(line)
    for line in (Path(__file__).parent.parent.parent / "compat" / "cases.jsonl").read_text().splitlines()
]
PART = 1 if ALL else 3
"""Of so many cases, one is tried."""
JOIN = {"text1": "a", "text2": "b"}


@cache
def validator_of(*blocks: Block[..., Any]) -> Draft202012Validator:
    return Draft202012Validator(job_schema(blocks or [block for block in REGISTRY if block.category != "PROBE"]))


def takes(*steps: dict[str, Any], **job: Any) -> bool:
    return bool(validator_of().is_valid({**job, "steps": list(steps)}))


def step(action: str, **parameters: Any) -> dict[str, Any]:
    return {"action": action, "parameters": parameters}


def test_the_schema_of_all_blocks_is_a_valid_json_schema() -> None:
    Draft202012Validator.check_schema(validator_of().schema)


@pytest.mark.share
@pytest.mark.parametrize("case", [case for case in CASES if case["expect"]["success"]][::PART], ids=lambda _: "")
def test_no_job_that_ran_well_is_rejected(case: dict[str, Any]) -> None:
    assert [error.message for error in validator_of().iter_errors(case["payload"])] == []


@pytest.mark.share
def test_many_of_the_jobs_that_failed_for_their_arguments_are_rejected() -> None:
    failed = [case for case in CASES if any(s["status"] == "INVALID_TYPE" for s in case["expect"]["steps"])]
    assert sum(not validator_of().is_valid(case["payload"]) for case in failed[::PART]) > 40 // PART


@pytest.mark.parametrize("action", ["TEXT.JOIN", "text.join", "Text.Join", "tEXT.jOIN"])
def test_a_block_is_known_in_any_case_of_letters(action: str) -> None:
    assert takes(step(action, **JOIN))
    assert not takes(step(action, text1="a"))
    assert not takes(step(action, **JOIN, other=1))


@pytest.mark.parametrize("action", ["TEXT.JION", "TEXTJOIN", "TEXT.JOIN2", "", "JOIN"])
def test_an_unknown_block_is_red(action: str) -> None:
    assert not takes(step(action, **JOIN))


@pytest.mark.parametrize(
    "job",
    [
        {},
        {"steps": {}},
        {"steps": [], "tags": []},
        {"steps": [], "id": "a b"},
        {"steps": [], "parameters": {}, "local_values": {}},
        {"steps": [{}]},
        {"steps": [{"action": "LOGIC.TRUE", "id": "a.b"}]},
        {"steps": [{"action": "LOGIC.TRUE", "timeout": 0}]},
        {"steps": [{"action": "LOGIC.TRUE", "force": True}]},
        {"steps": [{"action": "LOGIC.TRUE", "retry": {"attempts": 0}}]},
        {"steps": [{"action": "LOGIC.TRUE", "retry": {"on": ["NONE"]}}]},
        {"steps": [{"action": "LOGIC.TRUE", "retry": {"on": [{"http": [40]}]}}]},
    ],
)
def test_a_value_without_the_shape_of_a_job_is_rejected(job: dict[str, Any]) -> None:
    assert not validator_of().is_valid(job)


@pytest.mark.parametrize("value", ["{# n #}", " {: a :} ", "x{< p >}", 5, 5.5, "5", " -5.5e3 ", True])
def test_a_number_may_be_written_as_a_tag_or_as_a_numeric_string(value: Any) -> None:
    assert takes(step("MATH.SUM", value1=value, value2=1))


@pytest.mark.parametrize("value", ["five", [], {}, None, ["{# n #}"]])
def test_a_number_may_not_be_written_as_anything_else(value: Any) -> None:
    assert not takes(step("MATH.SUM", value1=value, value2=1))


def test_a_tag_may_replace_a_list_or_an_item_of_one() -> None:
    assert takes(step("TEXT.JOIN_LIST", list="{# l #}"))
    assert takes(step("TEXT.JOIN_LIST", list=["a", "{# t #}"]))
    assert not takes(step("TEXT.JOIN_LIST", list=["a", 7]))
    assert not takes(step("TEXT.JOIN_LIST", list="a"))


def test_a_name_that_is_a_tag_may_be_any_parameter() -> None:
    assert takes(step("TEXT.JOIN", **{"text1": "a", "{< name >}": "b"}))


def test_both_names_of_a_parameter_are_known() -> None:
    assert takes(step("TEXT.JOIN_LIST", list=[], separator="-"))
    assert takes(step("TEXT.JOIN_LIST", list=[], seperator="-"))


@pytest.mark.parametrize("extra", [{"if": ""}, {"if": "{# v #}"}, {"if": False}, {"if": []}, {"allow_failure": True}])
def test_a_step_that_may_not_run_or_may_fail_may_have_wrong_arguments(extra: dict[str, Any]) -> None:
    assert takes({**step("TEXT.JOIN", text1=7), **extra})


@pytest.mark.parametrize("extra", [{"if": True}, {"if": None}, {"allow_failure": False}, {"forced": True}])
def test_a_step_that_runs_may_not(extra: dict[str, Any]) -> None:
    assert not takes({**step("TEXT.JOIN", text1=7), **extra})


def test_an_editor_gets_names_types_defaults_and_descriptions() -> None:
    parts = validator_of().schema["$defs"]["UseOfBlocks"]["allOf"]
    rules = [rule for part in parts for rule in part["then"].get("allOf", [])]
    join = next(rule for rule in rules if re.search(rule["if"]["properties"]["action"]["pattern"], "TEXT.JOIN"))
    parameters = join["then"]["properties"]["parameters"]
    assert "two strings" in parameters["description"]
    assert parameters["properties"]["join_with"]["default"] == " "
    assert parameters["properties"]["join_with"]["description"] == 'string, optional, " " by default (TEXT.JOIN)'
    assert parameters["properties"]["text1"]["description"] == "string, required (TEXT.JOIN)"
    assert join["then"]["properties"]["action"]["description"] == parameters["description"]
    assert "TEXT.JOIN" in json.dumps(parts[0])


def test_an_editor_can_describe_every_field_block_and_parameter() -> None:
    def undescribed(rules: dict[str, Any], where: str) -> list[str]:
        return [f"{where}.{name}" for name, rule in rules.items() if not rule.get("description")]

    missing = undescribed(validator_of().schema["properties"], "job")
    for name, definition in validator_of().schema["$defs"].items():
        if name.endswith("Step") and name != "Step":  # `Step` only lists the kinds
            missing += undescribed(definition["properties"], name)
    for part in validator_of().schema["$defs"]["UseOfBlocks"]["allOf"]:
        for rule in part["then"].get("allOf", []):
            use = rule["then"]["properties"]
            missing += undescribed(use, rule["if"]["properties"]["action"]["pattern"])
            missing += undescribed(use["parameters"]["properties"], "parameters")
    assert missing == []


def test_a_parameter_that_a_validator_of_its_own_reads_may_hold_anything() -> None:
    def read(*, day: Annotated[int, BeforeValidator(len)]) -> int:
        return day

    assert validator_of(Block(read, category="X")).is_valid({"steps": [step("X.READ", day="monday")]})


def test_bounds_hold_for_numbers() -> None:
    def rate(*, stars: Annotated[int, Field(ge=1, le=5)]) -> int:
        return stars

    rated = validator_of(Block(rate, category="X"))
    assert [rated.is_valid({"steps": [step("X.RATE", stars=stars)]}) for stars in (0, 1, 5, 6)] == [
        False,
        True,
        True,
        False,
    ]


literals = st.sampled_from(
    [
        "",
        "x",
        "5",
        "0x5",
        "1_000",
        "nan",
        "yes",
        "OFF",
        0,
        1,
        -2,
        2.5,
        2.0,
        True,
        False,
        None,
        [],
        [1],
        ["a", None],
        {},
        {"k": 1},
    ]
)


@settings(max_examples=examples(100))
@given(st.sampled_from(sorted(block.action for block in REGISTRY)), st.data())
def test_arguments_that_a_block_takes_are_never_red(action: str, data: st.DataObject) -> None:
    block = REGISTRY.get(action)
    assert block is not None
    names = st.sampled_from([*block.schema()["properties"], "other"])
    arguments = data.draw(st.dictionaries(names, literals, max_size=4))
    try:
        block.validate(arguments)
    except ValueError:
        return
    assert validator_of(block).is_valid({"steps": [step(action.lower(), **arguments)]}), arguments


@settings(max_examples=examples(100))
@given(
    st.fixed_dictionaries(
        {"steps": st.just([])},
        optional={
            "id": st.none() | st.text(max_size=3) | st.integers(),
            "name": st.none() | st.text(max_size=3) | st.booleans(),
            "parameters": st.none() | st.just({}),
            "local_values": st.just({}),
            "variables": st.just({}) | st.just([]),
            "other": st.none(),
        },
    )
)
def test_the_shape_agrees_with_the_door(job: dict[str, Any]) -> None:
    try:
        parse(job)
    except InvalidPayloadError:
        taken = False
    else:
        taken = True
    assert validator_of().is_valid(job) == taken


def test_a_deployment_without_blocks_has_a_schema_too() -> None:
    schema = job_schema(Registry())
    Draft202012Validator.check_schema(schema)
    assert Draft202012Validator(schema).is_valid({"steps": []})
