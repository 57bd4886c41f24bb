"""One run of one block under a time limit: whether it may still be interrupted, and its outcome."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from types import FrameType
from typing import Any, Final
from weakref import WeakSet

from handler.engine.alarm.tracing import LineTrace


class StepTimeout(BaseException):  # not an Exception: a block's own handlers must not catch it
    """The step's time is over. Raised inside the block by the alarm, and by `Alarm.call` to its caller.

    Attributes:
        seconds: the limit.
        late: whether the block returned by itself after the limit, because it could not be interrupted (there are no
            signals outside the main thread, or the block switched the timer off).
    """

    def __init__(self, seconds: float = 0.0, *, late: bool = False) -> None:
        super().__init__(
            f"came back after its limit of {seconds:g} s" if late else f"stopped at its limit of {seconds:g} s"
        )
        self.seconds = seconds
        self.late = late


class Watch:
    """The run of a plain function.

    Attributes:
        seconds: its limit.
        grace: seconds for which it may clean up after its limit.
        ends_at: the time of `clock` at which the limit is reached.
        next_at: when the timer checks it next.
        armed: whether it may be interrupted. Cleared by the first statement after the block failed.
        results: the block's result, once it has one. C code fills the list at the moment when the block returns: no
            signal handler can run in between, so a result is never lost.
        error: the error that the block raised.
        raised: the timeouts that the alarm raised inside the block; any other `StepTimeout` is forged.
        late: whether the block returned by itself after the limit.
    """

    armed = False  # this and the next are class attributes until a run sets them, which saves each run two stores
    _trace: LineTrace | None = None

    def __init__(self, seconds: float, grace: float, clock: Callable[[], float]) -> None:
        self.seconds = seconds
        self.grace = grace
        self.clock = clock
        self.ends_at = self.next_at = clock() + seconds
        self.results: list[Any] = []
        self.error: BaseException | None = None
        self.raised: list[StepTimeout] = []
        self.late = False

    def is_running_in(self, frame: FrameType | None) -> bool:
        """Whether `frame` is executing the block's code, which may be interrupted."""
        del frame  # while a plain function runs, nothing else runs in the thread
        return self.armed and not self.results

    @property
    def is_over(self) -> bool:
        """Whether the limit ended the block, even if it caught the timeout."""
        return bool(self.raised) or self.late

    def make_timeout(self) -> StepTimeout:
        """The exception to raise inside the block."""
        timeout = StepTimeout(self.seconds)
        self.raised.append(timeout)
        return timeout

    def check_late(self) -> None:
        """Note if the limit has passed and nothing could interrupt the block."""
        self.late = self.clock() > self.ends_at

    def settle(self, outer: Iterable[Watch] = ()) -> Any:
        """The block's result.

        Args:
            outer: the watches around this one (a block may itself run a job); their timeouts pass through.

        Raises:
            StepTimeout: the limit ended the block.
            RuntimeError: the block raised a forged `StepTimeout`.
            BaseException: the block's own error.
        """
        error, self.error = self.error, None
        try:
            if error is not None and (isinstance(error, KeyboardInterrupt) or _is_one_of(error, self.raised)):
                raise error
            if self.is_over:
                raise StepTimeout(self.seconds, late=self.late) from error
            if isinstance(error, StepTimeout) and not any(_is_one_of(error, watch.raised) for watch in outer):
                raise RuntimeError("the block raised StepTimeout, which only the alarm may") from error
            if error is not None:
                raise error
            return self.results.pop()
        finally:
            del error  # its traceback refers to this frame: a cycle that only the collector could free

    def trace(self) -> LineTrace:
        """The trace that makes the lines of the block raise; `stop` ends it."""
        if self._trace is None:
            self._trace = LineTrace(self)
        return self._trace

    def stop(self) -> None:
        """Prevent all further interruptions of the block."""
        self.armed = False
        if self._trace is not None:
            self._trace.end()


class CoroutineWatch(Watch):
    """The run of a coroutine function, in its own task.

    Attributes:
        tasks: the tasks that the block started.
        cancelled: whether it was cancelled at its limit.
        ended: whether it ended within its limit; only tasks that it started may still be running.
        parent: the watch of the coroutine block around it.
    """

    def __init__(self, seconds: float, grace: float, clock: Callable[[], float]) -> None:
        super().__init__(seconds, grace, clock)
        self.tasks: WeakSet[asyncio.Task[Any]] = WeakSet()
        self.cancelled = False
        self.ended = False
        self.parent = current.get()

    def is_running_in(self, frame: FrameType | None) -> bool:
        """As for a plain function. Code of the event loop and of other jobs on the loop is not that of the block."""
        pending = self.cancelled or self.ended or not self.results  # once it is over, its tasks must end too
        if not (self.armed and pending and any(watch is self for watch in enclosing_watches())):
            return False
        # Between two steps of a task, the loop schedules the next one in the task's context. The loop would report an
        # exception there and drop it, and the task would never continue.
        while frame is not None and frame.f_globals.get("__name__", "").startswith("asyncio."):
            if frame.f_code is _RUN_HANDLE:
                return False
            frame = frame.f_back
        return True

    @property
    def is_over(self) -> bool:
        """Whether the limit ended the block, even if it caught the timeout."""
        return self.late or (not self.ended and (self.cancelled or super().is_over))


current: Final[ContextVar[CoroutineWatch | None]] = ContextVar("current", default=None)
"""The watch of the running coroutine block. Its tasks and callbacks inherit it; the event loop does not."""


def enclosing_watches() -> Iterable[CoroutineWatch]:
    """The watches of the coroutine blocks to which the running code belongs, innermost first."""
    watch = current.get()
    while watch is not None:
        yield watch
        watch = watch.parent


_RUN_HANDLE: Final = asyncio.Handle._run.__code__  # noqa: SLF001  # the frame below which tasks and callbacks run


def _is_one_of(error: BaseException, raised: Iterable[StepTimeout]) -> bool:
    return any(error is timeout for timeout in raised)
