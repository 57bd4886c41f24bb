"""Tracks the tasks that a coroutine block starts, so that they end with it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from handler.engine.alarm.watch import enclosing_watches


class TaskFactory:
    """A task factory that registers each task of a block with the block's watch."""

    def __init__(self, make: Callable[..., Any] | None) -> None:
        self._make = make or _make_task

    def __call__(self, loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> Any:
        task = self._make(loop, coroutine, **options)
        for watch in enclosing_watches():
            watch.tasks.add(task)
        return task


def _make_task(loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> asyncio.Task[Any]:
    return asyncio.Task(coroutine, loop=loop, **options)


def watch_tasks(loop: asyncio.AbstractEventLoop) -> None:
    """Install the factory in `loop`, once, around its current factory."""
    factory = loop.get_task_factory()
    if not isinstance(factory, TaskFactory):
        loop.set_task_factory(TaskFactory(factory))
