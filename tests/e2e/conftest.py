"""The stack, deployed to the emulator once for all tests in this folder.

Only `make e2e` runs these tests.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.e2e.deployment import Deployment, build, deploy
from tests.e2e.emulator import ROOT, running_emulator
from tests.e2e.issuer import running_issuer

if "CONDUIT_E2E" not in os.environ:
    collect_ignore_glob = ["test_*.py"]

BUILD = ROOT / "build" / "e2e"
LOOK_EVERY = 0.25
"""Seconds."""


@pytest.fixture(scope="session")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    shutil.rmtree(BUILD, ignore_errors=True)
    template = build(BUILD)
    with running_issuer() as issuer, running_emulator(tmp_path_factory.mktemp("emulator")) as emulator:
        deploy(template, emulator, issuer)
        deployment = Deployment(emulator, issuer)
        deployment.add_routes()
        yield deployment


@pytest.fixture
def until() -> Callable[..., Any]:
    """A function that repeats a request until its answer is the expected one."""

    def ask(question: Callable[[], Any], good: Callable[[Any], Any] = bool, *, within: float = 30) -> Any:
        ends = time.monotonic() + within
        while True:
            answer = question()
            if good(answer):
                return answer
            if time.monotonic() > ends:
                pytest.fail(f"Not within {within} s; the last answer: {answer!r}")
            time.sleep(LOOK_EVERY)

    return ask
