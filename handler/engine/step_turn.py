"""The common part of every step's turn: limits, evaluation, and the end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from math import inf
from typing import Any, Final, Protocol

from blocks.block import BudgetExceededError
from handler.engine.answers import Answers
from handler.engine.arguments import evaluate, is_met
from handler.engine.call import VariablesDraft
from handler.engine.failure import Failure
from handler.engine.language.meter import LONG
from handler.engine.limits import TimeLimit, earliest_end
from handler.engine.outcome import Execution, Paused
from handler.engine.runtime import SYSTEM, Runtime, steady_clock
from handler.engine.status import DONE, ConduitStatus
from handler.engine.step import ConduitStep
from handler.engine.step_world import StepWorld
from handler.engine.values import UnstorableValueError
from handler.engine.variables import Variables

LEAST_TIME: Final = 0.1
"""Seconds that must be left to start a step without a declared timeout."""
LEAST_TIME_ONCE: Final = 5.0
"""The same for an at-most-once block: if the invocation's end stops it, its job fails."""
LONGEST_SLEEP: Final = 5.0
"""The longest sleep of an invocation, in seconds; for longer waits it releases the job."""
BYTES_OF_STEP: Final = 16
"""Bytes of expanded tags that count as one evaluation step of the run."""
NO_CHANGES: Final[dict[str, Any]] = {}


class RunningJob(Protocol):
    """The view of the job in a step's turn."""

    id: str | None
    name: str | None
    tags: frozenset[str]
    global_values: Mapping[str, Any]
    store: Variables
    answers: Answers | None

    @property
    def execution(self) -> Execution: ...
    @property
    def contexts(self) -> Mapping[str, Any]: ...


Answer = Paused | ConduitStatus | Awaitable[Paused | ConduitStatus | None] | None
Ask = Callable[[ConduitStep], Answer]


class StepTurn:
    """The turns of one job's steps in one run. They come one after another, so one object serves them all.

    Args:
        job: the job.
        runtime: the world; ``None`` for the system's.
        ask: called before a block begins, or ``None``.
        contexts: the contexts of tags; ``None`` if the job makes its own for each step.

    Attributes:
        tries: tries of the step's `retry` that are used up.
        draft: the variables that the current block changes through ``job__``.
        waiting: the recorded data of a wait of this step that has begun.
        limit_path: the path of the loop whose limit is the earliest.
        around_ends_at: when loops around the step or the job must end, independent of the invocation.
    """

    # The defaults of what few jobs set.
    tries: int = 0
    draft: VariablesDraft | None = None
    waiting: Mapping[str, Any] | None = None
    limit_path: str | None = None
    around_ends_at: float = inf

    def __init__(
        self, job: RunningJob, runtime: Runtime | None, ask: Ask | None, contexts: Mapping[str, Any] | None
    ) -> None:
        self.job, self.store = job, job.store
        self.now: Callable[[], float] = runtime.now if runtime is not None else steady_clock()
        self.runtime = runtime = runtime if runtime is not None else SYSTEM
        self.invocation = runtime.invocation
        self.ask = ask
        self.is_watched = ask is not None or runtime.invocation is not None
        self.contexts: Any = contexts
        # Nothing has run in this invocation: the job's first step takes the time that is left.
        self.fresh = runtime.invocation is None or not runtime.invocation.is_used
        self.taken = 0  # bytes to which the step's tags have expanded
        self.base_end = earliest_end(runtime.job_ends_at, runtime.invocation)
        self.run_ends_at, self.run_limiter = self.base_end
        self.world = StepWorld(runtime.alarm, self.now, self.run_ends_at, self.run_limiter)

    def limit(self, ends_at: float, limiter: str, path: str | None = None) -> None:
        """Set a limit from around the step, if it is earlier than the present limit."""
        self.around_ends_at = min(self.around_ends_at, ends_at)
        if ends_at < self.run_ends_at:
            self.run_ends_at, self.run_limiter, self.limit_path = ends_at, limiter, path
            self.world.end_at(ends_at, limiter, path)

    def lift_limits(self) -> None:
        """Remove the limits that `limit` has set."""
        self.run_ends_at, self.run_limiter = self.base_end
        self.around_ends_at = inf
        self.world.end_at(*self.base_end)

    def limit_failure(self, ran: float) -> Failure:
        """Return TIME_LIMIT_EXCEED with the limit that ended the step."""
        path = self.limit_path if self.limiter == "loop" else None
        return Failure.of_limit(TimeLimit(self.seconds, self.limiter, path), ran)

    def forget(self) -> None:
        """Drop the state that only some turns leave: tries, and the data of a wait."""
        self.tries, self.waiting = 0, None

    def begin(self, step: ConduitStep) -> Paused | None:
        """Begin the turn of a step that runs no block; return a pause if this invocation has no time for it.

        Raises:
            Failure: a limit has passed already.
        """
        self.step = step
        self.refill()
        self.world.begin(None)
        self.began = began = self.now()
        self.seconds, self.limiter = self.run_ends_at - began, self.run_limiter
        if self.invocation is not None:
            left = self.invocation.ends_at - began
            if left <= 0 or (left < LEAST_TIME and not self.fresh):
                return self.pause()
        if self.seconds <= 0:
            raise self.limit_failure(0.0)
        if self.world.spent > LONG:
            self.world.check()
        return None

    def is_met(self, condition: Any, contexts: Mapping[str, Any] | None = None) -> bool:
        """Return whether a condition is met.

        Raises:
            Failure: it cannot be evaluated.
        """
        if self.world.spent > LONG:  # a step whose condition does not hold evaluates nothing else
            self.world.check()
        met = is_met(condition, contexts or self.contexts or self.job.contexts, self.charge_tags, self.world)
        self.refill()
        return met

    def evaluate(self, value: Any, contexts: Mapping[str, Any] | None = None) -> Any:
        """Return the user's value with its tags and expressions replaced.

        Raises:
            Failure: it cannot be evaluated.
        """
        value = evaluate(value, contexts or self.contexts or self.job.contexts, self.charge_tags, self.world)
        if self.world.spent > LONG:
            self.world.check()
        return value

    def refill(self) -> None:
        """Reset the step's budget for tags. The bytes taken so far count for the run."""
        self.world.spent += self.taken // BYTES_OF_STEP
        self.taken = 0
        self.count_work()

    def count_work(self) -> None:
        """Count, for the run, the work of keeping or refusing a value."""
        self.world.spent += self.store.work
        self.store.work = 0

    def charge_tags(self, size: int) -> None:
        """Count the bytes to which tags of the condition or the parameters expand: few in most steps."""
        taken = self.taken + size
        if taken > (limit := self.runtime.limits.parameters):  # a refused value is not built and is no work
            raise BudgetExceededError(
                f"what the tags of the step expand to would take {taken:,} bytes; the limit is {limit:,}"
            )
        self.taken = taken

    def pause(self, resume_in: float = 0.0, waiting: dict[str, Any] | None = None, *, cut: bool = False) -> Paused:
        """Stop the run before this step."""
        step = self.step
        return Paused(step.position, self.tries, resume_in, cut, step.path, waiting)

    async def rest(
        self, until: float, known: dict[str, Any], why: str = "time", needed: float = 0.0
    ) -> Paused | ConduitStatus | None:
        """Sleep in this invocation if the wait is short; else return a pause.

        Args:
            until: the time at which the step continues.
            known: the data of the step that a resumed run needs.
            why: ``time`` or ``retry``. A short wait for a retry without time in this invocation is only a hand-over.
            needed: seconds of this invocation that are needed after the wait.

        Returns:
            A pause; or the status that the step got instead; or ``None`` if the time has come.
        """
        step, invocation = self.step, self.invocation
        wait = until - self.now()
        if wait <= 0 and why != "retry":
            return None
        note = {"for": why, "path": step.path, "until": until, "attempts": step.attempts, **known}
        note["began"] = note["started_at"] = step.started_at
        note["finished_at"] = self.now()
        is_long = wait > LONGEST_SLEEP
        if invocation is not None and (is_long or until + needed > invocation.ends_at):
            is_known = is_long or why == "time" or step.poll is not None
            return self.pause(wait, note if is_known else None)
        answer = self.ask(step) if self.ask is not None else None
        if isinstance(answer, Awaitable):
            answer = await answer
        if isinstance(answer, Paused):
            return self.pause(wait, note)
        if answer is None and wait > 0:
            await self.runtime.sleep(wait)
        return answer

    def finish(self, result: Any, changes: dict[str, Any] = NO_CHANGES) -> None:
        """End a step without a block as DONE, with its result and the variables that it changed.

        Raises:
            Failure: the result or the variables cannot be kept.
        """
        step = self.step
        try:
            self.store.take(step, self.store.prepare(result, changes, None, self.runtime.limits))
        except UnstorableValueError as error:
            raise Failure(ConduitStatus.RESULT_LIMIT_EXCEED, str(error)) from None
        finally:
            self.count_work()
        step.started_at = self.began if step.started_at is None else step.started_at
        step.finished_at = max(self.now(), step.started_at)
        step.status = DONE

    def fail(self, failure: Failure) -> None:
        """End the step with a failure."""
        step = self.step
        self.count_work()
        if self.world.spent > LONG:
            self.taken = self.runtime.limits.parameters  # makes the next step check the world before it copies anything
        step.status = failure.status
        step.error = self.store.charge_error(failure.describe(), self.runtime.limits)
        step.return_value = failure.release()
        if step.started_at is not None:
            step.finished_at = max(self.now(), step.started_at)
