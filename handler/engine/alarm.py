"""Stops a block that runs past its time limit."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Protocol


class StepTimeout(BaseException):  # noqa: N818  # no Exception: a block's own handlers must not take it for theirs
    """The step's time is over. Raised inside the block by the alarm, and by `Alarm.call` to its caller."""


class Alarm(Protocol):
    """Runs one block and comes back by the limit, as far as Python can."""

    def call(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], seconds: float) -> Any:
        """Run a plain function.

        Raises:
            StepTimeout: it was stopped, or came back after `seconds`.
        """

    async def wait(
        self, function: Callable[..., Awaitable[Any]], args: tuple[Any, ...], kwargs: dict[str, Any], seconds: float
    ) -> Any:
        """Run a coroutine function.

        Raises:
            StepTimeout: as `call`.
        """


class SystemAlarm:
    """The alarm of a real process."""

    def call(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], seconds: float) -> Any:  # noqa: ARG002
        return function(*args, **kwargs)

    async def wait(
        self, function: Callable[..., Awaitable[Any]], args: tuple[Any, ...], kwargs: dict[str, Any], seconds: float  # noqa: ARG002
    ) -> Any:
        return await function(*args, **kwargs)
