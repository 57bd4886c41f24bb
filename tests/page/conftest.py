"""A served deployment and a browser, for the tests of the page. They run under `make test-page` alone."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PAGE = os.environ.get("CONDUIT_PAGE")
IMAGES = ROOT / "docs" / "images"
collect_ignore_glob = [] if PAGE else ["test_*.py"]
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SLOW = '''import time
from pathlib import Path

from blocks.block import Category

category = Category("SLOW", effect="none")


@category.block
def until(*, file: str) -> str:
    """Wait until a file is there."""
    while not Path(file).exists():
        time.sleep(0.02)
    return "open"
'''


class Served:
    """`conduit serve` with data that it keeps, on a port that stays."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "blocks").mkdir()
        (folder / "blocks" / "slow.py").write_text(SLOW)
        self.gate = folder / "gate"
        self.port = "0"
        self.start()

    def start(self) -> None:
        options = ["--port", self.port, "--data", str(self.folder / "data"), "--blocks", str(self.folder / "blocks")]
        self.process = subprocess.Popen(  # noqa: S603  # our own program
            [str(PAGE), "-m", "handler.cli", "serve", *options], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        found = re.search(r"http://\S+:(\d+)", self.process.stdout.readline())
        assert found
        self.address, self.port = found[0], found[1]

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def send(self, job: dict[str, Any]) -> None:
        self.ask("POST", "/jobs", job, Prefer="respond-async")

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        request = urllib.request.Request(  # noqa: S310  # loopback
            self.address + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json", **headers},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310  # loopback
            return json.loads(answer.read())

    def wait(self, job_id: str, *statuses: str) -> Any:
        end = time.monotonic() + 90
        while (job := self.ask("GET", f"/jobs/{job_id}"))["status"] not in statuses:
            assert time.monotonic() < end, job["status"]
            time.sleep(0.1)
        return job


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    one = Served(tmp_path_factory.mktemp("served"))
    yield one
    one.kill()


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright  # noqa: PLC0415  # in the environment of `make test-page` alone

    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"), args=FLAGS)
        yield found
        found.close()


@pytest.fixture
def open_page(served: Served, browser: Any) -> Iterator[Callable[..., Any]]:
    """Opens a page; at the end nothing was complained of, and nobody but the API was asked."""
    complaints: list[str] = []
    asked: list[str] = []
    pages: list[Any] = []

    def start(path: str = "", **options: Any) -> Any:
        page = browser.new_page(viewport={"width": 1200, "height": 800}, **options)
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{served.address}/{path}")
        pages.append(page)
        return page

    yield start
    for page in pages:
        page.close()
    # A request that meets no server, while serve is killed, is logged by the browser itself.
    assert [line for line in complaints if "ERR_CONNECTION" not in line and "ERR_EMPTY" not in line] == []
    assert [url for url in asked if not url.startswith((served.address + "/", "data:"))] == []
