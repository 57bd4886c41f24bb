"""The catalogue in `docs/`, and the examples in the docstrings from which it is generated."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from blocks.block import REGISTRY
from tests.docs.scripts import script

if TYPE_CHECKING:
    from collections.abc import Callable

EXAMPLES = [
    (block.action, parameters, result)
    for block in REGISTRY
    for parameters, result in re.findall(r"`(\{[^`]*\})` gives\s`([^`]*)`", block.description)
    if parameters.startswith('{"') and set(json.loads(parameters)) <= set(block.schema()["properties"])
]


def test_the_readme_counts_the_blocks_that_are_shipped() -> None:
    page = script("blocks_page")
    assert page.README.read_text(encoding="utf-8") == page.readme(page.listed()), "run `make blocks-page`"


@pytest.mark.parametrize(("action", "parameters", "result"), EXAMPLES)
def test_an_example_in_a_docstring_gives_what_it_says(
    run: Callable[..., Any], action: str, parameters: str, result: str
) -> None:
    assert run(action, **json.loads(parameters)) == json.loads(result)


def test_examples_are_found_in_the_docstrings() -> None:
    assert {"TEXT.JOIN", "OBJECT.APPLY_SLICE", "MATH.SUM_LIST"} <= {action for action, _, _ in EXAMPLES}


NEW = {"CSV", "ENCODE", "HASH", "ID", "JSON", "REGEX", "TIME", "URL"}


@pytest.mark.parametrize("action", [block.action for block in REGISTRY if block.category in NEW])
def test_a_block_beyond_the_library_shows_an_example_and_may_be_run_again_freely(action: str) -> None:
    block = REGISTRY.get(action)

    assert block.effect == "none"
    assert "`{" in block.description
