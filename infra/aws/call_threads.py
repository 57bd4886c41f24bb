"""Threads that make calls of AWS, so that the main thread can run the steps of other jobs meanwhile.

They are started on demand, once per process, and only make calls: blocks run in the main thread, where a signal can
interrupt them. Several threads may use one low-level client of botocore.
"""

from __future__ import annotations

import signal
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, Final

MOST_THREADS: Final = 10
"""The most calls that run at once: the number of connections that a client of botocore keeps by default."""

Done = Callable[[Any, BaseException | None], None]
"""Called with a call's result or with its error."""
_Work = tuple["CallStation", Callable[[], Any], Done]


class CallThreads:
    """The threads of a process.

    Args:
        most: the largest number of threads.
    """

    def __init__(self, most: int = MOST_THREADS) -> None:
        self._most = most
        self._work: SimpleQueue[_Work] = SimpleQueue()
        self._started = 0
        self._busy = 0
        self._counting = threading.Lock()

    def start(self, station: CallStation, call: Callable[[], Any], done: Done) -> None:
        """Make a call in a thread; `station` receives its result or error."""
        with self._counting:
            self._busy += 1
            if self._busy > self._started and self._started < self._most:
                self._started += 1
                threading.Thread(target=self._run, name=f"conduit-call-{self._started}", daemon=True).start()
        self._work.put((station, call, done))

    def _run(self) -> None:
        if hasattr(signal, "SIGALRM"):  # the alarm of a step must interrupt only the main thread
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
        while True:
            station, call, done = self._work.get()
            result, failure = None, None
            try:
                result = call()
            except BaseException as error:  # noqa: BLE001  # raised in the job that asked
                failure = error
            with self._counting:
                self._busy -= 1
            station.ended.put((done, result, failure))
            del station, call, done, result, failure  # a waiting thread keeps no reference to the last job


class CallStation:
    """Makes the calls of one batch; implements `handler.invocation.crew.Station`.

    Args:
        threads: the threads of the process.
    """

    def __init__(self, threads: CallThreads) -> None:
        self._threads = threads
        self.ended: SimpleQueue[tuple[Done, Any, BaseException | None]] = SimpleQueue()

    @staticmethod
    def now() -> float:
        """Seconds of a monotonic clock."""
        return time.monotonic()

    def start(self, call: Callable[[], Any], done: Done) -> None:
        """Make a call; `wait` calls `done` with its result."""
        self._threads.start(self, call, done)

    def has_news(self) -> bool:
        """Whether `wait` would return at once."""
        return not self.ended.empty()

    async def wait(self, seconds: float | None) -> None:
        """Wait until a call has ended or the seconds have passed; ``None`` waits without limit.

        It blocks the thread and its event loop, like a synchronous call: no block is running then.
        """
        ready: deque[tuple[Done, Any, BaseException | None]] = deque()
        with suppress(Empty):
            ready.append(self.ended.get(timeout=seconds) if seconds is None or seconds > 0 else self.ended.get_nowait())
            while True:
                ready.append(self.ended.get_nowait())
        for done, result, error in ready:
            done(result, error)
