"""A short `make chaos` on moto: real processes, really killed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_processes_that_are_killed_lose_no_job_and_record_no_step_twice() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    run = subprocess.run(
        [sys.executable, "-m", "tests.chaos", "--kills", "2", "--emulator", "moto", "--gentle"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "lost                                       0" in run.stdout
