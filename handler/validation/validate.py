"""Finds all problems of a job that can be known before it runs.

Each step is checked as if its turn had come. A problem is an error only if a run would certainly end the step with the
status that is the problem's code. If only a run can decide this, the problem is a warning. No step is run.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Final

from blocks.block import REGISTRY, Registry
from handler.caller import Rights
from handler.engine import ConduitStatus, Limits
from handler.engine.call import Budget
from handler.engine.required_tags import Pairs, required_tags
from handler.payload.parse import JobPayload
from handler.payload.problem import MAX_PATH, Problem, Problems, Severity, TooManyProblemsError, point, quote
from handler.payload.suggestion import Suggestions
from handler.validation.block_checks import check_arguments, check_calls
from handler.validation.deployment import Deployment
from handler.validation.outline import OUTPUT, Outline, Scope, StaticStep
from handler.validation.reader import Reader
from handler.validation.static_contexts import StaticContexts
from handler.validation.static_values import Room
from handler.validation.static_variables import Change, changes_of
from handler.validation.waits import check_wait, check_wait_for

WORK: Final = 2
"""The budget of a validation for expanded tags, as a multiple of a step's budget; beyond it, tags are unknown."""

_MESSAGES: Final = {
    ConduitStatus.BLOCK_NOT_FOUND: "There is no block {action}.{hint}",
    ConduitStatus.DUPLICATE_STEP_IDS: "Step {first} already has the id {id}.",
    ConduitStatus.FORBIDDEN_BLOCK: "{action} needs rights that you lack: {tags}.",
    ConduitStatus.BLOCK_LIMIT_EXCEED: "A job may use at most {action} {uses} times.",
    ConduitStatus.STEP_LIMIT_EXCEED: "A job may have at most {steps} steps; this is number {number}.",
}


def find_problems(
    payload: JobPayload,
    rights: Rights,
    limits: Limits | None = None,
    block_tags: Pairs = (),
    open_parameters: Collection[str] | None = (),
    *,
    registry: Registry = REGISTRY,
    deployment: Deployment | None = None,
) -> list[Problem]:
    """The problems of a job with a valid shape, in the order of its steps; consequences of other problems come last.

    Args:
        payload: the job.
        rights: the rights of its sender.
        limits: the limits of the expansion of its tags.
        block_tags: tags that the deployment adds to those of blocks.
        open_parameters: names of parameters whose values are given later; ``None`` if all may be.
        registry: the available blocks.
        deployment: the settings for waits and loops.
    """
    found = Problems()
    with suppress(TooManyProblemsError):
        outline = Outline(payload, rights, registry, required_tags(block_tags))
        for problem in _Validation(outline, limits or Limits(), deployment or Deployment(), open_parameters).judge():
            found.add(problem)
    return sorted(found.found, key=lambda problem: problem.because is not None)


class _Validation:
    """One validation of one job."""

    def __init__(
        self, outline: Outline, limits: Limits, deployment: Deployment, open_parameters: Collection[str] | None
    ) -> None:
        self._deployment = deployment
        self._outline = outline
        self._contexts = StaticContexts(outline, open_parameters, has_callbacks=deployment.has_callbacks)
        self._suggestions = Suggestions()
        self._room = Room(Budget(WORK * limits.parameters, "the tags of the job"))
        self._read = Reader(self._contexts, limits, self._room, self._suggestions)

    def judge(self) -> Iterator[Problem]:
        yield from self._judge_all(self._outline.top)
        if self._outline.output is not None:
            yield from self._judge_output(self._outline.output)

    def _judge_all(self, steps: list[StaticStep]) -> Iterator[Problem]:
        for step in steps:
            yield from self._judge(step)

    def _judge(self, step: StaticStep) -> Iterator[Problem]:
        self._contexts.turn_to(step, step.scope)
        severity: Severity = "error"
        if step.refusal is not None:
            yield _in_step(self._refusal(step), step)
            step.never_done = step.has_error = True
            severity = "warning"  # a run would report other errors only once this one is fixed
        if step.refusal not in (ConduitStatus.STEP_LIMIT_EXCEED, ConduitStatus.BLOCK_NOT_FOUND):
            yield from self._judge_turn(step, severity)
        yield from self._judge_inner(step)
        self._contexts.turn_to(step, step.inside or step.scope)
        for change in changes_of(step, self._contexts.contexts):
            self._contexts.variables.note(change)

    def _judge_turn(self, step: StaticStep, severity: Severity) -> Iterator[Problem]:
        """Check a step as if its turn had come and the preceding checks had passed."""
        met: bool | None = True
        problems: list[Problem] = []
        if step.written.get("if") is not None:
            met, problems = self._read.condition(step.written["if"], (*step.pointer, "if"))
        yield from (_in_step(one, step, severity) for one in problems)
        if met is False:
            step.never_done = True
            step.has_error = step.has_error or any(problem.severity == "error" for problem in problems)
            return
        certain = severity == "error" and met is True
        for problem in self._judge_kind(step):
            if problem.severity == "error":
                step.never_done = step.has_error = True
            yield _in_step(problem, step, "error" if certain else "warning")

    def _judge_kind(self, step: StaticStep) -> Iterator[Problem]:
        if step.kind is OUTPUT:
            return
        yield from _JUDGES[step.kind.name](self, step)

    # ------------------------------------------------------------------ kinds

    def _judge_block(self, step: StaticStep) -> Iterator[Problem]:
        yield from check_calls(step)
        yield from check_arguments(step, self._read, self._suggestions)
        poll = step.written.get("poll")
        if poll is not None:
            self._contexts.turn_to(step, self._contexts.scope, has_result=True)
            yield from self._read.condition(poll["until"], (*step.pointer, "poll", "until"))[1]

    def _judge_for_each(self, step: StaticStep) -> Iterator[Problem]:
        pointer = (*step.pointer, "for_each")
        items, problems = self._read.value(step.written["for_each"], pointer)
        yield from problems
        if not problems and self._read.is_known(items):
            if not isinstance(items, (list, dict)):
                message = "A loop goes over a list or an object; this is neither."
                yield Problem(point(pointer), ConduitStatus.INVALID_TYPE.name, message)
            elif (too_many := self._too_many(len(items), len(step.written.get("do") or (step,)))) is not None:
                yield Problem(point(pointer), ConduitStatus.STEP_LIMIT_EXCEED.name, too_many)

    def _too_many(self, items: int, steps: int) -> str | None:
        """The message if a loop has too many items or makes too many records, else ``None``."""
        most, records = self._deployment.items, self._deployment.loop_records
        if items > most:
            return f"A loop goes over at most {most:,} items; this list has {items:,}."
        if items * steps > records:
            made = f"{items:,} items with {steps} steps each make {items * steps:,} records"
            return f"{made}; the loops of a job may make {records:,}."
        return None

    def _judge_while(self, step: StaticStep) -> Iterator[Problem]:
        assert step.inside is not None  # noqa: S101 # a loop has an inner scope
        self._contexts.turn_to(step, step.inside, asks_again=True)
        self._note_inner_changes(step)  # a later round sees the changes of an earlier one
        yield from self._read.condition(step.written["while"], (*step.pointer, "while"))[1]

    def _judge_choose(self, step: StaticStep) -> Iterator[Problem]:
        certain = True
        for index, branch in enumerate(step.written["choose"]):
            met, problems = self._read.condition(branch["if"], (*step.pointer, "choose", index, "if"))
            yield from problems if certain else (replace(one, severity="warning") for one in problems)
            certain = certain and met is False  # otherwise a run may not ask the next ones

    def _judge_set(self, step: StaticStep) -> Iterator[Problem]:
        for name, value in step.written["set"].items():
            yield from self._read.value(value, (*step.pointer, "set", name))[1]
            self._contexts.variables.note(Change(name, step, whole=True, certain=True))  # later variables see it

    def _judge_end(self, step: StaticStep) -> Iterator[Problem]:
        if step.written.get("message") is not None:
            yield from self._read.value(step.written["message"], (*step.pointer, "message"))[1]

    def _judge_wait(self, step: StaticStep) -> Iterator[Problem]:
        yield from check_wait(step, self._read, self._deployment)

    def _judge_wait_for(self, step: StaticStep) -> Iterator[Problem]:
        yield from check_wait_for(step, self._read, self._deployment)

    def _judge_nothing(self, _step: StaticStep) -> Iterator[Problem]:
        return iter(())

    def _judge_output(self, step: StaticStep) -> Iterator[Problem]:
        self._contexts.turn_to(step, step.scope)
        for problem in self._read.value(self._outline.payload.output, ("output",))[1]:
            yield _in_step(problem, step)

    # ------------------------------------------------------------------ inner steps

    def _judge_inner(self, step: StaticStep) -> Iterator[Problem]:
        if step.inside is not None:
            self._note_inner_changes(step)
        if step.kind.name == "for_each" and step.block is not None and step.inside is not None:
            yield from self._judge_short_form(step, step.inside)
        yield from self._judge_all(self._outline.inner(step, "do"))
        for index, _ in enumerate(step.written.get("choose") or ()):
            yield from self._judge_all(self._outline.inner(step, "choose", index, "do"))
        for key in ("else", "try", "catch"):
            yield from self._judge_all(self._outline.inner(step, key))

    def _judge_short_form(self, step: StaticStep, inside: Scope) -> Iterator[Problem]:
        """Check the block that runs for each item. A failed item need not fail the loop."""
        self._contexts.turn_to(step, inside)
        for problem in self._judge_block(step):
            yield _in_step(problem, step)

    def _note_inner_changes(self, loop: StaticStep) -> None:
        """Note the changes that the steps of a loop may make: all steps of a later round can read them."""
        for step in self._outline.steps[loop.order + 1 :]:
            if not loop.is_around(step):
                break
            for change in changes_of(step, self._contexts.contexts):
                self._contexts.variables.note(replace(change, certain=False))

    # ------------------------------------------------------------------ checks when a step is made

    def _refusal(self, step: StaticStep) -> Problem:
        block, status = step.block, step.refusal
        assert status is not None  # noqa: S101 # the caller asked
        hint = ""
        if block is None and step.runs_block:
            hint = self._suggestions.suggest(step.action, (known.action for known in self._outline.registry))
        first = self._outline.first_of(step)
        message = _MESSAGES[status].format(
            action=quote(str(step.written.get("action", ""))),
            hint=hint,
            id=quote(step.id),
            first=f"`{first.path}`" if first.around or first.kind is OUTPUT else int(first.pointer[1]) + 1,
            tags=", ".join(sorted(self._outline.required.of(block) - self._outline.rights.tags)) if block else "",
            uses=block.max_uses if block else "",
            steps=self._outline.rights.step_limit,
            number=step.order + 1,
        )
        if status is ConduitStatus.STEP_LIMIT_EXCEED:
            return Problem(point(step.pointer), status.name, message)
        at_id = status is ConduitStatus.DUPLICATE_STEP_IDS and step.given
        field = "id" if at_id else "action" if step.runs_block else step.kind.key
        return Problem(point((*step.pointer, field)), status.name, message)


_JUDGES: Final[dict[str, Callable[[_Validation, StaticStep], Iterator[Problem]]]] = {
    "block": _Validation._judge_block,  # noqa: SLF001 # of this module, here and below
    "for_each": _Validation._judge_for_each,  # noqa: SLF001
    "while": _Validation._judge_while,  # noqa: SLF001
    "choose": _Validation._judge_choose,  # noqa: SLF001
    "try": _Validation._judge_nothing,  # noqa: SLF001
    "set": _Validation._judge_set,  # noqa: SLF001
    "end": _Validation._judge_end,  # noqa: SLF001
    "wait": _Validation._judge_wait,  # noqa: SLF001
    "wait_for": _Validation._judge_wait_for,  # noqa: SLF001
}


def _in_step(problem: Problem, step: StaticStep, most: Severity = "error") -> Problem:
    """Add the path of the step to a problem, and limit its severity to `most`."""
    severity = problem.severity if most == "error" else "warning"
    return replace(problem, path=step.path[:MAX_PATH], severity=severity)
