"""One step's turn: its condition, its arguments, its tries, and what is kept of its result."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from math import inf
from typing import Any, Final, Protocol

from blocks.block import CALL, JOB, Block
from handler.engine.alarm import StepTimeout
from handler.engine.arguments import Bound, bind_arguments, is_met
from handler.engine.call import Budget, JobFace, StepCall, VariablesDraft, global_value
from handler.engine.failure import Failure, ends_the_run, failure_of
from handler.engine.limits import Invocation, TimeLimit
from handler.engine.outcome import Execution, Paused
from handler.engine.runtime import Runtime
from handler.engine.status import ConduitStatus
from handler.engine.step import ConduitStep
from handler.engine.values import NotJsonError
from handler.engine.variables import Variables

LEAST_TIME: Final = 0.1
"""Seconds that a step without a declared timeout needs to be worth starting."""

_DONE: Final = ConduitStatus.DONE  # looking a member up in its enum takes eight times as long as a name
NO_CHANGES: Final[dict[str, Any]] = {}


class RunningJob(Protocol):
    """What a step's turn needs of the job."""

    id: str | None
    name: str | None
    tags: frozenset[str]
    global_values: Mapping[str, Any]
    store: Variables
    execution: Execution

    @property
    def contexts(self) -> Mapping[str, Any]: ...


Answer = Paused | ConduitStatus | Awaitable[Paused | ConduitStatus | None] | None
Ask = Callable[[ConduitStep], Answer]


class Turn:
    """One step's turn in one run of its job.

    Args:
        step: a step that passed every check and is neither skipped nor cancelled.
        job: the job that it belongs to.
        runtime: the world.
        ask: what is asked before the block begins; ``None`` for nothing.
        tries: tries used up before this run.
        fresh: whether nothing of the job has run in this invocation yet; then it starts with whatever time is left.
    """

    __slots__ = (
        "ask",
        "began",
        "block",
        "bound",
        "draft",
        "expansion",
        "fresh",
        "job",
        "limiter",
        "runtime",
        "seconds",
        "step",
        "tries",
    )

    def __init__(
        self, step: ConduitStep, job: RunningJob, runtime: Runtime, ask: Ask | None, *, tries: int, fresh: bool
    ) -> None:
        assert step.block is not None  # noqa: S101  # a step without one never passed its checks
        self.step = step
        self.block: Block[..., Any] = step.block
        self.job = job
        self.runtime = runtime
        self.ask = ask
        self.tries = tries
        self.fresh = fresh
        self.bound: Bound = {}
        self.expansion: Budget | None = None
        self.draft: VariablesDraft | None = None

    def take(self) -> Paused | Coroutine[Any, Any, Paused | None] | None:
        """Run the step to its final status, or say why the run pauses before it.

        Most steps need no waiting, and a coroutine for nothing costs as much as a plain block's call. Where something
        has to be awaited, what is given is a coroutine that does it.
        """
        step = self.step
        try:
            if step.if_condition is not None and not is_met(step.if_condition, self.job.contexts, self._charge_tags):
                step.status = ConduitStatus.IF_CONDITION_FAILED
                return None
            arguments = self._arguments()
            if self.runtime.invocation is not None and self._needs_another(self.runtime.invocation):
                return Paused(step.position, self.tries)
            answer = self.ask(step) if self.ask is not None else None
            if answer is not None or self.block.is_coroutine or step.retry is not None:
                return self._take_awaiting(arguments, answer)
            ended = self._try(arguments)
            if isinstance(ended, Failure):
                self._fail(ended)
                return None
        except Failure as failure:
            self._fail(failure)
            return None
        return ended

    async def _take_awaiting(self, arguments: dict[str, Any], answer: Answer) -> Paused | None:
        """The rest of `take`, where an answer, the block, or the time until the next try is waited for."""
        try:
            if isinstance(answer, Awaitable):
                answer = await answer
            if isinstance(answer, Paused):
                return answer
            if answer is not None:
                self._fail(Failure.of_status(answer))
                return None
            while True:
                ended = await self._try_awaiting(arguments) if self.block.is_coroutine else self._try(arguments)
                if not isinstance(ended, Failure):
                    return ended
                wait = self._wait_before_retry(ended)
                if wait is None:
                    self._fail(ended)
                    return None
                if isinstance(wait, Paused):
                    return wait
                await self.runtime.sleep(wait)
                arguments = self._arguments()
        except Failure as failure:
            self._fail(failure)
            return None

    def _arguments(self) -> dict[str, Any]:
        self.expansion = None
        arguments, self.bound = bind_arguments(self.block, self.step.parameters, self.job.contexts, self._charge_tags)
        return arguments

    def _charge_tags(self, size: int) -> None:
        """Count what the tags of the condition or of the parameters expand to. Most steps have nothing to count."""
        if self.expansion is None:
            self.expansion = Budget(self.runtime.limits.parameters, "what the tags of the step expand to")
        self.expansion.charge(size)

    def _positionals(self) -> tuple[Any, ...]:
        job, values = self.job, list[Any]()
        charge = Budget(self.runtime.limits.record, f"what {self.block.action} builds").charge
        for name in self.block.positional:
            if name == JOB:
                self.draft = VariablesDraft(job.store.values, charge)
                values.append(JobFace(job.id, job.name, job.tags, self.draft))
            elif name == CALL:
                key = f"{job.execution.key}/{self.step.position}"
                values.append(StepCall(key, job.execution.fence, self.began + self.seconds, self.runtime.now, charge))
            else:
                values.append(global_value(self.block, name, job.global_values))
        return tuple(values)

    def _limit(self, now: float) -> tuple[float, str]:
        """The earliest of the four limits: seconds from `now`, infinite for none, and whose it is.

        Where two are equal, the step's own comes before the invocation's.
        """
        seconds, name, runtime = inf, "step", self.runtime
        if self.step.timeout is not None:
            seconds = self.step.timeout
        if self.block.timeout is not None and self.block.timeout < seconds:
            seconds, name = self.block.timeout, "block"
        if runtime.job_ends_at is not None and runtime.job_ends_at - now < seconds:
            seconds, name = runtime.job_ends_at - now, "job"
        if runtime.invocation is not None and runtime.invocation.ends_at - now < seconds:
            seconds, name = runtime.invocation.ends_at - now, "invocation"
        return seconds, name

    def _declared(self) -> float:
        """The seconds that the step or its block was given; infinite where neither was."""
        own, block = self.step.timeout, self.block.timeout
        if own is None:
            return inf if block is None else block
        return own if block is None else min(own, block)

    def _needs_another(self, invocation: Invocation) -> bool:
        """Whether a new invocation would serve the step better than what is left of this one."""
        left = invocation.ends_at - self.runtime.now()
        declared = self._declared()
        needed = declared if declared <= invocation.fresh and declared < inf else LEAST_TIME
        return left <= 0 or (left < needed and not self.fresh)

    def _begin(self) -> Paused | None:
        """Begin a try: see what limits it and mark the step begun, unless the invocation is over.

        Raises:
            Failure: another limit has passed already. Trying again would not help.
        """
        step, began = self.step, self.runtime.now()
        self.began = began
        self.seconds, self.limiter = self._limit(began)
        if self.seconds <= 0:
            if self.limiter == "invocation":
                return Paused(step.position, self.tries)
            raise Failure.of_limit(TimeLimit(self.seconds, self.limiter), 0.0)
        if step.started_at is None:
            step.started_at = began
        step.attempts += 1
        return None

    def _try(self, arguments: dict[str, Any]) -> Failure | Paused | None:
        """Run a plain function once; ``None`` when the step is DONE."""
        paused = self._begin()
        if paused is not None:
            return paused
        try:
            result = self._call_block(arguments)
        except BaseException as error:  # noqa: BLE001  # whatever a block raises is its step's outcome
            return self._outcome_of(error)
        return self._keep(result, arguments)

    async def _try_awaiting(self, arguments: dict[str, Any]) -> Failure | Paused | None:
        """As `_try`, for a coroutine function. Apart, since a coroutine around a plain function only costs time."""
        paused = self._begin()
        if paused is not None:
            return paused
        try:
            function, positionals = self.block.function, self._positionals()
            result = await self.runtime.alarm.wait(function, positionals, arguments, self.seconds)
        except BaseException as error:
            if not isinstance(error, StepTimeout) and ends_the_run(error):
                raise
            return self._outcome_of(error)
        return self._keep(result, arguments)

    def _call_block(self, arguments: dict[str, Any]) -> Any:
        block = self.block
        if block.isolation is not None:
            from handler.engine.isolation import run_isolated  # noqa: PLC0415  # needs modules that few jobs do

            return run_isolated(block.function, arguments, self.seconds)
        positionals = self._positionals() if block.positional else ()
        if self.seconds == inf:
            return block.function(*positionals, **arguments)
        return self.runtime.alarm.call(block.function, positionals, arguments, self.seconds)

    def _outcome_of(self, error: BaseException) -> Failure | Paused:
        """What a block's exception means for its step."""
        if not isinstance(error, StepTimeout) or self.seconds == inf:  # without a limit it is no alarm's, but made up
            return failure_of(error)
        if self.limiter != "invocation":
            ran = max(0.0, self.runtime.now() - self.began)
            return Failure.of_limit(TimeLimit(self.seconds, self.limiter), ran)
        # The invocation ended while the block ran: not the step's fault, so it runs again, unless it must not.
        if self.block.effect != "at_most_once":
            return Paused(self.step.position, self.tries, cut=True)
        return Failure(ConduitStatus.INTERRUPTED, "the invocation ended while the block ran; it is never run twice")

    def _wait_before_retry(self, failure: Failure) -> float | Paused | None:
        """Seconds until the next try, a pause if that is another invocation's, or ``None`` if there is none."""
        self.tries += 1
        retry = self.step.retry
        if retry is None or failure.status not in retry.on or self.tries >= retry.attempts:
            return None
        if self.block.effect == "at_most_once":
            return None  # it failed after it had begun: its effect may have happened
        wait = retry.wait_after(self.tries, self.runtime.random)
        declared = self._declared()
        done_by = self.runtime.now() + wait + (declared if declared < inf else LEAST_TIME)
        if self.runtime.job_ends_at is not None and done_by > self.runtime.job_ends_at:
            return None
        invocation = self.runtime.invocation
        if invocation is not None and done_by > invocation.ends_at:
            return Paused(self.step.position, self.tries, resume_in=wait)
        return wait

    def _keep(self, result: Any, arguments: dict[str, Any]) -> Failure | None:
        """Take the result in and end the step DONE, or say why it cannot be kept."""
        changes = NO_CHANGES
        if self.bound:
            changes = {name: arguments[parameter] for parameter, name in self.bound.items() if parameter in arguments}
        try:
            self.job.store.keep(self.step, result, changes, self.draft, self.runtime.limits)
        except NotJsonError as error:
            return Failure(ConduitStatus.RESULT_LIMIT_EXCEED, str(error))
        self.step.finished_at = max(self.runtime.now(), self.began)
        self.step.status = _DONE
        return None

    def _fail(self, failure: Failure) -> None:
        step = self.step
        step.status = failure.status
        step.error = failure.describe()
        step.return_value = failure.error
        if step.started_at is not None:
            step.finished_at = max(self.runtime.now(), step.started_at)
