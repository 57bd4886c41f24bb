"""The log lines of a run: every job can be followed in the log by its id."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from handler.app import lambda_handler
from infra.local import embedded

SLOW = {"id": "slow", "action": "PROBE.WORK", "parameters": {"seconds": 20}}
CHARGE = {"id": "pay", "action": "PROBE.CHARGE"}


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Any:
    """Reads the log lines about jobs: the message, and the fields that identify the job."""
    caplog.set_level(logging.INFO, logger="conduit.test")
    return lambda: [(record.getMessage(), vars(record)) for record in caplog.records if record.name == "conduit.test"]


def names(fields: dict[str, Any]) -> tuple[Any, ...]:
    return fields["tenant"], fields["job_id"], fields["run"]


def test_a_job_that_succeeds_is_one_line(world: Any, lines: Any) -> None:
    world.submit({"action": "PROBE.WORK"}, {"action": "PROBE.WORK"}, id="a")
    [(message, fields)] = lines()
    assert message == "A job ended"
    assert names(fields) == ("tenant", "a", 1)
    assert (fields["status"], fields["steps"]) == ("SUCCEEDED", 2)


def test_each_failed_step_is_a_line_without_a_word_of_the_payload(world: Any, lines: Any) -> None:
    steps = [
        {"id": "first", "action": "PROBE.WORK", "parameters": {"fail": True, "name": "sesame"}},
        {"id": "skipped", "action": "PROBE.WORK"},
        {"id": "last", "action": "SESAME.OPEN", "forced": True},
    ]
    world.submit(*steps, id="a")
    (first, one), (last, other), (ended, end) = lines()
    assert (first, last, ended) == ("A step failed", "A step failed", "A job ended")
    assert (one["path"], one["block"], one["status"]) == ("first", "PROBE.WORK", "UNHANDLED_EXCEPTION")
    assert (other["path"], other["block"], other["status"]) == ("last", "UNKNOWN", "BLOCK_NOT_FOUND")
    assert end["status"] == "FAILED"
    assert {names(fields) for fields in (one, other, end)} == {("tenant", "a", 1)}
    assert "sesame" not in str(lines()).lower()


def test_a_hand_over_is_a_line(world: Any, lines: Any) -> None:
    world.submit(SLOW, {**SLOW, "id": "slower"}, id="a", life=30.0)
    message, fields = lines()[-1]
    assert message == "A job was handed over"
    assert names(fields) == ("tenant", "a", 1)
    world.drain_queue()
    assert lines()[-1][0] == "A job ended"


def test_a_wait_is_a_line_that_says_how_long(world: Any, lines: Any) -> None:
    retry = {"attempts": 2, "delay": 100, "max_delay": 100, "jitter": False}
    world.submit({"id": "a", "action": "PROBE.WORK", "parameters": {"fail": True}, "retry": retry}, id="a")
    message, fields = lines()[-1]
    assert message == "A job waits"
    assert names(fields) == ("tenant", "a", 1)
    assert 0 < fields["seconds"] <= 100


def test_metrics_come_at_every_level_of_the_log(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A lower log level must not silence alarms."""
    with embedded():
        monkeypatch.setenv("LOG_LEVEL", "ERROR")
        lambda_handler({"steps": []})
    written = capsys.readouterr().out
    assert '"Jobs"' in written
    assert "A job ended" not in written


@pytest.mark.parametrize("cut", [False, True], ids=["handed over between two steps", "cut off in a step"])
def test_a_step_that_is_cut_in_good_order_does_not_count_as_a_crash(
    world: Any, caplog: pytest.LogCaptureFixture, cut: bool
) -> None:
    slow = {"action": "PROBE.WORK", "parameters": {"seconds": 100 if cut else 20}}
    world.submit(slow, slow, id="j")
    assert world.record("j").status == "QUEUED"
    world.drain_queue()
    assert world.get("j")["status"] == ("FAILED" if cut else "SUCCEEDED")
    assert world.metrics.counted("Resumes") == world.metrics.counted("HandOvers") > 0
    assert world.metrics.counted("Crashes") == 0
    assert [record for record in caplog.records if record.levelname == "WARNING"] == []


def test_a_process_that_dies_in_a_step_is_a_crash_and_a_line_that_says_where(
    world: Any, caplog: pytest.LogCaptureFixture
) -> None:
    body = {"id": "j", "steps": [{"action": "PROBE.WORK"}, {"action": "PROBE.CHARGE_AND_DIE"}]}
    world.receive(world.message(body))
    world.restart()
    world.clock.now += 60
    world.receive(world.message(body, receives=2))
    assert world.metrics.counted("Crashes") == 1
    [warning] = [record for record in caplog.records if record.levelname == "WARNING"]
    assert vars(warning).items() >= {"tenant": "tenant", "job_id": "j", "position": 2, "attempts": 2}.items()
