"""The periodic work of `conduit serve`: the sweeper each minute, the schedules each second."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from handler.console.local import served_process
from handler.console.local.served_process import FIRING_SECONDS, Firings, Timetable
from handler.console.local.workstation import SWEEP_SECONDS
from tests.handler.http.client import Client

ENVIRONMENT = {
    "TABLE_NAME": "jobs",
    "QUEUE_URL": "https://sqs.example.com/jobs",
    "DEAD_LETTER_QUEUE_URL": "https://sqs.example.com/dead",
    "BUS_NAME": "bus",
    "SCHEDULER_GROUP": "group",
}


class World:
    def __init__(self) -> None:
        self.time = 0.0
        self.sweeps: list[float] = []
        self.fired: list[tuple[float, float]] = []
        function: Any = self
        self.timetable = Timetable(
            function, lambda: self.time, lambda: 1_000_000 + self.time, lambda *times: self.fired.append(times)
        )

    def sweep(self) -> None:
        self.sweeps.append(self.time)

    def advance(self, seconds: float) -> None:
        self.time += seconds
        self.timetable()


def test_the_sweeper_runs_each_minute() -> None:
    world = World()
    for _ in range(13):
        world.advance(SWEEP_SECONDS / 4)
    assert world.sweeps == [60.0, 120.0, 180.0]


def test_schedules_are_looked_at_each_second_and_no_moment_is_left_out() -> None:
    world = World()
    for _ in range(7):
        world.advance(FIRING_SECONDS / 2)
    world.advance(3600)  # the machine slept
    assert world.fired[:2] == [(1_000_000, 1_000_001), (1_000_001, 1_000_002)]
    assert all(before[1] == after[0] for before, after in zip(world.fired, world.fired[1:], strict=False))
    assert world.fired[-1][1] == 1_000_000 + world.time


def make_firings(monkeypatch: pytest.MonkeyPatch, world: Any, keys: list[tuple[str, str]]) -> tuple[Firings, list[Any]]:
    """The firings of the schedules with these keys in a world, and the messages that they have sent."""
    sent: list[Any] = []
    clients: Any = SimpleNamespace(
        scheduler=lambda: None, sqs=lambda: SimpleNamespace(send_message=lambda **fields: sent.append(fields))
    )
    monkeypatch.setattr(served_process, "schedule_keys", lambda _, group: keys if group == "group" else [])
    monkeypatch.setattr("handler.wiring.wire", lambda _: world.ports)
    return Firings(clients, ENVIRONMENT), sent


def test_a_schedule_that_fired_has_a_message_in_the_queue(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client(world)
    client.send("PUT", "/workflows/w", {"steps": []})
    assert client.send("PUT", "/schedules/s", {"workflow": "w", "every": "1 hour"}).status == 201
    firings, sent = make_firings(monkeypatch, world, [("tenant", "s"), ("tenant", "deleted")])
    now = world.clock.now
    firings(now, now + 3599)
    assert sent == []
    firings(now + 3599, now + 3601)
    (message,) = sent
    assert message["QueueUrl"] == ENVIRONMENT["QUEUE_URL"]
    firing = json.loads(message["MessageBody"])["schedule"]
    assert (firing["tenant"], firing["id"]) == ("tenant", "s")


def test_a_machine_without_schedules_reads_no_table(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    firings, sent = make_firings(monkeypatch, world, [])
    monkeypatch.setattr("handler.wiring.wire", None)
    firings(0.0, 1e9)
    assert sent == []
