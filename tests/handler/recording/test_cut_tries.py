"""Tries of a `retry` that a crash interrupts count: no step has more tries than declared, despite any crashes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.handler.conftest import CrashError

FAILING = {"action": "PROBE.CHARGE", "parameters": {"fail": True}}
MARKS = frozenset({"put_if", "update_if", "put_all_with"})


def run_with_crashes(world: Any, attempts: int, cut: range | tuple[int, ...]) -> Any:
    """Run a job whose process dies in the given tries, just after each is marked."""
    body = {"id": "j", "steps": [{**FAILING, "retry": {"attempts": attempts, "delay": 0.1, "jitter": False}}]}
    begun = set[int]()

    def die(name: str) -> None:
        job = world.table.items.get(("tenant#j", "JOB"))
        if name not in MARKS or job is None or not job.get("started") or job.get("lease") is None:
            return
        number = len(world.ran) + len(begun) + 1
        if number in cut and number not in begun and job.get("attempts", 0) + job.get("tries", 0) == number:
            begun.add(number)
            world.crash()
            raise CrashError

    for receives in range(1, 30):
        world.items.after = die
        again = world.receive(world.message(body, receives=receives), life=300.0)
        world.restart()
        if not again:
            break
        world.clock.now += 400
    assert begun == set(cut), "the process died in each of these tries"
    return world.get("j")["steps"][0]


@pytest.mark.parametrize("cut", [(1,), (2,), (3,), (2, 4), (1, 3), ()])
def test_a_try_that_a_crash_cut_off_is_one_of_those_that_the_step_has(world: Any, cut: tuple[int, ...]) -> None:
    step = run_with_crashes(world, 5, cut)
    assert len(world.ran) == 5 - len(cut)
    assert (step["attempts"], step["status"]["name"]) == (5, "UNHANDLED_EXCEPTION")


def test_the_mark_of_a_further_try_has_its_number(world: Any) -> None:
    seen = list[tuple[int, int]]()

    def look(name: str) -> None:
        job = world.table.items.get(("tenant#j", "JOB"), {})
        if name in MARKS and job.get("started"):
            seen.append((len(world.ran), job.get("tries", 0)))

    world.items.after = look
    body = {"id": "j", "steps": [{**FAILING, "retry": {"attempts": 4, "delay": 0.1, "jitter": False}}]}
    assert world.receive(world.message(body)) == []
    assert seen[:4] == [(0, 0), (1, 1), (2, 2), (3, 3)], "each try is marked before it begins, with the earlier ones"
