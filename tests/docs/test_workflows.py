"""The workflows of the public host call make targets that exist, and CONTRIBUTING.md lists those that run at night."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yaml"))
TARGETS = set(re.findall(r"^([a-z][a-z0-9-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def nightly_targets() -> set[str]:
    nightly = yaml.safe_load((ROOT / ".github" / "workflows" / "nightly.yaml").read_text())
    return set(nightly["jobs"]["search"]["strategy"]["matrix"]["target"])


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_calls_make_targets_that_exist(workflow: Path) -> None:
    called = set(re.findall(r"run: make ([a-z-]+)", workflow.read_text()))
    assert called <= TARGETS


def test_the_targets_that_run_each_night_exist() -> None:
    assert nightly_targets() <= TARGETS


def test_contributing_lists_the_targets_that_run_each_night() -> None:
    (paragraph,) = re.findall(r"^Each night.*?\n\n", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE | re.DOTALL)
    assert set(re.findall(r"`make ([a-z-]+)`", paragraph)) == nightly_targets()
