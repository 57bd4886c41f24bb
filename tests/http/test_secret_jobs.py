"""Secrets from the PUT to the call: sent only to their hosts, and readable nowhere."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.http.servers import Request, Server, json_answer

CANARY = "c4nary/v4lue+1"


def echo(request: Request) -> bytes:
    """Echo the whole request in the headers and the body of the answer."""
    shown = {"head": request.line, "headers": request.headers, "body": request.body.decode("latin-1")}
    return json_answer(json.dumps(shown), 200 if "fine" in request.target else 500, x_echo=str(shown)[:2000])


def call(url: Any, **parameters: Any) -> dict[str, Any]:
    return {"action": "HTTP.REQUEST", "allow_failure": True, "parameters": {"url": url, **parameters}}


AUTHS = [
    {"bearer": {"secret": "canary"}},
    {"basic": {"user": "me", "password": {"secret": "canary"}}},
    {"header": {"name": "X-Key", "value": {"secret": "canary"}}},
    {"query": {"name": "key", "value": {"secret": "canary"}}},
]


def test_no_answer_record_event_log_or_metric_holds_a_value_though_the_server_echoes_it(
    aws: Any,
    ask: Any,
    opened: Any,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("LOG_PAYLOADS", "true")
    monkeypatch.setenv("LOG_LEVEL", "DEBUG")
    caplog.set_level("DEBUG", "conduit")
    with Server(echo) as server:
        opened(server.port)
        hook = server.url(f"/hook/{CANARY.replace('/', '-')}/deep?token={CANARY.replace('+', '-')}&fine=no")
        seen = [ask("PUT", "/secrets/canary", {"value": CANARY, "hosts": ["localhost"], "uses": ["auth"]})]
        seen.append(ask("PUT", "/secrets/hook", {"value": hook, "hosts": ["localhost"], "uses": ["url"]}))
        assert [status for status, _ in seen] == [204, 204]
        urls = [server.url("/fine"), server.url("/bad")]
        steps = [call(url, auth=auth, json={"a": 1}) for url in urls for auth in AUTHS]
        steps += [call({"secret": "hook"}), call({"secret": "hook"}, expect=[500])]
        seen.append(ask("POST", "/jobs", {"id": "canaries", "steps": steps}))
        sent = [str(request.headers) + request.line for request in server.requests]
        assert len(sent) == 10
        assert sum(CANARY in text for text in sent) == 4  # two kinds of headers contain the value
    seen += [ask("GET", path) for path in ("/jobs/canaries", "/jobs/canaries/steps/1", "/secrets", "/secrets/canary")]
    assert seen[2][1]["status"] == "SUCCEEDED", seen[2]
    output = capfd.readouterr()
    records = [record.__dict__ for record in caplog.records if record.name == "conduit"]
    places = {
        "answers": seen,
        "records": aws.table_items(),
        "events": aws.bus_events(),
        "dead letters": aws.dead_letters(),
        "logs and metrics": [output.out, output.err, records],
    }
    canaries = {CANARY, CANARY.replace("/", "-"), CANARY.replace("+", "-"), CANARY.replace("/", "%2F"), "YzRuYXJ5"}
    found = [(place, canary) for place, held in places.items() for canary in canaries if canary in str(held)]
    assert found == []
    assert "***" in str(seen[2])


@pytest.mark.parametrize(
    ("body", "auth", "tenant"),
    [
        ({"value": "12345678", "hosts": ["other.example"]}, {"bearer": {"secret": "s"}}, "me"),
        ({"value": "12345678", "hosts": ["localhost"], "uses": ["hmac"]}, {"bearer": {"secret": "s"}}, "me"),
        ({"value": "12345678", "hosts": ["localhost"]}, {"bearer": {"secret": "s"}}, "stranger"),
        ({"value": "12345678", "hosts": ["localhost"]}, {"bearer": {"secret": "unknown"}}, "me"),
    ],
    ids=["host", "use", "tenant", "name"],
)
def test_a_secret_for_another_host_use_or_tenant_is_not_sent_and_nothing_is(
    ask: Any, opened: Any, body: Any, auth: Any, tenant: str
) -> None:
    with Server() as server:
        opened(server.port)
        assert ask("PUT", "/secrets/s", body)[0] == 204
        _, job = ask("POST", "/jobs", {"steps": [call(server.url(), auth=auth)]}, tenant)
        assert server.connections == 0
    assert job["steps"][0]["status"]["name"] == "CALL_REFUSED"


def test_a_secret_of_another_stack_cannot_be_decrypted_and_nothing_is_sent(
    ask: Any, opened: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Server() as server:
        opened(server.port)
        assert ask("PUT", "/secrets/s", {"value": "12345678", "hosts": ["localhost"]})[0] == 204
        monkeypatch.setenv("STACK", "another")
        _, job = ask("POST", "/jobs", {"steps": [call(server.url(), auth={"bearer": {"secret": "s"}})]})
        assert server.connections == 0
    assert job["steps"][0]["status"]["name"] == "CALL_FAILED"


def test_a_secret_that_is_replaced_or_deleted_is_so_at_once_in_the_same_process(ask: Any, opened: Any) -> None:
    with Server() as server:
        opened(server.port)
        job = {"steps": [call(server.url(), auth={"bearer": {"secret": "s"}})]}
        for value in ("first-value", "second-value"):
            ask("PUT", "/secrets/s", {"value": value, "hosts": ["localhost"]})
            ask("POST", "/jobs", job)
        ask("DELETE", "/secrets/s")
        _, refused = ask("POST", "/jobs", job)
        sent = [request.headers["authorization"] for request in server.requests]
    assert sent == ["Bearer first-value", "Bearer second-value"]
    assert refused["steps"][0]["status"]["name"] == "CALL_REFUSED"


def test_secrets_are_encrypted_in_the_table(aws: Any, ask: Any) -> None:
    ask("PUT", "/secrets/kept", {"value": CANARY, "hosts": ["localhost"]})
    (item,) = [item for item in aws.table_items() if item["sk"] == "kept"]
    assert item["pk"] == "me#.secret"
    assert CANARY not in str(item)


def test_a_string_is_signed_with_a_secret_that_no_job_sees(ask: Any) -> None:
    import hashlib  # noqa: PLC0415
    import hmac  # noqa: PLC0415
    from base64 import b64encode  # noqa: PLC0415

    ask("PUT", "/secrets/signing", {"value": CANARY, "uses": ["hmac"]})
    ask("PUT", "/secrets/other", {"value": CANARY, "hosts": ["localhost"]})
    variants: list[dict[str, Any]] = [{}, {"algorithm": "sha512"}, {"encoding": "base64"}]
    steps = [{"action": "HASH.HMAC", "parameters": {"text": "Grüße", "secret": "signing", **more}} for more in variants]
    _, job = ask("POST", "/jobs", {"steps": steps})
    assert [step["result"] for step in job["steps"]] == [
        hmac.new(CANARY.encode(), "Grüße".encode(), hashlib.sha256).hexdigest(),
        hmac.new(CANARY.encode(), "Grüße".encode(), hashlib.sha512).hexdigest(),
        b64encode(hmac.new(CANARY.encode(), "Grüße".encode(), hashlib.sha256).digest()).decode(),
    ]
    for name in ("other", "unknown"):
        step = {"action": "HASH.HMAC", "parameters": {"text": "x", "secret": name}}
        _, job = ask("POST", "/jobs", {"steps": [step]})
        assert job["steps"][0]["status"]["name"] == "CALL_REFUSED"


def test_a_job_gets_another_token_when_a_service_refuses_the_one_it_has(ask: Any, opened: Any) -> None:
    tokens = iter(("stale-token", "fresh-token"))

    def respond(request: Request) -> bytes:
        if request.target == "/token":
            return json_answer(json.dumps({"access_token": next(tokens), "expires_in": 3600}))
        fresh = request.headers["authorization"] == "Bearer fresh-token"
        return json_answer(json.dumps(request.headers), 200 if fresh else 401)

    with Server(respond) as server:
        opened(server.port)
        oauth2 = {"token_url": server.url("/token"), "client_id": "me", "client_secret": "cl1ent", "grant": GRANT}
        assert ask("PUT", "/secrets/oauth", {"oauth2": oauth2, "hosts": ["localhost"]})[0] == 204
        steps = [call(server.url("/api"), auth={"bearer": {"secret": "oauth"}})] * 2
        _, job = ask("POST", "/jobs", {"steps": steps})
        targets = [request.target for request in server.requests]
    assert [step["status"]["name"] for step in job["steps"]] == ["DONE", "DONE"]
    assert targets == ["/token", "/api", "/token", "/api", "/api"]
    assert "fresh-token" not in json.dumps(job)


GRANT = "client_credentials"
