"""Files of blocks are imported when one of their blocks is first used."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from blocks.block import REGISTRY, Category, DuplicateBlockError, Registry
from blocks.discovery import LATER

ROOT = Path(__file__).parents[2]


def run(program: str) -> list[str]:
    """The output of a program in a fresh process."""
    ended = subprocess.run(  # noqa: S603  # our own program
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    return ended.stdout.split()


def test_the_list_of_those_that_wait_names_each_block_of_their_files_and_no_other() -> None:
    announced = {block.action: block.function.__module__ for block in REGISTRY}

    assert {action: module for action, module in announced.items() if module in LATER.values()} == LATER


def test_asking_for_one_imports_its_file_and_no_other() -> None:
    program = """
import sys
from blocks.block import REGISTRY
loaded = lambda: [name for name in ("blocks.text", "blocks.csv", "blocks.time") if name in sys.modules]
REGISTRY.get("text.join"), REGISTRY.get("NO.SUCH"), REGISTRY.global_values()
print(*loaded())
print(REGISTRY.get("csv.parse").action, REGISTRY.get("CSV.PARSE").action, *loaded())
"""
    assert run(program) == ["blocks.text", "CSV.PARSE", "CSV.PARSE", "blocks.text", "blocks.csv"]


@pytest.mark.parametrize("question", ["len(REGISTRY)", "len(list(REGISTRY))"])
def test_listing_the_blocks_imports_them_all(question: str) -> None:
    assert run(f"from blocks.block import REGISTRY; print({question})") == [str(len(REGISTRY))]


def test_another_block_with_the_name_of_one_that_waits_is_refused_at_once() -> None:
    waiting = Registry(later={"CSV.PARSE": "blocks.csv"})

    with pytest.raises(DuplicateBlockError, match=r"CSV\.PARSE is announced twice: by blocks\.csv and by"):
        Category("CSV", registry=waiting).block(name="parse")(lambda: None)
