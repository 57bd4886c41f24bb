"""Runs a function in a child process. Isolation imports modules that few jobs need, so it is imported on first use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def run_in_child(function: Callable[[], Any], seconds: float) -> Any:
    """Run the function and return its result; see `handler.engine.isolation.run_isolated`."""
    from handler.engine.isolation import run_isolated  # noqa: PLC0415  # see above

    return run_isolated(function, {}, seconds)
