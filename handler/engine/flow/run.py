"""The loop that runs a job's steps, one after another, from the walk's place on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from functools import cached_property
from typing import Any, Protocol

from blocks.block import Block
from handler.engine.failure import Failure
from handler.engine.flow.loop import Close
from handler.engine.flow.turns import FlowTurns, Waiting
from handler.engine.flow.walk import Frame, Walk
from handler.engine.flow.written import Choose, End
from handler.engine.outcome import Paused
from handler.engine.status import DONE, NONE, ConduitStatus
from handler.engine.step import ConduitStep
from handler.engine.turn import StepRunner

Listener = Callable[..., Any]
Taken = Paused | Coroutine[Any, Any, Paused | None] | None
"""The outcome of a turn: a pause, what must be awaited for one, or the step has its status."""


class Written(Protocol):
    """The part of the written steps that a run and restoring use."""

    limits_uses: bool

    def is_over(self, block: Block[..., Any]) -> bool:
        """Count a use of a block; return whether it exceeds the block's limit."""

    def begin_output(self) -> bool:
        """Begin the implicit last step, if it is next; return whether it is."""


class RunJob(Protocol):
    """The part of the job that the loop uses."""

    on_step_update: Listener | None
    on_step_open: Listener | None
    timeout_at: float | None
    tries: int
    attempts: int
    waiting: Waiting | None

    @property
    def written(self) -> Written: ...


class StepLoop:
    """Runs steps until the job ends or the run pauses.

    Args:
        job: the job.
        walk: its walk.
        turns: the turns of its steps.
    """

    def __init__(self, job: RunJob, walk: Walk, turns: StepRunner) -> None:
        self._job = job
        self._walk = walk
        self._turns = turns
        # Whether the next turn continues a turn of an earlier run.
        self._resumes = bool(job.tries or job.attempts or job.waiting)

    @cached_property
    def _flow(self) -> FlowTurns:
        """The turns of steps without a block, which most jobs do not need."""
        return FlowTurns(self._turns, self._walk)

    async def run(self) -> Paused | None:
        """Run until the end, or until there is a reason to pause."""
        walk, job = self._walk, self._job
        while True:
            frame = walk.frame
            self._turns.contexts = frame.scope.contexts
            paused = await self._run_list(frame)
            if paused is not None:
                return paused
            if walk.frame is not frame or frame.next < len(frame.steps):
                continue
            if frame.outer is None:
                if not job.written.begin_output():
                    return None
                frame.skips = frame.failed is not None  # a job that was ended early has an output, too
            elif frame.owner is None:
                walk.leave()
            else:
                paused = await self._go_on(frame)
                if paused is not None:
                    return paused

    async def _run_list(self, frame: Frame) -> Paused | None:
        """Run the steps of a list until its end, or until one of them opens another list.

        A loop's next item begins here, too: returning for each item would cost a third of a plain block. What is not
        called, but written out here, would cost each step 1 % of its time in the engine for each call: see
        docs/decisions/027-prices-of-speed.md.
        """
        walk, job, turns = self._walk, self._job, self._turns
        steps, inside, plain = frame.steps, frame.inside, frame.outer is None
        counts, most, is_timed = frame.counts, turns.runtime.limits.loop_records, self._is_timed()
        usual = self._is_usual(frame)
        while True:
            while (at := frame.next) < len(steps):
                number = walk.recorded + 1
                if plain:  # like `begin_turn`, without a call
                    step = frame.current = steps[at]
                    step.position = number
                else:
                    step = frame.begin_turn(number)
                block = step.block
                if not usual and job.attempts:
                    step.attempts, job.attempts = job.attempts, 0
                if (frame.skips or walk.cancelled or step.status is not NONE) and self._passes_over(step, frame):
                    taken: Taken = None
                elif block is None:
                    taken = self._take_flow(step, frame)
                elif usual and (block.max_uses is None or not counts):
                    taken = turns.take(step, block)
                else:
                    taken = self._take_unusual(step, block, frame)
                if taken is not None:
                    paused = taken if isinstance(taken, Paused) else await taken
                    if paused is not None:
                        return still_waiting(paused, turns.waiting)
                    if step.status is NONE:
                        return None  # it has opened a list of its own
                    turns.forget()
                if not usual:
                    usual = self._end_unusual(frame)
                frame.current, frame.next = None, at + 1
                walk.recorded = number
                if inside:
                    frame.latest = step
                    walk.in_loops += 1
                if step.status is not DONE or block is None:
                    follow(step, walk)
                if job.on_step_update is not None:
                    answer = job.on_step_update(job, step)
                    if answer is not None:
                        await settled(answer)
                if block is None and walk.frame is not frame:
                    return None
            if frame.owner is None or is_timed:
                return None
            if not frame.owner.moves_on(most):
                close = self._flow.next_of(frame.owner)
                if close is not None:
                    return await self._close(frame, close)
            steps = frame.steps

    def _is_usual(self, frame: Frame) -> bool:
        """Whether blocks without a limit of uses can skip `_take_unusual`."""
        return not (self._resumes or self._is_timed() or (frame.counts and self._job.written.limits_uses))

    def _take_unusual(self, step: ConduitStep, block: Block[..., Any], frame: Frame) -> Taken:
        """Take the turn of a block that has limits from outside the step, or continues a turn of an earlier run."""
        job, turns = self._job, self._turns
        if frame.counts and job.written.is_over(block):
            self._refuse(step, ConduitStatus.BLOCK_LIMIT_EXCEED)
            return None
        if self._is_timed():
            self._limit(frame)
        if self._resumes:
            turns.waiting, turns.tries = self._known_of(step), job.tries
            if job.tries:
                step.tries = job.tries
        return turns.take(step, block)

    def _end_unusual(self, frame: Frame) -> bool:
        """Drop the state of an earlier run for the turn that has ended; return whether the next turns are ordinary."""
        job = self._job
        self._turns.forget()
        job.tries = 0
        self._resumes = job.waiting is not None
        return self._is_usual(frame)

    async def _take_flow(self, step: ConduitStep, frame: Frame) -> Paused | None:
        """Take the turn of a step without a block, and record a step that opens a list."""
        walk, job = self._walk, self._job
        if self._is_timed():
            self._limit(frame)
        known = self._known_of(step)
        paused = await self._flow.take(step, known)
        if paused is not None or step.status is not NONE:
            return None if paused is None else still_waiting(paused, known)
        frame.end_turn(step)
        job.tries = 0
        walk.recorded += 1
        if frame.inside:
            walk.in_loops += 1
        if job.on_step_open is not None:
            await settled(job.on_step_open(job, step))
        return None

    async def _go_on(self, frame: Frame) -> Paused | None:
        """Continue or close the loop or try whose list has ended."""
        if self._is_timed():
            self._limit(frame)
        close = self._flow.next_of(frame.owner)
        return None if close is None else await self._close(frame, close)

    async def _close(self, frame: Frame, close: Close | Paused) -> Paused | None:
        """Close a loop or a try, unless this invocation has no time to evaluate its condition."""
        if isinstance(close, Paused):
            return close
        walk, job = self._walk, self._job
        step = frame.owner.step
        now = self._turns.now()
        if close.error is not None:
            close.error = self._turns.store.charge_error(close.error, self._turns.runtime.limits)
        end(step, close, walk)
        step.finished_at = max(now, step.started_at) if step.started_at is not None else now
        if job.on_step_update is not None:
            await settled(job.on_step_update(job, step))
        return None

    def _passes_over(self, step: ConduitStep, frame: Frame) -> bool:
        """Return whether a step does not run; it then gets its status, for the first reason that applies."""
        if self._walk.cancelled:
            self._refuse(step, ConduitStatus.CANCELLED)
        elif frame.skips and not step.forced:
            step.status = ConduitStatus.SKIPPED
        elif step.status is not NONE:
            self._refuse(step, step.status)
        else:
            return False
        return True

    def _refuse(self, step: ConduitStep, status: ConduitStatus) -> None:
        """Give a step that does not run the status of a failure, with its error."""
        turns = self._turns
        step.status = status
        step.error = turns.store.charge_error(Failure.of_status(status).describe(), turns.runtime.limits)

    def _known_of(self, step: ConduitStep) -> Waiting | None:
        """Return the state of this step's wait and remove it: after this turn, the wait is over."""
        known, self._job.waiting = self._job.waiting, None
        return known if known is not None and known.get("path") == step.path else None

    def _is_timed(self) -> bool:
        """Whether a loop or the job has a time limit."""
        return self._job.timeout_at is not None or self._walk.has_limits

    def _limit(self, frame: Frame) -> None:
        """Apply the time limits around a list to its next step; forced steps also run after such a limit."""
        turns, now = self._turns, self._turns.now()
        turns.lift_limits()
        if self._job.timeout_at is not None and not (frame.skips and self._job.timeout_at <= now):
            turns.limit(self._job.timeout_at, "job_timeout")
        for ends_at, loop in self._walk.timed():
            if not (frame.skips and ends_at <= now):
                turns.limit(ends_at, "loop", loop.path)


def still_waiting(paused: Paused, known: Waiting | None) -> Paused:
    """A pause that keeps the state of a wait, although this run did nothing: else the wait would be evaluated again."""
    if known is None or paused.waiting is not None:
        return paused
    return replace(paused, waiting=dict(known))


def follow(step: ConduitStep, walk: Walk) -> None:
    """Move the walk after a step that has ended, and has failed, chosen a branch or ended something early."""
    spec = step.spec
    if step.status is not DONE:
        walk.settle(step)
    elif isinstance(spec, Choose):
        branch = spec.branch(step.return_value["branch"])
        if branch:
            walk.open(branch, None)
    elif isinstance(spec, End):
        walk.skip_rest(spec.what)


def end(step: ConduitStep, close: Close, walk: Walk) -> None:
    """Close a loop or a try: its record is the next one."""
    owner = walk.frame.owner
    walk.leave()
    step.closed_at = walk.count()
    step.status, step.error = close.status, close.error
    if close.status is DONE:
        step.return_value = owner.result
    else:
        walk.settle(step, close.cause)


async def settled(answer: Any) -> Any:
    """Await the answer of a listener if it is ``async``, and return it."""
    return await answer if isinstance(answer, Awaitable) else answer
