"""Loops in the API's answers: the progress of a loop, its state after a cancel, and the steps of its redrive."""

from __future__ import annotations

from typing import Any

import pytest

from handler.errors import NotFoundError
from handler.recording.recorder import Recorder
from tests.handler.conftest import World, drive


def copy(id_: str, value: Any = 1, **fields: Any) -> dict[str, Any]:
    return {"id": id_, "action": "OBJECT.COPY", "parameters": {"value": value}, **fields}


def charge(id_: str) -> dict[str, Any]:
    return {"id": id_, "action": "PROBE.CHARGE", "parameters": {}}


def rest(when: str) -> dict[str, Any]:
    return {"id": "rest", "if": when, "wait": {"seconds": 600}}


ROW = {"id": "row", "for_each": [0, 1, 2, 3]}
FAILS = "{= 1 / item =}"


@pytest.mark.parametrize(
    ("loop", "done", "failed"),
    [
        ({**ROW, "do": [rest("{= item == 0 =}"), copy("x")]}, 0, 0),
        ({**ROW, "do": [copy("x"), rest("{= item == 2 =}")]}, 2, 0),
        ({**ROW, "tolerate": {"count": 1}, "do": [copy("x", FAILS), rest("{= item == 2 =}")]}, 1, 1),
        ({**ROW, "do": [copy("x", FAILS, allow_failure=True), rest("{= item == 2 =}")]}, 2, 0),
        ({**ROW, "do": [{"id": "t", "try": [copy("x", FAILS)]}, rest("{= item == 2 =}")]}, 2, 0),
        (
            {**ROW, "tolerate": {"count": 4}, "do": [rest("{= item == 3 =}"), copy("x", FAILS), copy("y")]},
            2,
            1,
        ),
        (
            {
                **ROW,
                "do": [
                    {"id": "in", "for_each": [0, 1], "tolerate": {"count": 1}, "do": [copy("x", FAILS)]},
                    rest("{= loop.index == 2 =}"),
                ],
            },
            2,
            0,
        ),
    ],
)
def test_a_loop_shows_how_many_items_have_ended_and_failed_while_it_runs(
    world: World, loop: dict[str, Any], done: int, failed: int
) -> None:
    job = world.submit(loop, id="j").job
    expected = {"count": 4, "done": done, "failed": failed}
    assert (job["status"], job["steps"][0]["items"]) == ("QUEUED", expected)
    assert world.get("j")["steps"][0]["items"] == expected
    assert drive(world.jobs.get_step(world.caller, "j", "row"))["items"] == expected


def test_a_loop_inside_another_shows_how_far_it_is(world: World) -> None:
    inner = {"id": "in", "for_each": [1, 2, 3], "do": [copy("x"), rest("{= loop.outer.index == 1 and item == 3 =}")]}
    world.submit({**ROW, "do": [inner]}, id="j")
    shown = {step["path"]: step["items"] for step in world.get("j")["steps"] if "items" in step}
    assert shown == {
        "row": {"count": 4, "done": 1, "failed": 0},
        "row.0.in": {"count": 3, "done": 3, "failed": 0},
        "row.1.in": {"count": 3, "done": 2, "failed": 0},
    }


@pytest.mark.parametrize("kind", ["for_each", "while", "try"])
def test_a_job_that_is_cancelled_inside_a_loop_names_the_step_there_and_goes_on_at_it(world: World, kind: str) -> None:
    inner = [charge("pay"), rest("{= loop.index == 1 and variables.waits =}")]
    loops: dict[str, dict[str, Any]] = {
        "for_each": {"id": "row", "for_each": [1, 2, 3], "do": inner},
        "while": {"id": "row", "while": "{= loop.index < 3 =}", "max": 9, "do": inner},
        "try": {"id": "row", "for_each": [1, 2, 3], "do": [{"id": "t", "try": inner, "catch": [copy("c")]}]},
    }
    world.submit(loops[kind], copy("after"), id="j", variables={"waits": True})
    drive(world.jobs.cancel(world.caller, "j"))
    world.drain_queue()
    job = world.get("j")
    assert (job["status"], job["failed_step"]["path"]) == ("CANCELLED", "row.1.rest")
    assert {step["path"] for step in job["steps"] if step["status"]["name"] == "CANCELLED"} == (
        {"row", "row.1.rest", "after"} | ({"row.1.t"} if kind == "try" else set())
    )
    assert job["steps"][0].get("items", {"failed": 0})["failed"] == 0

    drive(world.jobs.redrive(world.caller, "j"))
    world.clock.now += 600
    world.drain_queue()
    world.clock.now += 600
    world.sweep()
    world.drain_queue()
    assert world.get("j")["status"] == "SUCCEEDED"
    assert len(world.ran) == 3, "no charge happened twice"


def test_a_cancel_between_two_items_keeps_the_items_that_have_ended(world: World) -> None:
    keep = Recorder.on_step_update

    def cancel_after_the_second(self: Recorder, job: Any, step: Any) -> Any:
        if step.path == "row.1.pay":
            job.cancel()
        return keep(self, job, step)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Recorder, "on_step_update", cancel_after_the_second)
        world.submit({"id": "row", "for_each": [1, 2, 3], "do": [charge("pay")]}, copy("after"), id="j")
    job = world.get("j")
    assert (job["status"], job["failed_step"]["path"], len(world.ran)) == ("CANCELLED", "row", 2)

    drive(world.jobs.redrive(world.caller, "j"))
    world.drain_queue()
    assert world.get("j")["status"] == "SUCCEEDED"
    assert len(world.ran) == 3, "no charge happened twice"


def test_a_job_that_had_failed_before_it_was_cancelled_goes_on_at_its_failure(world: World) -> None:
    forever = {"id": "loop", "while": "{= variables.more =}", "max": 2, "do": [charge("pay")]}
    world.submit(forever, {"id": "rest", "wait": {"seconds": 600}, "forced": True}, id="j", variables={"more": True})
    drive(world.jobs.cancel(world.caller, "j"))
    world.drain_queue()
    job = world.get("j")
    assert (job["status"], job["failed_step"]["path"]) == ("CANCELLED", "loop")

    drive(world.jobs.redrive(world.caller, "j", variables={"more": False}))
    world.drain_queue()
    assert [step["status"]["name"] for step in world.get("j")["steps"]] == ["DONE", "DONE"]
    assert len(world.ran) == 2


@pytest.mark.parametrize(
    ("loop", "path", "id_"),
    [
        ({"do": [{"id": "way", "choose": [{"if": True, "do": [{"id": "pay"}]}]}]}, "row.0.pay", "pay"),
        ({"do": [{"id": "pay"}]}, "row.0.pay", "pay"),
        ({}, "row.0", "row"),
    ],
)
def test_a_step_inside_a_loop_that_waits_for_its_next_try_is_shown(
    world: World, loop: dict[str, Any], path: str, id_: str
) -> None:
    fails = {
        "action": "LOGIC.ASSERT",
        "parameters": {"value": False},
        "retry": {"attempts": 2, "delay": 20, "jitter": False, "on": ["ASSERTION_ERROR"]},
    }
    written = {"id": "row", "for_each": [1], **(loop or fails)}
    for step in written.get("do") or ():
        inner = step["choose"][0]["do"][0] if "choose" in step else step
        inner.update(fails)
    job = world.submit(written, id="j").job
    assert job["waiting"]["path"] == path
    step = drive(world.jobs.get_step(world.caller, "j", path))
    assert (step["id"], step["path"], step["action"], step["attempts"]) == (id_, path, "LOGIC.ASSERT", 1)
    assert (step["status"]["name"], step["error"]["type"]) == ("NONE", "AssertionError")
    with pytest.raises(NotFoundError):
        drive(world.jobs.get_step(world.caller, "j", "row.1"))


def test_a_wait_inside_a_loop_is_shown_without_a_try(world: World) -> None:
    world.submit({**ROW, "do": [rest("{= true =}")]}, id="j")
    step = drive(world.jobs.get_step(world.caller, "j", "row.0.rest"))
    assert (step["action"], step["status"]["name"], step["attempts"], step["position"]) == ("WAIT", "NONE", 0, 2)
