"""A step with an effect that runs because of a condition on the clock: after a crash the condition is not evaluated
again."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.handler.recording.test_recorder import resume

WORK = {"id": "before", "action": "PROBE.WORK"}


def asks_clock(world: Any, seconds: float = 30.0) -> str:
    """A condition that is true for that many seconds."""
    return f"{{= epoch(now()) < {world.clock.now + seconds} =}}"


def ways(world: Any, action: str) -> dict[str, tuple[dict[str, Any], str]]:
    """Steps that the clock chooses, and their paths."""
    step, condition = {"id": "c", "action": f"PROBE.{action}"}, asks_clock(world)
    return {
        "if": ({**step, "if": condition}, "c"),
        "if of several": ({**step, "if": ["{= true =}", condition]}, "c"),
        "while": ({"id": "w", "while": condition, "max": 3, "do": [step]}, "w.0.c"),
        "if in a loop": ({"id": "w", "for_each": [1], "do": [{**step, "if": condition}]}, "w.0.c"),
        "if in a branch": ({"id": "w", "choose": [{"if": condition, "do": [{**step, "if": condition}]}]}, "c"),
    }


WAYS = ("if", "if of several", "while", "if in a loop", "if in a branch")


def outcome_of(world: Any, path: str) -> str:
    return next(step["status"]["name"] for step in world.get("j")["steps"] if step["path"] == path)


def die_in(world: Any, step: dict[str, Any]) -> None:
    world.receive(world.message({"id": "j", "steps": [WORK, step]}))
    world.restart()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("action", "status"), [("FIRE_AND_DIE", "INTERRUPTED"), ("CHARGE_AND_DIE", "TIME_LIMIT_EXCEED")]
)
def test_a_step_that_may_have_run_is_not_recorded_as_left_out(world: Any, way: str, action: str, status: str) -> None:
    step, path = ways(world, action)[way]
    die_in(world, step)
    assert json.loads(world.record("j").waiting) == {"path": path}
    world.clock.now += 60
    for _ in range(4):  # some of them die again
        world.restart()
        world.clock.now += 60
        world.sweep()
        if world.queue.sent:
            world.receive(world.message(world.queue.sent.pop()["body"]))
    assert outcome_of(world, path) == status
    assert world.record("j").waiting is None


def test_a_condition_that_reads_no_clock_adds_nothing_to_the_writes(world: Any) -> None:
    die_in(world, {"id": "c", "action": "PROBE.FIRE_AND_DIE", "if": "{= steps.before.status.name == 'DONE' =}"})
    assert (world.record("j").started, world.record("j").waiting) == (True, None)


def test_a_step_without_an_effect_is_decided_again(world: Any) -> None:
    """Nothing shows that the step began, so its condition is evaluated at the later time."""
    world.receive(
        world.message(
            {"id": "j", "steps": [{"action": "PROBE.CHARGE"}, {"action": "PROBE.DIE", "if": asks_clock(world)}]}
        )
    )
    world.restart()
    assert world.record("j").waiting is None
    world.recover()
    assert world.statuses("j") == ["DONE", "IF_CONDITION_FAILED"]


def test_an_owner_without_time_keeps_the_choice_of_the_clock(world: Any) -> None:
    step, path = ways(world, "FIRE_AND_DIE")["while"]
    die_in(world, step)
    world.clock.now += 60

    def waste(name: str) -> None:
        world.clock.now += 4 if name in {"query", "get"} else 0

    world.set(reserve=0)
    world.items.after = waste
    world.receive(resume(world, "j"), life=8)
    job = world.record("j")
    assert (job.status, job.started, json.loads(job.waiting)) == ("QUEUED", True, {"path": path})
    assert world.get("j")["waiting"] is None, "no wait is shown"
    world.restart()
    world.drain_queue()
    assert outcome_of(world, path) == "INTERRUPTED"


def test_a_poll_that_is_cut_in_a_call_keeps_the_calls_before_it(world: Any) -> None:
    slow_from = world.clock.now + 4
    takes = f"{{= 100 if {slow_from} < epoch(now()) < {slow_from + 10} else 1 =}}"
    poll = {"until": "{= false =}", "every": 2, "max": 5}
    step = {"id": "p", "action": "PROBE.WORK", "parameters": {"seconds": takes}, "poll": poll}
    world.submit(step, id="j")
    assert json.loads(world.record("j").waiting)["polls"] == 2
    world.drain_queue()
    (ended,) = world.get("j")["steps"]
    assert (ended["error"]["type"], ended["attempts"]) == ("PollTimeout", 6), "five that returned, one interrupted"
