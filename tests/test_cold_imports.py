"""The cost of a cold start: the modules that a fresh worker has imported after its first job."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

DONE = "worked off:"
WORKER = f"""
import json, sys
sys.stdout, kept = sys.stderr, sys.stdout
from benchmarks import cold_worker
cold_worker.main()
print("{DONE}", json.dumps(sorted(sys.modules)), file=kept)
"""
"""Sends one message of the queue through `lambda_handler`; botocore's requests are answered in the process."""

FORBIDDEN = {
    "aws_lambda_powertools.event_handler": "the API's resolver (170 ms)",
    "aws_lambda_powertools.utilities.parser": "models of every event (80 ms); see the imports of handler.app",
    "aws_xray_sdk": "the tracer (190 ms), although tracing is off",
    "awscrt": "botocore would sign with it, and import it first (57 ms)",
    "blocks.aws": "see blocks.csv",
    "blocks.csv": "blocks that few jobs use are imported with the first of them",
    "blocks.encode": "see blocks.csv",
    "blocks.hash": "see blocks.csv",
    "blocks.http": "see blocks.csv",
    "blocks.id": "see blocks.csv",
    "blocks.json": "see blocks.csv",
    "blocks.lists_of_objects": "see blocks.csv",
    "blocks.patterns": "see blocks.csv",
    "blocks.regex": "see blocks.csv",
    "blocks.time": "see blocks.csv",
    "blocks.url": "see blocks.csv",
    "boto3": "botocore's clients are all that is called (10 ms, and 50 for its resources)",
    "boto3.resources": "see boto3",
    "handler.http.api": "the other door",
    "handler.cli": "a developer's door",
    "handler.engine.language.expression": "few jobs hold an expression",
    "handler.validation.static_contexts": "only the API looks at a job before it runs",
    "handler.http": "the other door",
    "handler.validation.schema": "only the API shows it",
    "handler.validation.validate": "see handler.validation.static_contexts",
    "handler.jobs.answers": "only the API takes answers",
    "handler.jobs.queue_starts": "few messages name a workflow or a schedule",
    "handler.workflows.firing": "see handler.jobs.queue_starts",
    "handler.workflows.hook": "only the API takes calls of hooks",
    "handler.workflows.start": "see handler.jobs.queue_starts",
    "infra.outside.aws_call": "few jobs call AWS",
    "infra.secrets.encryption": "few jobs use a secret",
    "infra.outside.http_client": "few jobs make HTTP calls",
    "infra.outside.masking": "see infra.outside.http_client",
    "infra.secrets.secret_store": "few jobs use a secret",
    "infra.secrets.tenant_secrets": "few jobs use a secret",
    "infra.secrets.token_server": "few secrets are OAuth 2",
    "infra.local": "the embedded AWS",
    "jsonschema": "only tests validate with it",
    "moto": "the embedded AWS",
    "multiprocessing": "an isolated block is rare, and is forked without it",
    "rich": "only people at a terminal see it",
    "yaml": "only tools read it",
}


def run(program: str) -> str:
    """The output of a program in a fresh process."""
    # Without the variables by which `make coverage` measures a process: coverage imports further modules.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    ended = subprocess.run(  # noqa: S603  # our own program
        [sys.executable, "-c", program],
        capture_output=True,
        check=False,
        cwd=ROOT,
        env={**environment, "PYTHONPATH": str(ROOT)},
        text=True,
        timeout=60,
    )
    assert ended.returncode == 0, f"the process ended with an error:\n{ended.stderr[-2000:]}"
    return ended.stdout


@cache
def imported() -> frozenset[str]:
    """All modules of a process that has processed a message."""
    line = next(line for line in run(WORKER).splitlines() if line.startswith(DONE))
    return frozenset(json.loads(line.removeprefix(DONE)))


@pytest.mark.parametrize("module", FORBIDDEN)
def test_a_worker_does_its_first_job_without_importing(module: str) -> None:
    found = sorted(name for name in imported() if name == module or name.startswith(f"{module}."))
    assert not found, f"{FORBIDDEN[module]}; found {found[:5]}"


def test_objects_made_at_start_are_frozen_and_the_garbage_collector_runs() -> None:
    """The collector is off while `handler.app` is imported; a worker in which it stayed off would grow."""
    assert run("import gc, handler.app\nprint(gc.isenabled(), gc.get_freeze_count() > 10_000)").split() == ["True"] * 2


def test_a_worker_that_did_a_job_has_the_engine_and_clients_of_its_own() -> None:
    """Otherwise the tests above would pass for a process that did nothing."""
    assert {"handler.engine.conduit", "handler.recording.recorder", "blocks.math", "botocore.client"} <= imported()
