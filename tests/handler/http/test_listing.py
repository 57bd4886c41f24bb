from __future__ import annotations

from typing import Any

import pytest

from tests.handler.http.client import Client, expect_problem

PARKED = {
    "action": "PROBE.CHARGE",
    "parameters": {"fail": True},
    "retry": {"attempts": 2, "delay": 7200, "max_delay": 7200},
}


@pytest.fixture
def client(world: Any) -> Client:
    """A client with four jobs, a minute apart; the last one waits for its second try."""
    client = Client(world)
    client.send("PUT", "/workflows/greet", {"name": "Greeting", "steps": []})
    for body in ({"id": "a", "name": "Order 1"}, {"id": "b", "name": "order 2"}):
        client.post("/jobs", {**body, "steps": []})
        world.clock.now += 60
    client.post("/workflows/greet/jobs", {"id": "c"})
    world.clock.now += 60
    client.post("/jobs", {"id": "d", "steps": [PARKED]})
    return client


def _ids(client: Client, query: str) -> list[str]:
    return [job["id"] for job in client.get(f"/jobs?{query}").json["jobs"]]


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("", ["d", "c", "b", "a"]),
        ("name=Order", ["a"]),
        ("name=o", ["b"]),
        ("name=", ["c", "b", "a", "d"]),
        ("workflow=greet", ["c"]),
        ("workflow=other", []),
        ("status=SUCCEEDED&name=G", ["c"]),
        ("waiting=retry", ["d"]),
        ("waiting=answer", []),
        ("created_after=2027-01-15T08:01:00Z", ["d", "c", "b"]),
        ("created_after=2027-01-15T08:01:00.001Z", ["d", "c"]),
        ("created_before=2027-01-15T08:01:00Z", ["a"]),
        ("created_before=2027-01-15T09:01:00.001%2B01:00", ["b", "a"]),
        ("created_after=2027-01-15T08:01:00Z&created_before=2027-01-15T08:03:00Z", ["c", "b"]),
    ],
)
def test_a_filter_chooses_jobs(client: Client, query: str, ids: list[str]) -> None:
    assert sorted(_ids(client, query)) == sorted(ids)


@pytest.mark.parametrize(
    "query", ["", "name=&", "created_before=2027-01-15T08:03:30Z&", "created_after=2020-01-01T00:00:00Z&"]
)
def test_the_pages_of_a_filtered_list_hold_each_job_once(client: Client, query: str) -> None:
    seen: list[str] = []
    cursor = ""
    for _ in range(10):
        page = client.get(f"/jobs?{query}limit=1{cursor}").json
        seen += [job["id"] for job in page["jobs"]]
        if page["cursor"] is None:
            break
        cursor = f"&cursor={page['cursor']}"
    assert seen == ["d", "c", "b", "a"]


@pytest.mark.parametrize(
    "query",
    [
        "status=DONE",
        "waiting=nothing",
        "workflow=a b",
        "name=" + "x" * 257,
        "created_after=yesterday",
        "created_after=2027-01-15",
        "created_before=2027-13-15T08:00:00Z",
        "created_before=2027-01-15T08:00:00",
        "limit=0",
        "limit=101",
        "created=2027-01-15T08:00:00Z",
        "name=a&name=b",
    ],
)
def test_an_invalid_filter_is_refused(client: Client, query: str) -> None:
    expect_problem(client.get(f"/jobs?{query.replace(' ', '%20')}"), 422, "invalid")
