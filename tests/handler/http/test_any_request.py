"""Every request, from any caller and through any door, gets a documented answer and never a 5xx."""

from __future__ import annotations

import base64
import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handler.http.api import answer
from tests.examples import examples

SEGMENTS = st.sampled_from(
    [
        "jobs",
        "a",
        "b",
        "validate",
        "steps",
        "1",
        "cancel",
        "redrive",
        "blocks",
        "TEXT.JOIN",
        "schema",
        "docs",
        "",
        "%",
        "%2F",
    ]
) | st.text(max_size=5)
METHODS = st.sampled_from(["GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS"])
HEADERS = st.dictionaries(
    st.sampled_from(["prefer", "Idempotency-Key", "if-none-match", "content-type", "accept", "x"]),
    st.sampled_from(["respond-async", "wait=0", "handling=strict", "*", "application/json", "text/plain", "a"])
    | st.text(),
    max_size=3,
)
LITERALS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just("{: 1 :}")
VALUES = st.recursive(
    LITERALS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
STEPS = st.fixed_dictionaries(
    {},
    optional={
        "action": st.sampled_from(["TEXT.JOIN", "LOGIC.TRUE", "variable.set", "LISTS.APPEND", "NO"]) | VALUES,
        "id": st.sampled_from(["1", "a", "_"]) | VALUES,
        "parameters": st.dictionaries(st.sampled_from(["text1", "name", "value", "list", "item"]), VALUES) | VALUES,
        "if": VALUES,
        "forced": VALUES,
        "timeout": VALUES,
        "retry": st.fixed_dictionaries({}, optional={"attempts": VALUES, "on": VALUES}) | VALUES,
    },
)
JOBS = st.fixed_dictionaries(
    {"steps": st.lists(STEPS | VALUES, max_size=4) | VALUES},
    optional={
        "id": st.sampled_from(["a", "b"]) | VALUES,
        "variables": VALUES,
        "parameters": VALUES,
        "from_step": VALUES,
    },
)
BODIES = st.none() | st.text() | JOBS.map(json.dumps) | VALUES.map(json.dumps) | st.binary().map(lambda raw: raw.hex())


@st.composite
def events(draw: st.DrawFn) -> dict[str, Any]:
    path = "/" + "/".join(draw(st.lists(SEGMENTS, max_size=5)))
    query = draw(
        st.sampled_from(["", "limit=1", "limit=x", "status=FAILED", "cursor=a", "a=%ff&&=", "limit=1&limit=2"])
        | st.text()
    )
    body = draw(BODIES)
    encoded = draw(st.booleans())
    if encoded and body is not None and draw(st.booleans()):
        body = base64.b64encode(body.encode("utf-8", "replace")).decode()
    tenant = draw(st.sampled_from(["me", "me", "me", "you", ""]) | st.text())
    event: dict[str, Any] = {"headers": draw(HEADERS), "body": body, "isBase64Encoded": encoded}
    method, authorizer = draw(METHODS), {"claims": {"sub": tenant, "scope": "a b"}}
    if draw(st.booleans()):
        context = {
            "http": {"method": method},
            "stage": draw(st.sampled_from(["$default", "jobs"])),
            "authorizer": {"jwt": authorizer},
        }
        return {**event, "version": "2.0", "rawPath": path, "rawQueryString": query, "requestContext": context}
    extra = {"elb": {}} if draw(st.booleans()) else {"path": "/prod" + path}
    context = {"authorizer": authorizer, **extra}
    return {
        **event,
        "httpMethod": method,
        "path": path,
        "queryStringParameters": {"limit": query},
        "requestContext": context,
    }


@settings(
    max_examples=examples(150),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(events())
def test_no_request_is_answered_with_a_server_error_or_without_its_kind(world: Any, event: dict[str, Any]) -> None:
    response = answer(event, world.ports, world.lifetime())
    json.loads(json.dumps(response))
    assert response["statusCode"] in {200, 201, 202, 304, 400, 401, 404, 405, 409, 413, 415, 422}
    headers = response["headers"]
    assert all(value.isprintable() for value in headers.values())
    if response["statusCode"] >= 400 and response["body"]:
        problem = json.loads(response["body"])
        assert headers["Content-Type"] == "application/problem+json"
        assert problem["status"] == response["statusCode"]
        assert {"type", "title"} <= set(problem)
