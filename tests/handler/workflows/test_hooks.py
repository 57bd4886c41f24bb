from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handler.http.api import PUBLIC_BODY
from handler.workflows.tokens import make_token
from tests.examples import examples
from tests.handler.http.client import Answer, Client, expect_problem

ECHO = {"steps": [{"action": "PROBE.ECHO", "parameters": {"value": "{< event >}"}}]}
SECRET = b"It's a Secret to Everybody"
OPEN = {"workflow": "echo", "verify": "none"}
GITHUB = {"workflow": "echo", "verify": {"github": {"secret": "gh"}}, "id_from": "header X-GitHub-Delivery"}


@pytest.fixture(autouse=True)
def _workflow(client: Client, world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from blocks.block import REGISTRY, Block  # noqa: PLC0415

    def echo(*, value: Any) -> Any:
        world.ran.append("echo")
        return value

    block = Block(echo, category="PROBE", effect="none")
    monkeypatch.setitem(REGISTRY._blocks, block.action, block)
    assert client.send("PUT", "/workflows/echo", ECHO).status == 201
    world.secrets.values["tenant", "gh"] = SECRET


def _put(client: Client, name: str, body: Any) -> Answer:
    return client.send("PUT", f"/hooks/{name}", body)


def _path(client: Client, name: str, body: Any = None) -> str:
    """The path of a hook's address."""
    answer = _put(client, name, body) if body is not None else client.get(f"/hooks/{name}")
    url: str = answer.json["url"]
    assert url.startswith("https://jobs.example.com/hooks/")
    return url.removeprefix("https://jobs.example.com")


def _sign(body: bytes, secret: bytes = SECRET) -> str:
    return "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()


def _event(client: Client, job_id: str) -> Any:
    return client.get(f"/jobs/{job_id}").json["steps"][0]["result"]


# ---------------------------------------------------------------------- putting a hook


def test_a_hook_is_put_and_shows_its_address(client: Client) -> None:
    answer = _put(client, "push", GITHUB)
    assert answer.status == 201
    url = answer.json.pop("url")
    assert {**answer.json, "url": url} == {**GITHUB, "name": "push", "respond": "accepted", "url": url}
    assert client.get("/hooks/push").json["url"] == url
    again = _put(client, "push", {**GITHUB, "id_from": None})
    assert (again.status, again.json["url"], again.json["id_from"]) == (200, url, None)


def test_rotating_a_hook_gives_it_another_address(client: Client, anonymous: Client) -> None:
    old = _path(client, "h", OPEN)
    new = _path(client, "h", {**OPEN, "rotate": True})
    assert new != old
    expect_problem(anonymous.post(old, "{}"), 404, "not-found")
    assert anonymous.post(new, "{}").status == 202


def test_without_public_routes_there_are_no_hooks(client: Client, anonymous: Client, world: Any) -> None:
    path = _path(client, "h", OPEN)
    world.set(public_routes=False)
    expect_problem(_put(client, "h", OPEN), 409, "conflict")
    expect_problem(anonymous.post(path, "{}"), 401, "unidentified")
    expect_problem(client.post(path, "{}"), 405, "wrong-method")
    assert client.get("/hooks/h").status == 200
    assert client.send("DELETE", "/hooks/h").status == 204


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"workflow": "none"}, "/workflow"),
        ({"workflow": None}, "/workflow"),
        ({"verify": None}, "/verify"),
        ({"verify": "all"}, "/verify"),
        ({"verify": {}}, "/verify"),
        ({"verify": {"gitlab": {"secret": "gh"}}}, "/verify"),
        ({"verify": {"github": {"secret": "gh"}, "slack": {"secret": "gh"}}}, "/verify"),
        ({"verify": {"github": "gh"}}, "/verify/github"),
        ({"verify": {"github": {}}}, "/verify/github/secret"),
        ({"verify": {"github": {"secret": "a b"}}}, "/verify/github/secret"),
        ({"verify": {"github": {"secret": "none"}}}, "/verify/github/secret"),
        ({"verify": {"github": {"secret": "gh", "header": "x"}}}, "/verify/github/header"),
        ({"verify": {"hmac": {"secret": "gh"}}}, "/verify/hmac/header"),
        ({"verify": {"hmac": {"secret": "gh", "header": "a b"}}}, "/verify/hmac/header"),
        ({"verify": {"hmac": {"secret": "gh", "header": "x", "prefix": 1}}}, "/verify/hmac/prefix"),
        ({"id_from": "X-GitHub-Delivery"}, "/id_from"),
        ({"id_from": "body /id"}, "/id_from"),
        ({"id_from": "header "}, "/id_from"),
        ({"id_from": 1}, "/id_from"),
        ({"verify": "none"}, "/id_from"),
        ({"respond": "later"}, "/respond"),
        ({"rotate": 1}, "/rotate"),
        ({"url": "https://x"}, "/url"),
    ],
)
def test_an_invalid_hook_is_refused(client: Client, change: dict[str, Any], pointer: str) -> None:
    problem = expect_problem(_put(client, "h", {**GITHUB, **change}), 422, "invalid")
    assert pointer in [error["pointer"] for error in problem["errors"]]
    assert client.get("/hooks/h").status == 404


def test_a_workflow_whose_inputs_have_no_event_cannot_be_hooked(client: Client) -> None:
    client.send("PUT", "/workflows/w", {"steps": [], "inputs": {"properties": {"who": {}}}})
    expect_problem(_put(client, "h", {"workflow": "w", "verify": "none"}), 422, "invalid")
    client.send("PUT", "/workflows/w", {"steps": [], "inputs": {"properties": {"event": {"type": "object"}}}})
    assert _put(client, "h", {"workflow": "w", "verify": "none"}).status == 201


def test_another_tenants_hook_does_not_exist(client: Client, stranger: Client) -> None:
    _put(client, "h", OPEN)
    for method in ("GET", "DELETE"):
        expect_problem(stranger.send(method, "/hooks/h"), 404, "not-found")
    assert stranger.get("/hooks").json == {"hooks": [], "cursor": None}
    expect_problem(_put(stranger, "h", OPEN), 422, "invalid")  # nor does its workflow
    assert client.get("/hooks").json["hooks"][0]["name"] == "h"


@pytest.mark.parametrize(("limit", "status"), [(2, 201), (1, 409)])
def test_a_tenant_has_as_many_hooks_as_it_may(client: Client, world: Any, limit: int, status: int) -> None:
    world.set(max_hooks=limit)
    assert [_put(client, name, OPEN).status for name in ("a", "b")] == [201, status]


# ---------------------------------------------------------------------- tokens


def test_a_hook_needs_no_identity(client: Client, anonymous: Client, world: Any) -> None:
    answer = anonymous.post(_path(client, "h", OPEN), {"a": 1})
    assert (answer.status, answer.json["status"], answer.json["workflow"]["name"]) == (202, "QUEUED", "echo")
    assert "steps" not in answer.json
    world.drain_queue()
    assert client.get(f"/jobs/{answer.json['id']}").json["status"] == "SUCCEEDED"


def test_other_routes_still_need_one(client: Client, anonymous: Client) -> None:
    path = _path(client, "h", OPEN)
    for method, target in (
        ("GET", path),
        ("PUT", path),
        ("GET", "/hooks"),
        ("GET", "/hooks/h"),
        ("POST", "/hooks/a/b"),
    ):
        expect_problem(anonymous.send(method, target), 401, "unidentified")


def test_an_address_that_is_not_genuine_leads_nowhere(client: Client, anonymous: Client, world: Any) -> None:
    path = _path(client, "h", OPEN)
    forged = [
        path[:-1] + ("A" if path[-1] != "A" else "B"),
        "/hooks/" + make_token("hook", ("tenant", "h"), bytes(32)),
        "/hooks/" + make_token("hook", ("tenant", "none"), bytes(32)),
        "/hooks/" + make_token("hook", ("stranger", "h"), bytes(32)),
        "/hooks/" + make_token("hook", ("tenant", "h", "x"), bytes(32)),
        "/hooks/" + make_token("hook", ("t" * 251, "h"), bytes(32)),
        "/hooks/" + make_token("hook", ("tenant", "h" * 65), bytes(32)),
        "/hooks/h",
        "/hooks/x.y",
        "/hooks/%F0%9F",
    ]
    answers = [anonymous.post(target, "{}") for target in forged]
    assert {(answer.status, answer.body) for answer in answers} == {(404, answers[0].body)}
    world.items.calls.clear()
    anonymous.post(forged[1], "{}")
    anonymous.post(forged[2], "{}")
    assert world.items.calls == ["get", "get"], "an address of a hook and one of nothing cost the same"


def test_a_deleted_hooks_address_leads_nowhere_also_after_it_was_put_again(client: Client, anonymous: Client) -> None:
    path = _path(client, "h", OPEN)
    assert client.send("DELETE", "/hooks/h").status == 204
    expect_problem(anonymous.post(path, "{}"), 404, "not-found")
    _put(client, "h", OPEN)
    expect_problem(anonymous.post(path, "{}"), 404, "not-found")


# ---------------------------------------------------------------------- signatures


def test_a_signed_call_starts_a_job_and_one_with_a_wrong_signature_does_not(
    client: Client, anonymous: Client, world: Any
) -> None:
    path, body = _path(client, "push", GITHUB), b'{"ref": "main"}'
    for headers in ({}, {"x_hub_signature_256": _sign(body, b"other")}, {"x_hub_signature_256": _sign(body + b" ")}):
        expect_problem(anonymous.post(path, body, **headers), 401, "wrong-signature")
    assert client.get("/jobs").json["jobs"] == []
    answer = anonymous.post(path, body, x_hub_signature_256=_sign(body), x_github_delivery="d1")
    assert answer.status == 202
    world.drain_queue()
    assert _event(client, answer.json["id"])["body"] == {"ref": "main"}


def test_a_signature_is_over_the_bytes_as_they_came(client: Client, anonymous: Client) -> None:
    path = _path(client, "push", GITHUB)
    for body in (b'{ "a":1 }', b"\xff\xfe", b"", b"a=1&b=2", '{"ä": "\\u00e4"}'.encode()):
        assert anonymous.post(path, body, x_hub_signature_256=_sign(body)).status == 202


def test_a_hook_whose_secret_is_gone_refuses_every_call(client: Client, anonymous: Client, world: Any) -> None:
    path = _path(client, "push", GITHUB)
    world.secrets.values.clear()
    expect_problem(anonymous.post(path, b"{}", x_hub_signature_256=_sign(b"{}")), 401, "wrong-signature")
    expect_problem(anonymous.post(path, b"{}", x_hub_signature_256=_sign(b"{}", b"")), 401, "wrong-signature")


def test_a_secret_for_another_use_verifies_nothing(client: Client, anonymous: Client, world: Any) -> None:
    path = _path(client, "h", GITHUB)
    world.secrets.uses = frozenset({"auth", "hmac"})
    expect_problem(anonymous.post(path, "{}", X_Hub_Signature_256=_sign(b"{}")), 401, "wrong-signature")
    problem = expect_problem(_put(client, "other", GITHUB), 422, "invalid")
    assert [error["pointer"] for error in problem["errors"]] == ["/verify/github/secret"]


def test_a_call_that_is_too_old_is_refused_and_one_that_is_repeated_is_the_same_job(
    client: Client, anonymous: Client, world: Any
) -> None:
    verify = {"stripe": {"secret": "gh"}}
    path = _path(client, "pay", {"workflow": "echo", "verify": verify})
    time, body = int(world.clock.now), b'{"id": "evt_1"}'
    signature = hmac.new(SECRET, f"{time}.".encode() + body, hashlib.sha256).hexdigest()
    header = f"t={time},v1={signature}"
    first = anonymous.post(path, body, stripe_signature=header)
    world.clock.now += 300
    again = anonymous.post(path, body, stripe_signature=header)
    assert (first.status, again.status, first.json["id"]) == (202, 200, again.json["id"])
    world.clock.now += 1
    expect_problem(anonymous.post(path, body, stripe_signature=header), 401, "wrong-signature")


def test_slacks_question_whether_somebody_is_there_is_answered(client: Client, anonymous: Client, world: Any) -> None:
    path = _path(client, "slack", {"workflow": "echo", "verify": {"slack": {"secret": "gh"}}})
    time, body = (
        str(int(world.clock.now)),
        b'{"type": "url_verification", "challenge": "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdAL"}',
    )
    signature = "v0=" + hmac.new(SECRET, f"v0:{time}:".encode() + body, hashlib.sha256).hexdigest()
    answer = anonymous.post(path, body, x_slack_signature=signature, x_slack_request_timestamp=time)
    assert (answer.status, answer.json) == (200, {"challenge": "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdAL"})
    expect_problem(anonymous.post(path, body), 401, "wrong-signature")
    assert client.get("/jobs").json["jobs"] == []


def test_a_plain_hmac_has_its_own_header(client: Client, anonymous: Client, world: Any) -> None:
    verify = {"hmac": {"secret": "gh", "header": "X-My-Sign", "prefix": "v1:"}}
    path = _path(client, "mine", {"workflow": "echo", "verify": verify})
    signature = "v1:" + hmac.new(SECRET, b"{}", hashlib.sha256).hexdigest()
    answer = anonymous.post(path, b"{}", x_my_sign=signature, x_other="kept")
    assert answer.status == 202
    world.drain_queue()
    assert _event(client, answer.json["id"])["headers"] == {"x-other": "kept"}


# ---------------------------------------------------------------------- the event


def test_a_job_sees_body_headers_and_query_but_no_credentials(client: Client, anonymous: Client, world: Any) -> None:
    answer = anonymous.post(
        _path(client, "h", OPEN) + "?a=1&b=2&b=3&c=",
        b'{"n": [1, null]}',
        Content_Type="application/json",
        authorization="Bearer x",
        cookie="a=b",
        x_hub_signature_256="sha256=0",
        stripe_signature="t=1",
        x_slack_signature="v0=",
    )
    world.drain_queue()
    assert _event(client, answer.json["id"]) == {
        "body": {"n": [1, None]},
        "headers": {"content-type": "application/json"},
        "query": {"a": "1", "b": ["2", "3"], "c": ""},
    }


def test_headers_that_came_more_often_are_lists_where_the_gateway_shows_them(client: Client, world: Any) -> None:
    path = _path(client, "h", OPEN)
    event = {
        "httpMethod": "POST",
        "path": path,
        "multiValueHeaders": {"X-A": ["1", "2"], "X-B": ["3"]},
        "multiValueQueryStringParameters": {"q": ["1", "2"]},
        "requestContext": {"path": path},
        "body": "{}",
    }
    answer = client.invoke(event)
    world.drain_queue()
    seen = _event(client, answer.json["id"])
    assert (seen["headers"], seen["query"]) == ({"x-a": ["1", "2"], "x-b": "3"}, {"q": ["1", "2"]})


@pytest.mark.parametrize(
    ("body", "seen"),
    [
        (b"token=a&text=", "token=a&text="),
        (b"", ""),
        (b"\xff", "\ufffd"),
        (b'"text"', "text"),
        (b"[1, 2", "[1, 2"),
        (b'{"a": 1, "a": 2}', '{"a": 1, "a": 2}'),
        (b"[" * 40 + b"]" * 40, "[" * 40 + "]" * 40),
        (b"[" * 100_000, "[" * 100_000),
        (b"1e400", "1e400"),
    ],
)
def test_a_body_is_parsed_json_or_else_a_string(
    client: Client, anonymous: Client, world: Any, body: bytes, seen: Any
) -> None:
    answer = anonymous.post(_path(client, "h", OPEN), body)
    assert answer.status == 202
    world.drain_queue()
    assert _event(client, answer.json["id"])["body"] == seen


# ---------------------------------------------------------------------- sizes


@pytest.mark.parametrize(("size", "status"), [(PUBLIC_BODY - 1, 413), (PUBLIC_BODY, 413), (PUBLIC_BODY + 1, 413)])
def test_a_body_that_a_job_could_not_hold_is_413(client: Client, anonymous: Client, size: int, status: int) -> None:
    assert anonymous.post(_path(client, "h", OPEN), b"x" * size).status == status


@pytest.mark.parametrize("plain", [True, False])
@pytest.mark.parametrize("extra", [0, 1])
def test_over_256_kb_is_413_before_anything_is_looked_at(
    client: Client, anonymous: Client, world: Any, extra: int, plain: bool
) -> None:
    """With one byte less, the wrong signature is noticed."""
    path = _path(client, "push", GITHUB)
    body = "x" * (PUBLIC_BODY + extra) if plain else b"x" * (PUBLIC_BODY + extra)
    world.items.calls.clear()
    answer = anonymous.post(path, body)
    assert answer.status == (413 if extra else 401)
    assert bool(world.items.calls) is not bool(extra)


def test_a_body_that_is_too_large_is_not_even_decoded(client: Client, anonymous: Client) -> None:
    path = _path(client, "h", OPEN)
    event = {"rawPath": path, "isBase64Encoded": True, "requestContext": {"http": {"method": "POST"}}}
    assert anonymous.invoke({**event, "body": "!" * 400_000}).status == 413
    assert anonymous.invoke({**event, "body": "!" * 4}).status == 400
    right = base64.b64encode(b"{}").decode()
    assert anonymous.invoke({**event, "body": right}).status == 202


# ---------------------------------------------------------------------- ids, limits, answers


def test_a_call_is_known_again_by_its_header(client: Client, anonymous: Client, world: Any) -> None:
    path = _path(client, "push", GITHUB)

    def call(body: bytes, delivery: str) -> Answer:
        return anonymous.post(path, body, x_hub_signature_256=_sign(body), x_github_delivery=delivery)

    first, again, other = call(b"1", "d1"), call(b"2", "d1"), call(b"1", "d2")
    assert [answer.status for answer in (first, again, other)] == [202, 200, 202]
    assert first.json["id"] == again.json["id"] != other.json["id"]
    world.drain_queue()
    assert world.ran == ["echo", "echo"]


def test_a_call_without_its_header_is_known_again_by_its_body(client: Client, anonymous: Client) -> None:
    path = _path(client, "push", GITHUB)
    statuses = [anonymous.post(path, body, x_hub_signature_256=_sign(body)).status for body in (b"1", b"2", b"1")]
    assert statuses == [202, 202, 200]


def test_the_same_call_of_two_hooks_is_two_jobs(client: Client, anonymous: Client) -> None:
    ids = {anonymous.post(_path(client, name, OPEN), "{}").json["id"] for name in ("a", "b")}
    assert len(ids) == 2
    for id_ in ids:
        expect_problem(client.post("/jobs", {"id": id_, "steps": []}), 422, "invalid")


def test_at_the_limit_of_running_jobs_a_call_is_429_unless_it_is_known(
    client: Client, anonymous: Client, world: Any
) -> None:
    world.set(max_running_jobs=1)
    path = _path(client, "h", OPEN)
    assert anonymous.post(path, "1").status == 202
    answer = anonymous.post(path, "2")
    expect_problem(answer, 429, "too-many-jobs")
    assert int(answer.headers["Retry-After"]) > 0
    assert anonymous.post(path, "1").status == 200
    world.drain_queue()
    assert anonymous.post(path, "2").status == 202


def test_a_hook_may_answer_when_its_job_has_ended(client: Client, anonymous: Client, world: Any) -> None:
    path = _path(client, "h", {**OPEN, "respond": "output"})
    answer = anonymous.post(path, "{}")
    assert answer.status == 200
    assert anonymous.post(path, "{}").status == 200
    assert world.ran == ["echo"]


def test_a_hook_that_answers_with_the_output_says_that_its_job_failed(
    client: Client, anonymous: Client, world: Any
) -> None:
    client.send("PUT", "/workflows/bad", {"steps": [{"action": "PROBE.WORK", "parameters": {"fail": True}}]})
    path = _path(client, "h", {"workflow": "bad", "verify": "none", "respond": "output"})
    problem = expect_problem(anonymous.post(path, "{}"), 422, "job-failed")
    assert "did not work" not in json.dumps(problem)
    expect_problem(anonymous.post(path, "{}"), 422, "job-failed")
    assert len(world.ran) == 1


def test_a_job_that_takes_longer_than_ten_seconds_goes_on_in_the_background(
    client: Client, anonymous: Client, world: Any
) -> None:
    slow = {"action": "PROBE.WORK", "parameters": {"seconds": 6}}
    client.send("PUT", "/workflows/slow", {"steps": [slow, slow]})
    path = _path(client, "h", {"workflow": "slow", "verify": "none", "respond": "output"})
    answer = anonymous.post(path, "{}")
    assert (answer.status, "steps" in answer.json) == (202, False)
    assert world.clock.now - 1_800_000_000 <= 10
    world.drain_queue()
    assert anonymous.post(path, "{}").status == 200


def test_a_call_of_a_hook_whose_workflow_is_gone_is_409(client: Client, anonymous: Client, world: Any) -> None:
    path = _path(client, "h", OPEN)
    for key in [key for key in world.table.items if key[0].endswith("#.workflow")]:
        del world.table.items[key]
    expect_problem(anonymous.post(path, "{}"), 409, "conflict")


def test_a_call_that_does_not_fit_the_inputs_is_422(client: Client, anonymous: Client) -> None:
    body = {"required": ["n"], "properties": {"n": {"type": "integer"}}}
    inputs = {"properties": {"event": {"properties": {"body": {"type": "object", **body}}}}}
    client.send("PUT", "/workflows/w", {"steps": [], "inputs": inputs})
    path = _path(client, "h", {"workflow": "w", "verify": "none"})
    problem = expect_problem(anonymous.post(path, '{"n": "1"}'), 422, "invalid")
    assert problem["errors"][0]["pointer"] == "/parameters/event/body/n"
    assert anonymous.post(path, '{"n": 1}').status == 202


def test_jobs_have_the_rights_of_the_caller_who_put_the_hook_last(
    client: Client, trusted: Client, anonymous: Client
) -> None:
    trusted.send("PUT", "/workflows/special", {"steps": [{"action": "PROBE.SPECIAL"}]})
    body = {"workflow": "special", "verify": "none", "respond": "output"}
    path = _path(trusted, "h", body)
    statuses = [anonymous.post(path, "1").status]
    for number, caller in enumerate((client, trusted), 2):
        _put(caller, "h", body)
        statuses.append(anonymous.post(path, str(number)).status)
    assert statuses == [200, 422, 200]


def test_a_failure_of_aws_is_503(client: Client, anonymous: Client, world: Any) -> None:
    from infra.errors import TryLaterError  # noqa: PLC0415

    path = _path(client, "h", OPEN)

    def fail(_: str) -> None:
        raise TryLaterError("down")

    world.items.before = fail
    expect_problem(anonymous.post(path, "{}"), 503, "unavailable")


def test_a_token_is_in_no_line_of_the_log(client: Client, world: Any, caplog: pytest.LogCaptureFixture) -> None:
    world.set(log_payloads=True)
    path = _path(client, "h", OPEN)
    with caplog.at_level("INFO"):
        caplog.clear()
        client.post(path, "{}")
    assert caplog.records
    assert all(path.rpartition("/")[2] not in str(vars(record)) for record in caplog.records)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=examples(60), deadline=None)
@given(
    st.binary(max_size=60) | st.text(max_size=60),
    st.dictionaries(
        st.sampled_from(["x_hub_signature_256", "x_github_delivery", "content_type"]), st.text(max_size=20)
    ),
    st.sampled_from(["open", "signed", "forged"]),
)
def test_no_call_causes_an_internal_error(
    client: Client, anonymous: Client, body: Any, headers: dict[str, str], kind: str
) -> None:
    path = _path(client, kind, GITHUB if kind == "signed" else OPEN)
    path = path + "x" if kind == "forged" else path
    assert (
        anonymous.post(path, body, **headers).status
        in {"open": (200, 202, 422), "signed": (401,), "forged": (404,)}[kind]
    )
