"""The hard stop: ends the process shortly before Lambda would, if nothing else could stop a step.

C code that ignores signals cannot be interrupted; it ends only with its process. Lambda kills the process without
logging its stack. The hard stop first logs the stack of each thread. Records stay, the lease expires, and another
invocation continues. The attempt counts, so a step that blocks each time finally fails.
"""

from __future__ import annotations

import faulthandler
import os
from math import isfinite
from typing import Final

MARGIN: Final = 0.5
"""Seconds between the hard stop and the end of the invocation, for sending the log."""
IN_LAMBDA: Final = "AWS_LAMBDA_RUNTIME_API"
"""Set where Lambda's runtime client runs. Elsewhere the process is a shell or a test and must not be ended."""
LONGEST: Final = 86_400.0
"""Seconds; an invocation is shorter than a day, and `faulthandler` refuses very large numbers."""
STANDARD_ERROR: Final = 2
"""Its file number, since a replacement of `sys.stderr` may have none."""


class HardStop:
    """A context manager: ends the process `margin` before `seconds` are over, with exit code 1 and all stacks logged.

    `faulthandler` does it from a C thread, which no block can delay or catch. A process has one hard stop.

    Args:
        seconds: the time that the invocation has left. If it is infinite or at most `margin`, there is no hard stop:
            Lambda's own end is as near, and ending the process at once would only waste the rest.
        margin: see above, in seconds.
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
