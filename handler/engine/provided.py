"""The positional arguments of a block, which the deployment provides in addition to the user's parameters."""

from __future__ import annotations

from typing import Any, Protocol

from blocks.block import CALL, JOB, Block
from handler.engine.call import Budget, JobForBlock, StepCall, VariablesDraft, global_value
from handler.engine.child import run_in_child
from handler.engine.runtime import Runtime
from handler.engine.step import ConduitStep
from handler.engine.step_turn import RunningJob


class TurnOfCall(Protocol):
    """The part of a step's turn that provides the arguments."""

    job: RunningJob
    step: ConduitStep
    block: Block[..., Any]
    draft: VariablesDraft | None
    runtime: Runtime
    began: float
    seconds: float
    limiter: str

    def now(self) -> float: ...


def positional_arguments(turn: TurnOfCall) -> tuple[Any, ...]:
    """Return the deployment's arguments of the block. Making them counts against the step's time."""
    job = turn.job
    values: list[Any] = []
    turn.draft = None
    budget = Budget(turn.runtime.limits.record, f"what {turn.block.action} builds")
    for name in turn.block.positional:
        if name == JOB:
            turn.draft = VariablesDraft(job.store.values, budget.hold)
            values.append(JobForBlock(job.id, job.name, job.tags, turn.draft))
        elif name == CALL:
            values.append(_step_call(turn, budget))
        else:
            world = {"clock": turn.now, "entropy": turn.runtime.entropy}
            values.append(global_value(turn.block, name, job.global_values, world, turn.runtime.report))
    return tuple(values)


def _step_call(turn: TurnOfCall, budget: Budget) -> StepCall:
    step, execution, ends_at = turn.step, turn.job.execution, turn.began + turn.seconds
    key, can_fail = f"{execution.key}/{step.position}", turn.limiter != "invocation"
    facts: Any = {"path": step.path, "timeout": step.timeout, "can_fail": can_fail}
    return StepCall(key, execution.fence, ends_at, turn.now, budget, run_in_child, **facts)
