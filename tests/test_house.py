"""The folders of the project, and proof that their import rules can fail."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CODE = {"handler", "blocks", "infra"}
BESIDE = {"tests", "docs", "examples", "benchmarks"}
LONGEST_FILE = 300


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S607
    if listed.returncode:
        pytest.skip("not a git checkout, so the project's files are unknown")
    return [Path(line) for line in listed.stdout.splitlines()]


def test_no_other_folder_holds_code() -> None:
    folders = {path.parts[0] for path in tracked() if len(path.parts) > 1}
    assert {folder for folder in folders if not folder.startswith(".")} == CODE | BESIDE


def test_no_file_is_too_long_to_be_one_noun() -> None:
    sources = [path for path in tracked() if path.parts[0] in CODE and path.suffix == ".py" and (ROOT / path).exists()]
    lengths = {str(path): len((ROOT / path).read_text().splitlines()) for path in sources}
    assert {path: length for path, length in lengths.items() if length > LONGEST_FILE} == {}


def test_tests_of_a_room_are_in_a_folder_of_its_name() -> None:
    tests = [path.parts[2] for path in tracked() if path.parts[:2] == ("tests", "infra") and len(path.parts) > 3]
    rooms = {path.parts[1] for path in tracked() if path.parts[0] == "infra" and len(path.parts) > 2}
    assert set(tests) == rooms


PLANTED = {
    "handler/newcomer.py": ("", "- handler.newcomer"),
    "handler/engine/newcomer.py": ("", "- handler.engine.newcomer"),
    "infra/newcomer.py": ("", "- infra.newcomer"),
    "infra/aws/backoff.py": ("import handler.app\n", "infra.aws.backoff -> handler.app"),
    "infra/table/conditions.py": ("import blocks.block\n", "infra.table.conditions -> blocks.block"),
    "blocks/text.py": ("import infra.table.items\n", "blocks.text -> infra.table.items"),
    "blocks/newcomer.py": ("import blocks.text\n", "blocks.newcomer -> blocks.text"),
    "handler/engine/values.py": ("import time\n", "handler.engine.values -> time"),
    "handler/jobs/service.py": ("import botocore\n", "handler.jobs.service -> botocore"),
}
"""Files that break a contract: the import added to each, and the linter's expected message."""


@pytest.fixture(scope="module")
def complaints(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The linter's output for the tree with all of these files: one run takes half a second, whatever it finds."""
    tree = tmp_path_factory.mktemp("tree")
    for folder in CODE:
        shutil.copytree(ROOT / folder, tree / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tree)
    for file, (text, _) in PLANTED.items():
        planted = tree / file
        planted.write_text((planted.read_text() if planted.exists() else "") + text)
    ended = subprocess.run(  # noqa: S603
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=tree,
        env={"PYTHONPATH": str(tree), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1, ended.stdout + ended.stderr
    return ended.stdout.partition("Broken contracts")[2]


@pytest.mark.parametrize("file", PLANTED)
def test_a_file_without_a_floor_or_an_arrow_backwards_breaks_a_contract(complaints: str, file: str) -> None:
    assert PLANTED[file][1] in complaints
