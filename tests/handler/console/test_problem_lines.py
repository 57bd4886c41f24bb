"""The lines of problems in a file, and the output of commands about jobs and blocks without AWS."""

from __future__ import annotations

import json
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler.cli import COMMANDS, main
from handler.console.shown.places import find_places
from handler.console.shown.problem_lines import problem_lines
from handler.payload.problem import Problem

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def test_a_problem_names_line_column_and_step_and_what_caused_it() -> None:
    text = '{\n  "steps": [\n    {"id": "a", "action": "NO"}\n  ]\n}'
    problem = {
        "severity": "error",
        "pointer": "/steps/0/action",
        "path": "a",
        "code": "BLOCK_NOT_FOUND",
        "message": "There is no such block.",
        "because": "b",
    }
    answer = {"valid": False, "problems": [problem, {**problem, "pointer": "/steps/0/parameters/x", "because": None}]}
    assert problem_lines("job.json", text, answer) == [
        "job.json:3:17: error: step a: BLOCK_NOT_FOUND: There is no such block. (because of step b)",
        "job.json:3:5: error: step a: BLOCK_NOT_FOUND: There is no such block.",
        "job.json: not valid",
    ]


@given(JSON, st.sampled_from([None, 2]))
def test_every_value_of_a_text_has_its_place(value: Any, indent: int | None) -> None:
    text = json.dumps(value, indent=indent)
    lines = text.split("\n")
    places = find_places(text)
    assert set(places) == set(pointers(value, ""))
    for line, column in places.values():
        assert lines[line - 1][column - 1] not in " ,:]}"


def pointers(value: Any, at: str) -> list[str]:
    if isinstance(value, dict):
        inner = {f"{at}/{key.replace('~', '~0').replace('/', '~1')}": item for key, item in value.items()}
    elif isinstance(value, list):
        inner = {f"{at}/{index}": item for index, item in enumerate(value)}
    else:
        inner = {}
    return [at, *(found for pointer, item in inner.items() for found in pointers(item, pointer))]


@pytest.mark.parametrize("text", ["", "{", '{"a": ', '["x', "nope", '{"a" 1}'])
def test_text_that_is_not_json_has_the_places_up_to_the_mistake(text: str) -> None:
    assert set(find_places(text)) <= {"", "/a", "/0"}


def test_a_problem_has_the_fields_that_the_lines_show() -> None:
    answer = Problem("/steps", "INVALID_FIELD", "No.").as_answer()
    assert {"severity", "pointer", "code", "message", "path"} <= set(answer)


def test_schema_is_printed_or_written(tmp_path: Path, capsys: Any) -> None:
    assert main(["schema"]) == 0
    printed = json.loads(capsys.readouterr().out)
    file = tmp_path / "job.schema.json"
    assert main(["schema", str(file)]) == 0
    assert json.loads(file.read_text()) == printed
    assert main(["schema", str(tmp_path / "no" / "where.json")]) == 2


def test_blocks_lists_a_category_or_what_a_search_finds(capsys: Any) -> None:
    assert main(["blocks", "url"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["URL.BUILD", "URL.PARSE"]
    assert main(["blocks", "--search", "base64 encode"]) == 0
    assert "ENCODE.BASE64" in capsys.readouterr().out
    assert main(["blocks", "--search", "zzz nothing"]) == 2


def test_run_takes_parameters_and_prints_the_output_alone(tmp_path: Path, capsys: Any) -> None:
    file = tmp_path / "job.json"
    file.write_text(json.dumps({"parameters": {"a": 1, "b": "x"}, "steps": [], "output": ["{< a >}", "{< b >}"]}))
    assert main(["run", "--output", "--param", "a=[2]", "--param", "b=two words", str(file)]) == 0
    assert json.loads(capsys.readouterr().out) == [[2], "two words"]


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_the_completion_names_every_command(shell: str, capsys: Any) -> None:
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert all(name in script for name in COMMANDS)
    assert "--param" in script


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("conduit va", {"validate"}),
        ("conduit run --par", {"--param"}),
        ("conduit jobs li", {"list"}),
        ("conduit blocks --sea", {"--search"}),
    ],
)
def test_bash_completes_commands_actions_and_options(typed: str, expected: set[str], capsys: Any) -> None:
    assert main(["completion", "bash"]) == 0
    words = typed.split()
    ask = f"""COMP_WORDS=({typed}); COMP_CWORD={len(words) - 1}; _conduit; printf '%s\\n' "${{COMPREPLY[@]}}" """
    ran = subprocess.run(  # noqa: S603  # our own script
        ["bash", "--norc", "-c", capsys.readouterr().out + "\n" + ask],  # noqa: S607  # wherever it is
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.stderr == ""
    assert set(ran.stdout.split()) == expected


def test_the_version_is_that_of_the_project(capsys: Any) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"conduit {version('conduit-lambda')}\n"
