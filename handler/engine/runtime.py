"""The engine's access to the world: time, sleep, random numbers, limits, and a way to stop a step.

No other file of the engine reads the system's clock. A test or a simulator passes its own `Runtime`.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from handler.engine.alarm.alarm import Alarm, SystemAlarm
from handler.engine.limits import InvocationTime, Limits


def steady_clock() -> Callable[[], float]:
    """Return a clock of seconds since the epoch that never jumps: it reads the system's clock only once."""
    monotonic = time.monotonic
    start = time.time() - monotonic()
    return lambda: start + monotonic()


async def _sleep(seconds: float) -> None:
    await asyncio.sleep(seconds)


def _drop(message: str, error: Exception) -> None:
    """Drop the report: there is no log."""


_LIMITS: Final = Limits()
_ALARM: Final = SystemAlarm(time.monotonic)  # it has no state


@dataclass(slots=True, kw_only=True)  # not frozen: each run makes one, and freezing takes 0.6 % of a job of 10 steps
class Runtime:
    """The world of one run. It never changes.

    Attributes:
        now: seconds since the epoch. Deadlines and time stamps both read it.
        sleep: waits for some seconds, between the tries of a step.
        random: returns a float in [0, 1), for the jitter of those waits.
        entropy: returns unpredictable random bytes for blocks. Restored snapshots never repeat them.
        report: called with a message that users must not see, and the error.
        limits: the limits of the values that a job may build and keep.
        alarm: stops a block at its time limit.
        invocation: the time of this invocation; `None` if nothing ends it (a developer's machine).
        job_ends_at: the time of `now` at which the job must have ended; `None` for never.
        waits_end_by: the latest time until which a job may wait, since its records expire soon after; `None` for any.
    """

    now: Callable[[], float] = field(default_factory=steady_clock)
    sleep: Callable[[float], Awaitable[None]] = _sleep
    random: Callable[[], float] = random.random
    entropy: Callable[[int], bytes] = os.urandom
    report: Callable[[str, Exception], None] = _drop
    limits: Limits = _LIMITS
    alarm: Alarm = _ALARM
    invocation: InvocationTime | None = None
    job_ends_at: float | None = None
    waits_end_by: float | None = None

    def of_run(
        self, *, invocation: InvocationTime | None, job_ends_at: float | None, waits_end_by: float | None
    ) -> Runtime:
        """The world of one run: this one, with the ends of the run.

        Written out: `dataclasses.replace` would take 1 % more CPU of a job of 10 steps.
        """
        return Runtime(
            now=self.now,
            sleep=self.sleep,
            random=self.random,
            entropy=self.entropy,
            report=self.report,
            limits=self.limits,
            alarm=self.alarm,
            invocation=invocation,
            job_ends_at=job_ends_at,
            waits_end_by=waits_end_by,
        )


SYSTEM: Final = Runtime(now=time.time)
"""The default world of a run, without its clock: each run starts its own."""
