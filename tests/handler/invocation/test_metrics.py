"""The metrics that reach a dashboard."""

from __future__ import annotations

import json

import pytest

from handler.invocation.metrics import Metrics


def test_counts_and_durations_are_written_once_as_embedded_metrics(capsys: pytest.CaptureFixture[str]) -> None:
    metrics = Metrics()
    metrics.count("Steps", Status="DONE", Block="TEXT.JOIN")
    metrics.count("Steps", 2, Status="DONE", Block="TEXT.JOIN")
    metrics.time("StepDuration", 0.25, Block="TEXT.JOIN")
    metrics.count("HandOvers")
    assert metrics.counted("Steps") == 3
    metrics.flush()
    metrics.flush()
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(lines) == 3
    steps = next(line for line in lines if "Steps" in line)
    assert (steps["Status"], steps["Block"], steps["Steps"]) == ("DONE", "TEXT.JOIN", [3.0])
    assert steps["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "Conduit"
    assert next(line for line in lines if "StepDuration" in line)["StepDuration"] == [0.25]


def test_of_very_many_durations_some_are_kept_and_all_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    metrics = Metrics()
    for _ in range(5000):
        metrics.count("Steps")
        metrics.time("StepDuration", 1.0)
    metrics.flush()
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert sum(len(line.get("StepDuration", [])) for line in lines) == 1000
    assert sum(sum(line.get("Steps", [])) for line in lines) == 5000


def test_a_machine_on_which_metrics_are_disabled_writes_none_however_many_there_are(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Powertools writes a full line of metrics even if metrics are disabled."""
    monkeypatch.setenv("POWERTOOLS_METRICS_DISABLED", "true")
    metrics = Metrics()
    metrics.count("Jobs")
    metrics.times("StepDuration", [1.0] * 1000)
    metrics.flush()

    assert capsys.readouterr().out == ""
    monkeypatch.setenv("POWERTOOLS_METRICS_DISABLED", "false")
    metrics.flush()
    assert capsys.readouterr().out == ""
