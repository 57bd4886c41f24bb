"""Shorter waits of the sweep, so that a job that only the sweep can resume continues within seconds.

A job whose message is lost continues when the sweep looks at it: five minutes later in a deployment. The test checks
that it continues, not how long it takes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Final
from unittest.mock import patch

PERIODS: Final = {"OUTBOX_SECONDS": 6.0, "QUEUED_SECONDS": 10.0}
"""Constants of `handler.recording.ownership`; longer than an invocation, as in a deployment."""


@contextmanager
def short_periods() -> Iterator[None]:
    """Set the short periods in every module of the handler, for this process and those forked from it."""
    with ExitStack() as stack:
        for name, module in list(sys.modules.items()):
            if name.startswith("handler."):
                for constant, seconds in PERIODS.items():
                    if hasattr(module, constant):
                        stack.enter_context(patch.object(module, constant, seconds))
        yield
