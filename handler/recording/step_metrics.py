"""How the steps of a run ended, counted until they are emitted: a job has many steps, and few kinds of outcome."""

from __future__ import annotations

from collections import defaultdict

from handler.invocation.metrics import Metrics


class StepMetrics:
    """Outcomes that no commit has made count yet, by block and status."""

    def __init__(self) -> None:
        self._durations: defaultdict[tuple[str, str], list[float | None]] = defaultdict(list)

    def add(self, block: str, status: str, duration_ms: float | None) -> None:
        """One more step; without a duration if it did not run."""
        self._durations[block, status].append(duration_ms)

    def emit(self, metrics: Metrics) -> None:
        """Count what was added, and begin anew."""
        for (block, status), durations in self._durations.items():
            metrics.count("Steps", len(durations), Status=status, Block=block)
            metrics.times("StepDuration", [ran for ran in durations if ran is not None], Block=block)
        self._durations.clear()
