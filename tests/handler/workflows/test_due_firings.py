from __future__ import annotations

import json
from typing import Any

import pytest

from handler.workflows.due_firings import due_firings
from tests.handler.conftest import drive
from tests.handler.http.client import Client


@pytest.fixture
def put(client: Client) -> Any:
    client.send("PUT", "/workflows/work", {"steps": [{"action": "PROBE.WORK"}]})

    def put(id_: str, **fields: Any) -> None:
        assert client.send("PUT", f"/schedules/{id_}", {"workflow": "work", **fields}).status == 201

    return put


def _fired(world: Any, since: float, until: float, *ids: str) -> list[tuple[str, str]]:
    keys = [("tenant", id_) for id_ in ids]
    bodies = [json.loads(body)["schedule"] for body in drive(due_firings(world.ports, keys, since, until))]
    return [(body["id"], body["at"]) for body in bodies]


def test_a_schedule_fires_once_when_its_time_has_come(world: Any, put: Any) -> None:
    put("s", every="5 minutes")
    now = world.clock.now
    assert _fired(world, now, now + 299, "s") == []
    assert _fired(world, now + 299, now + 300, "s") == [("s", "2027-01-15T08:05:00.000Z")]
    assert _fired(world, now + 300, now + 301, "s") == []


def test_of_the_times_that_a_machine_slept_through_only_the_last_one_fires(world: Any, put: Any) -> None:
    put("s", every="5 minutes")
    assert _fired(world, world.clock.now, world.clock.now + 3600, "s") == [("s", "2027-01-15T09:00:00.000Z")]


def test_schedules_fire_in_the_order_of_their_times_and_paused_ones_not_at_all(world: Any, put: Any) -> None:
    put("a", at="2027-01-15T08:30:00Z")
    put("b", at="2027-01-15T08:10:00Z")
    put("c", at="2027-01-15T08:20:00Z", enabled=False)
    now = world.clock.now
    assert [id_ for id_, _ in _fired(world, now, now + 3600, "a", "b", "c", "none")] == ["b", "a"]


def test_a_due_firing_can_be_put_on_the_queue(client: Client, world: Any, put: Any) -> None:
    put("s", every="5 minutes")
    since = world.clock.now
    world.clock.now += 300
    (body,) = drive(due_firings(world.ports, [("tenant", "s")], since, world.clock.now))
    assert world.receive(world.message(body)) == []
    assert client.get("/jobs").json["jobs"][0]["status"] == "SUCCEEDED"
