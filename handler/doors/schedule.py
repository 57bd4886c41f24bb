"""Door: the timer of the sweep."""

from __future__ import annotations

from handler.invocation.time_left import TimeLeft
from handler.jobs.sweep import sweep
from handler.ports import Ports


async def run_sweep(ports: Ports, lifetime: TimeLeft) -> dict[str, int]:
    """Sweep once; return how many jobs were due."""
    return {"swept": await sweep(ports, lifetime)}
