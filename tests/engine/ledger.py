"""The total charges of a job, and the memory that it takes."""

from __future__ import annotations

import asyncio
import json
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from handler.engine import Conduit, Runtime, variables
from handler.engine.call import Budget
from handler.engine.step_turn import StepTurn
from handler.engine.variables import Variables

SHARE = 4
"""Bytes of memory allowed for each byte that is charged."""
FOR_EACH_STEP = 8 * 1024
"""Bytes that a step may take regardless of its values: its parts, its records, its compiled expressions."""


@contextmanager
def counted() -> Iterator[list[int]]:
    """Adds up all charges: of tags and expressions, of values that blocks build, of results and variables."""
    total = [0]
    with pytest.MonkeyPatch.context() as patch:

        def count(owner: Any, name: str, *, argument: bool) -> None:
            method = getattr(owner, name)

            def charge(*args: Any) -> Any:
                made = method(*args)
                total[0] += max(0, args[1] if argument else made)
                return made

            patch.setattr(owner, name, charge)

        count(Budget, "hold", argument=True)
        count(StepTurn, "charge_tags", argument=True)
        count(variables, "check_weight", argument=False)
        count(Variables, "_weigh_texts", argument=False)
        yield total


class Measured:
    """One run of a job.

    Args:
        payload: the job.
        runtime: of the run.
        warm: whether it runs once before, which imports the code that it needs.

    Attributes:
        job: the job.
        charged: bytes that were charged: the payload, the values that were built, and the JSON that is kept.
        needed: bytes that it took at its peak, less those that its steps may take regardless of their values.
    """

    def __init__(self, payload: Any, runtime: Runtime | None = None, *, warm: bool = True) -> None:
        text = json.dumps(payload)
        if warm:
            asyncio.run(Conduit.from_dict(json.loads(text)).run(runtime))
        with counted() as charged:
            self.job = job = Conduit.from_dict(json.loads(text))
            tracemalloc.start()
            try:
                before = tracemalloc.get_traced_memory()[0]
                asyncio.run(job.run(runtime))
                peak = tracemalloc.get_traced_memory()[1] - before
            finally:
                tracemalloc.stop()
        self.needed = peak - FOR_EACH_STEP * (1 + job.recorded)
        self.charged = charged[0] + len(text.encode()) + job.store.results_size

    @property
    def is_held(self) -> bool:
        """Whether it took at most four bytes for each byte that was charged."""
        return self.needed <= SHARE * self.charged

    def __str__(self) -> str:
        statuses = [step.status.name for step in self.job.steps]
        return f"{self.needed:,} bytes, {self.needed / self.charged:.2f} for each charged: {statuses}"
