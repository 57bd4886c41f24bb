"""One step's turn: its condition, its arguments, its tries, and what is kept of its result."""

from __future__ import annotations

from collections.abc import Awaitable, Coroutine, Mapping
from functools import partial
from math import inf
from typing import Any, Final

from blocks.block import CALL, JOB, Block
from handler.engine.alarm.alarm import StepTimeout
from handler.engine.arguments import NOTHING_BOUND, REFUSED, Bound, refusal_of, resolve_and_bind
from handler.engine.call import Budget, JobForBlock, StepCall, VariablesDraft, global_value
from handler.engine.child import run_in_child
from handler.engine.failure import Failure, ends_the_run, failure_of
from handler.engine.language.tags import resolve
from handler.engine.limits import InvocationTime
from handler.engine.outcome import Paused
from handler.engine.status import ConduitStatus
from handler.engine.step import ConduitStep
from handler.engine.step_turn import LEAST_TIME, NO_CHANGES, Answer, StepTurn
from handler.engine.step_world import OutOfInvocation
from handler.engine.values import UnstorableValueError

_DONE: Final = ConduitStatus.DONE  # looking a member up in its enum takes eight times as long as a name
Tried = Failure | Paused | None


class StepRunner(StepTurn):
    """The turns of steps that run a block."""

    bound: Bound

    def take(
        self, step: ConduitStep, block: Block[..., Any], tries: int
    ) -> Paused | Coroutine[Any, Any, Paused | None] | None:
        """Run a step to its final status, or say why the run pauses before it.

        Most steps need no waiting, and a coroutine for nothing costs as much as a plain block's call. Where something
        has to be awaited, what is given is a coroutine that does it.

        Args:
            step: it passed every check and is neither skipped nor cancelled.
            block: its block.
            tries: tries used up before this run.
        """
        self.step, self.block, self.tries = step, block, tries
        self.expansion = self.draft = None
        self.bound = NOTHING_BOUND
        self.world.begin(step.timeout)
        try:
            if step.if_condition is not None and not self.is_met(step.if_condition):
                step.status = ConduitStatus.IF_CONDITION_FAILED
                return None
            arguments = self._arguments(step.parameters)
            if self.invocation is not None and self.needs_another(self.invocation):
                return self.pause()
            answer = self.ask(step) if self.ask is not None else None
            if answer is not None or block.is_coroutine or step.retry is not None:
                return self._take_awaiting(arguments, answer)
            ended = self._try(arguments)
        except OutOfInvocation:
            return self.pause()
        except Failure as failure:
            ended = failure
        if isinstance(ended, Failure):
            self.fail(ended)
            return None
        return ended  # type: ignore[return-value]  # a coroutine function went the other way

    async def _take_awaiting(self, arguments: dict[str, Any], answer: Answer) -> Paused | None:
        """The rest of `take`, where an answer, the block, or the time until the next try is waited for."""
        try:
            if isinstance(answer, Awaitable):
                answer = await answer
            if isinstance(answer, Paused):
                return answer
            if answer is not None:
                self.fail(Failure.of_status(answer))
                return None
            while True:
                tried = self._try(arguments)
                ended = await tried if isinstance(tried, Coroutine) else tried
                if not isinstance(ended, Failure):
                    return ended
                wait = self._wait_before_retry(ended)
                if wait is None:
                    self.fail(ended)
                    return None
                if isinstance(wait, Paused):
                    return wait
                await self.runtime.sleep(wait)
                self.world.begin(self.step.timeout)
                arguments = self._arguments(self.step.parameters)
        except OutOfInvocation:
            return self.pause()
        except Failure as failure:
            self.fail(failure)
            return None

    def _arguments(self, written: Any) -> dict[str, Any]:
        """What the block is called with.

        Raises:
            Failure: INVALID_ARGUMENT, INVALID_TYPE or RESULT_LIMIT_EXCEED.
        """
        block, contexts, self.expansion = self.block, self.contexts or self.job.contexts, None
        if type(written) is not dict and not isinstance(written, Mapping):
            raise Failure(ConduitStatus.INVALID_TYPE, "`parameters` is a dictionary of the block's parameters")
        try:
            if block.in_place:
                resolved, self.bound = resolve_and_bind(block, written, contexts, self.charge_tags, self.world)
            else:
                resolved = resolve(written, contexts, self.charge_tags, self.world)
            return block.validate(resolved)
        except REFUSED as error:
            raise refusal_of(block, error) from None

    def _positionals(self) -> tuple[Any, ...]:
        job, values = self.job, list[Any]()
        charge = Budget(self.runtime.limits.record, f"what {self.block.action} builds").charge
        for name in self.block.positional:
            if name == JOB:
                self.draft = VariablesDraft(job.store.values, charge)
                values.append(JobForBlock(job.id, job.name, job.tags, self.draft))
            elif name == CALL:
                key = f"{job.execution.key}/{self.step.position}"
                ends_at, fence = self.began + self.seconds, job.execution.fence
                facts: Any = {"path": self.step.path, "timeout": self.step.timeout}
                facts["can_fail"] = self.limiter != "invocation"
                values.append(StepCall(key, fence, ends_at, self.now, charge, run_in_child, **facts))
            else:
                world = {"clock": self.now, "entropy": self.runtime.entropy}
                values.append(global_value(self.block, name, job.global_values, world))
        return tuple(values)

    def _declared(self) -> float:
        """The seconds that the step or its block was given; infinite where neither was."""
        own, block = self.step.timeout, self.block.timeout
        if own is None:
            return inf if block is None else block
        return own if block is None else min(own, block)

    def needs_another(self, invocation: InvocationTime) -> bool:
        """Whether a new invocation would serve the step better than what is left of this one."""
        left = invocation.ends_at - self.now()
        declared = self._declared()
        needed = declared if declared <= invocation.fresh and declared < inf else LEAST_TIME
        return left <= 0 or (left < needed and not self.fresh)

    def _try(self, arguments: dict[str, Any]) -> Tried | Coroutine[Any, Any, Tried]:
        """Run the block once, unless the invocation is over; ``None`` when the step is DONE.

        Of a coroutine function, what is given is a coroutine that does the rest.

        Raises:
            Failure: a limit has passed already. Trying again would not help.
        """
        step, block, began = self.step, self.block, self.now()
        seconds, limiter = self.run_ends_at - began, self.run_limiter
        # The earliest counts. Where two are equal, the step's own comes before the block's, and that before the run's.
        if block.timeout is not None and block.timeout <= seconds:
            seconds, limiter = block.timeout, "block"
        if step.timeout is not None and step.timeout <= seconds:
            seconds, limiter = step.timeout - self.world.used, "step"
        self.began, self.seconds, self.limiter = began, seconds, limiter
        if seconds <= 0:
            if limiter == "invocation":
                return self.pause()
            raise self.limit_failure(0.0)
        if step.started_at is None:
            step.started_at = began
        step.attempts += 1
        self.fresh = False
        if block.is_coroutine:
            return self._await_block(arguments)
        try:
            if block.isolation is not None:
                result = run_in_child(partial(block.function, **arguments), seconds)
            else:
                positionals = self._positionals() if block.positional else ()
                if seconds == inf:
                    result = block.function(*positionals, **arguments)
                else:
                    result = self.runtime.alarm.call(block.function, positionals, arguments, seconds)
        except BaseException as error:  # noqa: BLE001  # whatever a block raises is its step's outcome
            return self.outcome_of(error)
        return self._keep(result, arguments)

    async def _await_block(self, arguments: dict[str, Any]) -> Tried:
        try:
            function, positionals = self.block.function, self._positionals()
            result = await self.runtime.alarm.wait(function, positionals, arguments, self.seconds)
        except BaseException as error:
            if not isinstance(error, StepTimeout) and ends_the_run(error):
                raise
            return self.outcome_of(error)
        return self._keep(result, arguments)

    def outcome_of(self, error: BaseException) -> Failure | Paused:
        """What a block's exception means for its step."""
        if not isinstance(error, StepTimeout) or self.seconds == inf:  # without a limit it is no alarm's, but made up
            return failure_of(error)
        if self.limiter != "invocation":
            ran = max(0.0, self.now() - self.began)
            return self.limit_failure(ran)
        # The invocation ended while the block ran: not the step's fault, so it runs again, unless it must not.
        if self.block.effect != "at_most_once":
            return self.pause(cut=True)
        return Failure(ConduitStatus.INTERRUPTED, "the invocation ended while the block ran; it is never run twice")

    def _wait_before_retry(self, failure: Failure) -> float | Paused | None:
        """Seconds until the next try, a pause if that is another invocation's, or ``None`` if there is none."""
        self.tries += 1
        retry = self.step.retry
        if retry is None or not retry.covers(failure.status, failure.details) or self.tries >= retry.attempts:
            return None
        if self.block.effect == "at_most_once":
            return None  # it failed after it had begun: its effect may have happened
        wait = retry.wait_after(self.tries, self.runtime.random, failure.retry_after)
        declared = self._declared()
        done_by = self.now() + wait + (declared if declared < inf else LEAST_TIME)
        if self.runtime.job_ends_at is not None and done_by > self.runtime.job_ends_at:
            return None
        invocation = self.invocation
        if invocation is not None and done_by > invocation.ends_at:
            return self.pause(wait)
        return wait

    def _keep(self, result: Any, arguments: dict[str, Any]) -> Failure | None:
        """Take the result in and end the step DONE, or say why it cannot be kept."""
        step, bound = self.step, self.bound
        changes = {name: arguments[own] for own, name in bound.items() if own in arguments} if bound else NO_CHANGES
        try:
            self.store.keep(step, result, changes, self.draft, self.runtime.limits)
        except UnstorableValueError as error:
            return Failure(ConduitStatus.RESULT_LIMIT_EXCEED, str(error))
        finished = self.now()
        step.finished_at = finished if finished > self.began else self.began  # noqa: FURB136  # `max` costs a call
        step.status = _DONE
        return None
