from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tests.handler.http.client import Client, expect_problem
from tests.handler.workflows.conftest import GREET


def _put(client: Client, name: str, body: Any) -> Any:
    return client.send("PUT", f"/workflows/{name}", body)


def test_a_workflow_is_saved_and_comes_back(client: Client) -> None:
    answer = _put(client, "greet", GREET)
    assert answer.status == 201
    shown = client.get("/workflows/greet").json
    assert shown == answer.json
    assert (shown["name"], shown["version"], shown["description"]) == ("greet", 1, "Greets somebody.")
    assert shown["versions"] == [{"version": 1, "created_at": "2027-01-15T08:00:00.000Z"}]
    assert (shown["inputs"], shown["steps"]) == (GREET["inputs"], GREET["steps"])


def test_the_same_content_again_makes_no_version(client: Client) -> None:
    _put(client, "greet", GREET)
    answer = _put(client, "greet", dict(reversed(GREET.items())))
    assert (answer.status, answer.json["version"]) == (200, 1)


def test_other_content_is_the_next_version_and_the_first_one_stays(client: Client, world: Any) -> None:
    _put(client, "greet", GREET)
    world.clock.now += 60
    answer = _put(client, "greet", {**GREET, "description": "Says hello."})
    assert (answer.status, answer.json["version"]) == (200, 2)
    assert [entry["version"] for entry in answer.json["versions"]] == [1, 2]
    assert client.get("/workflows/greet?version=1").json["description"] == "Greets somebody."
    assert client.get("/workflows/greet").json["description"] == "Says hello."
    expect_problem(client.get("/workflows/greet?version=3"), 404, "not-found")
    expect_problem(client.get("/workflows/greet?version=0"), 422, "invalid")


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"id": "x"}, "/id"),
        ({"inputs": {"pattern": "a"}}, "/inputs/pattern"),
        ({"inputs": {"type": "array"}}, "/inputs/type"),
        ({"inputs": []}, "/inputs"),
        ({"description": 1}, "/description"),
        ({"description": "x" * 2000}, "/description"),
        ({"steps": None}, "/steps"),
        ({"step": []}, "/step"),
        ({"tags": ["a"]}, "/tags"),
        ({"steps": [{"action": "NO.SUCH"}]}, "/steps/0/action"),
        ({"steps": [{"action": "TEXT.UPPERCASE", "parameters": {"text": "{< whom >}"}}]}, "/steps/0/parameters/text"),
        ({"steps": [{"action": "TEXT.UPPERCASE", "parameters": {"txt": "a"}}]}, "/steps/0/parameters/txt"),
        ({"parameters": {"who": 3}}, "/parameters/who"),
    ],
)
def test_a_workflow_that_is_sure_to_fail_is_not_saved(client: Client, change: dict[str, Any], pointer: str) -> None:
    problem = expect_problem(_put(client, "greet", {**GREET, **change}), 422, "invalid")
    assert pointer in [error["pointer"] for error in problem["errors"]]
    assert client.get("/workflows/greet").status == 404


def test_without_inputs_a_job_may_be_given_anything(client: Client) -> None:
    assert (
        _put(client, "echo", {"steps": [{"action": "TEXT.UPPERCASE", "parameters": {"text": "{< any >}"}}]}).status
        == 201
    )
    job = client.post("/workflows/echo/jobs", {"parameters": {"any": "a"}}).json
    assert job["steps"][0]["result"] == "A"


def test_a_job_of_a_workflow_runs_as_one_that_was_sent_whole(client: Client) -> None:
    _put(client, "greet", GREET)
    answer = client.post("/workflows/greet/jobs", {"id": "j1", "parameters": {"who": "Ada"}})
    assert (answer.status, answer.headers["Location"]) == (201, "/jobs/j1")
    job = client.get("/jobs/j1").json
    assert (job["status"], job["steps"][0]["result"]) == ("SUCCEEDED", "Hello Ada")
    assert job["workflow"] == {"name": "greet", "version": 1}
    assert client.get("/jobs").json["jobs"][0]["workflow"] == {"name": "greet", "version": 1}


def test_a_job_without_a_workflow_has_none(client: Client) -> None:
    assert client.post("/jobs", {"steps": []}).json["workflow"] is None


def test_parameters_are_checked_against_the_inputs_and_filled_with_defaults(client: Client) -> None:
    _put(client, "greet", GREET)
    assert client.post("/workflows/greet/jobs").json["steps"][0]["result"] == "Hello World"
    for parameters, pointer in (
        ({"who": 3}, "/parameters/who"),
        ({"who": "x" * 21}, "/parameters/who"),
        ({"whom": "Ada"}, "/parameters/whom"),
    ):
        answer = client.post("/workflows/greet/jobs", {"parameters": parameters})
        assert [error["pointer"] for error in expect_problem(answer, 422, "invalid")["errors"]] == [pointer]
    assert len(client.get("/jobs").json["jobs"]) == 1


def test_the_workflows_own_values_are_the_defaults(client: Client) -> None:
    step = {"action": "TEXT.JOIN", "parameters": {"text1": "{< a >}", "text2": "{# b #}"}}
    _put(client, "own", {"parameters": {"a": "1"}, "variables": {"b": "2"}, "steps": [step]})
    assert client.post("/workflows/own/jobs", {}).json["steps"][0]["result"] == "1 2"
    sent = {"parameters": {"a": "3"}, "variables": {"b": "4"}}
    assert client.post("/workflows/own/jobs", sent).json["steps"][0]["result"] == "3 4"


def test_a_request_that_is_repeated_is_the_same_job_also_after_a_new_version(client: Client) -> None:
    _put(client, "greet", GREET)
    first = client.post("/workflows/greet/jobs", {"id": "j1", "parameters": {"who": "Ada"}})
    _put(client, "greet", {**GREET, "inputs": {"properties": {"nobody": {}}}, "steps": []})
    again = client.post("/workflows/greet/jobs", {"id": "j1", "parameters": {"who": "Ada"}})
    assert (first.status, again.status) == (201, 200)
    assert again.json["workflow"] == {"name": "greet", "version": 1}
    client.send("DELETE", "/workflows/greet")
    assert client.post("/workflows/greet/jobs", {"id": "j1", "parameters": {"who": "Ada"}}).status == 200


def test_null_means_as_much_as_leaving_a_field_out(client: Client) -> None:
    _put(client, "greet", GREET)
    nothing = {"id": "j1", "parameters": None, "variables": None, "version": None}
    first = client.post("/workflows/greet/jobs", nothing)
    assert (first.status, first.json["steps"][0]["result"]) == (201, "Hello World")
    assert client.post("/workflows/greet/jobs", {"id": "j1"}).status == 200


@pytest.mark.parametrize(
    "change", [{"parameters": {"who": "Bob"}}, {"variables": {"a": 1}}, {"version": 1}, {"parameters": {}}]
)
def test_another_request_under_the_same_id_is_a_conflict(client: Client, change: dict[str, Any]) -> None:
    _put(client, "greet", GREET)
    body = {"id": "j1", "parameters": {"who": "Ada"}}
    client.post("/workflows/greet/jobs", body)
    expect_problem(client.post("/workflows/greet/jobs", {**body, **change}), 409, "conflict")
    expect_problem(client.post("/jobs", {"id": "j1", "steps": []}), 409, "conflict")


def test_an_idempotency_key_is_the_jobs_id(client: Client) -> None:
    _put(client, "greet", GREET)
    assert client.post("/workflows/greet/jobs", {}, idempotency_key="key-1").json["id"] == "key-1"
    assert client.post("/workflows/greet/jobs", {}, idempotency_key="key-1").status == 200


def test_a_job_keeps_its_version_through_a_redrive(client: Client, world: Any) -> None:
    failing = {"steps": [{"action": "PROBE.WORK", "parameters": {"fail": "{< fail >}", "name": "v1"}}]}
    _put(client, "w", failing)
    client.post("/workflows/w/jobs", {"id": "j1", "parameters": {"fail": True}})
    _put(client, "w", {"steps": [{"action": "PROBE.WORK", "parameters": {"name": "v2"}}]})
    assert client.post("/jobs/j1/redrive", {"parameters": {"fail": False}}).status == 202
    world.drain_queue()
    job = client.get("/jobs/j1").json
    assert (job["status"], job["workflow"], job["steps"][0]["result"]) == (
        "SUCCEEDED",
        {"name": "w", "version": 1},
        "v1",
    )


def test_an_older_version_can_be_started(client: Client) -> None:
    _put(client, "greet", GREET)
    _put(client, "greet", {**GREET, "steps": []})
    job = client.post("/workflows/greet/jobs", {"version": 1}).json
    assert (job["workflow"]["version"], len(job["steps"])) == (1, 1)
    expect_problem(client.post("/workflows/greet/jobs", {"version": 3}), 404, "not-found")
    expect_problem(client.post("/workflows/greet/jobs", {"version": "1"}), 422, "invalid")


def test_a_start_can_be_asked_for_in_the_background_and_strictly(client: Client, world: Any) -> None:
    _put(client, "echo", {"steps": [{"action": "TEXT.UPPERCASE", "parameters": {"text": "{< any >}"}}]})
    strict = client.post("/workflows/echo/jobs", {}, prefer="handling=strict")
    assert expect_problem(strict, 422, "invalid")["errors"][0]["pointer"] == "/steps/0/parameters/text"
    assert client.post("/workflows/echo/jobs", {"parameters": {"any": "a"}}, prefer="handling=strict").status == 201
    answer = client.post("/workflows/echo/jobs", {"id": "j", "parameters": {"any": "a"}}, prefer="respond-async")
    assert (answer.status, answer.json["status"]) == (202, "QUEUED")
    world.drain_queue()
    assert client.get("/jobs/j").json["status"] == "SUCCEEDED"


def test_the_limit_of_running_jobs_holds_for_workflows_too(client: Client, world: Any) -> None:
    _put(client, "greet", GREET)
    world.set(max_running_jobs=1)
    client.post("/workflows/greet/jobs", {"id": "j"}, prefer="respond-async")
    assert "Retry-After" in client.post("/workflows/greet/jobs", {}).headers
    assert client.post("/workflows/greet/jobs", {"id": "j"}).status == 200


@pytest.mark.parametrize("id_", ["__x", "__s-1", "__", "a b", ""])
def test_reserved_and_malformed_ids_cannot_be_sent(client: Client, id_: str) -> None:
    _put(client, "greet", GREET)
    for target in ("/workflows/greet/jobs", "/jobs"):
        body = {"id": id_} if target != "/jobs" else {"id": id_, "steps": []}
        problem = expect_problem(client.post(target, body), 422, "invalid")
        assert problem["errors"][0]["pointer"] == "/id"
    expect_problem(client.post("/jobs", {"steps": []}, idempotency_key=id_), 422, "invalid")


@pytest.mark.parametrize("id_", ["_", "_a", "a__", "-", "_-_", "a" * 64])
def test_other_ids_may_have_underlines_anywhere(client: Client, id_: str) -> None:
    assert client.post("/jobs", {"id": id_, "steps": []}).status == 201
    assert client.get(f"/jobs/{id_}").status == 200


def test_another_tenants_workflow_does_not_exist(client: Client, stranger: Client) -> None:
    _put(client, "greet", GREET)
    expect_problem(stranger.get("/workflows/greet"), 404, "not-found")
    expect_problem(stranger.send("DELETE", "/workflows/greet"), 404, "not-found")
    expect_problem(stranger.post("/workflows/greet/jobs", {}), 404, "not-found")
    assert stranger.get("/workflows").json == {"workflows": [], "cursor": None}
    assert _put(stranger, "greet", {"steps": []}).status == 201
    assert client.get("/workflows/greet").json["steps"] == GREET["steps"]


def test_a_list_goes_by_name_page_by_page(client: Client, stranger: Client) -> None:
    for name in ("c", "a", "b"):
        _put(client, name, GREET)
    first = client.get("/workflows?limit=2").json
    assert [found["name"] for found in first["workflows"]] == ["a", "b"]
    assert "steps" not in first["workflows"][0]
    second = client.get(f"/workflows?limit=2&cursor={first['cursor']}").json
    assert ([found["name"] for found in second["workflows"]], second["cursor"]) == (["c"], None)
    assert stranger.get(f"/workflows?cursor={first['cursor']}").json["workflows"] == []
    for query in ("limit=0", "limit=101", "limit=x", "cursor=x", "cursor=WzFd", "status=FAILED", "limit=1&limit=2"):
        expect_problem(client.get(f"/workflows?{query}"), 422, "invalid")


def test_a_deleted_workflow_is_gone_and_starts_with_version_one_again(client: Client) -> None:
    _put(client, "greet", GREET)
    _put(client, "greet", {**GREET, "steps": []})
    assert client.send("DELETE", "/workflows/greet").status == 204
    expect_problem(client.get("/workflows/greet"), 404, "not-found")
    expect_problem(client.get("/workflows/greet?version=1"), 404, "not-found")
    expect_problem(client.send("DELETE", "/workflows/greet"), 404, "not-found")
    assert _put(client, "greet", GREET).status == 201
    assert client.get("/workflows/greet").json["version"] == 1
    expect_problem(client.get("/workflows/greet?version=2"), 404, "not-found")


def test_a_workflow_that_something_starts_cannot_be_deleted(client: Client) -> None:
    _put(client, "greet", {"steps": []})
    client.send("PUT", "/schedules/s", {"workflow": "greet", "every": "1 hour"})
    assert "schedule 's'" in expect_problem(client.send("DELETE", "/workflows/greet"), 409, "conflict")["detail"]
    client.send("DELETE", "/schedules/s")
    client.send("PUT", "/hooks/h", {"workflow": "greet", "verify": "none"})
    assert "hook 'h'" in expect_problem(client.send("DELETE", "/workflows/greet"), 409, "conflict")["detail"]
    client.send("DELETE", "/hooks/h")
    assert client.send("DELETE", "/workflows/greet").status == 204


@pytest.mark.parametrize(("limit", "status"), [(3, 201), (2, 409)])
def test_a_tenant_has_as_many_workflows_as_it_may(client: Client, world: Any, limit: int, status: int) -> None:
    world.set(max_workflows=limit)
    assert [_put(client, name, GREET).status for name in ("a", "b", "c")] == [201, 201, status]
    assert _put(client, "a", {**GREET, "steps": []}).status == 200


def test_two_saves_at_once_make_two_versions(client: Client, world: Any) -> None:
    """The second write happens between the first caller's read and write."""
    _put(client, "w", {"steps": []})
    done = []

    def interfere(call: str) -> None:
        if call == "put_all_with" and not done:
            done.append(call)
            _put(client, "w", {"steps": [], "description": "second"})

    world.items.before = interfere
    answer = _put(client, "w", {"steps": [], "description": "first"})
    assert (answer.status, answer.json["version"]) == (200, 3)
    descriptions = [client.get(f"/workflows/w?version={n}").json["description"] for n in (1, 2, 3)]
    assert descriptions == [None, "second", "first"]


def test_a_failure_of_aws_is_503(client: Client, world: Any) -> None:
    from infra.errors import TryLaterError  # noqa: PLC0415

    def fail(_: str) -> None:
        raise TryLaterError("down")

    world.items.before = fail
    for method, target in (
        ("PUT", "/workflows/w"),
        ("GET", "/workflows"),
        ("GET", "/workflows/w"),
        ("DELETE", "/workflows/w"),
    ):
        answer = client.send(method, target, {"steps": []} if method == "PUT" else None)
        expect_problem(answer, 503, "unavailable")


def test_values_that_defaults_would_make_too_large_are_refused_before_they_are_built(client: Client) -> None:
    item = {"properties": {"a": {"default": "x" * 1000}}}
    _put(client, "w", {"steps": [], "inputs": {"properties": {"list": {"items": item}}}})
    answer = client.post("/workflows/w/jobs", {"parameters": {"list": [{}] * 50_000}})
    expect_problem(answer, 413, "too-large")


def test_names_that_no_workflow_can_have(client: Client) -> None:
    for name in ("a%20b", "a.b", "x" * 65, "%00"):
        expect_problem(_put(client, name, {"steps": []}), 422, "invalid")
        expect_problem(client.get(f"/workflows/{name}"), 404, "not-found")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from(
    [
        "workflow",
        "steps",
        "inputs",
        "id",
        "parameters",
        "version",
        "cron",
        "every",
        "at",
        "timezone",
        "enabled",
        "overlap",
        "verify",
        "id_from",
        "respond",
        "rotate",
        "description",
        "variables",
    ]
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=examples(60), deadline=None)
@given(st.sampled_from(["/workflows/w", "/schedules/w", "/hooks/w"]), st.dictionaries(FIELDS, JSON) | JSON)
def test_no_body_causes_an_internal_error(client: Client, target: str, body: Any) -> None:
    assert client.send("PUT", target, body).status in (200, 201, 400, 409, 422)
    assert client.post("/workflows/w/jobs", body).status in (200, 201, 202, 400, 404, 409, 422)
