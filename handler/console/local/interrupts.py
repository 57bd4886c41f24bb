"""Lets Ctrl-C end a command even while a block runs."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def interruptible() -> Iterator[Callable[[], None]]:
    """Make Ctrl-C (and SIGTERM) end the command even while a block runs.

    The engine treats a KeyboardInterrupt inside a block as a failure of that block. So the interrupt is remembered
    here: call the yielded function after the invocation, and it raises the interrupt again.
    """
    came: list[int] = []

    def remember(number: int, frame: FrameType | None) -> None:
        del frame
        came.append(number)
        raise KeyboardInterrupt

    def check() -> None:
        if came:
            raise KeyboardInterrupt

    before = {number: signal.signal(number, remember) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield check
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
