"""Everything that can be known to be wrong with a job before it runs, all at once.

Each step is judged as if its turn came. A problem is an error only if a run would be certain to end that step with the
status that is the problem's code; what only the run can tell is a warning. Nothing is run.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, Final

from blocks.block import REGISTRY, BudgetExceededError
from handler.caller import Rights
from handler.engine import Conduit, ConduitStatus, ConduitStep, Limits
from handler.engine.call import Budget
from handler.engine.language.paths import Tag
from handler.engine.language.tags import parse, whole_tag
from handler.engine.required_tags import Pairs, RequiredTags, required_tags
from handler.payload.parse import JobPayload
from handler.payload.problem import MAX_PATH, MAX_PROBLEMS, Problem, Severity, bounded, point, quote
from handler.payload.suggestion import Suggestions
from handler.validation.arguments import find_misfits
from handler.validation.static_contexts import StaticContexts
from handler.validation.static_values import Fault, Reading, Unknown, UnknownText

WORK: Final = 2
"""How many steps' worth of expanded tags one validation may build; past it, steps are judged as if none were known."""

_MESSAGES: Final = {
    ConduitStatus.BLOCK_NOT_FOUND: "There is no block {action}.{hint}",
    ConduitStatus.DUPLICATE_STEP_IDS: "Step {first} has the id {id} already.",
    ConduitStatus.FORBIDDEN_BLOCK: "{action} needs rights that you lack: {tags}.",
    ConduitStatus.BLOCK_LIMIT_EXCEED: "A job may use {action} {uses} times.",
    ConduitStatus.STEP_LIMIT_EXCEED: "A job may have {steps} steps; this is number {position}.",
}


def find_problems(
    payload: JobPayload,
    rights: Rights,
    limits: Limits | None = None,
    block_tags: Pairs = (),
    open_parameters: Collection[str] | None = (),
) -> list[Problem]:
    """The problems of a job that has the right shape, in the order of its steps.

    Args:
        payload: the job.
        rights: what its sender may do.
        limits: how much its tags may expand to.
        block_tags: tags that the deployment adds to those of blocks.
        open_parameters: names of parameters whose values are given later; ``None`` if any may be.
    """
    job = Conduit.from_dict(payload.as_job(), tags=rights.tags, step_limit=rights.step_limit, block_tags=block_tags)
    required = required_tags(block_tags)
    return bounded(_Validation(job, rights, limits or Limits(), required, open_parameters).judge())


@dataclass(slots=True)
class _Validation:
    """One look at one job."""

    job: Conduit
    rights: Rights
    limits: Limits
    required: RequiredTags
    open_parameters: Collection[str] | None
    contexts: StaticContexts = field(init=False)
    suggestions: Suggestions = field(default_factory=Suggestions)
    room: Budget = field(init=False)

    def __post_init__(self) -> None:
        self.contexts = StaticContexts(self.job, self.open_parameters)
        self.room = Budget(WORK * self.limits.parameters, "the tags of the job")

    def judge(self) -> Iterator[Problem]:
        for step in self.job.steps:
            self.contexts.position = step.position
            yield from (replace(problem, path=step.id[:MAX_PATH]) for problem in self._judge_step(step))
            self.contexts.pass_step(step)

    def _judge_step(self, step: ConduitStep) -> Iterator[Problem]:
        severity: Severity = "error"
        if step.status is not ConduitStatus.NONE:
            yield self._refusal(step)
            self.contexts.never_done.add(step.position)
            if step.block is None or step.status is ConduitStatus.STEP_LIMIT_EXCEED:
                return
            severity = "warning"  # what is wrong besides shows only once this is mended
        met, problems = self._condition(step, severity)
        yield from problems
        if met is False:
            self.contexts.never_done.add(step.position)
            return
        problems = list(self._arguments(step))
        if any(problem.severity == "error" for problem in problems):
            self.contexts.never_done.add(step.position)
        certain = severity == "error" and met is True
        yield from problems if certain else (_as_warning(problem) for problem in problems)

    # ------------------------------------------------------------------ checks when a step is made

    def _refusal(self, step: ConduitStep) -> Problem:
        block, status = step.block, step.status
        field_ = "id" if status is ConduitStatus.DUPLICATE_STEP_IDS and step.given_id is not None else "action"
        hint = ""
        if block is None:
            hint = self.suggestions.suggest(step.action, (known.action for known in REGISTRY))
        message = _MESSAGES[status].format(
            action=quote(step.action),
            hint=hint,
            id=quote(step.id),
            first=self.job.by_id[step.id].position,
            tags=", ".join(sorted(self.required.of(block) - self.rights.tags)) if block else "",
            uses=block.max_uses if block else "",
            steps=self.rights.step_limit,
            position=step.position,
        )
        path = ("steps", step.position - 1)
        if status is ConduitStatus.STEP_LIMIT_EXCEED:
            return Problem(point(path), status.name, message)
        return Problem(point((*path, field_)), status.name, message)

    # ------------------------------------------------------------------ when its turn comes

    def _condition(self, step: ConduitStep, severity: Severity) -> tuple[bool | None, list[Problem]]:
        """Whether the step's ``if`` is met, or ``None`` where only a run can tell."""
        condition = step.if_condition
        if condition is None or isinstance(condition, bool):
            return condition is not False, []
        path = ("steps", step.position - 1, "if")
        problems: list[Problem] = []
        met: bool | None = True
        texts = condition if isinstance(condition, list) else [condition]
        for index, text in enumerate(texts):
            where = (*path, index) if isinstance(condition, list) else path
            value, found = self._read_condition(text, where, severity if met else "warning")
            problems += found
            if any(problem.severity == "error" for problem in found):
                return False, problems  # the step ends INVALID_ARGUMENT here, so its arguments are never looked at
            if isinstance(value, (Unknown, UnknownText)):
                met = None
            elif not value:  # the texts behind it are not looked at
                return False, problems
        return met, problems

    def _read_condition(self, text: Any, path: tuple[str | int, ...], severity: Severity) -> tuple[Any, list[Problem]]:
        value, problems = self._read(text, path)
        return value, problems if severity == "error" else [_as_warning(found) for found in problems]

    def _arguments(self, step: ConduitStep) -> Iterator[Problem]:
        assert step.block is not None  # noqa: S101 # a step without one was refused
        path = ("steps", step.position - 1, "parameters")
        arguments, found = self._read(step.parameters, path)
        found += [
            Problem(point((*path, name)), ConduitStatus.INVALID_ARGUMENT.name, message)
            for name, message in _misplaced(step)
        ]
        yield from found
        later = any(entry.severity == "error" for entry in found)
        if not isinstance(arguments, dict):
            return
        misfits = find_misfits(step.block, arguments, self.suggestions)
        for misfit in islice(misfits, MAX_PROBLEMS):
            pointer = point((*path, *_as_written(misfit.path, step.parameters)))
            # A tag that leads nowhere ends the step before its arguments are checked.
            yield Problem(pointer, ConduitStatus.INVALID_TYPE.name, misfit.message, "warning" if later else "error")

    def _read(self, written: Any, path: tuple[str | int, ...]) -> tuple[Any, list[Problem]]:
        """What the engine would read there, and what is wrong with it."""
        budget = Budget(self.limits.parameters, "what the tags of the parameters expand to")
        reading = Reading(self.contexts, budget, self.room, [], [])
        problems: list[Problem] = []
        value = None
        try:
            value = reading.read(written)
        except BudgetExceededError as error:
            problems.append(Problem(point(path), ConduitStatus.RESULT_LIMIT_EXCEED.name, f"Too large: {error}."))
        problems += [self._fault(fault, path) for fault in reading.faults]
        problems += [
            Problem(point((*path, *where)), notice.code, notice.message, "warning") for where, notice in reading.notices
        ]
        return value, problems

    def _fault(self, fault: Fault, path: tuple[str | int, ...]) -> Problem:
        message = f"The tag leads nowhere: {fault.message}.{self._hint(fault.tag)}"
        return Problem(point((*path, *fault.path)), ConduitStatus.INVALID_ARGUMENT.name, message)

    def _hint(self, tag: Tag) -> str:
        match tag.keys:
            case ("steps", str(id_), *_) if id_ not in self.job.by_id:
                return self.suggestions.suggest(id_, self.job.by_id)
            case ("job", "variables", str(name), *_):
                return self.suggestions.suggest(
                    name, (other for other in self.contexts.variables.names if other != name)
                )
            case ("job", "parameters", str(name), *_) if name not in self.job.local_values:
                return self.suggestions.suggest(name, self.job.local_values)
        return ""


def _misplaced(step: ConduitStep) -> Iterator[tuple[str, str]]:
    """In-place parameters that were given something read-only: their names, and why that is refused."""
    assert step.block is not None  # noqa: S101 # as above
    for name in step.block.in_place & step.parameters.keys():
        value = step.parameters[name]
        tag = whole_tag(parse(value)) if isinstance(value, str) else None
        if tag is not None and tag.variable is None:
            advice = "give it a whole variable, as `{# name #}`"
            yield name, f"`{tag.path}` is read-only, and {step.action} changes `{name}` in place; {advice}."


def _as_written(path: tuple[str | int, ...], parameters: Any) -> tuple[str | int, ...]:
    """`path` as far as the user wrote it: what lies behind a tag has no place of its own."""
    node = parameters
    for depth, part in enumerate(path):
        if not (part in node if isinstance(node, dict) else isinstance(node, list) and isinstance(part, int)):
            return path[:depth]
        node = node[part]
    return path


def _as_warning(problem: Problem) -> Problem:
    return replace(problem, severity="warning")
