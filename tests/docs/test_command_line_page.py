"""docs/command-line.md agrees with the command: its subcommands and each exit code."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from handler.cli import BAD_INPUT, COMMANDS, FAILED, INTERRUPTED, main

PAGE = (Path(__file__).parents[2] / "docs" / "command-line.md").read_text()
FINE = {"steps": [{"id": "a", "action": "LOGIC.TRUE"}]}
FAILS = {"steps": [{"id": "a", "action": "LOGIC.FAIL", "parameters": {"message": "no"}}]}
ASKS = {"steps": [{"id": "a", "wait_for": {"timeout": 600}}]}
UNKNOWN = {"steps": [{"action": "NO.BLOCK"}]}


def test_the_page_lists_every_command() -> None:
    assert set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)) == set(COMMANDS)


def test_the_page_lists_every_exit_code() -> None:
    codes = {int(code) for code in re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE)}
    assert codes == {0, FAILED, BAD_INPUT, INTERRUPTED}


@pytest.mark.parametrize(
    ("arguments", "jobs", "code"),
    [
        (["run"], [FINE], 0),
        (["run"], [FAILS], 1),
        (["run"], [ASKS], 1),
        (["run", "--json"], [FAILS, FINE], 1),
        (["run"], [UNKNOWN], 1),
        (["run"], [{"steps": 1}], 2),
        (["run"], [FAILS, {"steps": 1}], 2),
        (["validate"], [FINE], 0),
        (["validate"], [FINE, UNKNOWN], 1),
        (["validate"], ["{"], 2),
        (["jobs", "--url", "http://127.0.0.1:9", "submit"], [FINE], 2),
        (["schema"], [], 0),
        (["blocks", "TEXT.JOIN"], [], 0),
        (["blocks", "NO.BLOCK"], [], 2),
        (["new", "Bad Name"], [], 2),
    ],
)
def test_a_command_ends_with_the_code_of_the_page(
    arguments: list[str], jobs: list[object], code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for number, job in enumerate(jobs):
        (tmp_path / f"{number}.json").write_text(job if isinstance(job, str) else json.dumps(job))
    assert main([*arguments, *(f"{number}.json" for number in range(len(jobs)))]) == code
