"""Counts the outcomes of a run's steps until they are emitted.

A job has many steps and few kinds of outcome: counting them once per commit saves 5 % of the CPU of a job of 100 steps.
"""

from __future__ import annotations

from collections import defaultdict

from handler.invocation.metrics import Metrics


class StepMetrics:
    """Uncommitted outcomes, by block and status.

    Args:
        by_block: whether the metrics distinguish blocks: each combination of block and status is a billed metric.
    """

    def __init__(self, *, by_block: bool = False) -> None:
        self._by_block = by_block
        self._durations: defaultdict[tuple[str, str], list[float | None]] = defaultdict(list)

    def add(self, block: str, status: str, duration_ms: float | None) -> None:
        """Count a step; without a duration if it did not run."""
        self._durations[block, status].append(duration_ms)

    def emit(self, metrics: Metrics) -> None:
        """Emit the counts and reset them."""
        for (block, status), durations in self._durations.items():
            of_block = {"Block": block} if self._by_block else {}
            metrics.count("Steps", len(durations), Status=status, **of_block)
            metrics.times("StepDuration", [ran for ran in durations if ran is not None], **of_block)
        self._durations.clear()
