"""The lines of the log."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any

PROGRAM = """
from handler.console.local.lambda_event import LocalContext
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
    # In its own process: Powertools keeps one logger and its stream for the life of a process.
    command = [sys.executable, "-c", PROGRAM]
    run = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 (our own program)
    first, second = map(json.loads, run.stdout.splitlines())
    assert (first["level"], first["job_id"], first["request_id"]) == ("ERROR", "a", "first")
    assert first["message"] == 'It broke\n{"level": "INFO"}'
    assert first["location"].startswith("refuse:")
    assert (second["level"], second["request_id"]) == ("INFO", "second")


NOISY = """
import logging

from handler.invocation.log import LambdaLog, job_logged, log_step
from infra.jobs.records import JobKey

log = LambdaLog()
log.begin(None, {level!r})
mine = logging.getLogger("acme.billing")
with job_logged(JobKey("acme", "order-42"), 2):
    log_step(lambda: "charge")
    mine.debug("debug")
    mine.info("info %s", 5, extra={{"customer": "c1", "secret": object()}})
    mine.warning("warning\\n{{}}")
    mine.error("x" * 100_000)
    mine.info("%d", "no number")
    logging.getLogger("botocore.endpoint").debug("the body of a request")
mine.error("after")
"""


def lines_at(level: str) -> list[dict[str, Any]]:
    command = [sys.executable, "-c", NOISY.format(level=level)]
    run = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 (our own program)
    assert run.stderr == ""
    return [json.loads(line) for line in run.stdout.splitlines()]


def test_a_log_line_of_the_standard_library_names_job_run_and_step() -> None:
    info, warning, error, broken, after = lines_at("INFO")
    for line in (info, warning, error):
        assert (line["tenant"], line["job_id"], line["run"], line["path"]) == ("acme", "order-42", 2, "charge")
    assert (info["message"], info["customer"]) == ("info 5", "c1")
    assert warning["message"] == "warning\n{}"
    assert len(error["message"]) < 20_000
    assert "cannot be formatted" in broken["message"]
    assert {"tenant", "job_id", "run", "path"}.isdisjoint(after)


def test_the_level_is_filtered_here_and_libraries_stay_quiet_at_any() -> None:
    messages = {level: [line["message"][:7] for line in lines_at(level)] for level in ("DEBUG", "WARN", "ERROR")}
    assert messages["DEBUG"][:2] == ["debug", "info 5"]
    assert "the bod" not in messages["DEBUG"]
    assert messages["WARN"] == ["warning", "xxxxxxx", "after"]
    assert messages["ERROR"] == ["xxxxxxx", "after"]


def test_a_time_in_the_log_is_of_rfc_3339() -> None:
    for line in lines_at("INFO")[:2]:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["timestamp"])


IN_LAMBDA = """
import logging, os, sys

os.environ["AWS_LAMBDA_RUNTIME_API"] = "127.0.0.1:9001"
logging.getLogger().addHandler(logging.StreamHandler(sys.stdout))  # as the runtime client does
from handler.invocation.log import LambdaLog

log = LambdaLog()
log.begin(None)
log.begin(None)
logging.getLogger("acme").warning("once")
"""


def test_the_runtimes_own_handler_does_not_write_a_line_a_second_time() -> None:
    run = subprocess.run([sys.executable, "-c", IN_LAMBDA], capture_output=True, text=True, check=True)  # noqa: S603
    [line] = run.stdout.splitlines()
    assert json.loads(line)["message"] == "once"
