"""Decides whether and when a step's block is called again: after a failure, or because a poll is not ready."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Protocol

from blocks.block import Block
from handler.engine.failure import Failure
from handler.engine.poll import Poll
from handler.engine.runtime import Runtime
from handler.engine.status import ConduitStatus
from handler.engine.step import ConduitStep
from handler.engine.step_turn import RunningJob
from handler.engine.step_world import StepWorld
from handler.engine.variables import Kept

POLL_TIMEOUT: Final = "PollTimeout"
"""The error type of a step whose `poll` has reached its `max`."""


class TurnOfBlock(Protocol):
    """The part of a turn that is used here, for a step with a block."""

    step: ConduitStep
    block: Block[..., Any]
    tries: int
    polls: int
    runtime: Runtime
    job: RunningJob
    world: StepWorld
    contexts: Any
    run_limiter: str
    run_ends_at: float

    def now(self) -> float: ...
    def needed(self) -> float: ...
    def is_met(self, condition: Any, contexts: Mapping[str, Any] | None = None) -> bool: ...


def resume(turns: TurnOfBlock, waiting: Mapping[str, Any] | None) -> None:
    """Continue the tries of a step where an earlier run left them.

    Raises:
        Failure: its block may not be called again.
    """
    step = turns.step
    turns.polls = 0
    if step.poll is not None and turns.block.effect == "at_most_once":
        message = f"`poll` calls a block again, and {turns.block.action} is never run twice"
        raise Failure(ConduitStatus.INVALID_ARGUMENT, message)
    if waiting is not None:
        turns.polls = int(waiting.get("polls", 0))
        step.attempts = max(step.attempts, int(waiting.get("attempts", 0)))
        step.started_at = waiting.get("began", step.started_at)


def calls_so_far(turns: TurnOfBlock) -> dict[str, Any] | None:
    """The state of a `poll` that this run cannot finish, for the next run: the number of calls so far."""
    step = turns.step
    if step.poll is None or not turns.polls:
        return None
    return {"path": step.path, "polls": turns.polls, "attempts": step.attempts, "began": step.started_at}


def after_failure(turns: TurnOfBlock, failure: Failure) -> float | None:
    """Seconds until the next try of the current step; ``None`` if there is no next try."""
    turns.tries += 1
    retry = turns.step.retry
    if retry is None or not retry.covers(failure.status, failure.details) or turns.tries >= retry.attempts:
        return None
    if turns.block.effect == "at_most_once":
        return None  # it failed after its start: its effect may have happened
    wait = retry.wait_after(turns.tries, turns.runtime.random, failure.retry_after)
    begins_at = turns.now() + wait
    done_by = begins_at + turns.needed()
    runtime = turns.runtime
    if runtime.job_ends_at is not None and done_by > runtime.job_ends_at:
        return None
    if runtime.waits_end_by is not None and begins_at > runtime.waits_end_by:
        return None  # the job's records would expire before
    return None if turns.run_limiter != "invocation" and begins_at >= turns.run_ends_at else wait


def is_ready(turns: TurnOfBlock, poll: Poll, kept: Kept) -> bool:
    """Whether the condition of a poll holds for the block's result.

    Raises:
        Failure: the condition cannot be evaluated.
    """
    contexts = turns.contexts or turns.job.contexts
    turns.world.begin(None)
    return turns.is_met(poll.until, {**contexts, "result": kept[0]})


def after_return(turns: TurnOfBlock, poll: Poll) -> float:
    """Seconds until the next call.

    Raises:
        Failure: there is no next call.
    """
    if turns.polls < poll.most:
        return poll.every
    calls = "1 call" if poll.most == 1 else f"{poll.most:,} calls"
    message = f"the condition of `poll` was not true after {calls}"
    failure = Failure(ConduitStatus.TIME_LIMIT_EXCEED, message)
    failure.kind = POLL_TIMEOUT
    raise failure
