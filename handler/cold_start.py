"""What makes a cold start cheap: the order of imports, and a garbage collector that waits for them.

`handler.app` imports this before any other module here and calls `finish` after the last import. Figures are in
``docs/performance.md``.
"""
# ruff: noqa: E402 (the collector pauses before the first expensive import)

from __future__ import annotations

import gc

# What imports create stays: functions, classes, tables. Scanning it for garbage again and again is a tenth of a
# worker's cold start.
_COLLECTS = gc.isenabled()
gc.disable()

# Before anything imports pydantic: the batch processor then skips Powertools' own models of every event, which are a
# quarter of a worker's cold start.
import aws_lambda_powertools.utilities.batch  # noqa: F401


def finish() -> None:
    """Hide what was imported from the collector and let it run again, unless the process had switched it off."""
    if _COLLECTS:
        gc.freeze()
        gc.enable()
