"""The local emulator of AWS: ministack in its own environment, on its own loopback port."""

from __future__ import annotations

import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import botocore.session

ROOT = Path(__file__).resolve().parents[2]
REGION = "eu-central-1"
STARTS_WITHIN = 30.0
"""Seconds."""


@dataclass(frozen=True)
class Emulator:
    """The emulator's address, and the settings with which a program uses it as AWS."""

    url: str
    log: Path

    @property
    def environment(self) -> dict[str, str]:
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def client(self, service: str) -> Any:
        return botocore.session.Session().create_client(
            service,
            region_name=REGION,
            endpoint_url=self.url,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )


def clean_environment(extra: Mapping[str, str]) -> dict[str, str]:
    """This process's environment without variables that would lead a client to a real account, plus `extra`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "SAM_"))}
    return {**kept, "SAM_CLI_TELEMETRY": "0", **extra}


@contextmanager
def running_emulator(folder: Path) -> Iterator[Emulator]:
    """Start the emulator, with its state and its log in `folder`, and end it.

    Raises:
        RuntimeError: it did not start; the message contains its log.
    """
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    log = folder / "emulator.log"
    settings = {
        # By default it would listen on every interface of the machine.
        "BIND_HOST": "127.0.0.1",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "GATEWAY_PORT": str(port),
        "STATE_DIR": str(folder / "state"),
        "TMPDIR": str(folder),
    }
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 (our own environment)
            [ROOT / ".venv-e2e" / "bin" / "ministack"],
            env=clean_environment(settings),
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
        )
        try:
            _wait_for(process, url, log)
            yield Emulator(url, log)
        finally:
            process.terminate()
            process.wait(timeout=20)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    ends = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < ends and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/_ministack/health", timeout=1):  # noqa: S310 (loopback)
                return
        except urllib.error.HTTPError as answer:
            answer.close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"ministack did not come up on {url}:\n{log.read_text(encoding='utf-8', errors='replace')}")
