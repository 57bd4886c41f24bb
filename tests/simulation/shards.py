"""Fewer partitions of the index ``due`` in a simulated world: each sweep reads all of them, and each read is a call."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from unittest.mock import patch

from handler.jobs import sweep
from infra.jobs import job_items

FIRST = ("a00",)
QUEUED = ("b00",)


@contextmanager
def few_shards() -> Iterator[None]:
    """One partition for crashed and waiting jobs, and one for queued jobs."""
    with ExitStack() as stack:
        for module in (job_items, sweep):
            stack.enter_context(patch.object(module, "FIRST_SHARDS", FIRST))
            stack.enter_context(patch.object(module, "QUEUED_SHARDS", QUEUED))
        stack.enter_context(patch.object(job_items, "_SHARDS", 1))
        yield
