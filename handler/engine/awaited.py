"""What a block gives that is not a result yet."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any


class Awaited:
    """What a plain call has given that is to be awaited."""

    __slots__ = ("awaitable",)

    def __init__(self, awaitable: Awaitable[Any]) -> None:
        self.awaitable = awaitable


def unwrapped(error: BaseException) -> BaseException:
    """The `StopIteration` that a coroutine has raised: Python makes a `RuntimeError` of it."""
    cause = error.__cause__
    raised = isinstance(cause, StopIteration) and type(error) is RuntimeError
    return cause if raised and cause is not None and str(error) == "coroutine raised StopIteration" else error
