"""`conduit new`: the new project works without changes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from handler.cli import main
from handler.console.new_project import ProjectError, find_checkout

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


def test_a_folder_that_cannot_be_made_is_one_line_on_stderr(tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "file").write_text("")
    assert main(["new", str(tmp_path / "file" / "mine")]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(str(tmp_path / "file" / "mine"))
    assert line.endswith(": Not a directory")


def test_a_project_builds_on_the_given_checkout(tmp_path: Path, capsys: Any) -> None:
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    assert main(["new", "--checkout", str(checkout), str(tmp_path / "mine")]) == 2
    assert "is not a checkout of Conduit" in capsys.readouterr().err
    (checkout / "template.yaml").write_text("")
    assert main(["new", "--checkout", str(checkout), str(tmp_path / "mine")]) == 0
    assert f"Location: {checkout}/template.yaml" in (tmp_path / "mine" / "template.yaml").read_text()
    assert f"CONDUIT ?= {checkout}\n" in (tmp_path / "mine" / "Makefile").read_text()


def test_an_installed_conduit_finds_the_folder_that_pip_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkout = tmp_path / "the checkout"
    checkout.mkdir()
    (checkout / "template.yaml").write_text("")
    noted = {"url": checkout.as_uri(), "dir_info": {}}
    monkeypatch.setattr(
        "handler.console.new_project.distribution",
        lambda _: SimpleNamespace(read_text=lambda name: json.dumps(noted) if name == "direct_url.json" else None),
    )
    assert find_checkout(tmp_path / "site-packages", None) == checkout
    (checkout / "template.yaml").unlink()
    with pytest.raises(ProjectError, match="--checkout"):
        find_checkout(tmp_path / "site-packages", None)


def test_a_conduit_that_pip_does_not_know_asks_for_the_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def find(name: str) -> Any:
        raise PackageNotFoundError(name)

    monkeypatch.setattr("handler.console.new_project.distribution", find)
    with pytest.raises(ProjectError, match="--checkout"):
        find_checkout(tmp_path / "site-packages", None)


def test_the_extra_for_projects_is_part_of_the_development_requirements() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = (ROOT / "requirements-dev.in").read_text().splitlines()
    assert set(project["optional-dependencies"]["local"]) <= set(lines)
