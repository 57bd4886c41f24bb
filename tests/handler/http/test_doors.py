"""The same API behind each of AWS's front doors, and behind no other."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from handler.caller import Caller
from handler.http.identity import identify
from handler.settings import Settings
from tests.handler.http.client import JOIN, Client, expect_problem

EVENTS = Path(__file__).parents[2] / "events"
SETTINGS = Settings(table_name="t", bus_name="b", queue_url="q", dead_letter_queue_url="d")


def event(name: str) -> dict[str, Any]:
    """A sample event without its query: a request for one job accepts no such parameters."""
    loaded: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    query = ("rawQueryString", "queryStringParameters", "multiValueQueryStringParameters")
    return {key: value for key, value in loaded.items() if key not in query}


@pytest.mark.parametrize(
    "name", ["http_jwt", "http_iam", "function_url_iam", "rest_cognito", "rest_iam", "rest_lambda_authorizer"]
)
def test_each_door_with_an_authorizer_reads_the_verified_callers_job(client: Client, world: Any, name: str) -> None:
    caller = identify(event(name), SETTINGS)
    assert caller is not None
    expect_problem(client.invoke(event(name)), 404, "not-found")
    world.submit(JOIN, id="order-42", caller=Caller(tenant=caller.tenant))
    answer = client.invoke(event(name))
    assert (answer.status, answer.json["id"], answer.json["status"]) == (200, "order-42", "SUCCEEDED")


@pytest.mark.parametrize("name", ["rest_open", "balancer"])
def test_a_door_without_an_authorizer_reads_nothing(client: Client, world: Any, name: str) -> None:
    world.submit(JOIN, id="order-42", caller=Caller(tenant="me"))
    expect_problem(client.invoke(event(name)), 401, "unidentified")


def test_the_worker_does_not_import_the_api() -> None:
    program = "import sys, handler.app, handler.doors.sqs, handler.jobs.sweep; print(*sys.modules)"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)  # noqa: S603
    imported = set(ended.stdout.split())
    assert not imported & {
        "handler.http.api",
        "handler.http.openapi",
        "handler.validation.validate",
        "aws_lambda_powertools.event_handler",
    }
