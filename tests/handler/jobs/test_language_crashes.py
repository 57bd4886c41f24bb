"""The 60 jobs of the language, sent through the doors: handed over after each step, and killed around each write."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest

from handler.payload.parse import parse
from handler.recording.recorder import Recorder
from tests.handler.conftest import CrashError, World, drive

CASES = {
    case["name"]: case
    for case in map(
        json.loads, (Path(__file__).parents[2] / "compat" / "language_cases.jsonl").read_text().splitlines()
    )
}
LIFE = 4.0
"""Seconds of a short invocation: two for steps, and two in reserve."""
LONG = 900.0
WRITES = frozenset({"put_all", "put_all_with", "put_if", "update_if", "delete_if", "publish", "send"})
SHARE, SHARE_HANDED_OVER = (1, 1) if os.environ.get("EVERY_WRITE") else (6, 29)
"""One in this many lives with a death is tried, without hand-overs and with them; `make crash-language` tries them all.
Each job begins at a different place, so the jobs together try every place."""
Outline = dict[str, Any]


def outline(world: World, *, timeless: bool) -> Outline:
    """The part of the outcome that must not depend on crashes: everything but times and the starts of a block."""
    job = world.get("j")
    steps = [
        (
            step["path"],
            step["position"],
            step["action"],
            step["status"]["name"],
            json.dumps(step["result"]) if timeless else None,
            json.dumps(step["error"]),
        )
        for step in job["steps"]
    ]
    return {
        "status": job["status"],
        "failed_step": job["failed_step"],
        "output": json.dumps(job["output"]) if timeless else None,
        "variables": json.dumps(job["variables"]) if timeless else None,
        "steps": steps,
        "events": set(world.bus.ids()),
    }


def live(world: World, name: str, door: str = "queue", life: float = LONG) -> Outline:
    """Send the job, and let the queue and the sweep finish it. The message of a dead process is redelivered."""
    case = CASES[name]
    payload = {**case["payload"], "id": "j"}
    if door == "http":
        submit(world, payload, life)
    else:
        world.queue.sent.append({"body": json.dumps(payload), "delay": 0.0})
    for _ in range(1000):
        if not world.queue.sent:
            if not any(item.get("due") for item in world.table.items.values()):
                return outline(world, timeless=case["area"] != "wait")
            world.clock.now += 60.0
            receive(world, world.sweep, life)
            continue
        message = world.queue.sent.pop(0)
        world.clock.now += message["delay"]
        record = world.message(message["body"])
        if receive(world, lambda: world.receive(record, life=life), life):  # noqa: B023  # called at once
            world.queue.sent.append({"body": message["body"], "delay": 1.0})
    raise AssertionError("the job never ends")


def submit(world: World, payload: dict[str, Any], life: float) -> None:
    """Send the job over HTTP, and again if the process dies before it answers."""

    def send() -> bool:
        drive(world.jobs.submit(world.caller, parse(payload), lifetime=world.lifetime(life)))
        return False

    if receive(world, send, life):
        send()


def receive(world: World, invocation: Callable[[], Any], life: float) -> Any:
    """The result of an invocation. After one that died, another process starts once the lease is over."""
    try:
        given = invocation()
    except CrashError:
        given = ["m1"]
    if world.dead:
        world.restart()
        world.clock.now += life
    return given


def done_of(found: Outline) -> int:
    """The number of steps that ran: for the others, nothing is read or written before they are recorded."""
    return sum(step[3] == "DONE" for step in found["steps"])


@pytest.fixture(autouse=True)
def no_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """Disable the log: no test here reads it, and each death would format a traceback."""
    monkeypatch.setattr(logging.getLogger("conduit.test"), "disabled", True)


@cache
def undisturbed(name: str) -> Outline:
    return live(World(), name)


KEEP, OPEN = Recorder.on_step_update, Recorder.on_step_open


def hand_over_after_each_record(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each record take all the time of an invocation."""

    def slow(method: Callable[..., Any]) -> Callable[..., Any]:
        def take(*args: Any) -> Any:
            world.clock.now += LIFE - world.settings.reserve
            return method(*args)

        return take

    monkeypatch.setattr(Recorder, "on_step_update", slow(KEEP))
    monkeypatch.setattr(Recorder, "on_step_open", slow(OPEN))


@pytest.mark.parametrize("name", CASES)
def test_a_job_ends_as_the_language_says_behind_the_door(name: str) -> None:
    expected, found = CASES[name]["expect"], undisturbed(name)

    assert found["status"] == ("SUCCEEDED" if expected["success"] else "FAILED")
    assert [step[0] for step in found["steps"]] == [step["path"] for step in expected["steps"]]
    assert [step[3] for step in found["steps"]] == [step["status"] for step in expected["steps"]]


@pytest.mark.parametrize("door", ["http", "queue"])
@pytest.mark.parametrize("name", CASES)
def test_a_job_that_is_handed_over_after_each_step_has_the_same_records(
    world: World, monkeypatch: pytest.MonkeyPatch, name: str, door: str
) -> None:
    hand_over_after_each_record(world, monkeypatch)
    handed = live(world, name, door, LIFE)

    assert handed == undisturbed(name)
    assert world.record("j").fence >= done_of(handed), "each step that ran had a different owner"


class Death:
    """Kills the process around one of its writes.

    Args:
        world: the world of the process.
        number: of the write, from 1.
        after: whether the write still happens.
    """

    def __init__(self, world: World, number: int, *, after: bool) -> None:
        self.world, self.number, self.is_after = world, number, after
        self.seen = 0
        world.items.before, world.items.after = self.before, self.after

    def before(self, call: str) -> None:
        if call in WRITES:
            self.seen += 1
            if self.seen == self.number and not self.is_after:
                self.die()

    def after(self, call: str) -> None:
        if call in WRITES and self.seen == self.number:
            self.die()

    def die(self) -> None:
        self.world.crash()
        raise CrashError("killed")


def deaths(
    prepare: Callable[[World], None], life: float, name: str, door: str, share: int
) -> Iterator[tuple[str, Outline]]:
    """One life of the job with a death before each write, and one with a death after it; or a share of these."""
    for after in (False, True):
        number = 1 + (len(name) + after) % share - share
        while True:
            number += share
            world = World()
            prepare(world)
            death = Death(world, number, after=after)
            found = live(world, name, door, life)
            if death.seen < number:
                break
            yield f"killed {'after' if after else 'before'} write {number}", found


def committing_after_each_step(world: World) -> None:
    world.set(flush_interval=0.0)


@pytest.mark.parametrize("name", CASES)
def test_a_job_that_is_killed_around_a_write_has_the_same_records(name: str) -> None:
    expected, lives = undisturbed(name), 0
    for where, found in deaths(committing_after_each_step, LONG, name, "queue", SHARE):
        lives += 1
        assert found == expected, where
    assert (lives + 2) * SHARE > 2 * done_of(expected), "each step that ran takes at least one write"


@pytest.mark.slow
@pytest.mark.parametrize("door", ["http", "queue"])
@pytest.mark.parametrize("name", CASES)
def test_a_job_that_is_handed_over_after_each_step_may_be_killed_around_any_write(
    monkeypatch: pytest.MonkeyPatch, name: str, door: str
) -> None:
    expected = undisturbed(name)
    prepare = partial(hand_over_after_each_record, monkeypatch=monkeypatch)
    for where, found in deaths(prepare, LIFE, name, door, SHARE_HANDED_OVER):
        assert found == expected, where
