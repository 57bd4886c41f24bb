"""The identity of callers: only verified claims count, and no two callers share a tenant by accident."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handler.caller import Caller
from handler.http.identity import MAX_TENANT, identify
from handler.settings import Settings

EVENTS = Path(__file__).parent.parent.parent / "events"
SUBJECT = "6f1c2c9e-0f5b-4b7e-9d4c-1a2b3c4d5e6f"


def event(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    return loaded


def deployment(**changes: Any) -> Settings:
    return Settings(table_name="t", bus_name="b", queue_url="q", dead_letter_queue_url="d", **changes)


def claims(**values: Any) -> dict[str, Any]:
    return {"requestContext": {"http": {}, "authorizer": {"jwt": {"claims": values}}}}


def tenant_of(subject: Any) -> str | None:
    caller = identify(claims(sub=subject), deployment())
    return caller.tenant if caller else None


@pytest.mark.parametrize(
    ("name", "tenant", "tags"),
    [
        ("http_jwt", SUBJECT, {"BILLING", "jobs/write"}),
        ("http_iam", "arn:aws:sts::123456789012:assumed-role%2Forders", set()),
        ("function_url_iam", "arn:aws:iam::123456789012:user%2Forders", set()),
        ("rest_cognito", SUBJECT, {"BILLING", "jobs/write"}),
        ("rest_iam", "arn:aws:iam::123456789012:user%2Forders", set()),
        ("rest_lambda_authorizer", "customer-7", {"BILLING"}),
    ],
)
def test_each_authorizer_of_aws_gives_a_tenant_and_its_tags(name: str, tenant: str, tags: set[str]) -> None:
    caller = identify(event(name), deployment())
    assert caller is not None
    assert (caller.tenant, caller.tags) == (tenant, tags)


@pytest.mark.parametrize("name", ["rest_open", "balancer", "balancer_multi_value"])
def test_headers_give_no_identity_to_a_request_without_an_authorizer(name: str) -> None:
    assert identify(event(name), deployment()) is None


@pytest.mark.parametrize(
    "context",
    [
        None,
        {},
        {"http": {}},
        {"http": {}, "authorizer": None},
        {"http": {}, "authorizer": {}},
        {"http": {}, "authorizer": {"jwt": {}}},
        {"http": {}, "authorizer": {"jwt": {"claims": {}}}},
        {"http": {}, "authorizer": {"jwt": {"claims": {"scope": "ADMIN"}}}},
        {"http": {}, "authorizer": {"jwt": {"claims": {"sub": ""}}}},
        {"http": {}, "authorizer": {"jwt": {"claims": {"sub": "  "}}}},
        {"http": {}, "authorizer": {"jwt": {"claims": {"sub": ["a"]}}}},
        {"http": {}, "authorizer": {"jwt": {"claims": {"sub": "anonymous"}}}},
        {"authorizer": {"principalId": "anonymous"}},
        {"http": {}, "authorizer": {"iam": {"userArn": None}}},
        {"http": {}, "authorizer": {"iam": {}}},
        {"http": {}, "authorizer": "allow"},
    ],
)
def test_an_authorizer_that_names_no_subject_gives_no_identity(context: Any) -> None:
    assert identify({"requestContext": context}, deployment()) is None


@pytest.mark.parametrize("known", [{"sub": "ada"}, {"sub": "ada", "org": ""}, {"sub": "ada", "org": None}])
def test_a_token_without_the_claim_of_the_tenant_has_no_identity(known: dict[str, Any]) -> None:
    """The subject of one token may equal the organisation of another."""
    assert identify(claims(**known), deployment(tenant_claim="org")) is None
    event_of_both = claims(**known)
    event_of_both["requestContext"]["authorizer"]["iam"] = {"userArn": "arn:aws:iam::123456789012:user/ada"}
    assert identify(event_of_both, deployment(tenant_claim="org")) is None


def test_the_tenant_and_the_tags_come_from_the_claims_that_the_deployment_names() -> None:
    caller = identify(event("http_jwt"), deployment(tenant_claim="aud", tags_claim="cognito:groups"))
    assert caller is not None
    assert (caller.tenant, caller.tags) == ("conduit", {"billing", "ops"})


@pytest.mark.parametrize(
    ("claim", "value", "tags"),
    [
        ("scope", "a b", {"a", "b"}),
        ("scope", "a,b", {"a,b"}),
        ("scope", "", set()),
        ("scope", None, set()),
        ("scope", 5, set()),
        ("cognito:groups", "[a b]", {"a", "b"}),
        ("cognito:groups", "a,b", {"a", "b"}),
        ("cognito:groups", ["a", "b", 3], {"a", "b"}),
    ],
)
def test_a_claim_of_tags_is_read_as_each_gateway_writes_it(claim: str, value: Any, tags: set[str]) -> None:
    caller = identify(claims(**{"sub": "me", claim: value}), deployment(tags_claim=claim))
    assert caller is not None
    assert caller.tags == tags


def test_the_sessions_of_a_role_are_one_tenant() -> None:
    first, second = event("http_iam"), event("http_iam")
    second["requestContext"]["authorizer"]["iam"]["userArn"] += "-other"
    assert identify(first, deployment()) == identify(second, deployment())


def test_no_token_can_name_the_tenant_of_an_iam_principal() -> None:
    principal = identify(event("function_url_iam"), deployment())
    assert principal is not None
    assert tenant_of("arn:aws:iam::123456789012:user/orders") != principal.tenant
    assert tenant_of(principal.tenant) != principal.tenant


def test_no_claim_can_name_the_default_tenant_of_the_queue() -> None:
    queue = deployment().queue_tenant
    assert queue == ":queue"
    assert tenant_of("queue") != queue
    assert tenant_of(queue) != queue
    assert tenant_of("%3Aqueue") not in (queue, tenant_of(":queue"))


@pytest.mark.parametrize("principal", [":queue", "queue", "acme", "arn", 5, None])
def test_a_malformed_arn_is_not_an_iam_principal(principal: Any) -> None:
    iam = {"http": {}, "authorizer": {"iam": {"userArn": principal}}}
    assert identify({"requestContext": iam}, deployment()) is None
    assert identify({"requestContext": {"identity": {"userArn": principal}}}, deployment()) is None


@pytest.mark.parametrize(
    ("name", "claim", "principal"),
    [
        ("http_jwt", "sub", SUBJECT),
        ("http_iam", "sub", "arn:aws:sts::123456789012:assumed-role/orders"),
        ("rest_iam", "sub", "arn:aws:iam::123456789012:user/orders"),
        ("rest_lambda_authorizer", "sub", "customer-7"),
        ("http_jwt", "no such claim", None),
    ],
)
def test_the_principal_is_a_claim_or_who_signed(name: str, claim: str, principal: str | None) -> None:
    caller = identify(event(name), deployment(principal_claim=claim))
    assert caller is not None
    assert caller.principal == principal


def test_principals_of_one_tenant_are_distinguished() -> None:
    one, other = (identify(claims(org="acme", sub=who), deployment(tenant_claim="org")) for who in ("ada", "x" * 500))
    assert one is not None
    assert other is not None
    assert (one.tenant, one.principal) == ("acme", "ada")
    assert other.tenant == "acme"
    assert other.principal is not None
    assert len(other.principal) < MAX_TENANT


def test_limits_come_from_the_deployment() -> None:
    caller = identify(claims(sub="me"), deployment(step_limit=7, payload_limit=99, max_running_jobs=3))
    assert caller == Caller(tenant="me", principal="me", step_limit=7, payload_limit=99, max_running_jobs=3)


@settings(deadline=None)
@given(st.text())
def test_a_tenant_in_a_key_has_nothing_that_separates_the_parts_of_a_key(subject: str) -> None:
    tenant = tenant_of(subject)
    assert tenant is None or (tenant.isascii() and tenant.isprintable() and not set(tenant) & set("#/ :"))
    assert tenant is None or len(tenant) <= MAX_TENANT


@settings(deadline=None)
@given(st.text(max_size=400), st.text(max_size=400))
def test_two_subjects_are_never_one_tenant(one: str, other: str) -> None:
    if one != other and tenant_of(one) is not None:
        assert tenant_of(one) != tenant_of(other)


def test_two_long_subjects_that_begin_alike_are_two_tenants() -> None:
    assert tenant_of("x" * 500 + "a") != tenant_of("x" * 500 + "b")
