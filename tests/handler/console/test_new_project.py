"""`conduit new`: a project that works as it is made."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from handler.cli import main

ROOT = Path(__file__).resolve().parents[3]


def test_the_project_passes_its_own_tests_and_runs_its_job(tmp_path: Path, capsys: Any) -> None:
    project = tmp_path / "automations"
    assert main(["new", str(project)]) == 0
    assert "make test run" in capsys.readouterr().out
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    environment.pop("CONDUIT_BLOCKS", None)
    tested = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert tested.returncode == 0, tested.stdout
    ran = subprocess.run(
        [sys.executable, "-m", "handler.cli", "run", "--blocks", "blocks", "--json", "jobs/hello.json"],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert '"HELLO ADA!"' in ran.stdout


@pytest.mark.parametrize("name", ["Bad Name", "full"])
def test_a_folder_that_cannot_be_used_is_left_alone(tmp_path: Path, capsys: Any, name: str) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "kept").write_text("mine")
    assert main(["new", str(tmp_path / name)]) == 2
    assert capsys.readouterr().err
    assert [path.name for path in tmp_path.rglob("*")] == ["full", "kept"]
