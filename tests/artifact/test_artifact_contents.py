from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.artifact.sandbox import PYTHON, ROOT

DEVELOPERS_ONLY = ("moto", "rich", "pytest", "hypothesis", "cfnlint", "uv")


def modules_of(folder: Path) -> list[str]:
    ours = [path for name in ("handler", "blocks", "infra") for path in (folder / name).rglob("*.py")]
    paths = sorted(path.relative_to(folder) for path in ours)
    return [".".join(path.with_suffix("").parts).removesuffix(".__init__") for path in paths]


def run(artifact: Path, program: str) -> str:
    answer = subprocess.run(  # noqa: S603 (our own program)
        [PYTHON, "-I", "-B", "-c", f"import sys; sys.path[:0] = [{str(artifact)!r}]\n{program}"],
        capture_output=True,
        text=True,
        check=False,
        env={"AWS_DEFAULT_REGION": "eu-central-1"},
    )
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def test_only_the_three_folders_are_ours_and_none_of_the_developers_tools_came_along(artifact: Path) -> None:
    there = {path.name.split("-")[0].removesuffix(".py") for path in artifact.iterdir()}
    assert {"handler", "blocks", "infra"} <= there
    assert there.isdisjoint({*DEVELOPERS_ONLY, "tests", "docs", "examples", "benchmarks", "template.yaml", "Makefile"})


def test_the_command_line_and_the_embedded_aws_stay_at_home(artifact: Path) -> None:
    assert {"handler.cli", "infra.local"}.isdisjoint(modules_of(artifact))


def test_every_module_imports_with_nothing_but_the_artifact(artifact: Path) -> None:
    run(artifact, f"import importlib\nfor name in {modules_of(artifact)!r}: importlib.import_module(name)")


def test_every_block_of_the_tree_is_there(artifact: Path) -> None:
    listing = "from blocks.block import REGISTRY\nprint(*sorted(block.action for block in REGISTRY))"
    here = subprocess.run(  # noqa: S603 (our own program)
        [sys.executable, "-c", listing], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout
    assert run(artifact, listing) == here
    assert "TEXT.JOIN" in here.upper()


def test_every_module_that_a_function_loads_is_compiled(artifact: Path) -> None:
    everything = f"""
import importlib, os
for name in {modules_of(artifact)!r}:
    importlib.import_module(name)
from blocks.block import REGISTRY
from handler.invocation.log import LambdaLog
from handler.invocation.metrics import Metrics
from infra.aws.clients import Clients
REGISTRY.load()
LambdaLog().info("a line", extra={{}})
metrics = Metrics()
metrics.count("Jobs")
metrics.flush()
clients = Clients()
clients.dynamodb(), clients.events(), clients.sqs(), clients.scheduler()
for module in list(sys.modules.values()):
    cached = getattr(module, "__cached__", None)
    if cached and cached.startswith({str(artifact)!r}) and not os.path.exists(cached):
        print("not compiled:", cached)
"""
    lines = run(artifact, everything).splitlines()
    assert [line for line in lines if line.startswith("not compiled")] == []


def test_time_zones_are_known_on_a_system_that_has_none(artifact: Path) -> None:
    program = "import zoneinfo\nzoneinfo.reset_tzpath([])\nprint(zoneinfo.ZoneInfo('Europe/Berlin'))"
    assert run(artifact, program).strip() == "Europe/Berlin"


def test_nothing_that_is_heavy_and_unused_is_imported_by_the_handler(artifact: Path) -> None:
    loaded = run(artifact, "import handler.app\nprint(*sorted(sys.modules))").split()
    assert {"boto3", "aws_xray_sdk", "awscrt", "aws_lambda_powertools.event_handler"}.isdisjoint(loaded)
