"""The tutorial, followed in a terminal of 80 columns: a reader sees the output that it shows."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from tests.docs.terminal import COLUMNS, Shell

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "tutorial.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PATIENCE = 90.0


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        port: int = one.getsockname()[1]
        return port


def wait_until_served(url: str) -> None:
    end = time.monotonic() + PATIENCE
    while True:
        try:
            urllib.request.urlopen(f"{url}/blocks/TEXT.JOIN", timeout=PATIENCE).close()  # noqa: S310  # loopback
        except OSError:
            assert time.monotonic() < end
            time.sleep(0.1)
        else:
            return


def wait_until_gone(url: str) -> None:
    """Wait until the API has ended too, which is a child of the killed process."""
    end = time.monotonic() + PATIENCE
    with contextlib.suppress(OSError):
        while time.monotonic() < end:
            urllib.request.urlopen(f"{url}/blocks/TEXT.JOIN", timeout=PATIENCE).close()  # noqa: S310  # loopback
            time.sleep(0.05)


def blurred(lines: list[str]) -> list[str]:
    """Lines without the parts that differ between runs: times, durations, process numbers, and spaces after them."""
    shown: list[str] = []
    rest = False  # whether the line continues one about a background process, which is wider than the terminal
    for line in lines:
        about_process = bool(re.match(r"\[\d\]", line))
        if not about_process and not rest:
            shown.append(line)
        rest = about_process and len(line) == COLUMNS
    texts = [re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "TIME", line) for line in shown]
    texts = [re.sub(r"(?<![\w.\"])\d+\.\d(?![\w.\"])", "MS", text) for text in texts]
    return [" ".join(text.split()) for text in texts if text]


@pytest.mark.slow
def test_the_tutorial_shows_the_screens_of_a_terminal_of_80_columns(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    command = tmp_path / "conduit"
    command.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m handler.cli "$@"\n')
    command.chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}", "CONDUIT_URL": url}
    for name in ("NO_COLOR", "COLUMNS", "LINES", "CONDUIT_BLOCKS"):
        environment.pop(name, None)
    press, log = tmp_path / "blocks" / "press.py", tmp_path / "serve.log"
    press.parent.mkdir()
    slow = ""  # the block as the page has it. Only the server needs it: it leaves time for the kill.
    seen: list[str] = []
    with Shell(tmp_path, environment) as shell:
        for kind, text in BLOCK.findall(PAGE.read_text()):
            if kind == "json":
                (tmp_path / "book.json").write_text(text)
            elif kind == "py":
                slow = text
                press.write_text(text.replace("pages / 10)", "pages / 100)"))
            elif kind == "sh":
                for line in text.splitlines():
                    if line.startswith("conduit serve") and not log.exists():
                        press.write_text(slow)
                    seen += shell.run(line.replace("conduit serve", f"conduit serve --port {url.rpartition(':')[2]}"))
                    if line.startswith("conduit serve"):
                        wait_until_served(url)
                    if " submit " in line:
                        wait_until_runs(url)
                    if line.startswith("kill"):
                        wait_until_gone(url)
            elif seen:
                assert max(map(len, seen)) <= COLUMNS
                assert blurred(seen) == blurred(text.splitlines())
                seen = []
    assert re.search(r"bus  \d\d:\d\d:\d\d\.\d{3}  book  ship +DONE\n", log.read_text())


def wait_until_runs(url: str) -> None:
    """Wait until the job is in its second step, as it is when a reader types the next line."""
    end = time.monotonic() + PATIENCE
    while b'"RUNNING"' not in urllib.request.urlopen(f"{url}/jobs/book", timeout=PATIENCE).read():  # noqa: S310  # loopback
        assert time.monotonic() < end
        time.sleep(0.05)
