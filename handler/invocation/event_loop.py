"""Runs the coroutines of jobs from Lambda's synchronous handler."""

from __future__ import annotations

import asyncio
import atexit
import threading
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

R = TypeVar("R")


class _Kept(threading.local):
    """The event loop of a thread, kept from one invocation to the next: making a loop costs as much as a small job."""

    def __init__(self) -> None:
        self.loop: asyncio.AbstractEventLoop | None = None


_kept: Final = _Kept()


def run_coroutine(coroutine: Coroutine[Any, Any, R]) -> R:
    """Run a coroutine to its end and return its result.

    The main thread keeps its loop, so that a block's connections can live as long as the sandbox. If a loop is
    already running (the caller is inside asyncio), the coroutine runs in another thread, where time limits are checked
    only after a block returns.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        if threading.current_thread() is threading.main_thread():
            return _main_loop().run_until_complete(coroutine)
        return asyncio.run(coroutine)
    results: list[R] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(asyncio.run(coroutine))
        except BaseException as error:  # noqa: BLE001  # raised again in the caller's thread
            errors.append(error)

    thread = threading.Thread(target=run, name="conduit-job")
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]


def _main_loop() -> asyncio.AbstractEventLoop:
    if _kept.loop is None or _kept.loop.is_closed():
        _kept.loop = asyncio.new_event_loop()
        atexit.register(_kept.loop.close)  # else the interpreter warns about it at exit
    return _kept.loop
