"""The last wall: ends the process shortly before Lambda would, when nothing else could stop a step."""

from __future__ import annotations

import faulthandler
import math
import os
from types import TracebackType
from typing import Final

MARGIN: Final = 0.5
"""Seconds before the end of the invocation. A process that ends by itself says where it stood; one that Lambda ends does not."""
IN_LAMBDA: Final = "AWS_LAMBDA_RUNTIME_API"
"""Set wherever Lambda's runtime client runs. Elsewhere the process is someone's shell or test run, and is left alone."""


class LastWall:
    """While it stands, the process ends `MARGIN` before `seconds` are over, with every thread's stack on its standard error.

    `faulthandler` does it from a thread of C, which no Python code can hold up.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds - MARGIN
        self._stands = math.isfinite(seconds) and self._seconds > 0 and IN_LAMBDA in os.environ

    def __enter__(self) -> None:
        if self._stands:
            faulthandler.dump_traceback_later(self._seconds, exit=True)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._stands:
            faulthandler.cancel_dump_traceback_later()
