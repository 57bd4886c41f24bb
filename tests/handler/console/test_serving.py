"""`conduit serve` as a user runs it: a process that gets requests, is killed, and is started again."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from handler.cli import main

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
            stderr=subprocess.PIPE,
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
                    text = answer.read()
                    return json.loads(text) if text else None
            except (ConnectionError, urllib.error.URLError) as error:  # the API restarted during this request
                reason = getattr(error, "reason", error)  # set if the request was not sent completely
                if not left or not isinstance(reason, ConnectionError):
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

    def schedule_soon(self, name: str, workflow: str) -> None:
        """Schedule a run in a second, or in a few if the machine is busy: the server refuses a time in the past."""
        for seconds in (1, 3, 10, 30):
            at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))
            with contextlib.suppress(urllib.error.HTTPError):
                self.ask("PUT", f"/schedules/{name}", {"workflow": workflow, "at": at})
                return
        raise AssertionError

    def first_of_schedule(self) -> str:
        """The id of the first job that a schedule starts."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            for job in self.ask("GET", "/jobs")["jobs"]:
                if job["id"].startswith("__"):
                    return str(job["id"])
            time.sleep(0.1)
        raise AssertionError

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def interrupt(self) -> tuple[str, str]:
        """Interrupt the process; returns its remaining standard output and standard error."""
        self.process.send_signal(signal.SIGINT)
        return self.process.communicate(timeout=PATIENCE)

    def children(self) -> list[int]:
        """Its living child processes: the API and the worker."""
        listed = subprocess.run(  # noqa: S603  # our own process id
            ["ps", "-o", "pid=", "--ppid", str(self.process.pid)],  # noqa: S607  # wherever it is
            capture_output=True,
            text=True,
            check=False,
        )
        return [int(pid) for pid in listed.stdout.split()]


@pytest.fixture(scope="module")
def blocks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a block that waits for a file."""
    folder = tmp_path_factory.mktemp("blocks")
    (folder / "slow.py").write_text(SLOW)
    return folder


@pytest.fixture(scope="module")
def served(blocks: Path) -> Iterator[Served]:
    """A server that tests share: each sends its own jobs."""
    one = Served("--blocks", str(blocks))
    yield one
    one.kill()


@pytest.fixture
def serve(blocks: Path) -> Iterator[Callable[..., Served]]:
    """Starts a server that the test may kill."""
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
def test_a_changed_block_is_used_by_the_jobs_that_run_next(served: Served, blocks: Path, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    served.ask("POST", "/jobs", job_of("a", gate), Prefer="respond-async")
    served.wait("a", runs)
    (blocks / "slow.py").write_text(SLOW.replace("VERSION 1", "VERSION TWO"))
    gate.touch()

    assert served.wait("a", ended)["status"] == "SUCCEEDED"
    end = time.monotonic() + PATIENCE
    results = []
    while "VERSION TWO" not in results and time.monotonic() < end:
        job = served.ask("POST", "/jobs", {"steps": job_of("", gate)["steps"]})
        results = [step["result"] for step in job["steps"]]
        time.sleep(0.2)
    assert "VERSION TWO" in results


@pytest.mark.slow
def test_hooks_and_callbacks_have_addresses_that_answer(served: Served) -> None:
    event = {"id": "event", "action": "TEXT.CREATE", "parameters": {"value": "{< event.body.n >}"}}
    served.ask("PUT", "/workflows/w", {"steps": [event], "output": "{: event :}"})
    hook = served.ask("PUT", "/hooks/h", {"workflow": "w", "verify": "none", "respond": "output"})
    assert hook["url"].startswith(f"{served.address}/hooks/")
    assert served.ask("POST", hook["url"].removeprefix(served.address), {"n": 41}) == "41"

    note = {"id": "note", "set": {"url": "{% steps.ok.callback.url %}"}}
    asked = served.ask("POST", "/jobs", {"id": "called", "steps": [note, {"id": "ok", "wait_for": {"timeout": 60}}]})
    assert asked["variables"]["url"].startswith(f"{served.address}/callbacks/")
    served.ask("POST", asked["variables"]["url"].removeprefix(served.address), {"value": 42})
    assert served.wait("called", ended)["steps"][1]["result"]["value"] == 42


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.slow
def test_jobs_workflows_schedules_and_secrets_outlive_a_kill(
    serve: Callable[..., Served], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gate, data, secrets = tmp_path / "gate", str(tmp_path / "data"), tmp_path / "secrets.json"
    secrets.write_text('{"partner": {"value": "sesame-123", "hosts": [], "uses": ["hmac"]}}')
    first = serve("--data", data, "--secrets", str(secrets))
    sign = {"id": "sign", "action": "HASH.HMAC", "parameters": {"text": "a", "secret": "partner"}}
    first.ask("PUT", "/workflows/sign", {"steps": [sign], "output": "{: sign :}"})
    first.ask("PUT", "/schedules/nightly", {"workflow": "sign", "cron": "0 3 * * *"})
    signed = first.wait(first.ask("POST", "/workflows/sign/jobs", {})["id"], ended)["output"]
    assert len(signed) == 64
    first.ask("POST", "/jobs", job_of("a", gate), Prefer="respond-async")
    assert first.wait("a", runs)["steps"][1]["status"]["name"] == "NONE"
    first.kill()
    gate.touch()

    second = serve("--data", data)
    job = second.wait("a", ended)

    assert job["status"] == "SUCCEEDED"
    assert [step["status"]["name"] for step in job["steps"]] == ["DONE", "DONE"]
    assert [workflow["name"] for workflow in second.ask("GET", "/workflows")["workflows"]] == ["sign"]
    assert [schedule["id"] for schedule in second.ask("GET", "/schedules")["schedules"]] == ["nightly"]
    assert [secret["name"] for secret in second.ask("GET", "/secrets")["secrets"]] == ["partner"]
    assert second.wait(second.ask("POST", "/workflows/sign/jobs", {})["id"], ended)["output"] == signed

    assert main(["serve", "--port", "0", "--data", data]) == 2
    assert "another process uses it" in capsys.readouterr().err

    second.schedule_soon("once", "sign")
    assert second.wait(second.first_of_schedule(), ended)["output"] == signed

    second.ask("POST", "/jobs", job_of("b", gate), Prefer="respond-async")
    second.wait("b", ended)  # the worker has published all updates of the previous job
    log, _ = second.interrupt()
    lines = [line.split()[-2:] for line in log.splitlines() if " a " in line and "  bus  " in line]
    assert lines[-2:] == [["slow", "DONE"], ["job)", "SUCCEEDED"]]
    assert "Its data is in" in log
    assert second.process.returncode == 0


@pytest.mark.slow
def test_the_log_is_in_order_and_ctrl_c_during_a_request_ends_everything_without_a_traceback(
    serve: Callable[..., Served], tmp_path: Path
) -> None:
    served = serve()
    join = {"action": "TEXT.JOIN", "parameters": {"text1": "a", "text2": "b"}}
    for job_id in ("one", "two"):
        served.ask("POST", "/jobs", {"id": job_id, "steps": [{"id": f"s{number}", **join} for number in range(5)]})
    in_request = job_of("a", tmp_path / "gate")

    def send() -> None:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"{served.address}/jobs", json.dumps(in_request).encode(), PATIENCE)  # noqa: S310

    sender = threading.Thread(target=send)
    sender.start()
    served.ask("POST", "/jobs", job_of("b", tmp_path / "gate"), Prefer="respond-async")
    served.wait("b", runs)  # the worker is in the middle of a job too
    children = served.children()

    log, complaints = served.interrupt()

    sender.join(PATIENCE)
    assert complaints == ""
    assert log.splitlines()[-1] == "Conduit has stopped. No data was kept; use --data FOLDER to keep it."
    assert served.process.returncode == 0
    assert len(children) == 2
    assert not any(map(is_alive, children))
    lines = [line.split(maxsplit=4)[1:] for line in log.splitlines() if line.startswith("  bus  ")]
    assert all(re.fullmatch(r"\d\d:\d\d:\d\d\.\d{3}", moment) for moment, *_ in lines)
    for job_id in ("one", "two"):
        assert [" ".join(f"{step} {status}".split()) for _, job, step, status in lines if job == job_id] == [
            *(f"s{number} DONE" for number in range(5)),
            "(the job) SUCCEEDED",
        ]


@pytest.mark.slow
def test_each_action_of_conduit_jobs_works_on_it(
    served: Served, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fails = {"id": "check", "action": "LOGIC.ASSERT", "parameters": {"value": "{< ok >}"}}
    ask = {
        "id": "ok",
        "wait_for": {"timeout": 600, "form": {"type": "object", "properties": {"limit": {"type": "number"}}}},
    }

    def jobs(*arguments: str) -> tuple[int, str]:
        code = main(["jobs", "--url", served.address, *arguments])
        return code, capsys.readouterr().out

    def submit(job: dict[str, Any]) -> tuple[int, str]:
        file = tmp_path / "job.json"
        file.write_text(json.dumps(job))
        return jobs("submit", str(file))

    assert submit({"id": "fails", "name": "Fails", "parameters": {"ok": False}, "steps": [fails]})[0] == 1
    assert submit({"id": "asks", "steps": [ask, {**fails, "parameters": {"value": True}}]})[0] == 0
    assert submit({"id": "sleeps", "steps": [{"id": "w", "wait": {"seconds": 600}}]})[0] == 0

    code, listed = jobs("list", "--status", "FAILED")
    assert (code, [line.split()[0] for line in listed.splitlines()[1:]]) == (0, ["fails"])
    assert "check: ASSERTION_ERROR" in listed
    assert jobs("redrive", "fails", "--from", "check") == (0, "fails: run 2 has been queued.\n")
    assert jobs("watch", "fails")[0] == 1
    assert jobs("answer", "asks", "ok", "--value", '{"limit": 5}') == (0, "asks: ok has been answered.\n")
    code, watched = jobs("watch", "asks")
    assert (code, watched.splitlines()[-1]) == (0, "SUCCEEDED")
    assert jobs("cancel", "sleeps") == (0, "sleeps: cancel requested.\n")
    assert jobs("watch", "sleeps")[1].splitlines()[-1] == "CANCELLED: step 'w' ended CANCELLED"
    code, shown = jobs("show", "--json", "asks")
    assert (code, json.loads(shown)["steps"][0]["result"]["value"]) == (0, {"limit": 5})
    assert jobs("show", "missing") == (2, "")
