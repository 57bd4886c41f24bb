"""No route reaches another tenant's things. Every route of the router needs a case here, or a test fails."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from handler.http.api import Api
from handler.jobs.service import Jobs
from handler.workflows.tokens import make_token, read_token
from tests.handler.http.client import FAIL, Answer, Client, expect_problem

MARK = "sesame"
"""A string in everything that the owner stores."""
ASK: dict[str, Any] = {"id": "ask", "wait_for": {"timeout": 3600, "message": MARK}}
LOOP = {"id": "loop", "for_each": [1], "do": [{"id": "in", "action": "TEXT.CREATE", "parameters": {"value": MARK}}]}
EVERY = {"every": "1 hours"}
JOB = {"id": "mine", "name": "theirs", "steps": []}
SECRET = {"value": "87654321", "uses": ["verify"]}

BY_NAME: dict[str, tuple[str, Any]] = {
    "GET /jobs/{id}": ("/jobs/mine", None),
    "GET /jobs/{id}/steps/{step+}": ("/jobs/mine/steps/ask", None),
    "GET /jobs/{id}/steps/{step+}/items": ("/jobs/mine/steps/loop/items", None),
    "GET /jobs/{id}/runs": ("/jobs/mine/runs", None),
    "POST /jobs/{id}/cancel": ("/jobs/mine/cancel", None),
    "POST /jobs/{id}/redrive": ("/jobs/mine/redrive", {}),
    "POST /jobs/{id}/steps/{step+}/answer": ("/jobs/mine/steps/ask/answer", {"value": 1}),
    "GET /workflows/{name}": ("/workflows/mine", None),
    "DELETE /workflows/{name}": ("/workflows/mine", None),
    "POST /workflows/{name}/jobs": ("/workflows/mine/jobs", {}),
    "GET /schedules/{id}": ("/schedules/mine", None),
    "DELETE /schedules/{id}": ("/schedules/mine", None),
    "GET /hooks/{name}": ("/hooks/mine", None),
    "DELETE /hooks/{name}": ("/hooks/mine", None),
    "GET /secrets/{name}": ("/secrets/mine", None),
    "DELETE /secrets/{name}": ("/secrets/mine", None),
}
"""Routes that name a thing: for other tenants, the owner's thing does not exist."""
WRITES: dict[str, tuple[str, Any, str | None]] = {
    "POST /jobs": ("/jobs", JOB, None),
    "PUT /workflows/{name}": ("/workflows/mine", {"steps": []}, None),
    "PUT /secrets/{name}": ("/secrets/mine", SECRET, None),
    "PUT /schedules/{id}": ("/schedules/mine", {"workflow": "mine", **EVERY}, "/workflow"),
    "PUT /hooks/{name}": ("/hooks/mine", {"workflow": "mine", "verify": "none"}, "/workflow"),
}
"""Routes that make a thing under a name: it coexists with the owner's, and may use nothing of the owner's."""
LISTS: dict[str, tuple[str, Any, str]] = {
    "GET /jobs": ("/jobs", None, "jobs"),
    "GET /workflows": ("/workflows", None, "workflows"),
    "GET /schedules": ("/schedules", None, "schedules"),
    "GET /hooks": ("/hooks", None, "hooks"),
    "GET /secrets": ("/secrets", None, "secrets"),
    "POST /jobs/cancel": ("/jobs/cancel", {"status": "QUEUED"}, "done"),
    "POST /jobs/redrive": ("/jobs/redrive", {"status": "FAILED"}, "done"),
}
"""Routes that list all things of a tenant, and the field with the list."""
PUBLIC = {"POST /callbacks/{token}": "callback", "GET /callbacks/{token}": "callback", "POST /hooks/{token}": "hook"}
"""Routes that need only a token, and its kind."""
DATALESS: dict[str, tuple[str, Any]] = {
    "POST /jobs/validate": ("/jobs/validate", {"steps": []}),
    "GET /blocks": ("/blocks", None),
    "GET /blocks/{name+}": ("/blocks/TEXT.JOIN", None),
    "GET /schema": ("/schema", None),
    "GET /openapi.json": ("/openapi.json", None),
    "GET /docs": ("/docs", None),
}
"""Routes that read no tenant's data."""


class PlainVault:
    """Encrypts nothing."""

    def seal(self, tenant: str, name: str, text: str) -> str:  # noqa: ARG002  # the protocol's
        return text

    def forget(self, tenant: str, name: str) -> None:
        """Do nothing: nothing is stored."""


class Owner(Client):
    """The tenant who owns one thing of each kind, all of which contain the mark."""

    def __init__(self, world: Any) -> None:
        world.vault = PlainVault()
        world.set(public_routes=True, public_url="https://jobs.example.com")
        super().__init__(world)
        told = {"id": "told", "set": {"mark": MARK, "url": "{% steps.ask.callback.url %}"}}
        for name in ("mine", "other"):
            self.put(f"/workflows/{name}", {"description": MARK, "steps": [FAIL]})
            self.put(f"/schedules/{name}", {"workflow": name, "parameters": {"a": MARK}, **EVERY})
            self.put(f"/hooks/{name}", {"workflow": name, "verify": "none"})
            self.put(f"/secrets/{name}", {"value": MARK * 2, "hosts": [f"{MARK}.example"]})
        assert self.post("/jobs", {"id": "mine", "name": MARK, "steps": [told, LOOP, ASK]}).status == 202
        assert self.post("/jobs", {"id": "failed", "name": MARK, "steps": [FAIL]}).status == 201

    def put(self, target: str, body: Any) -> None:
        assert self.send("PUT", target, body).status in (201, 204)

    def token(self, kind: str) -> str:
        """The token of its hook or of its question."""
        url = self.get("/hooks/mine").json["url"] if kind == "hook" else self.get("/jobs/mine").json["variables"]["url"]
        return str(url).rpartition("/")[2]


@pytest.fixture
def owner(world: Any) -> Owner:
    return Owner(world)


@pytest.fixture
def stranger(owner: Owner, world: Any) -> Iterator[Client]:
    """Another tenant. At the end, nothing of the owner's has changed, and no answer contains the owner's mark."""
    table = world.table.items
    before = {key: dict(item) for key, item in table.items() if item["pk"].startswith("tenant#")}
    timetables = {key: value for key, value in world.scheduler.standing.items() if key[0] == "tenant"}
    sent = len(world.queue.sent)
    yield Client(world, tenant="stranger")
    assert {key: dict(item) for key, item in table.items() if item["pk"].startswith("tenant#")} == before
    assert {key: value for key, value in world.scheduler.standing.items() if key[0] == "tenant"} == timetables
    assert "tenant" not in [json.loads(message["body"]).get("tenant") for message in world.queue.sent[sent:]]
    assert owner.get("/jobs/mine").json["status"] == "QUEUED"


def ask(client: Client, route: str, target: str, body: Any) -> Answer:
    answer = client.send(route.partition(" ")[0], target, body)
    assert MARK not in answer.body + str(answer.headers)
    return answer


def test_every_route_has_a_case(owner: Owner, world: Any) -> None:
    routes = [f"{route.method} {route.template}" for route in Api(Jobs(world.ports), world.ports).router.routes]
    cases = [*BY_NAME, *WRITES, *LISTS, *PUBLIC, *DATALESS]
    assert sorted(cases) == sorted(routes), "a new route needs a case here: how could it reach another tenant's things?"
    for route, (target, *_) in {**BY_NAME, **WRITES, **LISTS, **DATALESS}.items():
        method = route.partition(" ")[0]
        if method == "GET":  # the case requests something that exists
            assert owner.send(method, target).status == 200, route


@pytest.mark.parametrize("route", BY_NAME)
def test_another_tenants_thing_looks_like_one_that_does_not_exist(stranger: Client, route: str) -> None:
    target, body = BY_NAME[route]
    theirs = ask(stranger, route, target, body)
    missing = ask(stranger, route, target.replace("/mine", "/none"), body)
    expect_problem(theirs, 404, "not-found")
    assert theirs.body.replace("mine", "none") == missing.body
    assert theirs.headers == missing.headers


@pytest.mark.parametrize("route", WRITES)
def test_the_same_name_is_another_thing_in_another_tenant(stranger: Client, world: Any, route: str) -> None:
    target, body, refused = WRITES[route]
    answer = ask(stranger, route, target, body)
    if refused is not None:
        assert expect_problem(answer, 422, "invalid")["errors"][0]["pointer"] == refused
        stranger.send("PUT", "/workflows/mine", {"steps": []})
        answer = ask(stranger, route, target, body)
    assert answer.status in (201, 204)
    kept = [item for item in world.table.items.values() if item["pk"].startswith("stranger#")]
    assert kept
    assert MARK not in str(kept)


def test_a_hook_cannot_verify_with_another_tenants_secret(stranger: Client) -> None:
    stranger.send("PUT", "/workflows/mine", {"steps": []})
    body = {"workflow": "mine", "verify": {"github": {"secret": "mine"}}}
    answer = ask(stranger, "PUT /hooks/{name}", "/hooks/mine", body)
    assert expect_problem(answer, 422, "invalid")["errors"][0]["pointer"] == "/verify/github/secret"


@pytest.mark.parametrize("route", LISTS)
def test_a_list_holds_nothing_of_another_tenant_by_any_cursor(owner: Owner, stranger: Client, route: str) -> None:
    target, body, field = LISTS[route]
    assert ask(stranger, route, target, body).json[field] == []
    cursor = owner.get(f"/{'jobs' if body else field}?limit=1").json["cursor"]
    assert cursor is not None
    if body is None:
        again = ask(stranger, route, f"{target}?cursor={cursor}", None)
    else:
        again = ask(stranger, route, target, {**body, "cursor": cursor})
    assert again.json[field] == []


@pytest.mark.parametrize("route", PUBLIC)
def test_a_token_that_names_another_tenants_object_is_not_found(
    owner: Owner, stranger: Client, world: Any, route: str
) -> None:
    kind, target = PUBLIC[route], route.partition(" ")[2]
    genuine = read_token(kind, owner.token(kind))
    assert genuine is not None
    stranger.send("PUT", "/workflows/mine", {"steps": []})
    stranger.send("PUT", "/hooks/mine", {"workflow": "mine", "verify": "none"})
    told = {"id": "told", "set": {"url": "{% steps.ask.callback.url %}"}}
    assert stranger.post("/jobs", {"id": "mine", "steps": [told, {**ASK, "wait_for": {"timeout": 60}}]}).status == 202
    own = Owner.token(stranger, kind)  # type: ignore[arg-type]  # asks in the stranger's name
    names = ("tenant", *genuine.names[1:])
    forged = [
        make_token(kind, names, bytes(32)),
        make_token(kind, names, world.record("mine", "stranger").secret.encode()),
        f"{owner.token(kind).partition('.')[0]}.{own.partition('.')[2]}",
    ]
    nobody = Client(world, tenant="")
    missing = ask(nobody, route, target.replace("{token}", make_token(kind, ("nobody", *names[1:]), bytes(32))), {})
    expect_problem(missing, 404, "not-found")
    for token in forged:
        answer = ask(nobody, route, target.replace("{token}", token), {})
        assert (answer.status, answer.body, answer.headers) == (missing.status, missing.body, missing.headers)


@pytest.mark.parametrize("route", DATALESS)
def test_an_answer_that_is_the_same_for_all_tenants_reads_nothing(stranger: Client, world: Any, route: str) -> None:
    target, body = DATALESS[route]
    world.items.calls.clear()
    assert ask(stranger, route, target, body).status == 200
    assert world.items.calls == []
