"""Ends a block that catches every timeout (``while True: try: ... except BaseException: pass``) at its own lines.

The alarm's exception ends the block's wait and enters its handler. There the next line raises again, which the same
``try`` no longer covers. A line that raises ends the interpreter's tracing. A profiler, which survives this, resumes
the tracing when the exception leaves a function or the block calls another one, so that nested loops also end. Each
attempt lets one more line pass than the previous one, so that finally one raises at a line outside every ``try`` of a
function.
"""

from __future__ import annotations

import asyncio
import gc
import sys
from functools import partial
from types import CodeType, FrameType
from typing import Any, Final, Protocol

MOST_LINES: Final = 64
"""The largest number of lines to let pass, before the count starts over."""
ALARM_MODULES: Final = frozenset(f"handler.engine.alarm.{name}" for name in ("alarm", "timer", "watch", "tracing"))
"""Names of the alarm's own modules: if one of their lines raised, the timer would not fire again."""

LOCKING: Final = frozenset({"logging", "importlib._bootstrap", "_frozen_importlib", "tempfile", "http.cookiejar"})
"""Modules whose functions take a lock in one line and enter `try` in the next: an exception in between would leave the
lock taken, and all other threads that log or import would deadlock."""
WAITING: Final = frozenset({"wait", "wait_for", "join", "_wait_for_tstate_lock"})
"""Functions of `threading` that wait without holding a lock; its other functions hold one for a moment."""
CLEANING: Final = frozenset({"__del__", "__enter__", "__aenter__", "__exit__", "__aexit__", "aclose"})
"""Functions that release a resource, or that acquire one: until they return, the caller cannot release it.
(`threading.Condition.__enter__`, in which a `queue.Queue` takes its lock, is written in Python.)"""
FINALIZERS: Final = frozenset({"weakref", "_weakrefset"})
"""Modules whose functions the interpreter calls when an object is destroyed."""


def is_of_alarm(frame: FrameType) -> bool:
    """Whether `frame` runs the alarm's own code."""
    return frame.f_globals.get("__name__") in ALARM_MODULES


def may_hold_lock(frame: FrameType) -> bool:
    """Whether an exception in `frame` could leave a lock taken that other threads need."""
    name = frame.f_globals.get("__name__")
    return name in LOCKING or (name == "threading" and frame.f_code.co_name not in WAITING)


def is_cleaning_up(frame: FrameType | None) -> bool:
    """Whether an exception in `frame` would leave a resource unreleased, or would only be reported by Python."""
    while frame is not None:
        if frame.f_code.co_name in CLEANING or frame.f_globals.get("__name__") in FINALIZERS:
            return True
        frame = frame.f_back
    return False


def is_in_hook(frame: FrameType | None) -> bool:
    """Whether `frame` belongs to a hook that the interpreter calls between any two instructions of a block.

    These are callbacks of the garbage collector, which libraries register, and the report of an exception that cannot
    be raised. An exception in a hook is only reported, and an exception in that report would interrupt the report.
    """
    hooks = {_code_of(hook) for hook in (*gc.callbacks, sys.unraisablehook)}
    while frame is not None:
        if frame.f_code in hooks:
            return True
        frame = frame.f_back
    return False


def _code_of(hook: Any) -> CodeType | None:
    """The code of a function, a method or a `partial`; ``None`` for code in C."""
    while isinstance(hook, partial):
        hook = hook.func
    code: CodeType | None = getattr(hook, "__code__", None)
    return code


def awaits_clean_up(task: asyncio.Task[Any]) -> bool:
    """Whether a suspended task waits inside a function that releases something."""
    awaited: Any = task.get_coro()
    while awaited is not None:
        code = getattr(awaited, "cr_code", None)
        if code is not None and code.co_name in CLEANING:
            return True
        awaited = getattr(awaited, "cr_await", None)
    return False


class Traceable(Protocol):
    """A run of a block that can be traced."""

    def is_running_in(self, frame: FrameType | None) -> bool:
        """Whether the next line in `frame` belongs to the block and may raise."""

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
        self._previous = sys.gettrace(), sys.getprofile()  # those of a debugger or of coverage
        self._lines = self._lines_to_pass = 0
        self._task: asyncio.Task[Any] | None = None

    def begin(self, frame: FrameType | None, attempt: int) -> None:
        """Make a later line raise: in `frame`, in its callers, or in functions that it calls.

        Args:
            frame: the innermost frame of the block.
            attempt: the number of earlier attempts.
        """
        self._trace_frames(frame)
        self._begin(None, attempt)

    def begin_in_task(self, task: asyncio.Task[Any], attempt: int) -> None:
        """Like `begin`, for a suspended task: in its coroutine and the coroutines that it awaits."""
        awaited: Any = task.get_coro()
        while awaited is not None:
            self._trace_frames(getattr(awaited, "cr_frame", None))
            awaited = getattr(awaited, "cr_await", None)
        self._begin(task, attempt)

    def end(self) -> None:
        """Stop tracing."""
        trace, profile = self._previous
        sys.settrace(trace)
        sys.setprofile(profile)
        for frame, replaced in self._replaced.items():
            frame.f_trace = replaced
        self._replaced.clear()

    def _begin(self, task: asyncio.Task[Any] | None, attempt: int) -> None:
        self._task = task
        self._lines = self._lines_to_pass = attempt % MOST_LINES
        sys.setprofile(self._resume)
        sys.settrace(self._trace)

    def _trace_frames(self, frame: FrameType | None) -> None:
        while frame is not None:
            self._trace_frame(frame)
            frame = frame.f_back

    def _trace_frame(self, frame: FrameType) -> None:
        if not (is_of_alarm(frame) or may_hold_lock(frame)):
            self._replaced.setdefault(frame, frame.f_trace)
            frame.f_trace = self._trace

    # Unmeasured from here (Python traces no trace function, so coverage does not see these; test_alarm_*.py test them)

    def _trace(self, frame: FrameType, event: str, argument: Any) -> Any:
        del argument
        if is_of_alarm(frame) or may_hold_lock(frame):
            return None
        if event == "line" and self._may_raise(frame):
            if self._lines_to_pass == 0 and not is_in_hook(frame):
                raise self._block.make_timeout()
            self._lines_to_pass = max(0, self._lines_to_pass - 1)
        return self._trace

    def _resume(self, frame: FrameType, event: str, argument: Any) -> None:
        del argument
        if sys.gettrace() is None and event in {"call", "return", "c_call"} and self._may_raise(frame):
            self._trace_frame(frame)
            if frame.f_back is not None:
                self._trace_frame(frame.f_back)
            self._lines_to_pass = self._lines
            sys.settrace(self._trace)

    def _may_raise(self, frame: FrameType) -> bool:
        return self._block.is_running_in(frame) and (self._task is None or asyncio.current_task() is self._task)

    # Measured again.
