"""Results of blocks that must be awaited."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any


class Awaited:
    """An awaitable that a plain call has returned."""

    __slots__ = ("awaitable",)

    def __init__(self, awaitable: Awaitable[Any]) -> None:
        self.awaitable = awaitable


def unwrapped(error: BaseException) -> BaseException:
    """The `StopIteration` of a coroutine, which Python wraps in a `RuntimeError`; any other error unchanged."""
    cause = error.__cause__
    raised = isinstance(cause, StopIteration) and type(error) is RuntimeError
    return cause if raised and cause is not None and str(error) == "coroutine raised StopIteration" else error
