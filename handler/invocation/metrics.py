"""Metrics: counts and durations, collected during an invocation and written once at its end.

Powertools writes them in CloudWatch's embedded metric format. Counting costs a step a fraction of a microsecond.
Powertools is imported only when metrics are flushed.

`handler/invocation/metric_table.py` lists them. Metrics distinguish blocks only with the setting `BLOCK_METRICS`, since
each combination of dimensions is billed.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

NAMESPACE: Final = "Conduit"
DISABLED: Final = "POWERTOOLS_METRICS_DISABLED"
"""Set on a developer's machine, where no metrics are read."""
MAX_VALUES: Final = 1000
"""The most durations of one metric in one invocation; later ones are not reported."""
LINE_VALUES: Final = 100
"""The most values of one metric in a line of the format; Powertools then writes the line."""

Dimensions = tuple[tuple[str, str], ...]


class Metrics:
    """The metrics of one process, emptied by each flush."""

    def __init__(self) -> None:
        self._counts: defaultdict[tuple[str, Dimensions], float] = defaultdict(float)
        self._times: defaultdict[tuple[str, Dimensions], list[float]] = defaultdict(list)
        self._provider: Any = None

    def count(self, name: str, value: float = 1, **dimensions: str) -> None:
        """Add to a counter."""
        self._counts[name, tuple(dimensions.items())] += value

    def time(self, name: str, milliseconds: float, **dimensions: str) -> None:
        """Add a duration."""
        self.times(name, [milliseconds], **dimensions)

    def times(self, name: str, milliseconds: Sequence[float], **dimensions: str) -> None:
        """Add several durations."""
        if milliseconds:
            values = self._times[name, tuple(dimensions.items())]
            values += milliseconds[: MAX_VALUES - len(values)]

    def counted(self, name: str) -> float:
        """A counter's total since the last flush, over all dimensions."""
        return sum(value for (counter, _), value in self._counts.items() if counter == name)

    def flush(self) -> None:
        """Write all metrics to the standard output, where Lambda's log agent reads them, and clear them."""
        if os.environ.get(DISABLED, "").lower() in {"1", "true"}:  # else Powertools would still write full lines
            self._counts.clear()
            self._times.clear()
        if not self._counts and not self._times:
            return
        from aws_lambda_powertools.metrics import MetricUnit  # noqa: PLC0415 (not before the answer is ready)

        grouped: defaultdict[Dimensions, list[tuple[str, str, list[float]]]] = defaultdict(list)
        for (name, dimensions), value in self._counts.items():
            grouped[dimensions].append((name, MetricUnit.Count.value, [value]))
        for (name, dimensions), values in self._times.items():
            grouped[dimensions].append((name, MetricUnit.Milliseconds.value, values))
        self._counts.clear()
        self._times.clear()
        provider = self._provider = self._provider or _make_provider()
        for dimensions, metrics in grouped.items():
            for key, text in dimensions:
                provider.add_dimension(key, text)
            for name, unit, values in metrics:
                for start in range(0, len(values), LINE_VALUES):
                    first, *between = values[start : start + LINE_VALUES]
                    provider.add_metric(name, unit, first)
                    if between:  # one by one they would cost more than a step's record; the last fills the line
                        provider.metric_set[name]["Value"] += between[:-1]
                        provider.add_metric(name, unit, between[-1])
            if provider.metric_set:
                provider.flush_metrics()
            provider.clear_metrics()


def _make_provider() -> Any:
    """The provider, which formats lines. It is cached, since making one takes as long as writing a line."""
    from aws_lambda_powertools.metrics.provider.cloudwatch_emf.cloudwatch import (  # noqa: PLC0415 (as in `flush`)
        AmazonCloudWatchEMFProvider,
    )

    return AmazonCloudWatchEMFProvider(namespace=NAMESPACE, metric_set={}, dimension_set={}, metadata_set={})
