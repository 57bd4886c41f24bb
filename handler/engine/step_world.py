"""The world of one step's expressions: the run's clock, and the step's time limit.

The limit of a step covers its condition and its arguments. An expression takes milliseconds at most, so the time is
checked between expressions. Only a regular expression may run for longer: it runs under the alarm.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any, Final

from handler.engine.alarm.alarm import Alarm
from handler.engine.alarm.watch import StepTimeout
from handler.engine.child import run_in_child
from handler.engine.failure import Failure
from handler.engine.language.meter import LONG
from handler.engine.language.remembered import ReadInRun
from handler.engine.language.tags import read_and_weigh
from handler.engine.limits import TimeLimit
from handler.engine.status import ConduitStatus

PATTERN_SECONDS: Final = 1.5
"""The most seconds for all regular expressions in a job's expressions in one run. This does not apply to the blocks of
REGEX, which may take as long as their steps."""
EVALUATION_STEPS: Final = 2_400_000
"""Evaluation steps that all tags and expressions of one run may take: about a second. A step has its own limits; this
one bounds a job with thousands of turns. See docs/decisions/024-budgets-of-a-run.md."""
READ_IN_RUN: Final = 24 * 1024 * 1024
"""Bytes of a job's parsed strings that a run keeps."""


class OutOfInvocation(Exception):  # noqa: N818  # not an error: the step continues in another invocation
    """The invocation ended while an expression was evaluated."""


class StepWorld:
    """`handler.engine.language.meter.World` of the steps of one run, one after another.

    Args:
        alarm: stops code that exceeds a limit.
        now: seconds since the epoch.
        run_ends_at: when the run ends; infinite for never.
        run_limiter: the name of that limit.

    Attributes:
        now: seconds since the epoch.
        spent: evaluation steps since `check` was last called.
        timeout: the limit of the current step, or ``None``.
        began: when its evaluation began; ``None`` from the beginning of a step until the time is first checked.
    """

    __slots__ = (
        "_alarm",
        "_path",
        "_patterns",
        "_run_ends_at",
        "_run_limiter",
        "_steps_left",
        "_texts",
        "began",
        "now",
        "spent",
        "timeout",
    )

    def __init__(self, alarm: Alarm, now: Callable[[], float], run_ends_at: float, run_limiter: str) -> None:
        self.now = now
        self.spent = 0
        self.timeout: float | None = None
        self.began: float | None = None
        self._alarm = alarm
        self._run_ends_at, self._run_limiter = run_ends_at, run_limiter
        self._path: str | None = None
        self._patterns = 0.0
        self._steps_left = EVALUATION_STEPS
        self._texts: ReadInRun[Any] | None = None

    @property
    def texts(self) -> ReadInRun[Any]:
        """The job's parsed strings, kept for the run."""
        if self._texts is None:
            self._texts = ReadInRun(READ_IN_RUN, read_and_weigh)
        return self._texts

    def end_at(self, ends_at: float, limiter: str, path: str | None = None) -> None:
        """Set the end of the run, or of a loop around the step."""
        self._run_ends_at, self._run_limiter, self._path = ends_at, limiter, path

    def begin(self, timeout: float | None) -> None:
        """Begin a step's evaluation; with `timeout` seconds, if it has its own limit."""
        self.timeout, self.began = timeout, None

    @property
    def used(self) -> float:
        """Return the seconds of the step's limit that evaluation has taken."""
        return 0.0 if self.began is None else max(0.0, self.now() - self.began)

    def check(self) -> None:
        """Check that evaluation steps and time are left.

        Raises:
            Failure: RESULT_LIMIT_EXCEED, TIME_LIMIT_EXCEED.
            OutOfInvocation: the step may continue in another invocation.
        """
        self._steps_left -= self.spent
        self.spent = 0
        if self._steps_left < 0:
            self.spent = LONG + 1  # each later step checks this again, and is refused before it does anything
            message = f"all tags and expressions of the job take more than {EVALUATION_STEPS:,} evaluation steps"
            raise Failure(ConduitStatus.RESULT_LIMIT_EXCEED, message)
        seconds, limiter = self._left()
        if seconds <= 0:
            self._end(limiter)

    def limit(self, function: Callable[[], Any]) -> Any:
        """Run a function that a signal can stop, under the step's limit. Raises like `check`."""
        return self._search(lambda seconds: self._alarm.call(function, (), {}, seconds))

    def isolate(self, function: Callable[[], Any]) -> Any:
        """Run a function in a child process that is killed at the step's limit; called within `limit`."""
        seconds, limiter = self._pattern_time()
        try:
            return run_in_child(function, seconds)
        except StepTimeout:
            self._end(limiter)

    def _search(self, search: Callable[[float], Any]) -> Any:
        seconds, limiter = self._pattern_time()
        if seconds <= 0:
            self._end(limiter)
        began = self.now()
        try:
            return search(seconds)
        except StepTimeout:
            self._end(limiter)
        finally:
            self._patterns += max(0.0, self.now() - began)

    def _pattern_time(self) -> tuple[float, str]:
        """Return the seconds that a search may take, and the name of that limit."""
        seconds, limiter = self._left()
        own = PATTERN_SECONDS - self._patterns
        return (own, "patterns") if own < seconds else (seconds, limiter)

    def _left(self) -> tuple[float, str]:
        now = self.now()
        if self.began is None:
            self.began = now
        seconds, limiter = self._run_ends_at - now, self._run_limiter
        own = inf if self.timeout is None else self.began + self.timeout - now
        return (own, "step") if own <= seconds else (seconds, limiter)

    def _end(self, limiter: str) -> None:
        if limiter == "invocation":
            raise OutOfInvocation
        if limiter == "patterns":
            raise Failure(
                ConduitStatus.TIME_LIMIT_EXCEED,
                f"the regular expressions in the job's expressions take more than {PATTERN_SECONDS:g} s together; "
                "a block of REGEX has as long as its step",
            )
        seconds = (
            self.timeout if limiter == "step" and self.timeout is not None else self._run_ends_at - (self.began or 0)
        )
        raise Failure.of_limit(TimeLimit(seconds, limiter, self._path), self.used or 1e-3)
