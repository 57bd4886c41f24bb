"""The turns of steps without a block: they evaluate their fields and make results."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from handler.engine.arguments import REFUSED, failure_of_value
from handler.engine.failure import Failure
from handler.engine.flow.asked import take_answer
from handler.engine.flow.attempt import Attempt
from handler.engine.flow.items import ForEachLoop
from handler.engine.flow.loop import Close, WhileLoop
from handler.engine.flow.walk import Walk
from handler.engine.flow.written import Choose, End, ForEach, Output, SetVariables, Wait, WaitFor
from handler.engine.language.clock import format_time, parse_time
from handler.engine.language.json_values import name_with_article
from handler.engine.language.paths import Tag
from handler.engine.language.tags import read, resolve_name
from handler.engine.outcome import Paused
from handler.engine.status import ConduitStatus
from handler.engine.step import ConduitStep
from handler.engine.step_turn import StepTurn
from handler.engine.step_world import OutOfInvocation
from handler.engine.values import UnstorableValueError, keep, size_of

LONGEST: Final = 1e11
"""Seconds, about three thousand years: longer waits and longer `timeout`s of jobs are shortened to this.

A float cannot hold an integer of 400 digits, and a table no number above 1e126.
"""
Waiting = Mapping[str, Any]
Taken = Paused | None


class FlowTurns:
    """The turns of a job's steps without a block.

    Args:
        turns: the common part of all turns.
        walk: the job's walk; steps that open a list move it.
    """

    def __init__(self, turns: StepTurn, walk: Walk) -> None:
        self._turns = turns
        self._walk = walk

    async def take(self, step: ConduitStep, waiting: Waiting | None) -> Taken:
        """Run a step to its final status, or return why the run pauses before it.

        A loop or a try that begins keeps the status NONE; the walk is then before its first inner step.

        Args:
            step: a step that has passed all checks and is neither skipped nor cancelled.
            waiting: the state of its wait, if it has begun.
        """
        turns = self._turns
        try:
            paused = self._begin(step)
            if paused is not None:
                return paused
            if waiting is None and step.if_condition is not None and not turns.is_met(step.if_condition):
                step.status = ConduitStatus.IF_CONDITION_FAILED
                return None
            return await self._dispatch(step, waiting)
        except Failure as failure:
            turns.fail(failure)
            return None
        except OutOfInvocation:
            return turns.pause()

    def _begin(self, step: ConduitStep) -> Paused | None:
        """Like `StepTurn.begin`, but a step that has an answer never times out."""
        turns = self._turns
        try:
            return turns.begin(step)
        except Failure:
            answers = turns.job.answers
            if step.kind != WaitFor.kind or answers is None or step.path not in answers.given:
                raise
            return None

    async def _dispatch(self, step: ConduitStep, waiting: Waiting | None) -> Taken:
        spec: Any = step.spec
        match spec.kind:
            case "for_each":
                self._open_for_each(step, spec)
            case "while":
                self._open(step, {})
                WhileLoop(self._walk, step).ends_at = self._end_of(step)
            case "try":
                self._open(step, {})
                Attempt(self._walk, step)
            case "choose":
                self._turns.finish({"branch": self._choose(spec)})
            case "set":
                self._set(spec)
            case "end":
                self._turns.finish(self._message(cast("End", spec)))
            case "output":
                self._turns.finish(self._turns.evaluate(cast("Output", spec).value))
            case "wait":
                return await self._wait(step, spec, waiting)
            case "wait_for":
                return take_answer(self._turns, step, spec, waiting)
        return None

    # ------------------------------------------------------------------ loops and tries

    def _open_for_each(self, step: ConduitStep, spec: ForEach) -> None:
        limits = self._turns.runtime.limits
        items = self.items_of(spec)
        records = len(items) * len(spec.do)
        if records > limits.loop_records:
            message = f"{len(items):,} items with {len(spec.do)} steps each make {records:,} records; "
            message += f"a job may have {limits.loop_records:,} inside loops"
            raise Failure(ConduitStatus.STEP_LIMIT_EXCEED, message)
        if is_recorded(spec.items):
            self._open(step, {"count": len(items)})
        else:
            items = self._open(step, {"count": len(items), "list": items})["list"]
        ForEachLoop(self._walk, step, items).ends_at = self._end_of(step)

    def items_of(self, spec: ForEach) -> list[Any]:
        """The items of a list or of an object.

        Raises:
            Failure: the value cannot be evaluated, is neither a list nor an object, or has too many items.
        """
        items, most = self._turns.evaluate(spec.items), self._turns.runtime.limits.items
        if not isinstance(items, (list, Mapping)):
            message = f"`for_each` goes over a list or an object; this is {name_with_article(items)}"
            raise Failure(ConduitStatus.INVALID_TYPE, message)
        if len(items) > most:
            message = f"the list has {len(items):,} items; the limit is {most:,}"
            raise Failure(ConduitStatus.STEP_LIMIT_EXCEED, message)
        return items if isinstance(items, list) else [{"key": key, "value": items[key]} for key in items]

    def _open(self, step: ConduitStep, opened: dict[str, Any]) -> dict[str, Any]:
        """Set the data for the *open* record."""
        turns = self._turns
        opened["started_at"] = turns.began
        try:
            weight = turns.store.weigh_list(opened.get("list"), turns.runtime.limits)
            kept, text = keep(opened, turns.runtime.limits.nesting + 1, weight=weight)
            turns.store.charge_record(size_of(text), weight, turns.runtime.limits)
        except UnstorableValueError as error:
            raise Failure(ConduitStatus.RESULT_LIMIT_EXCEED, str(error)) from None
        turns.count_work()
        step.started_at = turns.began
        step.opened, step.opened_json = kept, text
        return cast("dict[str, Any]", kept)

    def _end_of(self, step: ConduitStep) -> float | None:
        return None if step.timeout is None else self._turns.began + step.timeout

    def next_of(self, owner: Any) -> Close | Paused | None:
        """The end of a loop or a try after one of its lists; ``None`` if its next list begins."""
        turns, step = self._turns, owner.step
        owner.settle()

        def is_met() -> bool:
            paused = turns.begin(step)
            if paused is not None:
                raise _PausedError(paused)
            return turns.is_met(owner.spec.condition)

        try:
            close: Close | None = owner.decide(turns.now(), turns.runtime.limits, is_met)
        except _PausedError as error:
            return error.paused
        except Failure as failure:
            return Close.of(failure)
        except OutOfInvocation:
            return turns.pause()
        if close is None:
            owner.begin_next()
        return close

    # ------------------------------------------------------------------ choices, variables, messages

    def _choose(self, spec: Choose) -> int | str | None:
        for index, (condition, _) in enumerate(spec.branches):
            if self._turns.is_met(condition):
                return index
        return "else" if spec.otherwise else None

    def _set(self, spec: SetVariables) -> None:
        """Set variables in the order written; later values can read earlier ones."""
        turns = self._turns
        values: dict[str, Any] = {}
        base = turns.contexts or turns.job.contexts
        job = _JobWith(base["job"], turns.store.values, values)
        contexts = {**base, "job": job}
        for written, value in spec.values.items():
            try:
                name = resolve_name(written, contexts, turns.charge_tags, turns.world)
            except REFUSED as error:
                raise failure_of_value(error) from None
            values[name] = turns.evaluate(value, contexts)
        turns.finish(values, values)

    def _message(self, spec: End) -> Any:
        return None if spec.message is None else self._turns.evaluate(spec.message)

    # ------------------------------------------------------------------ waits

    async def _wait(self, step: ConduitStep, spec: Wait, waiting: Waiting | None) -> Taken:
        turns = self._turns
        if waiting is not None and waiting.get("began") is not None:
            step.started_at = float(waiting["began"])
        elif step.started_at is None:
            step.started_at = turns.began
        until = float(waiting["ends"]) if waiting is not None else self._until(spec)
        paused = await self._sleep_until(until)
        if paused is None:
            turns.finish(format_time(max(turns.now(), until) if until > turns.began else turns.now()))
        return paused

    def _until(self, spec: Wait) -> float:
        """The end of a wait.

        Raises:
            Failure: INVALID_TYPE if it is not a time; INVALID_ARGUMENT if the job's records expire before.
        """
        turns = self._turns
        if spec.until is not None:
            value = turns.evaluate(spec.until)
            try:
                until = parse_time(value) if isinstance(value, str) else None
            except ValueError as error:
                raise Failure.of_error(ConduitStatus.INVALID_TYPE, error) from None
            if until is None:
                raise Failure(ConduitStatus.INVALID_TYPE, "`until` must be a time such as 2026-11-26T19:00:00Z")
        else:
            value = turns.evaluate(spec.seconds)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < float("inf"):
                raise Failure(ConduitStatus.INVALID_TYPE, "`seconds` must be a number, 0 or more")
            until = turns.began + float(min(value, LONGEST))
        latest = turns.runtime.waits_end_by
        if until > turns.began and latest is not None and until > latest:
            message = f"the job's records expire earlier; a wait may last until {format_time(latest)}"
            raise Failure(ConduitStatus.INVALID_ARGUMENT, message)
        return until

    async def _sleep_until(self, until: float) -> Taken:
        """Wait until `until`, or until an earlier limit around the step.

        Raises:
            Failure: the limit came first, or `before_step` has refused the step.
        """
        turns = self._turns
        ends_at = turns.around_ends_at
        rested = await turns.rest(min(until, ends_at), {"ends": until})
        if isinstance(rested, ConduitStatus):
            raise Failure.of_status(rested)
        if rested is None and ends_at < until:
            raise turns.limit_failure(max(0.0, turns.now() - turns.began))
        return rested


class _PausedError(Exception):
    """The invocation has no time left to evaluate a condition."""

    def __init__(self, paused: Paused) -> None:
        super().__init__("paused")
        self.paused = paused


class _JobWith(Mapping[str, Any]):
    """``job`` for a `set` that has already set some of its variables."""

    def __init__(self, job: Mapping[str, Any], variables: Mapping[str, Any], values: Mapping[str, Any]) -> None:
        self._job = job
        self._variables = variables
        self._values = values

    def __getitem__(self, key: str) -> Any:
        return {**self._variables, **self._values} if key == "variables" else self._job[key]

    def __iter__(self) -> Any:
        return iter(self._job)

    def __len__(self) -> int:
        return len(self._job)


def is_recorded(written: Any) -> bool:
    """Whether a list is a recorded result or a part of one: then it can be read again and is not stored twice."""
    tag = read(written) if isinstance(written, str) else None
    return isinstance(tag, Tag) and tag.fixed and tag.keys[0] == "steps" and tag.keys[2:3] == ("result",)
