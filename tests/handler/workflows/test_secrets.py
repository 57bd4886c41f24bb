"""Secrets as their owners put and list them: none can be read, and another tenant's do not exist."""

from __future__ import annotations

from typing import Any

import pytest

from handler.http.openapi.document import openapi_document
from tests.handler.http.client import Client, expect_problem

VALUE = "s3cr3t-v4lue"
BODY = {"value": VALUE, "hosts": ["api.example.com"]}
OAUTH = {"token_url": "https://auth.example.com/token", "client_id": "me", "client_secret": "client-s3cret"}
REFRESH = {"oauth2": {**OAUTH, "refresh_token": "refresh-me"}, "hosts": ["api.example.com"]}


class PlainVault:
    """Encrypts by reversing the string, and records the tenant and the name."""

    def __init__(self) -> None:
        self.sealed: list[tuple[str, str, str]] = []
        self.forgotten: list[tuple[str, str]] = []

    def seal(self, tenant: str, name: str, text: str) -> str:
        self.sealed.append((tenant, name, text))
        return text[::-1]

    def forget(self, tenant: str, name: str) -> None:
        self.forgotten.append((tenant, name))


@pytest.fixture
def vault(world: Any) -> PlainVault:
    world.vault = PlainVault()
    vault: PlainVault = world.vault
    return vault


@pytest.fixture(autouse=True)
def _vault(vault: PlainVault) -> None:
    """Use this vault in every test."""


def put(client: Client, name: str, body: Any) -> Any:
    return client.send("PUT", f"/secrets/{name}", body)


def test_a_secret_is_put_and_shows_all_but_its_value(client: Client, world: Any) -> None:
    answer = put(client, "payments", BODY)
    assert (answer.status, answer.body) == (204, "")
    shown = client.get("/secrets/payments").json
    assert shown["name"] == "payments"
    assert (shown["hosts"], shown["uses"]) == (["api.example.com"], ["auth"])
    assert set(shown) == {"name", "hosts", "uses", "created_at", "updated_at"}
    assert client.get("/secrets").json == {"secrets": [shown], "cursor": None}
    world.clock.now += 60
    assert put(client, "payments", {**BODY, "uses": ["url", "auth"]}).status == 204
    again = client.get("/secrets/payments").json
    assert again["created_at"] == shown["created_at"]
    assert again["updated_at"] > shown["updated_at"]
    assert again["uses"] == ["url", "auth"]


def test_a_put_replaces_value_hosts_and_uses_together(client: Client, vault: PlainVault) -> None:
    put(client, "s", {"value": VALUE, "hosts": ["a.example"], "uses": ["url", "hmac"]})
    put(client, "s", {"value": "an0ther-value", "hosts": ["b.example"]})
    assert client.get("/secrets/s").json["hosts"] == ["b.example"]
    assert client.get("/secrets/s").json["uses"] == ["auth"]
    assert vault.sealed[-1] == ("tenant", "s", "an0ther-value")
    assert vault.forgotten == [("tenant", "s")] * 2


def test_a_secret_is_deleted_once(client: Client) -> None:
    put(client, "s", BODY)
    assert client.send("DELETE", "/secrets/s").status == 204
    expect_problem(client.send("DELETE", "/secrets/s"), 404, "not-found")
    expect_problem(client.get("/secrets/s"), 404, "not-found")
    assert client.get("/secrets").json["secrets"] == []


def test_the_secret_of_another_tenant_is_not_there(client: Client, stranger: Client) -> None:
    put(client, "s", BODY)
    expect_problem(stranger.get("/secrets/s"), 404, "not-found")
    expect_problem(stranger.send("DELETE", "/secrets/s"), 404, "not-found")
    assert stranger.get("/secrets").json == {"secrets": [], "cursor": None}
    assert put(stranger, "s", {**BODY, "hosts": ["mine.example"]}).status == 204
    assert client.get("/secrets/s").json["hosts"] == ["api.example.com"]


def test_secrets_are_listed_by_name_page_by_page(client: Client) -> None:
    for name in ("c", "a", "b"):
        put(client, name, BODY)
    first = client.get("/secrets?limit=2").json
    second = client.get(f"/secrets?limit=2&cursor={first['cursor']}").json
    assert [found["name"] for found in first["secrets"] + second["secrets"]] == ["a", "b", "c"]
    assert second["cursor"] is None


def test_a_tenant_has_so_many_secrets_and_may_still_replace_them(client: Client, stranger: Client, world: Any) -> None:
    world.set(max_secrets=2)
    assert [put(client, name, BODY).status for name in ("a", "b", "c", "a")] == [204, 204, 409, 204]
    assert put(stranger, "c", BODY).status == 204


@pytest.mark.parametrize(("size", "status"), [(7, 422), (8, 204), (4096, 204), (4097, 422)])
def test_a_value_has_8_to_4096_bytes(client: Client, size: int, status: int) -> None:
    assert put(client, "s", {**BODY, "value": "v" * size}).status == status


def test_a_value_is_measured_in_bytes(client: Client) -> None:
    assert put(client, "s", {**BODY, "value": "ä" * 4}).status == 204
    assert put(client, "s", {**BODY, "value": "ä" * 2049}).status == 422


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({"hosts": ["a.example"]}, "/value", "MISSING_FIELD"),
        ({**BODY, "oauth2": OAUTH}, "/oauth2", "CONFLICTING_FIELDS"),
        ({**BODY, "value": 12345678}, "/value", "INVALID_FIELD"),
        ({**BODY, "more": 1}, "/more", "UNKNOWN_FIELD"),
        ({"value": VALUE}, "/hosts", "MISSING_FIELD"),
        ({**BODY, "hosts": []}, "/hosts", "INVALID_FIELD"),
        ({**BODY, "hosts": [], "uses": ["url", "hmac"]}, "/hosts", "INVALID_FIELD"),
        ({**BODY, "hosts": "api.example.com"}, "/hosts", "INVALID_FIELD"),
        ({**BODY, "hosts": ["*.example.com"]}, "/hosts/0", "INVALID_FIELD"),
        ({**BODY, "hosts": ["a.example", "https://a.example"]}, "/hosts/1", "INVALID_FIELD"),
        ({**BODY, "hosts": ["a.example:443"]}, "/hosts/0", "INVALID_FIELD"),
        ({**BODY, "hosts": ["a.example"] * 51}, "/hosts", "INVALID_FIELD"),
        ({**BODY, "uses": []}, "/uses", "INVALID_FIELD"),
        ({**BODY, "uses": ["read"]}, "/uses", "INVALID_FIELD"),
        ({**REFRESH, "uses": ["auth", "hmac"]}, "/uses", "INVALID_FIELD"),
        ({**REFRESH, "oauth2": OAUTH}, "/oauth2/refresh_token", "MISSING_FIELD"),
        ({**REFRESH, "oauth2": {**OAUTH, "grant": "password"}}, "/oauth2/grant", "INVALID_FIELD"),
        (
            {**REFRESH, "oauth2": {**OAUTH, "refresh_token": "r", "grant": "client_credentials"}},
            "/oauth2/grant",
            "CONFLICTING_FIELDS",
        ),
        (
            {**REFRESH, "oauth2": {**OAUTH, "refresh_token": "r", "token_url": "auth.example.com"}},
            "/oauth2/token_url",
            "INVALID_FIELD",
        ),
        ({**REFRESH, "oauth2": {**OAUTH, "refresh_token": ""}}, "/oauth2/refresh_token", "INVALID_FIELD"),
        ({**REFRESH, "oauth2": {**OAUTH, "refresh_token": "r", "password": "p"}}, "/oauth2/password", "UNKNOWN_FIELD"),
    ],
)
def test_an_invalid_secret_is_refused_with_the_place_of_the_mistake(
    client: Client, body: Any, pointer: str, code: str
) -> None:
    answer = put(client, "s", body)
    problem = expect_problem(answer, 422, "invalid")
    assert [(error["pointer"], error["code"]) for error in problem["errors"]] == [(pointer, code)]
    assert VALUE not in answer.body
    expect_problem(client.get("/secrets/s"), 404, "not-found")


def test_hosts_are_compared_as_names_are(client: Client) -> None:
    put(client, "s", {**BODY, "hosts": ["API.Example.com.", "bücher.example", "api.example.com", "[2001:DB8::1]"]})
    assert client.get("/secrets/s").json["hosts"] == ["api.example.com", "xn--bcher-kva.example", "2001:db8::1"]


@pytest.mark.parametrize("uses", [["hmac"], ["verify"], ["verify", "hmac"]])
def test_a_secret_that_is_sent_nowhere_needs_no_hosts(client: Client, uses: list[str]) -> None:
    assert put(client, "s", {"value": VALUE, "uses": uses}).status == 204
    assert client.get("/secrets/s").json["hosts"] == []


@pytest.mark.parametrize("grant", [{"refresh_token": "refresh-me"}, {"grant": "client_credentials", "scope": "a b"}])
def test_a_secret_may_be_the_way_to_a_token(client: Client, vault: PlainVault, grant: Any) -> None:
    assert put(client, "s", {"oauth2": {**OAUTH, **grant}, "hosts": ["api.example.com"]}).status == 204
    sealed = {text for _, _, text in vault.sealed}
    assert sealed == {"client-s3cret"} | ({"refresh-me"} & set(grant.values()))
    assert "oauth2" not in client.get("/secrets/s").json


@pytest.mark.parametrize("name", ["a.b", "a b", "a" * 65, "ä"])
def test_a_name_is_like_an_id(client: Client, name: str) -> None:
    expect_problem(put(client, name, BODY), 422, "invalid")
    expect_problem(client.get(f"/secrets/{name}"), 404, "not-found")


def test_a_deployment_without_a_key_keeps_none(client: Client, world: Any) -> None:
    world.vault = None
    expect_problem(put(client, "s", BODY), 409, "conflict")
    assert client.get("/secrets").json == {"secrets": [], "cursor": None}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/secrets/s", BODY),
        ("PUT", "/secrets/s", {**BODY, "hosts": 1}),
        ("POST", "/secrets/s", BODY),
        ("PUT", "/secrets", BODY),
        ("PUT", "/secrets/s", '{"value": "s3cr3t-v4lue"'),
        ("PUT", "/secrets/s", {"value": VALUE, "s": "t", "hosts": [VALUE]}),
    ],
)
def test_no_log_holds_a_value_though_payloads_are_logged(
    client: Client, world: Any, caplog: pytest.LogCaptureFixture, method: str, path: str, body: Any
) -> None:
    caplog.set_level("DEBUG")
    world.set(log_payloads=True)
    answer = client.send(method, path, body)
    logged = [record.__dict__ for record in caplog.records]
    assert logged
    assert VALUE not in str(logged)
    assert VALUE not in answer.body


def test_the_document_describes_every_endpoint_of_secrets(world: Any) -> None:
    paths = openapi_document("https://x", world.settings)["paths"]
    assert set(paths["/secrets"]) == {"get"}
    assert set(paths["/secrets/{name}"]) == {"put", "get", "delete"}
    assert "200" not in paths["/secrets/{name}"]["put"]["responses"]
