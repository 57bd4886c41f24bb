"""The AWS that the processes talk to over HTTP: an emulator in its own process, on a loopback port."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.local import ACCOUNT, REGION
from tests.e2e.emulator import ROOT, running_emulator

EMULATORS = ("ministack", "moto")
"""ministack refuses more of what AWS refuses, and is faster; moto needs no packages besides those of the tests."""


@contextmanager
def emulated_aws(name: str, folder: Path) -> Iterator[None]:
    """Start the emulator and point every AWS client of this process and its children at it.

    Raises:
        RuntimeError: it did not start.
    """
    starting = _moto(folder) if name == "moto" else _ministack(folder)
    with starting as url:
        kept = {key: value for key, value in os.environ.items() if key.startswith("AWS_")}
        for key in kept:
            del os.environ[key]
        pointed = {
            "AWS_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": ACCOUNT,  # both emulators use twelve digits as the account id
            "AWS_SECRET_ACCESS_KEY": "none",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        os.environ.update(pointed)
        try:
            yield
        finally:
            for key in pointed:
                del os.environ[key]
            os.environ.update(kept)


@contextmanager
def _ministack(folder: Path) -> Iterator[str]:
    with running_emulator(folder) as emulator:
        yield emulator.url


@contextmanager
def _moto(folder: Path) -> Iterator[str]:
    with (
        (folder / "emulator.log").open("wb") as log,
        subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.moto_server"], stdout=subprocess.PIPE, stderr=log, cwd=ROOT, text=True
        ) as process,
    ):
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            if not url:
                raise RuntimeError(f"moto did not start; see {log.name}")
            yield url
        finally:
            process.terminate()
