"""Lines of the log."""

from __future__ import annotations

import json
import subprocess
import sys

PROGRAM = """
from handler.console.lambda_event import LocalContext
from handler.invocation.log import LambdaLog

log = LambdaLog()
log.begin(LocalContext(aws_request_id="first", ends_at=1.0, now=lambda: 0.0))


def refuse():
    log.error('It broke\\n{"level": "INFO"}', extra={"job_id": "a"})


refuse()
log.begin(LocalContext(aws_request_id="second", ends_at=1.0, now=lambda: 0.0))
log.info("It works", extra={})
"""


def test_a_line_is_one_json_object_that_names_its_invocation_and_its_place() -> None:
    # A process of its own: Powertools keeps one logger and its stream for as long as a process lives.
    command = [sys.executable, "-c", PROGRAM]
    run = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 (our own program)
    first, second = map(json.loads, run.stdout.splitlines())
    assert (first["level"], first["job_id"], first["request_id"]) == ("ERROR", "a", "first")
    assert first["message"] == 'It broke\n{"level": "INFO"}'
    assert first["location"].startswith("refuse:")
    assert (second["level"], second["request_id"]) == ("INFO", "second")
