"""`conduit serve` as a user starts it: a process that is asked, killed, and started again."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
PATIENCE = 60.0
SLOW = '''import time
from pathlib import Path

from blocks.block import Category

category = Category("SLOW", effect="none")


@category.block
def until(*, file: str) -> str:
    """Wait until a file is there."""
    while not Path(file).exists():
        time.sleep(0.02)
    return "VERSION 1"
'''


class Served:
    """One process of `conduit serve`."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(  # noqa: S603  # our own program
            [sys.executable, "-m", "handler.cli", "serve", "--port", "0", *arguments],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        assert self.process.stdout is not None
        found = re.search(r"http://\S+", self.process.stdout.readline())
        assert found
        self.address = found[0]

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        request = urllib.request.Request(  # noqa: S310  # loopback
            self.address + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json", **headers},
        )
        for left in reversed(range(5)):
            try:
                with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310  # loopback
                    return json.loads(answer.read())
            except ConnectionError:  # the API started again in the middle of this request
                if not left:
                    raise
        raise AssertionError

    def wait(self, job_id: str, holds: Callable[[Any], bool]) -> Any:
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            job = self.ask("GET", f"/jobs/{job_id}")
            if holds(job):
                return job
            time.sleep(0.05)
        raise AssertionError(job)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def interrupt(self) -> str:
        self.process.send_signal(signal.SIGINT)
        return self.process.communicate(timeout=PATIENCE)[0]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    blocks = tmp_path / "blocks"
    blocks.mkdir()
    (blocks / "slow.py").write_text(SLOW)
    started: list[Served] = []

    def start(*arguments: str) -> Served:
        started.append(Served("--blocks", str(blocks), *arguments))
        return started[-1]

    yield start
    for one in started:
        one.kill()


def job_of(job_id: str, gate: Path) -> dict[str, Any]:
    return {
        "id": job_id,
        "steps": [
            {"id": "first", "action": "TEXT.JOIN", "parameters": {"text1": "a", "text2": "b"}},
            {"id": "slow", "action": "SLOW.UNTIL", "parameters": {"file": str(gate)}},
        ],
    }


def runs(job: Any) -> bool:
    return bool(job["status"] == "RUNNING")


def ended(job: Any) -> bool:
    return job["status"] in {"SUCCEEDED", "FAILED", "CANCELLED"}


@pytest.mark.slow
def test_a_job_is_seen_running_and_goes_on_after_everything_was_killed_in_the_middle(
    serve: Callable[..., Served], tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    first = serve("--data", str(tmp_path / "data"))
    first.ask("POST", "/jobs", job_of("a", gate), Prefer="respond-async")
    assert first.wait("a", runs)["steps"][1]["status"]["name"] == "NONE"
    first.kill()
    gate.touch()

    second = serve("--data", str(tmp_path / "data"))
    job = second.wait("a", ended)

    assert job["status"] == "SUCCEEDED"
    assert [step["status"]["name"] for step in job["steps"]] == ["DONE", "DONE"]
    second.ask("POST", "/jobs", job_of("b", gate), Prefer="respond-async")
    second.wait("b", ended)  # the worker has published everything of the job before
    log = second.interrupt()
    lines = [line.split()[-2:] for line in log.splitlines() if " a " in line and "  bus  " in line]
    assert lines[-2:] == [["slow", "DONE"], ["job)", "SUCCEEDED"]]
    assert "what it held is kept" in log
    assert second.process.returncode == 0


@pytest.mark.slow
def test_a_changed_block_is_used_by_what_runs_next(serve: Callable[..., Served], tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    served = serve()
    served.ask("POST", "/jobs", job_of("a", gate), Prefer="respond-async")
    served.wait("a", runs)
    (tmp_path / "blocks" / "slow.py").write_text(SLOW.replace("VERSION 1", "VERSION TWO"))
    gate.touch()

    assert served.wait("a", ended)["status"] == "SUCCEEDED"
    end = time.monotonic() + PATIENCE
    results = []
    while "VERSION TWO" not in results and time.monotonic() < end:
        results = [
            step["result"] for step in served.ask("POST", "/jobs", {"steps": job_of("", gate)["steps"]})["steps"]
        ]
        time.sleep(0.2)
    assert "VERSION TWO" in results


@pytest.mark.slow
def test_a_folder_of_data_serves_one_process_at_a_time(serve: Callable[..., Served], tmp_path: Path) -> None:
    serve("--data", str(tmp_path / "data"))

    second = subprocess.run(  # noqa: S603  # our own program
        [sys.executable, "-m", "handler.cli", "serve", "--port", "0", "--data", str(tmp_path / "data")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )

    assert second.returncode == 2
    assert "another process uses it" in second.stderr
