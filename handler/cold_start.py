"""Makes a cold start cheap: orders the imports and pauses the garbage collector while they run.

`handler.app` imports this before any other module here and calls `finish` after the last import. Figures are in
``docs/performance.md``.
"""
# ruff: noqa: E402 (the collector pauses before the first expensive import)

from __future__ import annotations

import gc

# Imports create functions, classes and tables, which stay. Scanning them for garbage takes a tenth of a worker's
# cold start.
_COLLECTS = gc.isenabled()
gc.disable()

# Must precede the import of pydantic: the batch processor then skips Powertools' models of all events, which take a
# quarter of a worker's cold start.
import aws_lambda_powertools.utilities.batch  # noqa: F401


def finish() -> None:
    """Exempt the imported objects from collection and resume the collector, unless the process had switched it off."""
    if _COLLECTS:
        gc.freeze()
        gc.enable()
