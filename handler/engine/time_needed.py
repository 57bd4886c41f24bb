"""How much time a step needs: what it declares, and whether what is left of an invocation is enough to begin it."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any

from blocks.block import Block
from handler.engine.limits import InvocationTime
from handler.engine.step import ConduitStep
from handler.engine.step_turn import LEAST_TIME, LEAST_TIME_ONCE


def declared_seconds(step: ConduitStep, block: Block[..., Any]) -> float:
    """The seconds that the step or its block was given; infinite where neither was."""
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
    """Whether the step begins in this invocation; if not, a new one serves it better.

    Args:
        invocation: this one; ``None`` where nothing ends it.
        now: the clock.
        step: that would begin.
        block: its block.
        fresh: whether the job has run nothing in the invocation yet: then a step takes what time there is, unless other
            jobs took some of it.
    """
    if invocation is None:
        return True
    left, declared = invocation.ends_at - now(), declared_seconds(step, block)
    if declared < inf:
        needed = declared if declared <= invocation.fresh else LEAST_TIME
    else:
        needed = min(LEAST_TIME_ONCE, invocation.fresh) if block.effect == "at_most_once" else LEAST_TIME
    return left > 0 and (left >= needed or (fresh and not invocation.is_used))
