"""The last wall: ends the process shortly before Lambda would, when nothing else could stop a block.

C code that looks at no signals cannot be interrupted, only ended with its process. Lambda does that too, but says
nothing of where it was; here the stack of each thread goes to the log first. What was recorded stays, the lease runs
out, and another invocation goes on: with the attempt counted, so that a step that does this each time fails in the end.
"""

from __future__ import annotations

import faulthandler
from math import isfinite
from typing import Final

MARGIN: Final = 0.5
"""Seconds before the end of the invocation."""
LONGEST: Final = 86_400.0
"""Seconds; an invocation lasts no day, and `faulthandler` refuses very large numbers."""
_STDERR: Final = 2


class LastWall:
    """End the process with exit code 1 if the body still runs `margin` before `seconds` are over.

    A thread of C code waits for it, which no block can hold up or catch. There is one wall a process; it falls on the
    main thread and all others.

    Args:
        seconds: what the invocation has left. Infinite: no wall (a developer's machine). No more than `margin`: no wall
            either; Lambda's own is as near, and ending the process at once would only cost what is left.
        margin: seconds, for the log to get out.
    """

    def __init__(self, seconds: float, margin: float = MARGIN) -> None:
        self._left = seconds - margin

    def __enter__(self) -> None:
        if isfinite(self._left) and self._left > 0:
            faulthandler.dump_traceback_later(min(self._left, LONGEST), exit=True, file=_STDERR)

    def __exit__(self, *_: object) -> None:
        faulthandler.cancel_dump_traceback_later()
