"""A sandbox under Lambda's own Runtime Interface Emulator, which the SAM command line includes."""

from __future__ import annotations

import json
import platform
import subprocess
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.artifact.sandbox import HANDLER, PYTHON, ROOT, CrashedError, FunctionError, Invocation, TimedOutError
from tests.e2e.emulator import free_port

MACHINES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}
STARTS_WITHIN = 10.0
"""Seconds."""


class EmulatedSandbox:
    """As `Sandbox`, with AWS's program for the Runtime API.

    Args:
        artifact: the folder in the place of /var/task.
        environment: the function's variables.
        timeout: whole seconds; the emulator accepts no fractions.
        log: the file for the function's output.
    """

    def __init__(self, artifact: Path, environment: Mapping[str, str], *, timeout: float, log: Path) -> None:
        self.timeout = timeout
        self.log = log
        self._artifact = artifact
        self._environment = {**environment, "AWS_LAMBDA_FUNCTION_TIMEOUT": str(int(timeout))}
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0
        self._cold = True

    def invoke(self, event: Any) -> Invocation:
        """Call the handler; raises as `Sandbox.invoke` does."""
        began = time.monotonic()
        if self._process is None:
            self._process = self._start()
        cold, self._cold = self._cold, False
        answer = self._post(json.dumps(event).encode())
        if not isinstance(answer, str) and "errorType" not in answer:
            return Invocation(answer, time.monotonic() - began, cold)
        text = json.dumps(answer)
        self._cold = "timed out" in text or "Runtime.ExitError" in text
        if "timed out" in text:
            raise TimedOutError(text)
        raise CrashedError(text) if self._cold else FunctionError(text)

    def kill(self) -> None:
        """Kill the emulator and the process that it started."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=20)
            self._process = None
        self._cold = True

    close = kill

    def _post(self, body: bytes) -> Any:
        url = f"http://127.0.0.1:{self._port}/2015-03-31/functions/function/invocations"
        ends = time.monotonic() + STARTS_WITHIN
        while True:
            try:
                with urllib.request.urlopen(url, data=body, timeout=self.timeout + STARTS_WITHIN) as answer:
                    text = answer.read().decode()
            except urllib.error.HTTPError as error:
                text = error.read().decode()
            except ConnectionRefusedError:
                raise
            except urllib.error.URLError:
                if time.monotonic() > ends:
                    raise
                time.sleep(0.02)
                continue
            try:
                return json.loads(text)
            except ValueError:
                return text

    def _start(self) -> subprocess.Popen[bytes]:
        machine = MACHINES[platform.machine().lower()]
        (binary,) = ROOT.glob(f".venv-sam/lib/python3.*/site-packages/samcli/local/rapid/aws-lambda-rie-{machine}")
        # The wheel does not mark it as executable.
        program = self.log.with_name("aws-lambda-rie")
        program.write_bytes(binary.read_bytes())
        program.chmod(0o755)
        self._port = free_port()
        with self.log.open("ab") as output:
            return subprocess.Popen(  # noqa: S603 (our own environment)
                [
                    *(program, "--log-level", "error"),
                    *("--runtime-interface-emulator-address", f"127.0.0.1:{self._port}"),
                    *("--runtime-api-address", f"127.0.0.1:{free_port()}"),
                    *(PYTHON, "-m", "awslambdaric", HANDLER),
                ],
                cwd=self._artifact,
                env=self._environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
