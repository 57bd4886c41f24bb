"""The walkthrough of docs/secrets.md, followed in a shell."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "secrets.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
WALK = PAGE.read_text().partition("### On your machine")[2].partition("### Deployed")[0]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        port: int = one.getsockname()[1]
        return port


@pytest.fixture
def blocks(tmp_path: Path) -> list[tuple[str, str]]:
    """The blocks of the walkthrough in order, with free ports; also writes its files."""
    command = tmp_path / "conduit"
    command.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m handler.cli "$@"\n')
    command.chmod(0o755)
    walk = WALK.replace("9000", str(free_port())).replace("8080", str(free_port()))
    found = [(block[1], block[2]) for block in BLOCK.finditer(walk)]
    texts = [text for kind, text in found if kind in {"py", "json"}]
    for name, text in zip(("service.py", "charge.json", "secrets.json"), texts, strict=True):
        (tmp_path / name).write_text(text)
    return found


@contextmanager
def shell(script: str, folder: Path) -> Iterator[str]:
    """The output of a script; its background processes run until the end of the `with` block."""
    environment = {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}
    started = subprocess.Popen(  # noqa: S603  # our own page
        ["/bin/sh", "-c", script],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    try:
        started.wait(timeout=90)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(started.pid, signal.SIGKILL)
        yield started.communicate()[0]
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(started.pid, signal.SIGKILL)


AWAIT = """for i in $(seq 100); do
  {python} -c "import socket; socket.create_connection(('127.0.0.1', {port}))" 2>/dev/null && break; sleep 0.1
done
"""


@pytest.mark.slow
def test_the_walkthrough_calls_the_service_with_the_secret(blocks: list[tuple[str, str]], tmp_path: Path) -> None:
    service = re.search(r'127\.0\.0\.1", (\d+)', (tmp_path / "service.py").read_text())
    assert service
    first, second = (text for kind, text in blocks if kind == "sh")
    api = re.search(r"localhost:(\d+)/secrets", second)
    assert api
    first = first.replace("service.py &\n", f"service.py &\n{AWAIT.format(python=sys.executable, port=service[1])}")
    second = second.replace("serve &", f"serve --port {api[1]} >/dev/null &")
    second = second.replace("curl", f"{AWAIT.format(python=sys.executable, port=api[1])}curl -s", 1).replace(
        "\ncurl -X POST", "\ncurl -s -X POST"
    )

    with shell(first + "echo ===\n" + second, tmp_path) as printed:
        ran, _, served = printed.partition("===\n")

    [shown] = [text for kind, text in blocks if kind == "text"]
    assert blur(ran) == blur(shown)
    job = json.loads(served)
    assert job["status"] == "SUCCEEDED"
    assert job["steps"][0]["result"] == {"body": {"paid": {"cents": 1200}}}
    assert "sk_test" not in printed


def blur(text: str) -> list[str]:
    """The lines without the parts that differ between runs: ids, times, and the spaces that depend on them."""
    text = re.sub(r"run-[\w…-]+", "run-ID", text)
    return [" ".join(re.sub(r"\b\d+\.\d\b", "MS", line).split()) for line in text.splitlines()]
