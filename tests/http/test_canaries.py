"""Secrets are planted, servers echo everything they are sent in many forms, and then every readable place is searched
for the secrets: each answer of the API, the table, the bus, the queue's dead letters, logs, metrics, the terminal."""

from __future__ import annotations

import base64
import hashlib
import hmac
import html
import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus, urlsplit

import pytest

from handler.app import lambda_handler
from handler.console.job_printer import JsonPrinter, LivePrinter, PlainPrinter, print_jobs
from handler.console.job_source import JobText
from handler.console.local.lambda_event import HttpRequest, Identity, http_event
from handler.console.local.local_lambda import LocalLambda
from handler.console.local.workstation import Workstation
from infra.local.services import LocalServices
from tests.http.servers import Request, Server, answer, json_answer

AUTH = "c4nary/auth+1=é&<2>"
PASSWORD = 'c4nary"pass word\\3'
VERIFY = "c4nary-verify/4+"
SIGNING = "c4nary-hmac/5+"
CLIENT, REFRESH, ACCESS = "c4nary-client/6+", "c4nary-refresh_7", "c4nary-access~8"
URL_PART = "c4nary-url-9"
SUBJECT = Identity(subject="me")


def forms(value: str) -> Iterator[str]:
    """The forms of a value, implemented differently from the mask."""
    for text in (value, f"me:{value}"):
        yield base64.b64encode(text.encode()).decode().rstrip("=")
        yield base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
    yield from (value, quote(value, safe=""), quote(value), quote_plus(value), html.escape(value))
    yield from (json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1])
    yield value.encode().decode("latin-1")


def echo(request: Request) -> bytes:
    """Echo the whole request, plain and in other forms, in every part of the answer, with the status in the path."""
    if request.target == "/token":
        return json_answer(json.dumps({"access_token": ACCESS, "refresh_token": REFRESH + "b", "expires_in": 3600}))
    texts = [form for text in sent(request) for form in forms(text)]
    texts += [request.target, str(request.headers), request.body.decode()]
    status = next((int(part) for part in re.split("[/?]", request.target) if part.isdigit()), 200)
    line = " ".join(texts).replace("\n", " ").replace("\r", " ")
    body = (json.dumps(texts) if status == 201 else "\n".join(map(json.dumps, texts))).encode()
    kind = "application/json" if status == 201 else "text/plain"
    return answer(status, body, line[:900], content_type=kind, x_echo=line[:30_000])


def sent(request: Request) -> Iterator[str]:
    """The credentials in a request: values of headers, with and without their scheme, of its path and query."""
    for name in ("authorization", "x-sign"):
        value = request.headers.get(name, "").encode("latin-1").decode()
        scheme, _, token = value.partition(" ")
        yield from (value, token)
        if scheme == "Basic":
            yield base64.b64decode(token).decode().partition(":")[2]
    parts = urlsplit(request.target)
    yield from (part for part in parts.path.split("/") if part)
    yield from (value for _, value in parse_qsl(parts.query))


@dataclass
class Client:
    """A client of the API, as the tenant or without an identity; it keeps all answers."""

    answers: list[str] = field(default_factory=list)

    def ask(self, method: str, path: str, body: Any = None, *, known: bool = True, **headers: str) -> Any:
        text = body if isinstance(body, str) or body is None else json.dumps(body)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = HttpRequest(method=method, target=path, headers=named, body=text)
        event = http_event(request, SUBJECT, request_id="r", at=0.0)
        if not known:
            del event["requestContext"]["authorizer"]
        response = lambda_handler(event)
        self.answers.append(json.dumps(response, ensure_ascii=False) + str(response["body"]))
        assert response["statusCode"] < 500, response
        try:
            return json.loads(response["body"] or "null")
        except ValueError:
            return response["body"]


def call(id_: str, url: Any, auth: str, **more: Any) -> dict[str, Any]:
    shapes = {
        "bearer": {"bearer": {"secret": "auth"}},
        "basic": {"basic": {"user": "me", "password": {"secret": "password"}}},
        "query": {"query": {"name": "key", "value": {"secret": "auth"}}},
        "hmac": {"hmac": {"secret": {"secret": "auth"}, "header": "X-Sign"}},
        "oauth": {"bearer": {"secret": "oauth"}},
    }
    parameters = {"url": url, "json": {"a": 1}} | ({"auth": shapes[auth]} if auth else {})
    return {"id": id_, "action": "HTTP.REQUEST", "parameters": parameters, **more}


def workflow(server: Server) -> dict[str, Any]:
    """Steps with each kind of call, in a loop, inside a `try`, before a question, and at the end of the job."""
    kinds = ("bearer", "basic", "query", "hmac", "oauth")
    inner = [call(kind, server.url("/201"), kind, allow_failure=True) for kind in kinds]
    inner += [call(f"{kind}-fails", server.url("/418"), kind, allow_failure=True) for kind in kinds]
    return {
        "steps": [
            {"id": "all", "for_each": [1], "do": inner},
            {"id": "t", "try": [call("down", server.url("/503"), "bearer")], "catch": []},
            call("hook", {"secret": "url"}, "", allow_failure=True),
            {"id": "sign", "action": "HASH.HMAC", "parameters": {"text": "x", "secret": "signing"}},
            call("fine", server.url("/201"), "basic"),
            {"id": "ask", "wait_for": {"timeout": 60, "message": "{: fine.body.0 :} {% steps.t.failed_step.path %}"}},
            {"id": "set", "set": {"kept": "{= steps.fine.result.headers =}"}},
            call("last", server.url("/404"), "bearer", retry={"attempts": 2, "delay": 0, "on": [{"http": [404]}]}),
        ],
        "output": "{: fine :}",
    }


@pytest.fixture
def client(opened: Callable[[int], None], monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Client, Server]]:
    for name, value in {"PUBLIC_ROUTES": "true", "PUBLIC_URL": "https://jobs.example.com", "PAGE": "true"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("LOG_PAYLOADS", "true")
    monkeypatch.setenv("LOG_LEVEL", "DEBUG")
    monkeypatch.setenv("QUEUE_TENANT", "me")
    made = Client()
    with Server(echo) as server:
        opened(server.port)
        put = {
            "auth": {"value": AUTH, "hosts": ["localhost"]},
            "password": {"value": PASSWORD, "hosts": ["localhost"]},
            "verify": {"value": VERIFY, "uses": ["verify"]},
            "signing": {"value": SIGNING, "uses": ["hmac"]},
            "url": {"value": server.url(f"/400/{URL_PART}?t={URL_PART}x"), "hosts": ["localhost"], "uses": ["url"]},
            "oauth": {
                "oauth2": {
                    "token_url": server.url("/token"),
                    "client_id": "me",
                    "client_secret": CLIENT,
                    "refresh_token": REFRESH,
                },
                "hosts": ["localhost"],
            },
        }
        for name, secret in put.items():
            made.ask("PUT", f"/secrets/{name}", secret)
        yield made, server


def work(aws: Any) -> None:
    while (batch := aws.receive())["Records"]:
        lambda_handler(batch)
        for record in batch["Records"]:
            aws.delete(record["receiptHandle"])


def use_everything(aws: Any, made: Client, server: Server) -> None:
    """Send every request that concerns secrets and the jobs that used them; no request returns a secret's value."""
    ask = made.ask
    ask("PUT", "/workflows/w", workflow(server))
    short = workflow(server)
    ask("PUT", "/workflows/short", {**short, "steps": [short["steps"][4], short["steps"][7]]})
    ask("PUT", "/schedules/s", {"workflow": "short", "every": "1 hours"})
    hook = ask(
        "PUT", "/hooks/h", {"workflow": "short", "verify": {"github": {"secret": "verify"}}, "respond": "output"}
    )
    path = hook["url"].removeprefix("https://jobs.example.com")
    sign = "sha256=" + hmac.new(VERIFY.encode(), b"{}", hashlib.sha256).hexdigest()
    ask("POST", path, "{}", known=False, X_Hub_Signature_256=sign)
    ask("POST", path, "{}", known=False, X_Hub_Signature_256=sign[:-1])
    aws.clients.sqs().send_message(
        QueueUrl=aws.queue_url,
        MessageBody=json.dumps({"schedule": {"tenant": "me", "id": "s", "at": time.strftime("%Y-%m-%dT%H:%M:%SZ")}}),
    )
    ask("POST", "/workflows/w/jobs", {"id": "canaries"})
    work(aws)
    ask("GET", "/jobs?waiting=answer")
    ask("POST", "/jobs/canaries/steps/ask/answer", {"value": 1})
    ask("POST", "/jobs/canaries/steps/ask/answer", {"value": 2})
    work(aws)
    assert ask("GET", "/jobs/canaries")["failed_step"]["path"] == "last"
    for place in ("", "?include=payload", "/runs", "/steps/all/items", "/steps/all.0.basic", "/steps/last", "/steps/t"):
        ask("GET", f"/jobs/canaries{place}")
    ask("POST", "/jobs/canaries/redrive", {"from_step": "fine"})
    work(aws)
    ask("POST", "/jobs/canaries/steps/ask/answer", {"ok": False, "reason": "no"})
    work(aws)
    ask("POST", "/jobs/redrive", {"status": "FAILED"})
    ask("POST", "/jobs/cancel", {"status": "QUEUED"})
    work(aws)
    for kind in ("workflows", "schedules", "hooks", "secrets"):
        for entry in ask("GET", f"/{kind}")[kind]:
            ask("GET", f"/{kind}/{entry.get('name') or entry['id']}")
    for place in ("/", "/jobs", "/jobs?status=FAILED", "/jobs/canaries/runs", "/blocks", "/schema", "/openapi.json"):
        ask("GET", place, Accept="text/html")
    ask("POST", "/jobs/validate", workflow(server))


def test_no_place_that_anybody_can_read_holds_a_secret(
    aws: Any,
    client: tuple[Client, Server],
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("DEBUG", "conduit")
    made, server = client
    use_everything(aws, made, server)
    output = capfd.readouterr()
    received = str([(request.line, request.headers) for request in server.requests])
    assert all(value in received for value in (quote(AUTH, safe=""), ACCESS, URL_PART))
    places = {
        "answers": "\n".join(made.answers),
        "table": json.dumps(aws.table_items(), ensure_ascii=False, default=str),
        "events": json.dumps(aws.bus_events(), ensure_ascii=False),
        "dead letters": json.dumps(aws.dead_letters(), ensure_ascii=False),
        "logs and metrics": output.out + output.err + str([record.__dict__ for record in caplog.records]),
    }
    assert all("***" in places[place] for place in ("answers", "table", "events"))
    assert found(places) == []


def test_the_terminal_shows_no_secret(
    aws: Any, client: tuple[Client, Server], capfd: pytest.CaptureFixture[str]
) -> None:
    _, server = client
    steps = [step for step in workflow(server)["steps"] if step["id"] != "ask"]
    text = json.dumps({"steps": steps, "output": "{: fine :}"})
    services = LocalServices(aws)
    services.follow_bus()
    function = LocalLambda(handler=lambda_handler, poller=aws, now=time.monotonic, epoch=time.time, identity=SUBJECT)
    station = Workstation(function, services, time.sleep)
    for printer in (JsonPrinter(), PlainPrinter(services), LivePrinter(services)):
        assert print_jobs([JobText("job", text)], station, printer, records=True) == 1
    output = capfd.readouterr()
    assert output.out.count("***") > 10
    assert found({"stdout": output.out, "stderr": output.err}) == []


def found(places: dict[str, str]) -> list[tuple[str, str]]:
    planted = (AUTH, PASSWORD, VERIFY, SIGNING, CLIENT, REFRESH, ACCESS, URL_PART)
    searched = {form for value in planted for form in forms(value)}
    searched |= {json.dumps(form)[1:-1] for form in searched}
    return [(place, form) for place, text in places.items() for form in sorted(searched) if form in text]
