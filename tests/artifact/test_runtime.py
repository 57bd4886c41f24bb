from __future__ import annotations

import contextlib
import json
import socket
import time
import uuid
from pathlib import Path
from typing import Any

import pytest

from handler.console.local.lambda_event import Event, HttpRequest, Identity, http_event, schedule_event
from infra.outside.addresses import kind_of
from tests.artifact.conftest import Function, MakeFunction, Stack
from tests.artifact.sandbox import CrashedError, TimedOutError
from tests.http.servers import Server, json_answer

CALLER = Identity(subject="acme", tags=())
JOB = {
    "name": "greeting",
    "steps": [
        {"action": "TEXT.JOIN", "id": "a", "parameters": {"text1": "Hello", "text2": "World", "join_with": " "}},
        {"action": "TEXT.JOIN", "parameters": {"text1": "{: a :}", "text2": "!", "join_with": ""}},
    ],
}


def request(method: str, target: str, body: Any = None) -> Event:
    text = None if body is None else json.dumps(body)
    http = HttpRequest(method=method, target=target, headers={"Content-Type": "application/json"}, body=text)
    return http_event(http, CALLER, request_id=uuid.uuid4().hex, at=time.time())


def body_of(answer: Any) -> Any:
    return json.loads(answer["body"])


def call(function: Function, method: str, target: str, body: Any = None) -> tuple[int, Any]:
    answer = function.invoke(request(method, target, body)).result
    return answer["statusCode"], body_of(answer)


def sqs_event(*records: dict[str, Any]) -> Event:
    return {"Records": list(records)}


def sweep() -> Event:
    return schedule_event(event_id=uuid.uuid4().hex, at=time.time())


def warmed(function: Function) -> Function:
    """The same function, already started: a cold start on a slow machine would use up the call's time."""
    assert call(function, "GET", "/jobs")[0] == 200
    return function


def deliver_until_acknowledged(function: Function, stack: Stack, record: dict[str, Any]) -> None:
    """Deliver a message repeatedly, as the queue does while an unexpired lease holds its job."""
    for _ in range(20):
        record = stack.show_again(record)
        if function.invoke(sqs_event(record)).result == {"batchItemFailures": []}:
            return
        time.sleep(0.25)  # the lease follows the clock of another process
    pytest.fail("The message was never acknowledged.")


def wait_for_the_lease_to_end() -> None:
    # It ends with the invocation that died, by another process's clock; the hard stop ends that a little early.
    time.sleep(1.5)


def test_a_job_over_http_runs_and_can_be_read_again(make_function: MakeFunction) -> None:
    function = make_function()
    status, job = call(function, "POST", "/jobs", {**JOB, "id": "first"})
    assert (status, job["status"]) == (201, "SUCCEEDED")
    assert [step["result"] for step in job["steps"]] == ["Hello World", "Hello World!"]
    assert call(function, "GET", "/jobs/first") == (200, job)


def test_the_catalogue_and_the_documentation_come_along(make_function: MakeFunction) -> None:
    function = make_function()
    status, catalogue = call(function, "GET", "/blocks")
    assert status == 200
    assert len(catalogue["blocks"]) >= 98
    assert call(function, "GET", "/openapi.json")[1]["openapi"].startswith("3.1")
    assert function.invoke(request("GET", "/docs")).result["statusCode"] == 200


def test_a_message_runs_its_job_and_is_acknowledged(make_function: MakeFunction, stack: Stack) -> None:
    function = make_function(timeout=60)
    record = stack.record_of({**JOB, "id": "queued"})
    assert function.invoke(sqs_event(record)).result == {"batchItemFailures": []}
    assert call(function, "GET", "/jobs/queued")[1]["status"] == "SUCCEEDED"


def test_the_schedule_finds_nothing_to_do_in_an_empty_table(make_function: MakeFunction) -> None:
    make_function(timeout=60).invoke(sweep())


def test_a_job_that_killed_its_worker_is_resumed_by_the_redelivery(
    make_function: MakeFunction, stack: Stack, probe_notes: Path
) -> None:
    function = warmed(make_function(timeout=5))
    steps = [
        {"action": "PROBE.NOTE", "id": "before", "parameters": {"name": "before"}},
        {"action": "PROBE.STICK", "id": "stuck", "parameters": {"name": "stuck"}},
        {"action": "PROBE.NOTE", "id": "after", "parameters": {"name": "after"}},
    ]
    record = stack.record_of({"id": "hard", "steps": steps})
    with pytest.raises((TimedOutError, CrashedError)):
        function.invoke(sqs_event(record))
    assert len(list(probe_notes.glob("stuck.*"))) == 1

    deliver_until_acknowledged(function, stack, record)
    job = call(function, "GET", "/jobs/hard")[1]
    assert job["status"] == "SUCCEEDED"
    # The step recorded before the kill did not run again; the one that was interrupted did, and its record says so.
    assert [(step["id"], step["result"], step["attempts"]) for step in job["steps"]] == [
        ("before", 1, 1),
        ("stuck", 2, 2),
        ("after", 1, 1),
    ]


def test_the_schedule_picks_up_a_job_whose_caller_over_http_is_gone(make_function: MakeFunction, stack: Stack) -> None:
    function = warmed(make_function(timeout=5))
    job = {"id": "lost", "steps": [{"action": "PROBE.STICK", "parameters": {"name": "lost"}}]}
    with pytest.raises((TimedOutError, CrashedError)):
        function.invoke(request("POST", "/jobs", job))
    wait_for_the_lease_to_end()
    function.invoke(sweep())
    assert function.invoke(sqs_event(stack.receive())).result == {"batchItemFailures": []}
    assert call(function, "GET", "/jobs/lost")[1]["status"] == "SUCCEEDED"


def test_cold_and_warm_calls_are_measured(make_function: MakeFunction, capsys: pytest.CaptureFixture[str]) -> None:
    function = make_function()
    colds, warms = [], []
    for _ in range(5):
        function.kill()
        first = function.invoke(request("POST", "/jobs", JOB))
        assert first.cold
        colds.append(first.seconds)
    for _ in range(30):
        again = function.invoke(request("POST", "/jobs", JOB))
        assert not again.cold
        warms.append(again.seconds)
    cold, warm = sorted(colds)[2], sorted(warms)[15]
    with capsys.disabled():
        name = type(function).__name__
        print(f"\n  {name}: cold {cold * 1000:.0f} ms, warm {warm * 1000:.1f} ms (medians, POST /jobs)")  # noqa: T201 (figures for the developer who runs this)
    assert warm < cold


def private_address() -> str:
    """A private, non-loopback address of this machine; without one the test is skipped."""
    for family, target in ((socket.AF_INET, "10.255.255.255"), (socket.AF_INET6, "fd00::ffff")):
        with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((target, 9))  # sends nothing: it only chooses the address
            found = str(probe.getsockname()[0])
            if kind_of(found) == "private":
                return found
    pytest.skip("this machine has no private address")


def test_a_job_calls_a_service_inside_the_network_and_never_the_runtime_api(make_function: MakeFunction) -> None:
    address = private_address()
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with Server(lambda _: json_answer('{"n": 41}'), host=address, family=family) as server:
        function = make_function(
            HTTP_PLAIN="true", HTTP_PORTS=f"{server.port} 9001", HTTP_PRIVATE_HOSTS=f"{address} 127.0.0.1"
        )
        host = f"[{address}]" if ":" in address else address
        steps = [
            {
                "id": "n",
                "action": "HTTP.GET",
                "parameters": {"url": f"http://{host}:{server.port}/", "keep": ["body.n"]},
            },
            {
                "id": "api",
                "action": "HTTP.GET",
                "parameters": {"url": "http://127.0.0.1:9001/2018-06-01/runtime/invocation/next"},
                "allow_failure": True,
            },
        ]
        status, job = call(function, "POST", "/jobs", {"id": "calls", "steps": steps})
    assert (status, job["status"]) == (201, "SUCCEEDED")
    assert job["steps"][0]["result"] == {"body": {"n": 41}}
    assert job["steps"][1]["status"]["name"] == "CALL_REFUSED"
