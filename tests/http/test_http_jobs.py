"""Jobs with HTTP calls: from the JSON that a user writes to the records and answers."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from handler.app import lambda_handler
from handler.engine import Conduit, InvocationTime, Outcome, Runtime
from handler.outside import Http
from infra.outside.http_client import HttpClient
from infra.outside.secret import NoSecrets, Secret
from tests.http.servers import Request, Server, answer, json_answer


@pytest.fixture
def job(make_client: Any) -> Callable[..., Conduit]:
    """Runs a job with these steps in plain Python, with a client that may call the loopback."""

    def run(
        server: Server | None, *steps: dict[str, Any], secrets: Any = None, runtime: Any = None, **reach: Any
    ) -> Conduit:
        client: HttpClient = make_client(*([server.port] if server else []), **reach)
        made = Conduit.from_dict({"steps": list(steps)}, global_values={"http": Http(client, secrets or NoSecrets())})
        asyncio.run(made.run(runtime))
        return made

    return run


def get(url: Any, **parameters: Any) -> dict[str, Any]:
    return {"id": "get", "action": "HTTP.GET", "parameters": {"url": url, **parameters}}


def post(url: Any, **parameters: Any) -> dict[str, Any]:
    return {"id": "post", "action": "HTTP.REQUEST", "parameters": {"url": url, **parameters}}


def test_a_step_reads_json_that_later_tags_can_use(job: Any) -> None:
    with Server(lambda _: json_answer('{"rates": {"USD": 1.08}}')) as server:
        then = {"action": "MATH.SUM", "parameters": {"value1": "{: get.body.rates.USD :}", "value2": 1}}
        made = job(server, get(server.url(), query={"base": "EUR"}), then)
    assert made["get"].return_value["status"] == 200
    assert made[2].return_value == 2.08


@pytest.mark.parametrize(
    ("keep", "kept"),
    [
        (["status"], {"status": 200}),
        (["body.id", "status"], {"status": 200, "body": {"id": 7}}),
        (["body"], {"body": None}),
        (["body", "body.id"], {"body": None}),
        (["body.id", "body"], {"body": None}),
        (["body.items.1.n"], {"body": {"items": [{"n": 2}]}}),
        (["body.items.n"], {"body": {"items": [{"n": 1}, {"n": 2}]}}),
        (["body.items.0.n", "body.items.1"], {"body": {"items": [{"n": 1}, {"n": 2, "x": {"y": 1}}]}}),
        (["body.items.x.y"], {"body": {"items": [{}, {"x": {"y": 1}}]}}),
        (["body.items.9", "body.none.at.all", "body.id.deeper"], {"body": {"items": []}}),
        (["headers.content-type"], {"headers": {"content-type": "application/json"}}),
        ([], {}),
    ],
)
def test_keep_keeps_paths_nested_as_they_were(job: Any, keep: list[str], kept: dict[str, Any]) -> None:
    body = {"id": 7, "items": [{"n": 1}, {"n": 2, "x": {"y": 1}}]}
    with Server(lambda _: json_answer(json.dumps(body))) as server:
        made = job(server, get(server.url(), keep=keep))
    if kept.get("body", ...) is None:
        kept = kept | {"body": body}
    assert made["get"].return_value == kept


def test_keep_names_a_part_of_the_result(job: Any) -> None:
    with Server() as server:
        made = job(server, get(server.url(), keep=["id"]))
    assert (made["get"].status.name, made["get"].error["type"]) == ("INVALID_ARGUMENT", "ValueError")


@pytest.mark.parametrize(
    ("respond", "status", "details"),
    [
        (lambda _: answer(404, b"gone"), "CALL_REFUSED", {"status": 404, "body": "gone"}),
        (lambda _: answer(302, b"", location="/x"), "CALL_REFUSED", {"status": 302, "body": ""}),
        (lambda _: answer(429, b"slow down"), "CALL_FAILED", {"status": 429, "body": "slow down"}),
        (lambda _: answer(503, b"down"), "CALL_FAILED", {"status": 503, "body": "down"}),
        (lambda _: [], "CALL_FAILED", None),
        (lambda _: answer(200, b"x" * 300_000), "RESULT_LIMIT_EXCEED", None),
    ],
)
def test_the_answer_of_a_service_becomes_the_status_of_the_step(
    job: Any, respond: Any, status: str, details: Any
) -> None:
    with Server(respond) as server:
        made = job(server, get(server.url(), redirects=0))
    assert (made["get"].status.name, made["get"].error.get("details")) == (status, details)


@pytest.mark.parametrize(
    ("step", "status"),
    [
        (get("no url"), "INVALID_ARGUMENT"),
        (get("https://example.com/", headers={"Host": "x"}), "INVALID_ARGUMENT"),
        (post("https://example.com/", json={}, text=""), "INVALID_ARGUMENT"),
        (post("https://example.com/", base64="#"), "INVALID_ARGUMENT"),
        (post("https://example.com/", auth={}), "INVALID_ARGUMENT"),
        (post("https://example.com/", method="TRACE"), "INVALID_TYPE"),
        (get("https://example.com/", auth={"bearer": "12345678"}), "INVALID_TYPE"),
        (get("https://example.com/", json={}), "INVALID_TYPE"),
        (get("https://example.com/", query={"a": {}}), "INVALID_TYPE"),
        (get("https://example.com/", expect=[99]), "INVALID_TYPE"),
        (get({"secret": "x", "more": 1}), "INVALID_TYPE"),
        (get("http://127.0.0.1:9001/2018-06-01/runtime/invocation/next"), "CALL_REFUSED"),
        (get("http://169.254.169.254/latest/meta-data/"), "CALL_REFUSED"),
        (get("https://example.com:22/"), "CALL_REFUSED"),
        (get("https://example.com/", auth={"bearer": {"secret": "unknown"}}), "CALL_REFUSED"),
        (get({"secret": "unknown"}), "CALL_REFUSED"),
    ],
)
def test_a_request_that_cannot_or_may_not_be_sent_says_so(job: Any, step: Any, status: str) -> None:
    reach = {"ports": (), "private_hosts": ()}
    client = {name: value for name, value in reach.items() if name != "ports"}
    made = job(None, step, **client)
    assert made[1].status.name == status


def test_a_name_without_an_address_is_a_failed_call(job: Any) -> None:
    made = job(None, get("https://no-such-host.invalid/") | {"timeout": 5})
    assert made["get"].status.name == "CALL_FAILED"


def test_a_call_that_takes_longer_than_its_step_may_is_a_failed_call_and_says_so(job: Any) -> None:
    def silent(connection: Any) -> None:
        while connection.recv(65536):
            pass

    with Server(script=silent) as server:
        began = time.monotonic()
        made = job(server, get(server.url()) | {"timeout": 0.5})
        assert time.monotonic() - began < 1.5
    assert (made["get"].status.name, made["get"].error["message"]) == (
        "CALL_FAILED",
        "no answer from localhost: the time is up",
    )


@pytest.mark.parametrize(
    ("timeout", "ends_in", "seconds"),
    [
        (None, None, 29.75),
        (None, 100.0, 29.75),
        (None, 20.0, 29.75),
        (10, None, 9.75),
        (120, None, 119.75),
        (1, None, 0.9),
        (120, 20.0, 120.0),
    ],
)
def test_a_call_may_take_as_long_as_its_step_or_thirty_seconds_less_a_moment(
    timeout: float | None, ends_in: float | None, seconds: float
) -> None:
    given: list[float] = []

    class Client:
        def send(self, *, seconds: float, **_: Any) -> dict[str, Any]:
            given.append(seconds)
            return {}

    made = Conduit.from_dict({"steps": [get("x") | {"timeout": timeout}]}, global_values={"http": Client()})
    invocation = None if ends_in is None else InvocationTime(ends_at=1000 + ends_in, fresh=20.0)
    asyncio.run(made.run(Runtime(now=lambda: 1000.0, invocation=invocation)))
    assert given == [pytest.approx(seconds)]


def test_a_call_that_the_end_of_the_invocation_cuts_off_has_not_failed(make_client: Any) -> None:
    def silent(connection: Any) -> None:
        while connection.recv(65536):
            pass

    with Server(script=silent) as server:
        values = {"http": Http(make_client(server.port), NoSecrets())}
        made = Conduit.from_dict({"steps": [get(server.url())]}, global_values=values)
        runtime = Runtime(now=time.time, invocation=InvocationTime(ends_at=time.time() + 0.4, fresh=20.0))
        assert asyncio.run(made.run(runtime)) is Outcome.PAUSED
    assert made.paused is not None
    assert (made.paused.cut, made["get"].status.name) == (True, "NONE")


def test_a_post_has_an_idempotency_key_that_names_no_tenant(job: Any) -> None:
    with Server() as server:
        job(server, post(server.url()), post(server.url(), headers={"idempotency-key": "mine"}) | {"id": "b"})
        keys = [request.headers["idempotency-key"] for request in server.requests]
    assert keys == [hashlib.sha256(b"local/job/1/post").hexdigest(), "mine"]


def test_each_item_of_a_loop_has_a_key_of_its_own(job: Any) -> None:
    with Server() as server:
        made = job(server, {"id": "all", "for_each": [1, 2, 3], "do": [post(server.url())]})
        keys = {request.headers["idempotency-key"] for request in server.requests}
    assert made.success is True
    assert keys == {hashlib.sha256(f"local/job/1/all.{index}.post".encode()).hexdigest() for index in range(3)}


def test_every_try_of_a_step_sends_the_same_key(job: Any) -> None:
    def respond(_: Request) -> bytes:
        return answer(503 if len(server.requests) < 3 else 200)

    with Server(respond) as server:
        made = job(server, post(server.url()) | {"retry": {"attempts": 5, "delay": 0}})
        keys = {request.headers["idempotency-key"] for request in server.requests}
    assert (made["post"].status.name, made["post"].attempts, len(keys)) == ("DONE", 3, 1)


def test_a_status_that_retry_names_is_tried_again_and_can_be_read_by_a_tag(job: Any) -> None:
    with Server(lambda _: answer(409, b"locked")) as server:
        retry = {"attempts": 2, "delay": 0, "on": [{"http": [409]}]}
        read = {
            "id": "read",
            "action": "MATH.SUM",
            "parameters": {"value1": "{% steps.get.error.details.status %}", "value2": 1},
        }
        made = job(server, get(server.url()) | {"retry": retry, "allow_failure": True}, read)
    assert (made["get"].attempts, made["read"].return_value) == (2, 410)


def test_a_secret_is_sent_and_is_nowhere_in_the_step(job: Any, known_secrets: Any) -> None:
    def echo(request: Request) -> bytes:
        return json_answer(json.dumps(request.headers), 200 if request.method == "POST" else 500)

    known = known_secrets(Secret("key", "s3cr3t-v4lue", frozenset({"localhost"})))
    with Server(echo) as server:
        auth = {"bearer": {"secret": "key"}}
        made = job(server, post(server.url(), auth=auth), get(server.url(), auth=[auth]), secrets=known)
        assert [r.headers["authorization"] for r in server.requests] == ["Bearer s3cr3t-v4lue"] * 2
    shown = [made["post"].result_json, made["post"].parameters, made["get"].error, made["get"].parameters]
    assert "s3cr3t" not in json.dumps(shown)
    assert "***" in made["post"].result_json


# ---------------------------------------------------------------------- through the door


@pytest.fixture
def submit(aws: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:  # noqa: ARG001  # set up
    def send(port: int, *steps: dict[str, Any], **environment: str) -> dict[str, Any]:
        known = {"HTTP_PLAIN": "true", "HTTP_PORTS": str(port), "HTTP_PRIVATE_HOSTS": "localhost"} | environment
        for name, value in known.items():
            monkeypatch.setenv(name, value)
        event = {
            "version": "2.0",
            "rawPath": "/jobs",
            "body": json.dumps({"steps": list(steps)}),
            "requestContext": {"http": {"method": "POST"}, "authorizer": {"jwt": {"claims": {"sub": "me"}}}},
        }
        answered: dict[str, Any] = json.loads(lambda_handler(event, None)["body"])
        return answered

    return send


def test_a_job_over_http_calls_a_private_host_that_the_deployment_opens(submit: Any) -> None:
    with Server(lambda _: json_answer('{"n": 41}')) as server:
        made = submit(server.port, get(server.url(), keep=["body.n"]), post(server.url()))
        assert (made["status"], made["steps"][0]["result"]) == ("SUCCEEDED", {"body": {"n": 41}})
        assert server.connections == 1  # the second step uses the connection of the first
        submit(server.port, get(server.url()))
        assert server.connections == 1  # and so does the next invocation


@pytest.mark.parametrize(
    "environment",
    [
        {"HTTP_PRIVATE_HOSTS": ""},
        {"HTTP_PLAIN": "false"},
        {"HTTP_PORTS": ""},
        {"HTTP_HOSTS": "*.example.com"},
        {"AWS_LAMBDA_FUNCTION_NAME": "conduit", "HTTP_LIMIT": "204801"},
    ],
    ids=lambda environment: next(iter(environment)),
)
def test_a_request_that_the_deployment_does_not_allow_is_refused(submit: Any, environment: dict[str, str]) -> None:
    with Server() as server:
        made = submit(server.port, get(server.url()), **environment)
        assert server.connections == 0
    assert made["steps"][0]["status"] == {"name": "CALL_REFUSED", "value": 118}


def test_the_limit_of_an_answer_is_the_deployments(submit: Any) -> None:
    with Server(lambda _: answer(body=b"x" * 1001)) as server:
        made = submit(server.port, get(server.url()), HTTP_LIMIT="1000")
    assert made["steps"][0]["status"]["name"] == "RESULT_LIMIT_EXCEED"
