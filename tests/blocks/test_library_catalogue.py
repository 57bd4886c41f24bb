"""The 98 blocks of the library, as `tests/compat/blocks.json` lists them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from blocks.block import REGISTRY

LISTED = json.loads((Path(__file__).parents[1] / "compat" / "blocks.json").read_text(encoding="utf-8"))


@pytest.fixture(params=LISTED, ids=lambda listed: listed["action"])
def listed(request: pytest.FixtureRequest) -> dict[str, Any]:
    return dict(request.param)


def user_parameters(listed: dict[str, Any]) -> list[dict[str, Any]]:
    return [parameter for parameter in listed["parameters"] if parameter["kind"] == "user"]


def test_each_block_of_the_library_is_known_under_its_name(listed: dict[str, Any]) -> None:
    block = REGISTRY.get(listed["action"])

    assert block is not None
    assert block.action == listed["action"]


def test_each_takes_the_parameters_that_the_library_named(listed: dict[str, Any]) -> None:
    schema = REGISTRY.get(listed["action"]).schema()

    assert set(schema["properties"]) - {"separator"} == {parameter["name"] for parameter in user_parameters(listed)}
    assert set(schema.get("required", [])) == {p["name"] for p in user_parameters(listed) if p.get("required")}


def test_each_has_the_defaults_that_the_library_had(listed: dict[str, Any]) -> None:
    properties = REGISTRY.get(listed["action"]).schema()["properties"]
    expected = {p["name"]: p["default"] for p in user_parameters(listed) if p.get("default", "(absent)") != "(absent)"}
    absent = {p["name"] for p in user_parameters(listed) if p.get("default") == "(absent)"}

    assert {name: properties[name]["default"] for name in expected} == expected
    assert all("default" not in properties[name] for name in absent)


def test_each_block_changes_the_same_arguments_in_place_as_the_library(listed: dict[str, Any]) -> None:
    expected = {listed["changes_in_place"]} if "changes_in_place" in listed else set()

    assert REGISTRY.get(listed["action"]).in_place == expected


def test_each_may_be_run_again_freely_and_has_a_page(listed: dict[str, Any]) -> None:
    block = REGISTRY.get(listed["action"])

    assert block.effect == "none"
    assert block.description.endswith((".", "`"))
