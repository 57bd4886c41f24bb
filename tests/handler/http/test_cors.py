"""Pages of other origins: the headers that a browser gets, with `CORS_ORIGINS` and without."""

from __future__ import annotations

from typing import Any

import pytest

from tests.handler.http.client import JOIN, Client, expect_problem

APP = "https://app.example.com"
ASKED = {"origin": APP, "access_control_request_method": "POST", "access_control_request_headers": "authorization"}


@pytest.fixture
def open_to_app(world: Any) -> None:
    world.set(cors_origins=(APP, "https://other.example.com"))


def test_without_the_setting_no_origin_gets_a_cors_header(client: Client, world: Any) -> None:
    answer = client.get("/blocks", origin=APP)
    assert not [name for name in answer.headers if name.lower().startswith("access-control")]
    assert "Vary" not in answer.headers
    expect_problem(Client(world, tenant="").send("OPTIONS", "/jobs", **ASKED), 401, "unidentified")


@pytest.mark.usefixtures("open_to_app")
def test_a_preflight_needs_no_identity_and_touches_nothing(world: Any) -> None:
    answer = Client(world, tenant="").send("OPTIONS", "/jobs/a", **ASKED)
    assert (answer.status, answer.body) == (204, "")
    assert answer.headers["Access-Control-Allow-Origin"] == APP
    assert answer.headers["Access-Control-Allow-Methods"] == "GET, HEAD"
    assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert world.items.calls == []


@pytest.mark.usefixtures("open_to_app")
def test_a_preflight_does_not_reveal_whether_a_job_exists(client: Client, world: Any) -> None:
    client.post("/jobs", {"id": "a", "steps": [JOIN]})
    stranger = Client(world, tenant="")
    assert stranger.send("OPTIONS", "/jobs/a", **ASKED) == stranger.send("OPTIONS", "/jobs/b", **ASKED)


@pytest.mark.usefixtures("open_to_app")
@pytest.mark.parametrize("origin", ["https://evil.example.com", "null", APP + ".evil.com", APP.upper(), ""])
def test_another_origin_gets_no_cors_headers(client: Client, world: Any, origin: str) -> None:
    preflight = Client(world, tenant="").send("OPTIONS", "/jobs", **{**ASKED, "origin": origin})
    assert preflight.status == 401
    for answer in (preflight, client.get("/blocks", origin=origin)):
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert answer.headers["Vary"] == "Origin"


@pytest.mark.usefixtures("open_to_app")
def test_errors_can_be_read_by_an_allowed_page_too(client: Client, world: Any) -> None:
    for answer in (client.get("/nope", origin=APP), Client(world, tenant="").get("/jobs", origin=APP)):
        assert answer.status >= 400
        assert answer.headers["Access-Control-Allow-Origin"] == APP


@pytest.mark.usefixtures("open_to_app")
def test_an_answer_that_varies_already_keeps_that(client: Client) -> None:
    answer = client.post("/jobs", {"steps": [JOIN]}, origin=APP, prefer="wait=5")
    assert answer.headers["Vary"] == "Prefer, Origin"
    assert "Location" in answer.headers["Access-Control-Expose-Headers"]


def test_any_origin_may_be_allowed(client: Client, world: Any) -> None:
    world.set(cors_origins=("*",))
    answer = client.get("/blocks", origin="https://anything.example.org")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Vary" not in answer.headers


@pytest.mark.usefixtures("open_to_app")
def test_an_options_request_that_is_not_a_preflight_is_like_any_other(client: Client, world: Any) -> None:
    expect_problem(client.send("OPTIONS", "/blocks", origin=APP), 405, "wrong-method")
    expect_problem(Client(world, tenant="").send("OPTIONS", "/blocks", origin=APP), 401, "unidentified")
