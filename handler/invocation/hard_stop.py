"""The hard stop: ends the process shortly before Lambda would, when nothing else could stop a step.

C code that looks at no signals cannot be interrupted, only ended with its process. Lambda does that too, but says
nothing of where it was; here the stack of each thread goes to the log first. What was recorded stays, the lease runs
out, and another invocation goes on: with the attempt counted, so that a step that does this each time fails in the end.
"""

from __future__ import annotations

import faulthandler
import os
from math import isfinite
from typing import Final

MARGIN: Final = 0.5
"""Seconds before the end of the invocation, for the log to get out."""
IN_LAMBDA: Final = "AWS_LAMBDA_RUNTIME_API"
"""Set wherever Lambda's runtime client runs. Elsewhere the process is someone's shell or tests, and is left alone."""
LONGEST: Final = 86_400.0
"""Seconds; an invocation lasts no day, and `faulthandler` refuses very large numbers."""
STANDARD_ERROR: Final = 2
"""By number: a replacement of `sys.stderr` may have no file number."""


class HardStop:
    """While it is armed, the process ends `margin` before `seconds` are over: exit code 1, every thread's stack.

    `faulthandler` does it from a thread of C, which no block can hold up or catch. There is one wall a process.

    Args:
        seconds: what the invocation has left. Infinite, or no more than `margin`: no wall; in the latter case Lambda's
            own is as near, and ending the process at once would only cost what is left.
        margin: seconds.
    """

    def __init__(self, seconds: float, margin: float = MARGIN) -> None:
        self._seconds = seconds - margin
        self._stands = isfinite(self._seconds) and self._seconds > 0 and IN_LAMBDA in os.environ

    def __enter__(self) -> None:
        if self._stands:
            faulthandler.dump_traceback_later(min(self._seconds, LONGEST), exit=True, file=STANDARD_ERROR)

    def __exit__(self, *_: object) -> None:
        if self._stands:
            faulthandler.cancel_dump_traceback_later()
