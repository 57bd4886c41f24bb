"""The 98 blocks of the library, as `tests/compat/blocks.json` lists them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from blocks.block import REGISTRY

LISTED = json.loads((Path(__file__).parents[1] / "compat" / "blocks.json").read_text(encoding="utf-8"))


def by_name(listed: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The parameters that a user writes."""
    return {parameter["name"]: parameter for parameter in listed["parameters"] if parameter["kind"] == "user"}


@pytest.mark.parametrize("listed", LISTED, ids=lambda listed: listed["action"])
def test_a_block_of_the_library_has_its_name_parameters_defaults_and_effects(listed: dict[str, Any]) -> None:
    block, parameters = REGISTRY.get(listed["action"]), by_name(listed)
    assert block is not None
    assert block.action == listed["action"]

    properties, required = block.schema()["properties"], block.schema().get("required", [])
    assert set(properties) - {"separator"} == set(parameters)
    assert set(required) == {name for name, one in parameters.items() if one.get("required")}
    for name, one in parameters.items():
        if "default" in one:
            assert properties[name].get("default", "(absent)") == one["default"]

    assert block.in_place == ({listed["changes_in_place"]} if "changes_in_place" in listed else set())
    assert block.effect == "none"
    assert block.description.endswith((".", "`"))
