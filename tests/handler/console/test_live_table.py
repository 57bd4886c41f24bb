from __future__ import annotations

import io
import re
import threading
from typing import Any

import pytest
from rich.console import Console

from handler.console.shown.live_table import LiveTable, print_summary, rows_in_sight

STEPS = [{"id": "first", "action": "TEXT.JOIN"}, {"action": "[bold]MATH.SUM"}]


def event_of(position: int, name: str) -> dict[str, Any]:
    step = {"id": name, "position": position, "action": "TEXT.JOIN", "status": {"name": "DONE"}, "result": position}
    return {"detail-type": "Step Updated", "detail": {"step": step}}


def console(width: int = 100) -> Console:
    return Console(file=io.StringIO(), width=width, height=40, force_terminal=True, color_system=None)


def shown_by(screen: Console) -> str:
    assert isinstance(screen.file, io.StringIO)
    return screen.file.getvalue()


def test_steps_that_have_not_run_are_there_from_the_start_as_the_user_wrote_them() -> None:
    screen = console()

    with LiveTable("Order", STEPS, list, screen):
        pass

    shown = shown_by(screen)
    assert "Order" in shown
    assert "│ 1 │ first │ TEXT.JOIN" in shown
    assert "│ 2 │ 2     │ [bold]MATH.SUM" in shown  # a user's text is not markup


def test_a_step_is_shown_while_the_job_runs_as_soon_as_its_event_is_on_the_bus() -> None:
    screen, asked = console(), threading.Semaphore(0)
    waiting = [[event_of(1, "first")]]

    def see_events() -> list[Any]:
        asked.release()
        return waiting.pop() if waiting else []

    with LiveTable("Order", STEPS, see_events, screen):
        for _ in range(2):  # the second read follows the first drawing
            assert asked.acquire(timeout=10)
        assert "DONE" in shown_by(screen)


def test_the_last_state_is_drawn_and_every_event_is_kept() -> None:
    batches = [[event_of(2, "2")], [event_of(1, "first")]]

    with LiveTable("Order", STEPS, lambda: batches.pop() if batches else [], console()) as table:
        while batches:
            threading.Event().wait(0.001)

    assert [event["detail"]["step"]["id"] for event in table.events] == ["first", "2"]


@pytest.mark.parametrize("width", [60, 80])
def test_in_a_narrow_terminal_the_result_is_the_last_to_give_way(width: int) -> None:
    screen = console(width)
    event = event_of(1, "first-of-a-name-that-is-long")
    event["detail"]["step"] |= {"action": "DICTIONARY.LIST_KEYS_AND_MORE", "result": "x" * 100}

    with LiveTable("Order", STEPS[:1], lambda: [event], screen):
        pass

    *_, last = (line for line in shown_by(screen).splitlines() if "│ 1 │" in line)
    assert len(last) <= width
    assert re.search(r"│ 1 │ first.*… │ DICTI.*… │ DONE +│", last)
    assert re.search(r'"x{20,}… │$', last)


def test_under_the_table_stand_the_variables_and_the_whole_error() -> None:
    screen = console(80)
    error = {"type": "ValueError", "message": "The price of parcel 17 is negative. " * 5 + "Look at the order."}
    failed = {"id": "a", "position": 1, "action": "X", "status": {"name": "INVALID_ARGUMENT"}, "error": error}
    job = {"status": "FAILED", "variables": {"total": 5}, "failed_step": failed, "steps": [failed]}

    print_summary(job, screen)

    shown = " ".join(shown_by(screen).split())
    assert 'variables: {"total": 5}' in shown
    assert f"a: INVALID_ARGUMENT: ValueError: {error['message']}" in shown
    assert shown.endswith("FAILED: step 'a' ended INVALID_ARGUMENT")


def test_anything_may_stand_where_steps_should() -> None:
    with LiveTable("", [1, None, {"id": 5}], list, console()):
        pass


def test_of_many_rows_those_around_the_running_one_are_in_sight() -> None:
    rows = [(str(at), "", "", "DONE" if at < 500 else "RUNNING" if at == 500 else "", "", "", "") for at in range(1000)]

    shown = rows_in_sight(rows, 20)

    assert len(shown) == 20
    assert rows[500] in shown
    assert rows[499] in shown
    assert rows_in_sight(rows[:5], 20) == rows[:5]
    assert rows_in_sight([row for row in rows if row[3] == "DONE"], 20)[-1] == rows[499]


def test_a_long_job_is_shown_whole_when_it_has_ended() -> None:
    screen = console()
    steps = [{"id": f"s{number}", "action": "TEXT.JOIN"} for number in range(200)]

    with LiveTable("Order", steps, list, screen):
        pass

    shown = shown_by(screen)
    assert "s0 " in shown
    assert "s199" in shown
