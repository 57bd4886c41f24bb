"""The world of one step's expressions: the run's clock, and the step's time limit.

The limit of a step covers its condition and its arguments. Evaluating an expression takes milliseconds at most, so the
time is asked for between them. A regular expression is what may take for ever: it runs under the alarm.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any, Final

from handler.engine.alarm.alarm import Alarm
from handler.engine.alarm.watch import StepTimeout
from handler.engine.child import run_in_child
from handler.engine.failure import Failure
from handler.engine.language.remembered import ReadInRun
from handler.engine.language.tags import read_and_weigh
from handler.engine.limits import TimeLimit
from handler.engine.status import ConduitStatus

PATTERN_SECONDS: Final = 1.5
"""Seconds that the regular expressions in a job's expressions may take together in one run. The blocks of REGEX have as
long as their steps: what they take is a block's own work."""
EVALUATION_STEPS: Final = 3_000_000
"""Steps that all tags and expressions of one run may take: about a second. What a step may take is bounded by its own
limits; what a job may take, with thousands of turns, by this. See docs/decisions/024-budgets-of-a-run.md."""
READ_IN_RUN: Final = 24 * 1024 * 1024
"""Bytes of what the strings of a job read as that a run remembers."""


class OutOfInvocation(Exception):  # noqa: N818  # no error: the step goes on in another invocation
    """The invocation ended while an expression was evaluated."""


class StepWorld:
    """`handler.engine.language.meter.World` of the steps of one run, one after another.

    Args:
        alarm: stops what runs past a limit.
        now: seconds since the epoch.
        run_ends_at: when the run ends; infinite for never.
        run_limiter: whose limit that is.

    Attributes:
        now: the same.
        spent: evaluation steps since `check` was last called.
        timeout: the limit of the step whose turn it is, or ``None``.
        began: when its evaluation began, as far as anybody asked; beginning a step sets it to ``None``.
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
        """What the strings of the job read as, remembered for the run."""
        if self._texts is None:
            self._texts = ReadInRun(READ_IN_RUN, read_and_weigh)
        return self._texts

    def end_at(self, ends_at: float, limiter: str, path: str | None = None) -> None:
        """Let the run's end, or that of something around the step, be this one from here on."""
        self._run_ends_at, self._run_limiter, self._path = ends_at, limiter, path

    def begin(self, timeout: float | None) -> None:
        """Begin a step's evaluation; with `timeout` seconds, where it has a limit of its own."""
        self.timeout, self.began = timeout, None

    @property
    def used(self) -> float:
        """Seconds that evaluating has taken of the step's limit."""
        return 0.0 if self.began is None else max(0.0, self.now() - self.began)

    def check(self) -> None:
        """See that there are steps and time left.

        Raises:
            Failure: RESULT_LIMIT_EXCEED, TIME_LIMIT_EXCEED.
            OutOfInvocation: the step may go on in another invocation.
        """
        self._steps_left -= self.spent
        self.spent = 0
        if self._steps_left < 0:
            message = f"all tags and expressions of the job take more than {EVALUATION_STEPS:,} evaluation steps"
            raise Failure(ConduitStatus.RESULT_LIMIT_EXCEED, message)
        seconds, limiter = self._left()
        if seconds <= 0:
            self._end(limiter)

    def limit(self, function: Callable[[], Any]) -> Any:
        """Run a function that a signal can stop, under the step's limit. Raises as `check`."""
        return self._search(lambda seconds: self._alarm.call(function, (), {}, seconds))

    def isolate(self, function: Callable[[], Any]) -> Any:
        """Run a function in a child process that is killed at the step's limit; asked for within `limit`."""
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
        """Seconds that a search may take, and whose limit that is."""
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
