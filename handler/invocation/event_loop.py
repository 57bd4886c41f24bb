"""From the synchronous world that Lambda calls into the asynchronous one in which jobs run."""

from __future__ import annotations

import asyncio
import atexit
import threading
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

R = TypeVar("R")


class _Kept(threading.local):
    """The event loop of a thread, kept from one invocation to the next: making one costs as much as a small job."""

    def __init__(self) -> None:
        self.loop: asyncio.AbstractEventLoop | None = None


_kept: Final = _Kept()


def run_coroutine(coroutine: Coroutine[Any, Any, R]) -> R:
    """Run a coroutine to its end and return its result.

    In the main thread the loop is kept, so that a block's connections may live as long as the sandbox. Where a loop is
    running already (a caller inside asyncio), the coroutine runs in a thread of its own, and time limits are checked
    after the fact there.
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
        except BaseException as error:  # noqa: BLE001  # handed to the caller's thread
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
        atexit.register(_kept.loop.close)  # else the interpreter complains of it at its end
    return _kept.loop
