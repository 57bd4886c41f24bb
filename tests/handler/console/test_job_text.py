from __future__ import annotations

from typing import Any

from handler.console.shown.job_text import (
    columns,
    event_lines,
    in_order,
    item_lines,
    job_lines,
    log_lines,
    outcome_of,
    shorten,
)

STEP: dict[str, Any] = {
    "id": "a",
    "position": 1,
    "action": "TEXT.JOIN",
    "status": {"name": "DONE", "value": 0},
    "result": "Hello World",
    "error": None,
    "attempts": 1,
    "duration_ms": 0.42,
}
JOB: dict[str, Any] = {
    "id": "order-42",
    "name": "Order",
    "status": "SUCCEEDED",
    "success": True,
    "variables": {"total": 5},
    "failed_step": None,
    "steps": [STEP],
}


def test_a_job_is_its_name_a_row_for_each_step_its_variables_and_how_it_ended() -> None:
    assert job_lines(JOB) == [
        "Order  [order-42]",
        "  #  step  action     status  tries  ms   result",
        '  1  a     TEXT.JOIN  DONE    1      0.4  "Hello World"',
        '  variables: {"total": 5}',
        "  SUCCEEDED",
    ]


def test_a_failed_job_names_the_step_that_failed_it() -> None:
    failed = {"id": "a", "position": 1, "action": "TEXT.JOIN", "status": {"name": "INVALID_TYPE", "value": 107}}

    assert job_lines({**JOB, "status": "FAILED", "failed_step": failed})[-1] == "  FAILED: step 'a' ended INVALID_TYPE"


def test_a_loop_shows_how_many_of_its_items_are_done() -> None:
    loop = {**STEP, "result": None, "items": {"count": 500, "done": 300, "failed": 0}}

    assert outcome_of(loop) == "300 of 500 items done"
    assert outcome_of({**loop, "items": {"count": 5, "done": 3, "failed": 2}}) == "3 of 5 items done, 2 failed"


def test_a_job_that_waits_names_its_step_and_its_deadline() -> None:
    waiting = {"for": "answer", "path": "ok", "until": "2026-11-27T19:00:00.000Z"}

    last = job_lines({**JOB, "status": "QUEUED", "waiting": waiting})[-1]
    assert last == "  QUEUED: step 'ok' waits for an answer until 2026-11-27T19:00:00.000Z"


def test_a_step_that_failed_shows_its_error_in_the_place_of_a_result() -> None:
    error = {"type": "KeyError", "message": "phone"}

    assert outcome_of({**STEP, "result": None, "error": error}) == "KeyError: phone"


def test_a_result_that_was_left_out_is_not_shown_as_nothing() -> None:
    assert outcome_of({**STEP, "result": None, "result_omitted": True}) == "(too large to show)"


def test_a_long_text_is_cut_to_the_width_and_says_so() -> None:
    assert shorten("x" * 61) == "x" * 59 + "…"
    assert shorten("x" * 60) == "x" * 60


def test_text_of_a_user_cannot_move_the_cursor_of_a_terminal() -> None:
    assert shorten("a\x1b[2Jb\r\nc\x9b") == "a\ufffd[2Jb\ufffd c\ufffd"


def test_cells_stand_under_each_other_and_lines_end_where_their_text_does() -> None:
    assert columns([("a", "bb"), ("ccc", "")]) == ["a    bb", "ccc"]
    assert columns([]) == []


def test_an_item_of_the_table_shows_its_key_and_the_state_of_the_job() -> None:
    [line] = item_lines([{"pk": "t#j", "sk": "JOB", "status": "RUNNING", "cursor": 3, "lease": None}])

    assert line.startswith("JOB  status=RUNNING, cursor=3, about ")


def test_an_event_shows_its_kind_and_the_step_or_the_job_that_it_is_about() -> None:
    events = [
        {"detail-type": "Step Updated", "detail": {"step": STEP}},
        {"detail-type": "Job Finished", "detail": {"job": {"status": "SUCCEEDED"}}},
    ]

    assert event_lines(events) == ["Step Updated  a          DONE", "Job Finished  (the job)  SUCCEEDED"]


def update(job: str, number: int, at: str, status: str = "DONE") -> dict[str, Any]:
    step = {"id": f"s{number}", "status": {"name": status}, "finished_at": f"2026-01-31T12:00:0{at}Z"}
    detail = {"event_id": f"t/{job}/1/{number}", "job": {"id": job, "name": None}, "step": step}
    return {"detail-type": "Step Updated", "detail": detail}


def test_the_log_has_time_job_step_and_status_in_order() -> None:
    end = {"id": "a", "status": "FAILED", "finished_at": "2026-01-31T12:00:01.000Z", "steps": 12}
    finished = {"detail-type": "Job Finished", "detail": {"event_id": "t/a/1/end", "job": end}}
    events = [finished, update("a", 10, "1.000"), update("b", 1, "0.500"), update("a", 9, "1.000", "SKIPPED")]

    assert log_lines(events) == [
        "12:00:00.500  b  s1         DONE",
        "12:00:01.000  a  s9         SKIPPED",
        "12:00:01.000  a  s10        DONE",
        "12:00:01.000  a  (the job)  FAILED",
    ]


def test_an_update_of_many_steps_and_a_wait_are_lines_too() -> None:
    steps = [update("a", number, "1.000")["detail"]["step"] for number in (1, 2)]
    grouped = {"detail-type": "Steps Updated", "detail": {"job": {"id": "a"}, "steps": steps}}
    waits = {"detail-type": "Job Waiting", "detail": {"job": {"id": "a"}, "waiting": {"for": "answer", "path": "ok"}}}

    assert log_lines([grouped]) == ["12:00:01.000  a  (2 steps)  DONE"]
    assert log_lines([waits]) == ["  a  ok  waits"]


def test_a_failed_step_shows_its_whole_error_under_the_table() -> None:
    error = {"type": "KeyError", "message": "x" * 300 + " end", "details": [{"parameter": "cents", "message": "no"}]}
    failed = {**STEP, "status": {"name": "INVALID_TYPE"}, "result": None, "error": error}
    lines = job_lines({**JOB, "steps": [failed, STEP]})

    assert f"  a: INVALID_TYPE: KeyError: {error['message']}" in lines
    assert "    cents: no" in lines


def test_events_of_a_job_are_in_order_of_their_numbers_also_where_a_step_did_not_run() -> None:
    def event(number: str, finished: str | None) -> dict[str, Any]:
        step = {"finished_at": finished}
        return {"detail": {"event_id": f"t/j/1/{number}", "job": {"id": "j"}, "step": step}}

    first, skipped, last = (
        event("1", "2026-11-26T19:00:01.000Z"),
        event("2", None),
        event("10", "2026-11-26T19:00:02.000Z"),
    )
    assert in_order([last, skipped, first]) == [first, skipped, last]
