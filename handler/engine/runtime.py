"""What the engine needs of the world: the time, waiting, chance, limits, and a way to stop a step.

The only file of the engine that names the system's clock. A test or a simulator hands in its own `Runtime`.
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
    """A clock of seconds since the epoch that never jumps: read once, then moved on by the monotonic one."""
    monotonic = time.monotonic
    start = time.time() - monotonic()
    return lambda: start + monotonic()


async def _sleep(seconds: float) -> None:
    await asyncio.sleep(seconds)


def _keep_to_itself(message: str, error: Exception) -> None:
    """There is no log."""


_LIMITS: Final = Limits()
_ALARM: Final = SystemAlarm(time.monotonic)  # it has no state of its own


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """The world of one run.

    Attributes:
        now: seconds since the epoch. Deadlines and time stamps both read it.
        sleep: waits that many seconds; between the tries of a step.
        random: a float in [0, 1); the jitter of those waits.
        entropy: that many random bytes, which nobody can guess and no restored snapshot repeats; for blocks.
        report: called with what went wrong that users must not see, and the error.
        limits: what a job may build and keep.
        alarm: stops a block at its time limit.
        invocation: how long this invocation lasts; `None` where nothing ends it (a developer's machine).
        job_ends_at: when the job as a whole must have ended, by `now`; `None` for never.
        waits_end_by: the latest time to which a job may wait: its records expire soon after; `None` for any.
    """

    now: Callable[[], float] = field(default_factory=steady_clock)
    sleep: Callable[[float], Awaitable[None]] = _sleep
    random: Callable[[], float] = random.random
    entropy: Callable[[int], bytes] = os.urandom
    report: Callable[[str, Exception], None] = _keep_to_itself
    limits: Limits = _LIMITS
    alarm: Alarm = _ALARM
    invocation: InvocationTime | None = None
    job_ends_at: float | None = None
    waits_end_by: float | None = None


SYSTEM: Final = Runtime(now=time.time)
"""The world of a run that is given none, but for its clock: each run reads one of its own."""
