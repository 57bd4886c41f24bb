"""The time that a step needs: its declared time, and whether an invocation has enough time left to begin it."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any

from blocks.block import Block
from handler.engine.limits import InvocationTime
from handler.engine.step import ConduitStep
from handler.engine.step_turn import LEAST_TIME, LEAST_TIME_ONCE


def declared_seconds(step: ConduitStep, block: Block[..., Any]) -> float:
    """Return the timeout of the step or of its block, in seconds; infinite if neither has one."""
    own, others = step.timeout, block.timeout
    if own is None:
        return inf if others is None else others
    return own if others is None else min(own, others)


def is_enough(
    invocation: InvocationTime | None,
    now: Callable[[], float],
    step: ConduitStep,
    block: Block[..., Any],
    *,
    fresh: bool,
) -> bool:
    """Return whether the step should begin in this invocation rather than in a new one.

    Args:
        invocation: the time of this invocation; ``None`` if nothing ends it.
        now: the clock.
        step: the next step.
        block: its block.
        fresh: whether the job has run no step in this invocation yet: then the remaining time is enough, unless other
            jobs have used a part of the invocation.
    """
    if invocation is None:
        return True
    left, needed = invocation.ends_at - now(), LEAST_TIME
    if step.timeout is not None or block.timeout is not None:
        declared = declared_seconds(step, block)
        needed = declared if declared <= invocation.fresh else LEAST_TIME
    elif block.effect == "at_most_once":
        needed = min(LEAST_TIME_ONCE, invocation.fresh)
    return left > 0 and (left >= needed or (fresh and not invocation.is_used))
