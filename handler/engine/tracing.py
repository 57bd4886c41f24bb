"""Ends a block that catches every timeout, ``while True: try: ... except BaseException: pass``, by its own lines.

The alarm's exception takes such a block out of whatever it waits in, and into its handler. There the next line raises
again, where the same ``try`` no longer covers it. Each further attempt lets one line more pass, and calls the alarm a
little later after the line that raised, so that in time one lands outside of every ``try``: after one grace for a
single loop, after seconds for several loops around each other.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, Final, Protocol

MOST_LINES: Final = 64
"""Lines that are let pass at most, before the count begins anew."""
MOST_DELAYS: Final = 16
DELAY: Final = 1e-5
"""Seconds, about what the interpreter takes from a line that raises to the handler that catches it."""
ALARM_MODULES: Final = frozenset(f"handler.engine.{name}" for name in ("alarm", "timer", "watch", "tracing"))
"""Names of the alarm's own modules: a line of theirs that raised would lose the timer's next shot."""


class Traceable(Protocol):
    """What is traced."""

    @property
    def is_running(self) -> bool:
        """Whether the line about to run is the block's, and may raise."""

    def make_timeout(self) -> BaseException:
        """The exception to raise."""


class LineTrace:
    """Makes lines of a running block raise.

    Args:
        block: the block's run.
    """

    def __init__(self, block: Traceable) -> None:
        self._block = block
        self._replaced: dict[FrameType, Any] = {}
        self._previous = sys.gettrace()  # a debugger's, or that of a test's coverage
        self._attempts = 0
        self._lines_to_pass = 0
        self._call_again: Callable[[float], None] | None = None

    def begin(self, frame: FrameType | None, call_again: Callable[[float], None] | None = None) -> None:
        """Make a line to come raise: in `frame`, in all that called it, and in what it calls.

        Args:
            frame: the innermost frame of the block.
            call_again: told, before a line raises, in how many seconds to interrupt the block once more; the
                interpreter ends the tracing with the line that raised.
        """
        self._trace_frames(frame)
        self._begin(call_again)

    def begin_in_task(self, task: asyncio.Task[Any]) -> None:
        """As `begin`, for a task that is suspended: in its coroutine and all that this awaits."""
        awaited: Any = task.get_coro()
        while awaited is not None:
            self._trace_frames(getattr(awaited, "cr_frame", None))
            awaited = getattr(awaited, "cr_await", None)
        self._begin(None)

    def end(self) -> None:
        """Trace nothing any more."""
        sys.settrace(self._previous)
        for frame, trace in self._replaced.items():
            frame.f_trace = trace
        self._replaced.clear()

    def _begin(self, call_again: Callable[[float], None] | None) -> None:
        self._call_again = call_again
        self._lines_to_pass = self._attempts % MOST_LINES
        self._attempts += 1
        sys.settrace(self._trace)

    def _trace_frames(self, frame: FrameType | None) -> None:
        while frame is not None:
            if frame.f_globals.get("__name__") not in ALARM_MODULES:
                self._replaced.setdefault(frame, frame.f_trace)
                frame.f_trace = self._trace
            frame = frame.f_back

    def _trace(self, frame: FrameType, event: str, argument: Any) -> Any:
        del argument
        if frame.f_globals.get("__name__") in ALARM_MODULES:
            return None
        if event == "line" and self._block.is_running:
            if self._lines_to_pass == 0:
                if self._call_again is not None:
                    self._call_again(DELAY * (1 + self._attempts % MOST_DELAYS))
                raise self._block.make_timeout()
            self._lines_to_pass -= 1
        return self._trace
