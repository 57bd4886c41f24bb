"""Requests of operators: runs, and changes of many jobs at once."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from handler.jobs.items import list_items
from tests.handler.conftest import drive
from tests.handler.http.client import FAIL, JOIN, Client, expect_problem


def stranger(client: Client) -> Client:
    return replace(client, tenant="other")


def test_runs_are_listed_with_their_ends_and_first_failures(client: Client, world: Any) -> None:
    steps = [JOIN, {"id": "check", "action": "LOGIC.ASSERT", "parameters": {"value": "{< ok >}"}}]
    client.post("/jobs", {"id": "a", "parameters": {"ok": False}, "steps": steps})
    first = client.get("/jobs/a").json
    assert client.get("/jobs/a/runs").json["runs"] == [
        {
            "run": 1,
            "status": "FAILED",
            "started_at": first["started_at"],
            "finished_at": first["finished_at"],
            "failed_step": first["failed_step"],
        }
    ]
    world.clock.now += 60
    client.post("/jobs/a/redrive", {"parameters": {"ok": True}})
    earlier, current = client.get("/jobs/a/runs").json["runs"]
    assert (earlier["run"], earlier["status"], earlier["failed_step"]) == (1, "FAILED", first["failed_step"])
    assert (current["run"], current["status"], current["finished_at"], current["failed_step"]) == (
        2,
        "QUEUED",
        None,
        None,
    )
    world.drain_queue()
    earlier, current = client.get("/jobs/a/runs").json["runs"]
    assert (earlier["status"], current["status"]) == ("FAILED", "SUCCEEDED")
    assert earlier["finished_at"] < current["started_at"] <= current["finished_at"]


def test_runs_of_another_tenants_job_do_not_exist(client: Client) -> None:
    client.post("/jobs", {"id": "a", "steps": [JOIN]})
    expect_problem(stranger(client).get("/jobs/a/runs"), 404, "not-found")
    expect_problem(client.get("/jobs/b/runs"), 404, "not-found")
    expect_problem(client.get("/jobs/a/runs?limit=1"), 422, "invalid")


def test_failed_jobs_are_run_on_in_bulk(client: Client, world: Any) -> None:
    for number in range(3):
        world.clock.now += 10
        client.post("/jobs", {"id": f"j{number}", "steps": [FAIL]})
    client.post("/jobs", {"id": "good", "steps": [JOIN]})
    since = client.get("/jobs/j1").json["created_at"]
    answer = client.post("/jobs/redrive", {"status": "FAILED", "created_after": since, "limit": 100})
    assert (answer.status, answer.json) == (200, {"done": ["j2", "j1"], "skipped": [], "cursor": None})
    assert [client.get(f"/jobs/{id_}").json["run"] for id_ in ("j0", "j1", "j2", "good")] == [1, 2, 2, 1]


def test_bulk_goes_on_at_its_cursor(client: Client, world: Any) -> None:
    for number in range(3):
        world.clock.now += 10
        client.post("/jobs", {"id": f"j{number}", "steps": [FAIL]})
    first = client.post("/jobs/redrive", {"status": "FAILED", "limit": 2}).json
    assert first["done"] == ["j2", "j1"]
    second = client.post("/jobs/redrive", {"status": "FAILED", "limit": 2, "cursor": first["cursor"]}).json
    assert second == {"done": ["j0"], "skipped": [], "cursor": None}


def test_bulk_stops_when_the_invocation_has_no_time_left_and_says_where_to_go_on(client: Client, world: Any) -> None:
    for number in range(2):
        world.clock.now += 10
        client.post("/jobs", {"id": f"j{number}", "steps": [FAIL]})
    short = replace(client, life=0.0)
    first = short.post("/jobs/redrive", {"status": "FAILED"}).json
    assert first["done"] == ["j1"]
    second = short.post("/jobs/redrive", {"status": "FAILED", "cursor": first["cursor"]}).json
    assert (second["done"], second["cursor"]) == (["j0"], None)


def test_waiting_jobs_are_cancelled_in_bulk(client: Client, world: Any) -> None:
    for id_ in ("a", "b"):
        client.post("/jobs", {"id": id_, "name": f"import {id_}", "steps": [JOIN]}, prefer="respond-async")
    answer = client.post("/jobs/cancel", {"status": "QUEUED", "name": "import a"})
    assert answer.json == {"done": ["a"], "skipped": [], "cursor": None}
    world.drain_queue()
    assert [client.get(f"/jobs/{id_}").json["status"] for id_ in ("a", "b")] == ["CANCELLED", "SUCCEEDED"]


def test_a_job_that_cannot_be_changed_is_skipped_with_the_reason(client: Client, world: Any) -> None:
    client.post("/jobs", {"id": "a", "steps": [FAIL]})
    world.clock.now = world.record("a").expires_at - 60
    answer = client.post("/jobs/redrive", {"status": "FAILED"}).json
    assert answer["done"] == []
    assert answer["skipped"][0]["id"] == "a"
    assert "expires too soon" in answer["skipped"][0]["why"]


def test_bulk_redrive_keeps_to_the_number_of_unfinished_jobs(client: Client, world: Any) -> None:
    for id_ in ("a", "b", "c"):
        world.clock.now += 10
        client.post("/jobs", {"id": id_, "steps": [FAIL]})
    world.set(max_running_jobs=2)
    answer = client.post("/jobs/redrive", {"status": "FAILED"}).json
    assert answer["done"] == ["c", "b"]
    assert [skipped["id"] for skipped in answer["skipped"]] == ["a"]
    assert "unfinished jobs" in answer["skipped"][0]["why"]


def test_bulk_reaches_no_other_tenants_jobs(client: Client) -> None:
    client.post("/jobs", {"id": "a", "steps": [FAIL]})
    answer = stranger(client).post("/jobs/redrive", {"status": "FAILED"})
    assert (answer.status, answer.json) == (200, {"done": [], "skipped": [], "cursor": None})
    assert client.get("/jobs/a").json["run"] == 1


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        ("cancel", {"status": "FAILED"}, "/status"),
        ("cancel", {"status": "SUCCEEDED"}, "/status"),
        ("redrive", {"status": "SUCCEEDED"}, "/status"),
        ("redrive", {"status": "RUNNING"}, "/status"),
        ("redrive", {"status": "failed"}, "/status"),
        ("redrive", {}, "/status"),
        ("redrive", None, "/status"),
        ("redrive", {"status": "FAILED", "limit": 101}, "/limit"),
        ("redrive", {"status": "FAILED", "limit": "5"}, "/limit"),
        ("redrive", {"status": "FAILED", "limit": True}, "/limit"),
        ("redrive", {"status": "FAILED", "created_after": "today"}, "/created_after"),
        ("redrive", {"status": "FAILED", "cursor": "x"}, "/cursor"),
        ("redrive", {"status": "FAILED", "since": "today"}, "/since"),
        ("redrive", [], ""),
    ],
)
def test_a_bulk_request_that_cannot_be_is_422(client: Client, path: str, body: Any, pointer: str) -> None:
    client.post("/jobs", {"id": "a", "steps": [FAIL]})
    problem = expect_problem(client.post(f"/jobs/{path}", body), 422, "invalid")
    assert problem["errors"][0]["pointer"] == pointer
    assert client.get("/jobs/a").json["run"] == 1


UPPER = {"id": "upper", "action": "TEXT.UPPERCASE", "parameters": {"text": "{< text >}"}}
LOOP = {
    "id": "each",
    "for_each": [1, 0, 1],
    "tolerate": {"count": 1},
    "do": [
        {"id": "check", "action": "LOGIC.ASSERT", "parameters": {"value": "{= item == 1 =}"}},
        {"id": "say", **JOIN},
    ],
}


def test_a_job_shows_its_payload_and_its_resolved_parameters_when_asked(client: Client) -> None:
    steps = [
        {"id": "first", **JOIN},
        {"id": "second", "action": "TEXT.JOIN", "parameters": {"text1": "{: first :}", "text2": "{# v #}"}},
        {"id": "change", "set": {"v": "after"}},
        {"id": "third", "action": "TEXT.UPPERCASE", "parameters": {"text": "{# v #}"}},
        {"id": "clock", "action": "TEXT.UPPERCASE", "parameters": {"text": "{= now() =}"}},
        FAIL,
        UPPER,
    ]
    sent = {"id": "a", "name": "n", "parameters": {"text": "x"}, "variables": {"v": "before"}, "steps": steps}
    client.post("/jobs", sent)
    plain, full = client.get("/jobs/a"), client.get("/jobs/a?include=payload")
    assert "payload" not in plain.json
    assert "parameters" not in plain.json["steps"][0]
    assert {name: full.json["payload"][name] for name in ("parameters", "variables", "steps")} == {
        name: sent[name] for name in ("parameters", "variables", "steps")
    }
    assert [step["parameters"] for step in full.json["steps"]] == [
        JOIN["parameters"],
        {"text1": "Hello World", "text2": "before"},
        None,
        {"text": "after"},
        None,
        FAIL["parameters"],
        None,
    ]


def test_the_etag_covers_the_parts_that_were_asked_for(client: Client) -> None:
    client.post("/jobs", {"id": "a", "steps": [JOIN]})
    plain, full = (client.get(path).headers["ETag"] for path in ("/jobs/a", "/jobs/a?include=payload"))
    assert plain != full
    assert client.get("/jobs/a?include=payload", if_none_match=full).status == 304
    assert client.get("/jobs/a?include=payload", if_none_match=plain).status == 200


def test_long_parameters_are_cut_at_4_kilobytes(client: Client) -> None:
    for length in (4085, 4086):
        job = {"id": f"j{length}", "parameters": {"text": "x" * length}, "steps": [UPPER]}
        client.post("/jobs", job)
    whole, cut = (client.get(f"/jobs/j{length}?include=payload").json["steps"][0] for length in (4085, 4086))
    assert whole["parameters"] == {"text": "x" * 4085}
    assert "parameters_cut" not in whole
    assert len(cut["parameters"]) == 4096
    assert cut["parameters_cut"] is True


def test_parameters_inside_a_loop_are_those_of_their_item(client: Client) -> None:
    client.post("/jobs", {"id": "a", "steps": [LOOP]})
    steps = {step["path"]: step for step in client.get("/jobs/a?include=payload").json["steps"]}
    assert [steps[f"each.{index}.check"]["parameters"] for index in range(3)] == [
        {"value": True},
        {"value": False},
        {"value": True},
    ]
    assert steps["each"]["parameters"] is None
    assert steps["each.1.say"]["parameters"] is None


def test_only_the_payload_can_be_included(client: Client) -> None:
    client.post("/jobs", {"id": "a", "steps": [JOIN]})
    expect_problem(client.get("/jobs/a?include=secrets"), 422, "invalid")
    expect_problem(stranger(client).get("/jobs/a?include=payload"), 404, "not-found")


def test_the_question_that_a_job_waits_with_comes_with_its_payload(client: Client) -> None:
    ask = {"id": "ok", "wait_for": {"timeout": 600, "message": "Raise to {< limit >}?"}}
    client.post("/jobs", {"id": "a", "parameters": {"limit": 500}, "steps": [ask]})
    plain, full = client.get("/jobs/a").json, client.get("/jobs/a?include=payload").json
    assert set(plain["waiting"]) == {"for", "path", "until"}
    assert full["waiting"] == {**plain["waiting"], "message": "Raise to 500?"}


def test_a_wait_has_no_times_before_it_is_over(client: Client) -> None:
    client.post("/jobs", {"id": "a", "steps": [{"id": "w", "wait": {"seconds": 600}}]})
    job = client.get("/jobs/a").json
    assert job["waiting"]["for"] == "time"
    assert [job["steps"][0][name] for name in ("started_at", "finished_at", "duration_ms", "attempts")] == [
        None,
        None,
        None,
        0,
    ]


def test_items_of_a_loop_have_their_status_and_steps(client: Client) -> None:
    client.post("/jobs", {"id": "a", "steps": [LOOP]})
    page = client.get("/jobs/a/steps/each/items").json
    assert page["cursor"] is None
    assert [(item["index"], item["status"]["name"]) for item in page["items"]] == [
        (0, "DONE"),
        (1, "ASSERTION_ERROR"),
        (2, "DONE"),
    ]
    assert [step["path"] for step in page["items"][0]["steps"]] == ["each.0.check", "each.0.say"]
    loop = client.get("/jobs/a").json["steps"][0]
    assert (loop["path"], loop["items"]) == ("each", {"count": 3, "done": 2, "failed": 1})


def test_an_item_whose_failure_is_allowed_is_done(client: Client) -> None:
    step = {"id": "check", "allow_failure": True, **FAIL}
    client.post("/jobs", {"id": "a", "steps": [{"id": "each", "for_each": [1], "do": [step]}]})
    (item,) = client.get("/jobs/a/steps/each/items").json["items"]
    assert (item["status"]["name"], item["steps"][0]["status"]["name"]) == ("DONE", "ASSERTION_ERROR")


def test_a_round_of_a_while_loop_has_the_status_of_its_failed_step(client: Client) -> None:
    check = {"id": "check", "action": "LOGIC.ASSERT", "parameters": {"value": "{= loop.index < 1 =}"}}
    client.post("/jobs", {"id": "a", "steps": [{"id": "w", "while": True, "max": 5, "do": [check]}]})
    page = client.get("/jobs/a/steps/w/items").json
    assert [item["status"]["name"] for item in page["items"]] == ["DONE", "ASSERTION_ERROR"]


def test_an_item_that_still_runs_has_no_status_yet(client: Client) -> None:
    wait = {"id": "wait", "wait": {"seconds": 60}}
    loop = {"id": "each", "for_each": ["a", "b"], "do": [{"id": "say", **JOIN}, wait]}
    client.post("/jobs", {"id": "a", "steps": [loop]})
    (item,) = client.get("/jobs/a/steps/each/items").json["items"]
    assert (item["index"], item["status"]["name"], len(item["steps"])) == (0, "NONE", 1)


@pytest.mark.parametrize("after", [{"id": "wait", "wait": {"seconds": 60}}, {"id": "fail", **FAIL}])
def test_a_loop_that_has_not_begun_or_never_will_has_no_items(client: Client, after: dict[str, Any]) -> None:
    client.post("/jobs", {"id": "a", "steps": [after, LOOP]})
    assert client.get("/jobs/a/steps/each/items").json == {"items": [], "cursor": None}


@pytest.mark.parametrize(
    ("room", "steps", "omitted"), [(10_000, 2, None), (1_500, 2, "result_omitted"), (100, 0, "steps_omitted")]
)
def test_an_item_too_large_for_its_page_is_shown_without_results_or_without_steps(
    client: Client, world: Any, room: int, steps: int, omitted: str | None
) -> None:
    do = [{"id": name, "action": "OBJECT.COPY", "parameters": {"value": "x" * 1_000}} for name in ("one", "two")]
    client.post("/jobs", {"id": "a", "steps": [{"id": "each", "for_each": [1], "do": do}]})
    page = drive(
        list_items(
            world.ports, world.caller, "a", "each", cursor=None, size=lambda value: len(json.dumps(value)), room=room
        )
    )
    (item,) = page["items"]
    assert len(item["steps"]) == steps
    assert item.get("steps_omitted") is (True if omitted == "steps_omitted" else None)
    assert [step.get("result_omitted") for step in item["steps"]] == [True if omitted else None] * steps
    assert all(len(step["result"] or "") == (0 if omitted else 1_000) for step in item["steps"])


def test_the_items_of_a_loop_inside_a_loop_have_a_page_of_their_own(client: Client) -> None:
    inner = {"id": "inner", "for_each": ["a", "b"], **JOIN}
    client.post("/jobs", {"id": "a", "steps": [{"id": "outer", "for_each": [1, 2], "do": [inner]}]})
    page = client.get("/jobs/a/steps/outer.1.inner/items").json
    assert [[step["path"] for step in item["steps"]] for item in page["items"]] == [
        ["outer.1.inner.0"],
        ["outer.1.inner.1"],
    ]


def test_items_come_in_pages(client: Client) -> None:
    loop = {"id": "each", "for_each": list(range(250)), **JOIN}
    client.post("/jobs", {"id": "a", "steps": [loop]})
    seen: list[int] = []
    cursor = ""
    for _ in range(3):
        page = client.get(f"/jobs/a/steps/each/items{cursor}").json
        seen += [item["index"] for item in page["items"]]
        cursor = f"?cursor={page['cursor']}"
    assert (seen, page["cursor"]) == (list(range(250)), None)


def test_a_job_of_many_records_omits_the_steps_of_its_loops(client: Client) -> None:
    for id_, count in (("few", 998), ("many", 999)):  # two records are the loop's own
        client.post("/jobs", {"id": id_, "steps": [{"id": "each", "for_each": list(range(count)), **JOIN}]})
    few, many = client.get("/jobs/few").json, client.get("/jobs/many").json
    assert (len(few["steps"]), "items_omitted" in few) == (999, False)
    assert many["items_omitted"] is True
    assert [step["path"] for step in many["steps"]] == ["each"]
    assert many["steps"][0]["items"] == {"count": 999, "done": 999, "failed": 0}
    assert client.get("/jobs/many?include=payload").json["steps"][0]["parameters"] is None
    assert len(client.get("/jobs/many/steps/each/items").json["items"]) == 100


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/jobs/a/steps/none/items", 404),
        ("/jobs/a/steps/1/items", 404),
        ("/jobs/b/steps/each/items", 404),
        ("/jobs/a/steps/each/items?cursor=x", 422),
        ("/jobs/a/steps/each/items?limit=1", 422),
    ],
)
def test_items_that_are_not_there(client: Client, path: str, status: int) -> None:
    client.post("/jobs", {"id": "a", "steps": [JOIN, LOOP]})
    assert client.get(path).status == status
    assert stranger(client).get("/jobs/a/steps/each/items").status == 404


def test_a_step_whose_id_ends_like_the_path_of_items_is_still_read(client: Client) -> None:
    client.post("/jobs", {"id": "a", "steps": [{"id": "all/items", **JOIN}]})
    assert client.get("/jobs/a/steps/all%2Fitems").json["result"] == "Hello World"
