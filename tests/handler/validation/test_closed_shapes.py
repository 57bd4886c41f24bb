"""The schema of a job in the OpenAPI document accepts the same jobs as the schema for editors, with simpler rules."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest
from jsonschema import Draft202012Validator

from blocks.block import Registry
from handler.validation.closed_shapes import ClosedShapes
from handler.validation.schema import job_schema
from tests.examples import ALL

CASES = [
    json.loads(line)["payload"]
    for line in (Path(__file__).parents[2] / "compat" / "language_cases.jsonl").read_text().splitlines()
]
SHAPES = ClosedShapes("#/$defs/")
CLOSED = Draft202012Validator({**SHAPES.job, "$defs": SHAPES.defs})
EDITORS = Draft202012Validator(job_schema(Registry()))
STEP: Final = {"id": "a", "action": "LOGIC.TRUE"}
WHOLE: Final[dict[str, dict[str, Any]]] = {
    "block": {**STEP, "parameters": {"x": 1}, "retry": {"attempts": 2}, "poll": {"until": True, "every": 1, "max": 2}},
    "for_each": {"for_each": "{< l >}", "as": "order", "tolerate": {"count": 2}, "do": [STEP]},
    "for_each of a block": {"for_each": [1], "action": "LOGIC.TRUE", "parameters": {}, "tolerate": {"percent": 9}},
    "for_each of a block without parameters": {"for_each": [1], "action": "LOGIC.TRUE"},
    "while": {"while": True, "max": 10, "do": [STEP]},
    "choose": {"choose": [{"if": "{< v >}", "do": [STEP]}], "else": [STEP]},
    "try": {"try": [STEP], "catch": [STEP]},
    "set": {"set": {"net": 1}},
    "end": {"end": "job", "message": "Done."},
    "wait": {"wait": {"seconds": 60}},
    "wait_for": {"wait_for": {"timeout": 60, "form": {"properties": {"limit": {"type": "number"}}}}},
}
WRONG: Final[tuple[Any, ...]] = (None, True, -1, "x", [], [{}], {}, {"x": 1}, [STEP], [{**STEP, "wait": {}}])


def is_taken(job: Any) -> bool:
    return bool(CLOSED.is_valid(job))


def test_it_takes_every_job_of_the_cases_that_the_schema_for_editors_takes() -> None:
    taken = [job for job in CASES if EDITORS.is_valid(job)]
    assert len(taken) > 50
    assert [job for job in taken if not is_taken(job)] == []


@pytest.mark.share
@pytest.mark.parametrize("step", WHOLE.values(), ids=WHOLE)
def test_a_step_with_one_field_more_less_or_wrong_is_refused_by_both_or_by_neither(step: dict[str, Any]) -> None:
    assert is_taken({"steps": [step]})
    fields = sorted({name for whole in WHOLE.values() for name in whole})
    others = [{name: one for name, one in step.items() if name != left_out} for left_out in step]
    others += [{**step, name: value} for name in (*fields, "unknown") for value in (*WRONG, WHOLE["block"].get(name))]
    others = others if ALL else others[len(step) % 3 :: 3]
    differ = [one for one in others if is_taken({"steps": [one]}) != EDITORS.is_valid({"steps": [one]})]
    assert differ == []


@pytest.mark.parametrize(
    "job",
    [
        {},
        {"steps": None},
        {"steps": [], "unknown": 1},
        {"steps": [], "parameters": {}, "local_values": {}},
        {"steps": [{"try": [{**STEP, "actoin": "x"}]}]},
        {"steps": [{"choose": [{"if": True, "do": [{"id": "a"}]}]}]},
        {"steps": [{"wait_for": {"timeout": 9, "form": {"items": {"format": "date"}}}}]},
    ],
    ids=json.dumps,
)
def test_a_mistake_deep_inside_a_job_is_refused(job: dict[str, Any]) -> None:
    assert not is_taken(job)


def test_rules_that_depend_on_the_place_of_a_step_are_left_to_the_schema_for_editors() -> None:
    for step in ({"end": "loop"}, {"try": [{"action": "LOGIC.TRUE"}]}):
        assert is_taken({"steps": [step]})
        assert not EDITORS.is_valid({"steps": [step]})


def test_a_step_is_one_of_closed_objects_without_conditions() -> None:
    """Programs that generate requests from the document cannot satisfy `if` and `then`; they would try forever."""
    written = json.dumps([SHAPES.job, SHAPES.defs])
    assert '"then"' not in written
    kinds = [name for name in SHAPES.defs if name not in ("Step", "Form")]
    assert SHAPES.defs["Step"]["oneOf"] == [{"$ref": f"#/$defs/{name}"} for name in kinds]
    assert all(SHAPES.defs[name]["additionalProperties"] is False for name in kinds)
