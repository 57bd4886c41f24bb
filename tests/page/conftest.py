"""A served deployment and a browser, for the tests of the page. Only `make test-page` runs them."""

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
WIDTH = 880
"""Pixels of a screenshot: a README shows this width without scaling."""
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
BLOCKS = '''import os
import time
from pathlib import Path

from blocks.block import CallFailedError, Category

category = Category("SHOP")


def is_open(gate: str) -> bool:
    return (Path(os.environ["SHOP_GATES"]) / gate).exists()


@category.block
def export(*, month: str) -> str:
    """Export the invoices of a month; it ends when the test opens the gate."""
    while not is_open("export"):
        time.sleep(0.02)
    return f"exports/{month}.csv"


@category.block
def charge(*, file: str) -> dict[str, int]:
    """Charge every customer; the service is up when the test opens the gate."""
    if not is_open("charge"):
        message = f"The payment service did not take {file}: 503, maintenance until 18:00."
        raise CallFailedError(message, details={"status": 503})
    return {"charged": 500, "refused": 0}
'''


class Served:
    """`conduit serve` with stored data, on a fixed port."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("blocks", "gates"):
            (folder / name).mkdir()
        (folder / "blocks" / "shop.py").write_text(BLOCKS)
        self.log = folder / "log"
        self.port = "0"
        self.start()

    def start(self) -> None:
        options = ["--port", self.port, "--data", str(self.folder / "data"), "--blocks", str(self.folder / "blocks")]
        self.process = subprocess.Popen(  # noqa: S603  # our own program
            [str(PAGE), "-m", "handler.cli", "serve", *options],
            cwd=ROOT,
            stdout=self.log.open("w"),  # a pipe without a reader would fill up and stop it
            env={**os.environ, "SHOP_GATES": str(self.folder / "gates")},
        )
        end = time.monotonic() + 60
        while (found := re.search(r"http://\S+:(\d+)", self.log.read_text())) is None:
            assert time.monotonic() < end
            time.sleep(0.05)
        self.address, self.port = found[0], found[1]

    def open_gate(self, name: str) -> None:
        (self.folder / "gates" / name).touch()

    def close_gate(self, name: str) -> None:
        (self.folder / "gates" / name).unlink(missing_ok=True)

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
    from playwright.sync_api import sync_playwright  # noqa: PLC0415  # only in the environment of `make test-page`

    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"), args=FLAGS)
        yield found
        found.close()


@pytest.fixture
def open_page(served: Served, browser: Any) -> Iterator[Callable[..., Any]]:
    """Opens a page; at the end checks that its console has no error and that it called only the API."""
    complaints: list[str] = []
    asked: list[str] = []
    pages: list[Any] = []

    def start(path: str = "", **options: Any) -> Any:
        given = {"viewport": {"width": WIDTH, "height": 600}, "locale": "en-GB", "timezone_id": "Europe/Berlin"}
        page = browser.new_page(**{**given, **options})
        page.set_default_timeout(30_000)
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{served.address}/{path}")
        pages.append(page)
        return page

    yield start
    for page in pages:
        page.close()
    # The browser itself logs a request without a server, while `serve` is killed, and an answer of 4xx.
    expected = ("ERR_CONNECTION", "ERR_EMPTY", "the server responded with a status of 4")
    assert [line for line in complaints if not any(part in line for part in expected)] == []
    assert [url for url in asked if not url.startswith((served.address + "/", "data:"))] == []
