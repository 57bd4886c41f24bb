"""One step's turn: its condition, its arguments, its tries, and its kept result."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from functools import partial
from math import inf
from typing import Any, Final

from blocks.block import Block
from handler.engine.again import after_failure, after_return, calls_so_far, is_ready, resume
from handler.engine.alarm.alarm import StepTimeout
from handler.engine.arguments import REFUSED, Bound, refusal_of, resolve_and_bind
from handler.engine.awaited import Awaited, unwrapped
from handler.engine.child import run_in_child
from handler.engine.failure import Failure, ends_the_run, failure_of
from handler.engine.language.meter import LONG
from handler.engine.language.tags import resolve, resolve_object
from handler.engine.outcome import Paused
from handler.engine.provided import positional_arguments
from handler.engine.status import DONE, NONE, ConduitStatus
from handler.engine.step import ConduitStep
from handler.engine.step_turn import LEAST_TIME, NO_CHANGES, Answer, StepTurn
from handler.engine.step_world import OutOfInvocation
from handler.engine.time_needed import declared_seconds, is_enough
from handler.engine.values import UnstorableValueError
from handler.engine.variables import Kept

_VALUES: Final = frozenset({str, int, float, bool, type(None), list, dict, tuple})  # types that cannot be awaited
Tried = Kept | Failure | Paused


class StepRunner(StepTurn):
    """The turns of steps that run a block."""

    bound: Bound
    polls: int

    def take(self, step: ConduitStep, block: Block[..., Any]) -> Paused | Coroutine[Any, Any, Paused | None] | None:
        """Run a step to its final status, or return why the run pauses before it.

        Most steps await nothing, and an idle coroutine costs as much as a plain block's call: a coroutine is returned
        only if there is something to await. The step has passed every check.
        """
        self.step, self.block, world = step, block, self.world
        world.timeout, world.began = step.timeout, None  # like `begin`
        try:
            if step.retry is not None:
                resume(self, self.waiting)
            if step.if_condition is not None and self.waiting is None and not self.is_met(step.if_condition):
                step.status = ConduitStatus.IF_CONDITION_FAILED
                return None
            written = step.parameters
            if self.taken or not block.is_plain or type(written) is not dict or self.contexts is None:
                arguments = self._arguments(written)
            else:  # as `_arguments` does it; the call would take 2 % more CPU of a job in the engine
                try:
                    resolved = resolve_object(written, self.contexts, self.charge_tags, world)
                    if world.spent > LONG:
                        world.check()
                    arguments = block.validate(resolved)
                except REFUSED as error:
                    raise refusal_of(block, error) from None
            if self.is_watched or step.retry is not None:
                limit = self.invocation
                if limit is not None and not is_enough(limit, self.now, step, block, fresh=self.fresh):
                    return self.pause()
                answer = self.ask(step) if self.ask is not None else None
                if answer is not None or step.retry is not None:
                    return self._take_awaiting(arguments, answer)
            ended = self._try(arguments)
        except OutOfInvocation:
            return self.pause()
        except Failure as failure:
            ended = failure
        kind = type(ended)
        if kind is tuple:
            step.return_value, step.result_json, size, changes, weight = ended  # type: ignore[misc]  # kept
            self.store.results_size += size
            if changes is not None or weight:
                self.store.take_more(step, changes, weight)
                self.count_work()
            finished, began = self.now(), self.began
            step.finished_at = finished if finished > began else began  # noqa: FURB136  # `max` costs a call
            step.status = DONE
            return None
        if kind is Failure:
            return self.fail(ended)  # type: ignore[arg-type, func-returns-value]  # by its type
        if kind is Paused:
            return ended  # type: ignore[return-value]
        return self._take_awaiting(arguments, None, ended)  # type: ignore[arg-type]  # a coroutine

    async def _take_awaiting(
        self, arguments: dict[str, Any], answer: Answer, tried: Coroutine[Any, Any, Tried] | None = None
    ) -> Paused | None:
        """The rest of `take` if something is awaited: a listener's answer, a block, or the time until the next call."""
        try:
            if isinstance(answer, Awaitable):
                answer = await answer
                if answer is None and not is_enough(self.invocation, self.now, self.step, self.block, fresh=self.fresh):
                    return self.pause()  # a write or other jobs took the time during the wait
            if isinstance(answer, Paused):
                return answer
            if answer is not None:
                self.fail(Failure.of_status(answer))
                return None
            while True:
                ended: Any = tried if tried is not None else self._try(arguments)
                if isinstance(ended, Coroutine):
                    ended = await ended
                if isinstance(ended, Paused):
                    return ended
                rested = await self._again(ended)
                if isinstance(rested, Paused):
                    return rested
                if rested is not None:
                    self.fail(Failure.of_status(rested))
                if self.step.status is not NONE:
                    return None
                self.world.begin(self.step.timeout)
                tried, arguments = None, self._arguments(self.step.parameters)
        except OutOfInvocation:
            return self.pause(waiting=calls_so_far(self))
        except Failure as failure:
            self.fail(failure)
            return None

    async def _again(self, ended: Kept | Failure) -> Paused | ConduitStatus | None:
        """End the step, or wait until its block is called again."""
        if isinstance(ended, Failure):
            wait = after_failure(self, ended)
            if wait is None:
                self.fail(ended)
                return None
            self.step.tries = self.tries  # a block with an effect is marked again, with the new count
            known = {"error": ended.describe(), "polls": self.polls}
            return await self.rest(self.now() + wait, known, "retry", self.needed_again())
        poll = self.step.poll
        if poll is None or is_ready(self, poll, ended):
            self._end(ended)
            return None
        self.polls += 1
        every = after_return(self, poll)
        until = min(self.now() + every, self.around_ends_at)  # at the limit, the next call fails
        return await self.rest(until, {"polls": self.polls}, needed=self.needed_again())

    def needed(self) -> float:
        """Return the seconds for a call of the block."""
        declared = declared_seconds(self.step, self.block)
        return declared if declared < inf else LEAST_TIME

    def needed_again(self) -> float:
        """Return the seconds for a further call: the time of the last call. With less, each call might be stopped."""
        return max(self.needed(), self.now() - self.began)

    def _arguments(self, written: Any) -> dict[str, Any]:
        """Return the arguments of the block.

        Raises:
            Failure: INVALID_ARGUMENT, INVALID_TYPE or RESULT_LIMIT_EXCEED.
        """
        block, contexts = self.block, self.contexts or self.job.contexts
        if self.taken:
            self.refill()
        if self.world.spent > LONG:
            self.world.check()
        if type(written) is not dict and not isinstance(written, Mapping):
            raise Failure(ConduitStatus.INVALID_TYPE, "`parameters` is a dictionary of the block's parameters")
        try:
            if block.in_place:
                resolved, self.bound = resolve_and_bind(block, written, contexts, self.charge_tags, self.world)
            else:
                resolved = resolve(written, contexts, self.charge_tags, self.world)
            if self.world.spent > LONG:
                self.world.check()
            return block.validate(resolved)
        except REFUSED as error:
            raise refusal_of(block, error) from None

    def _try(self, arguments: dict[str, Any]) -> Tried | Coroutine[Any, Any, Tried]:
        """Run the block once, unless the invocation is over; return the result to keep, or a coroutine that will.

        Raises:
            Failure: a limit has already passed. Another try would not help.
        """
        step, block, began = self.step, self.block, self.now()
        seconds, limiter = self.run_ends_at - began, self.run_limiter
        # The earliest counts. Of equal ones, the step's own comes before the block's, and the block's before the run's.
        if block.timeout is not None and block.timeout <= seconds:
            seconds, limiter = block.timeout, "block"
        if step.timeout is not None and step.timeout <= seconds:
            seconds, limiter = step.timeout - self.world.used, "step"
        self.began, self.seconds, self.limiter = began, seconds, limiter
        if seconds <= 0:
            if limiter == "invocation":
                return self.pause()
            raise self.limit_failure(0.0)
        step.started_at = began
        step.attempts += 1
        self.fresh = False
        given: Any
        try:
            if seconds < inf or not block.is_plain:
                if block.is_coroutine:
                    return self._await_block(arguments)
                if block.isolation is not None:
                    return self._kept(run_in_child(partial(block.function, **arguments), seconds), arguments)
                if seconds < inf:
                    given = self.runtime.alarm.call(self._call, (arguments,), {}, seconds)
                else:
                    given = self._call(arguments)
            else:  # like `_call`, without a call
                result = block.function(**arguments)
                if type(result) in _VALUES or not hasattr(type(result), "__await__"):
                    try:
                        return self.store.prepare(result, NO_CHANGES, None, self.runtime.limits)
                    except UnstorableValueError as error:
                        return Failure(ConduitStatus.RESULT_LIMIT_EXCEED, str(error))
                given = Awaited(result)
        except BaseException as error:  # noqa: BLE001  # any error of a block is its step's outcome
            return self.outcome_of(error)
        if type(given) is tuple:  # the result to keep: the usual case
            return given
        if type(given) is Awaited:
            return self._await_result(given.awaitable, arguments)
        return self.outcome_of(given) if isinstance(given, StopIteration) else given

    def _call(self, arguments: dict[str, Any]) -> Kept | Failure | StopIteration | Awaited:
        """Call the block and prepare its result: both count against the step's time."""
        block = self.block
        try:
            if block.positional:
                result = block.function(*positional_arguments(self), **arguments)
            else:
                result = block.function(**arguments)
        except StopIteration as error:  # wrapped: an iterator would treat it as its own end
            return error
        if type(result) not in _VALUES and hasattr(type(result), "__await__"):
            return Awaited(result)  # from a decorated coroutine function or a callable object
        return self._kept(result, arguments)

    def _await_block(self, arguments: dict[str, Any]) -> Coroutine[Any, Any, Tried]:
        async def call() -> Any:
            return await self.block.function(*positional_arguments(self), **arguments)

        return self._wait_for(call, arguments, self.seconds)

    def _await_result(self, awaitable: Awaitable[Any], arguments: dict[str, Any]) -> Coroutine[Any, Any, Tried]:
        async def wait() -> Any:
            return await awaitable

        return self._wait_for(wait, arguments, self.seconds - (self.now() - self.began))

    async def _wait_for(self, begin: Callable[[], Awaitable[Any]], arguments: dict[str, Any], seconds: float) -> Tried:
        async def call_and_keep() -> Any:
            return self._kept(await begin(), arguments)

        try:
            kept: Tried = await self.runtime.alarm.wait(call_and_keep, (), {}, seconds)
        except BaseException as error:
            if not isinstance(error, StepTimeout) and ends_the_run(error):
                raise
            return self.outcome_of(unwrapped(error))
        return kept

    def outcome_of(self, error: BaseException) -> Failure | Paused:
        """Return the step's outcome for a block's exception."""
        if not isinstance(error, StepTimeout) or self.seconds == inf:  # without a limit, the alarm did not raise it
            return failure_of(error)
        if self.limiter != "invocation":
            return self.limit_failure(max(0.0, self.now() - self.began))
        # The invocation ended while the block ran, through no fault of the step: it runs again, unless at most once.
        if self.block.effect != "at_most_once":
            return self.pause(waiting=calls_so_far(self), cut=True)
        return Failure(ConduitStatus.INTERRUPTED, "the invocation ended while the block ran; it is never run twice")

    def _kept(self, result: Any, arguments: dict[str, Any]) -> Kept | Failure:
        """Return the step's result to keep, or the failure if it cannot be kept."""
        block, changes = self.block, NO_CHANGES
        if block.in_place:
            changes = {name: arguments[own] for own, name in self.bound.items() if own in arguments}
        draft = self.draft if block.positional else None
        try:
            return self.store.prepare(result, changes, draft, self.runtime.limits)
        except UnstorableValueError as error:
            return Failure(ConduitStatus.RESULT_LIMIT_EXCEED, str(error))

    def _end(self, kept: Kept) -> None:
        """End the step as DONE."""
        step = self.step
        self.store.take(step, kept)
        finished = self.now()
        step.finished_at = finished if finished > self.began else self.began  # noqa: FURB136  # `max` costs a call
        step.status = DONE
