"""Shorter waits of the sweep, so that what a kill left to it is back in seconds.

A job whose message is lost comes back when the sweep looks at it: five minutes later in a deployment. What is tested is
that it comes back, not how long it takes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Final
from unittest.mock import patch

PERIODS: Final = {"OUTBOX_SECONDS": 6.0, "QUEUED_SECONDS": 10.0}
"""Constants of `handler.recording.ownership`; longer than an invocation lives, as in a deployment."""


@contextmanager
def short_periods() -> Iterator[None]:
    """Every module of the handler has the short periods, in this process and those that are forked from it."""
    with ExitStack() as stack:
        for name, module in list(sys.modules.items()):
            if name.startswith("handler."):
                for constant, seconds in PERIODS.items():
                    if hasattr(module, constant):
                        stack.enter_context(patch.object(module, constant, seconds))
        yield
