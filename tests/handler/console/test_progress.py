"""The rows that show a running job."""

from __future__ import annotations

from typing import Any

from handler.console.shown.progress import Progress

WRITTEN = [
    {"id": "load", "action": "JSON.PARSE"},
    {"id": "orders", "for_each": [], "do": []},
    {"action": "TEXT.JOIN"},
]


def ended(position: int, path: str, status: str = "DONE") -> dict[str, Any]:
    step = {"id": path.rpartition(".")[2], "path": path, "position": position, "action": "X.Y"}
    return {**step, "status": {"name": status}, "result": None}


def shown(progress: Progress) -> list[tuple[str, str, str]]:
    return [(row[1], row[3], row[6]) for row in progress.rows()]


def test_the_first_step_that_has_not_ended_is_marked_as_running_once_one_has() -> None:
    progress = Progress(WRITTEN)
    assert shown(progress) == [("load", "", ""), ("orders", "", ""), ("3", "", "")]
    progress.add(ended(1, "load"))
    assert shown(progress) == [("load", "DONE", ""), ("orders", "RUNNING", ""), ("3", "", "")]


def test_of_a_loop_the_item_that_is_running_and_failures_are_shown() -> None:
    progress = Progress(WRITTEN)
    for step in (
        ended(1, "load"),
        ended(3, "orders.0.a", "ASSERTION_ERROR"),
        ended(4, "orders.1.a"),
        ended(5, "orders.2.a"),
    ):
        progress.add(step)
    assert shown(progress) == [
        ("load", "DONE", ""),
        ("orders.0.a", "ASSERTION_ERROR", ""),
        ("orders.2.a", "DONE", ""),
        ("orders", "RUNNING", "item 2"),
        ("3", "", ""),
    ]
    progress.add(ended(2, "orders"))
    assert [row[0] for row in shown(progress)] == ["load", "orders", "orders.0.a", "3"]
