"""Stops a block that runs past its time limit.

See docs/decisions/008-alarm.md.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from contextvars import copy_context
from functools import partial
from itertools import starmap
from typing import Any, Final, Protocol

from handler.engine.alarm.tasks import watch_tasks
from handler.engine.alarm.timer import Timer, find_timer
from handler.engine.alarm.tracing import awaits_clean_up
from handler.engine.alarm.watch import CoroutineWatch, StepTimeout, Watch, current

__all__ = ["Alarm", "StepTimeout", "SystemAlarm"]

GRACE: Final = 0.5
"""Seconds for which a block may clean up before it is interrupted again."""
COURTESY: Final = 0.05
"""Seconds for the event loop to cancel a coroutine block. After them, the signal stops a block that never yields."""
INSISTENCE: Final = 0.01
"""Seconds between further cancellations, after the grace."""
CANCELLATIONS: Final = 100
"""How often a coroutine block is cancelled before it is abandoned."""


class Alarm(Protocol):
    """Runs one block and returns at the limit, as far as Python can."""

    def call(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], seconds: float) -> Any:
        """Run a plain function for at most `seconds` (infinite: without limit; 0 or less: not at all).

        A returned result counts, even if the limit was reached at that moment.

        Raises:
            StepTimeout: it was stopped, or returned after `seconds`.
            RuntimeError: it raised a forged `StepTimeout`.
            BaseException: any other error of the function, ``SystemExit`` and ``KeyboardInterrupt`` included.
        """

    async def wait(
        self, function: Callable[..., Awaitable[Any]], args: tuple[Any, ...], kwargs: dict[str, Any], seconds: float
    ) -> Any:
        """Run a coroutine function, like `call`."""


class SystemAlarm:
    """The alarm of a real process.

    A plain function in the main thread is interrupted by ``SIGALRM``: a `StepTimeout` is raised inside it. After a
    grace for clean-up, it is interrupted repeatedly, also at its own lines, until it ends. A coroutine function
    is cancelled, with all tasks that it started, and interrupted like a plain function if it does not yield to the
    event loop. Elsewhere (off the main thread, without ``SIGALRM``) a plain function runs to its end, and the limit is
    checked then.

    C code that ignores signals is not interrupted: see docs/timeouts.md.

    Args:
        clock: seconds of a monotonic clock (`time.monotonic`).
        grace: seconds for which a block may clean up after its limit.
    """

    def __init__(self, clock: Callable[[], float], grace: float = GRACE) -> None:
        self._clock = clock
        self._grace = grace

    def call(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], seconds: float) -> Any:
        """Run a plain function; see `Alarm.call`."""
        if not 0.0 < seconds < math.inf:
            if seconds == math.inf:
                return function(*args, **kwargs)
            raise StepTimeout(seconds)  # NaN too
        timer = find_timer(self._clock)
        watch = Watch(seconds, self._grace, self._clock)
        try:
            if timer is not None:
                timer.arm(watch, seconds)
            watch.results.extend(starmap(partial(function, **kwargs), (args,)))  # one call; see Watch.results
        except BaseException as error:  # noqa: BLE001  # settled below
            watch.armed = False
            watch.error = error
        finally:
            if timer is not None:
                timer.disarm(watch)
        if timer is None:
            watch.check_late()
            return watch.settle()
        if watch.error is None and not watch.raised and not watch.late:  # disarmed: signals no longer change these
            return watch.results.pop()  # the common case of `settle`
        return watch.settle(timer.watches)

    async def wait(
        self, function: Callable[..., Awaitable[Any]], args: tuple[Any, ...], kwargs: dict[str, Any], seconds: float
    ) -> Any:
        """Run a coroutine function in the running asyncio loop; see `Alarm.wait`."""
        if seconds == math.inf:
            return await function(*args, **kwargs)
        if not seconds > 0:
            raise StepTimeout(seconds)
        loop = asyncio.get_running_loop()
        watch_tasks(loop)
        timer = find_timer(self._clock)
        watch = CoroutineWatch(seconds, self._grace, self._clock)
        watch.next_at += COURTESY
        context = copy_context()
        context.run(current.set, watch)
        try:
            if timer is not None:
                timer.arm(watch, seconds + COURTESY)
            run = _run(watch, partial(function, *args, **kwargs), can_interrupt=timer is not None)
            await _Supervision(loop.create_task(run, context=context), watch, timer).see_through()
        finally:
            watch.stop()
            if timer is not None:
                timer.disarm(watch)
        return watch.settle(timer.watches if timer else ())


async def _run(watch: CoroutineWatch, function: Callable[[], Awaitable[Any]], *, can_interrupt: bool) -> None:
    """Run the block in its own task, which raises nothing: a task's ``SystemExit`` would end asyncio's whole loop."""
    try:
        watch.results.append(await function())
    except BaseException as error:  # noqa: BLE001  # raised again by `settle`
        watch.armed = watch.cancelled  # then its tasks have yet to end
        watch.error = error
    if not can_interrupt:
        watch.check_late()


class _Supervision:
    """Waits for a coroutine block, and ends it at its limit."""

    def __init__(self, task: asyncio.Task[None], watch: CoroutineWatch, timer: Timer | None) -> None:
        self._task = task
        self._watch = watch
        self._timer = timer

    async def see_through(self) -> None:
        try:
            await asyncio.wait({self._task}, timeout=self._watch.seconds)
            await self._let_clean_up()
        except asyncio.CancelledError:  # from outside: the whole run is being cancelled
            await self._cancel()
            raise
        if not self._task.done() or self._watch.raised:
            await self._cancel()
            return
        if self._task.cancelled():
            self._watch.error = asyncio.CancelledError("something other than its time limit cancelled the block")
        self._watch.ended = True
        if self._alive():
            self._watch.armed = True
            await self._end_tasks()  # the loop outlives the block: otherwise its tasks would run during the next block

    async def _let_clean_up(self) -> None:
        """At the limit, let the block finish a clean-up within the grace."""
        ends_at = self._watch.ends_at + self._watch.grace
        while awaits_clean_up(self._task) and not self._task.done() and self._watch.clock() < ends_at:
            await asyncio.wait({self._task}, timeout=INSISTENCE)

    async def _cancel(self) -> None:
        self._watch.cancelled = True
        await self._end_tasks()

    async def _end_tasks(self) -> None:
        """Cancel the block and all tasks that it started, until they end."""
        if self._timer is not None:
            self._timer.put_off(self._watch, self._watch.grace)
        await self._cancel_once(self._watch.grace)
        for attempt in range(CANCELLATIONS):
            alive = self._alive()
            if not alive:
                return
            lines_to_pass, number = divmod(attempt, len(alive))
            self._watch.trace().begin_in_task(alive[number], lines_to_pass)
            await self._cancel_once(INSISTENCE)

    async def _cancel_once(self, patience: float) -> None:
        alive = self._alive()
        for task in alive:
            task.cancel()
        if alive:
            await asyncio.wait(alive, timeout=patience)
        for task in (self._task, *alive):
            if task.done() and not task.cancelled():
                task.exception()  # read, because asyncio reports unread errors as never retrieved

    def _alive(self) -> list[asyncio.Task[Any]]:
        return [task for task in (self._task, *self._watch.tasks) if not task.done()]
