"""The process's one interval timer, ``SIGALRM``, shared by every block that runs under a limit."""

from __future__ import annotations

import signal
import threading

# Python's `getsignal` first searches an enum for the handler, which it never finds: this costs more than all the rest.
from _signal import getsignal  # type: ignore[import-not-found]  # C's half of `signal`, which has no type stub
from collections.abc import Callable
from threading import get_ident
from types import FrameType
from typing import Any, Final

from handler.engine.alarm.tracing import is_cleaning_up, is_in_hook, is_of_alarm, may_hold_lock
from handler.engine.alarm.watch import Watch

SIGALRM: Final = getattr(signal, "SIGALRM", None)
"""The timer's signal; ``None`` on systems without it."""
TIGHT: Final = 0.001
"""Seconds between interruptions after the grace: each hits a different place, until one is not caught."""
REPEAT: Final = 0.5
"""Seconds until the timer fires again by itself, in case the handler is interrupted before it sets the timer."""
LOOK_AGAIN: Final = 0.005
"""Seconds until the next try if the alarm hit code of the event loop or of another job instead of the block's."""
SHORTEST: Final = 1e-6
"""The resolution of `setitimer`; a smaller value would switch it off."""
LONGEST: Final = 1e6
"""Seconds, 11 days. `setitimer` refuses very large numbers; longer limits are checked again after this time."""
LOCK_GRACES: Final = 4
"""Graces after which the alarm is raised even if a lock may be held, since the code there does not end by itself."""


class Timer:
    """The timer and its signal handler.

    The handler stays registered between blocks, when it does nothing (or calls the handler that it replaced), so that a
    step costs two calls of `setitimer` and none of `signal`. Other code may reset handlers (if a monitoring layer sets
    ``SIG_DFL``, the next alarm would end the process), so before each block the registration is checked.

    Attributes:
        thread: the main thread's `get_ident`: the signal interrupts only blocks of this thread.
        watches: the runs that the timer may have to interrupt, outer ones first.
    """

    def __init__(self, clock: Callable[[], float], previous: Any) -> None:
        self._clock = clock
        self._previous = previous
        self._foreign: tuple[float, float] | None = None
        self.thread = get_ident()
        self.watches: list[Watch] = []

    def arm(self, watch: Watch, delay: float) -> None:
        """Interrupt `watch` from its `next_at` on, which is `delay` seconds after it began, until `disarm`.

        An alarm that comes before this returns raises here, so call it inside a ``try``.
        """
        watch.armed = True
        is_alone = not self.watches
        self.watches.append(watch)
        if is_alone and SHORTEST <= delay <= LONGEST:  # nearly always; does the same as `_set`
            left, interval = signal.setitimer(signal.ITIMER_REAL, delay, REPEAT)
        else:
            left, interval = self._set(self._clock())
        if left and is_alone:
            self._foreign = (self._clock() + left, interval)

    def disarm(self, watch: Watch) -> None:
        """End what `arm` began. If the block switched the timer off or took it over, the watch may be late."""
        watch.armed = False  # before `raised` is read: from here on, no signal adds to it
        if watch.raised:
            watch.stop()  # only a block that was interrupted is traced
        if watch in self.watches:
            self.watches.remove(watch)
        left, interval = signal.setitimer(signal.ITIMER_REAL, 0)
        if not (left or interval) or getsignal(SIGALRM) is not self:
            watch.check_late()
        if self.watches:
            self._set(self._clock())
        elif self._foreign:
            (at, repeat), self._foreign = self._foreign, None
            signal.setitimer(signal.ITIMER_REAL, max(at - self._clock(), SHORTEST), repeat)

    def put_off(self, watch: Watch, seconds: float) -> None:
        """Interrupt `watch` no earlier than `seconds` from now."""
        now = self._clock()
        watch.next_at = now + seconds
        self._set(now)

    def _set(self, now: float) -> tuple[float, float]:
        soonest = min([watch.next_at for watch in self.watches], default=now + LONGEST) - now
        return signal.setitimer(signal.ITIMER_REAL, min(max(soonest, SHORTEST), LONGEST), REPEAT)

    def __call__(self, signal_number: int, frame: FrameType | None) -> None:
        """Handle the signal: raise inside the block whose time is over, if the block's code is running."""
        self.watches = [watch for watch in self.watches if watch.armed]  # Ctrl-C may have prevented `disarm`
        if not self.watches:
            if callable(self._previous):
                self._previous(signal_number, frame)
            return
        now = self._clock()
        due = [watch for watch in self.watches if watch.next_at <= now]
        hit = next((watch for watch in due if watch.is_running_in(frame)), None)
        for watch in due:
            watch.next_at = now + LOOK_AGAIN
        if hit is not None and _is_no_place(frame, hit, now):
            hit.next_at, hit = now + TIGHT, None
        if hit is not None:
            hit.next_at = now + (TIGHT if hit.raised else hit.grace)
        self._set(now)
        if hit is not None:
            if hit.raised:
                hit.trace().begin(frame, len(hit.raised) // 2)
            raise hit.make_timeout()


def find_timer(clock: Callable[[], float]) -> Timer | None:
    """The process's timer; ``None`` off the main thread or without ``SIGALRM``."""
    if SIGALRM is None:
        return None
    handler = getsignal(SIGALRM)
    if isinstance(handler, Timer) and handler.thread == get_ident():
        return handler
    return _find_again(handler, clock)


def _find_again(handler: Any, clock: Callable[[], float]) -> Timer | None:
    """Like `find_timer`, if another handler or another thread's timer is registered.

    Only this function calls `threading`, which costs more than setting the timer.
    """
    if threading.current_thread() is not threading.main_thread():
        return None
    if not isinstance(handler, Timer):
        timer = Timer(clock, handler)
        signal.signal(signal.SIGALRM, timer)
        return timer
    handler.thread = get_ident()  # this process is a fork, and the thread that forked is now its main thread
    return handler


def _is_no_place(frame: FrameType | None, watch: Watch, now: float) -> bool:
    """Whether an exception would have no effect at this place, or do harm."""
    if watch.raised and frame is not None and is_of_alarm(frame):
        return True  # its tracing is active
    if is_in_hook(frame):
        return True
    late = now - watch.ends_at
    if frame is not None and may_hold_lock(frame) and late <= LOCK_GRACES * watch.grace:
        return True
    return late <= watch.grace and is_cleaning_up(frame)
