"""Behaviour of `make` and `sam build` that no page or message shows."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.template.reading import read_template

ROOT = Path(__file__).parents[2]


def recipe_of(target: str, *variables: str) -> str:
    """The commands that `make` would run for a target."""
    planned = subprocess.run(  # noqa: S603  # our own Makefile
        ["make", "--dry-run", "--always-make", target, "ARTIFACTS_DIR=/nowhere", *variables],  # noqa: S607  # of the PATH
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        env={name: value for name, value in os.environ.items() if not name.startswith("MAKE")},
    )
    return planned.stdout


@pytest.mark.parametrize("target", ["build-ApiFunction", "build-WorkerFunction"])
def test_sam_ships_nothing_uncompiled_unless_it_is_told_to(target: str) -> None:
    assert ".ci/build.py" in recipe_of(target)
    assert "--compiled" in recipe_of(target)
    assert "--compiled" not in recipe_of(target, "UNCOMPILED=1")


def test_a_build_that_must_be_compiled_ends_with_an_error_where_nothing_can_compile_it(tmp_path: Path) -> None:
    program = (
        "import sys; sys.path.insert(0, '.ci'); import build; from pathlib import Path; "
        "build.find_python = lambda _: None; build._compile(Path(sys.argv[1]), '3.13', required=sys.argv[2] == 'must')"
    )
    for must, code in (("must", 1), ("may", 0)):
        target = tmp_path / must
        target.mkdir()
        ended = subprocess.run(  # noqa: S603  # our own program
            [sys.executable, "-c", program, str(target), must], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert ended.returncode == code, ended.stderr
        assert "no Python 3.13 here" in ended.stderr
        assert target.exists() == (code == 0), "an artifact that is not compiled must not be left for SAM to ship"


def test_the_build_hands_on_that_it_must_be_compiled(tmp_path: Path) -> None:
    program = (
        "import sys; sys.path.insert(0, '.ci'); import build; from pathlib import Path\n"
        "seen = []\n"
        "for name in [n for n, f in vars(build).items() if callable(f) and getattr(f, '__module__', '') == 'build']:\n"
        "    if name not in ('build', '_compile'): setattr(build, name, lambda *_, **__: None)\n"
        "build._compile = lambda target, python, *, required: seen.append(required)\n"
        "options = {'host': False, 'python': '3.13', 'without_boto3': False, 'services': ()}\n"
        "build.build(Path(sys.argv[1]), **options, compiled=True)\n"
        "print(seen)\n"
    )
    ended = subprocess.run(  # noqa: S603  # our own program
        [sys.executable, "-c", program, str(tmp_path / "task")], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ended.stdout.strip() == "[True]", ended.stderr


def test_an_environment_of_another_python_is_made_again(tmp_path: Path) -> None:
    """`PYTHON=python3.13 make test` must not use an existing `.venv` of 3.11."""
    planned = recipe_of(f"{tmp_path}/venv/.ready", "PYTHON=/usr/bin/another-python", f"VENV={tmp_path}/venv")
    assert "/usr/bin/another-python -c" in planned
    assert "/usr/bin/another-python -m venv --clear" in planned
    compared = planned.partition("test ")[2].partition("||")[0]
    assert compared.count("version_info[:2]") == 2
    assert "/usr/bin/another-python" in compared


def test_the_page_of_failures_has_the_visibility_that_the_template_has() -> None:
    template = read_template()
    timeout = str(template["Parameters"]["WorkerTimeout"]["Default"])
    seconds = template["Mappings"]["Visibility"][timeout]["Seconds"]
    text = " ".join((ROOT / "docs" / "when-aws-fails.md").read_text().split())
    assert f"default visibility timeout of {seconds} s" in text


def test_a_deployment_that_a_page_shows_drops_none_of_its_environments_settings() -> None:
    """`--parameter-overrides` on the command line replaces those in samconfig.toml."""
    configuration = tomllib.loads((ROOT / "samconfig.toml").read_text())
    shown = 0
    for page in (ROOT / "docs").glob("*.md"):
        text = page.read_text().replace("\\\n", " ")
        for environment, given in re.findall(r"--config-env (\w+) --parameter-overrides (.*)", text):
            shown += 1
            kept = configuration[environment]["deploy"]["parameters"]["parameter_overrides"].split()
            assert set(kept) <= set(given.split()), (page.name, given)
    assert shown >= 3
