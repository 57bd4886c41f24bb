"""The cells of the benchmark run: a cell that fails measures nothing, and would go unnoticed until the next report."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("cell", ["chain_conduit", "chain_all_in"])
def test_a_chain_of_more_steps_than_a_small_job_is_measured(cell: str) -> None:
    command = [sys.executable, "-m", f"benchmarks.{cell}", "--steps", "25", "--seconds", "0.01"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603  # ours
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["us_per_step"] > 0
