"""Evaluates a value or a condition of a step and finds its problems."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from blocks.block import BudgetExceededError
from handler.engine import ConduitStatus, Limits
from handler.engine.call import Budget
from handler.engine.language.conditions import is_constant, is_mixed, mixed_condition
from handler.engine.language.expression import Expression
from handler.engine.language.meter import ExpressionError
from handler.engine.language.paths import Tag
from handler.engine.language.tags import parse, read
from handler.payload.problem import MAX_PROBLEMS, Problem, Severity, point
from handler.payload.suggestion import Suggestions
from handler.validation.outline import Pointer
from handler.validation.static_contexts import StaticContexts
from handler.validation.static_values import Misreading, Reading, Room, Unknown, UnknownText

LONGEST_CONDITION: Final = 10_000
"""The longest condition, in characters, whose problems are explained."""


class Reader:
    """Evaluates values and conditions as a step would in its turn.

    Args:
        contexts: the contexts, moved to the step's turn.
        limits: the limits of a step.
        room: the budget for validating the job.
        suggestions: suggests known names instead of unknown ones.

    Attributes:
        causes: the places in the last value that are null because another step has a problem: each pointer with the
            path of that step.
    """

    def __init__(self, contexts: StaticContexts, limits: Limits, room: Room, suggestions: Suggestions) -> None:
        self._contexts = contexts
        self._limits = limits
        self._room = room
        self._suggestions = suggestions
        self.causes: list[tuple[str, str]] = []

    @staticmethod
    def is_known(value: Any) -> bool:
        """Whether the value itself is known; a part of it may be unknown."""
        return not isinstance(value, (Unknown, UnknownText))

    def value(self, written: Any, pointer: Pointer) -> tuple[Any, list[Problem]]:
        """The value that the engine would read at the pointer, and its problems."""
        budget = Budget(self._limits.parameters, "what the tags of the parameters expand to")
        reading = Reading(self._contexts, budget, self._room)
        problems: list[Problem] = []
        value: Any = Unknown()
        try:
            value = reading.read(written)
        except BudgetExceededError as error:
            problems.append(Problem(point(pointer), ConduitStatus.RESULT_LIMIT_EXCEED.name, f"Too large: {error}."))
        causes = [(path, met.causes[0].path) for path, met in reading.met if met.causes]
        problems += [self._misread(found, pointer) for found in reading.misreadings]
        problems = [_with_cause(problem, pointer, causes) for problem in problems]
        problems += [
            Problem(point((*pointer, *path)), hint.code, hint.message, "warning")
            for path, met in reading.met
            for hint in met.hints
        ]
        self.causes = [(point((*pointer, *path)), cause) for path, cause in causes]
        return value, problems

    def condition(self, written: Any, pointer: Pointer) -> tuple[bool | None, list[Problem]]:
        """Whether a condition holds (``None`` if only a run can decide), and its problems."""
        if isinstance(written, bool):
            return written, []
        problems: list[Problem] = []
        met: bool | None = True
        for index, one in enumerate(written if isinstance(written, list) else [written]):
            where = (*pointer, index) if isinstance(written, list) else pointer
            holds, found = self._one(one, where)
            problems += found if met else [replace(problem, severity="warning") for problem in found]
            if any(problem.severity == "error" for problem in found) or holds is False:
                return False, problems  # later conditions are not checked
            if len(problems) > MAX_PROBLEMS:
                return None, problems
            if holds is None:
                met = None
        return met, problems

    def _one(self, text: str, pointer: Pointer) -> tuple[bool | None, list[Problem]]:
        where = point(pointer)
        if len(text) <= LONGEST_CONDITION and is_mixed(text):
            message = _sentence(mixed_condition(parse(text), text))
            return False, [Problem(where, ConduitStatus.INVALID_ARGUMENT.name, message)]
        value, problems = self.value(text, pointer)
        if not any(problem.severity == "error" for problem in problems) and _is_constant(text):
            always = "true" if value else "false"
            message = f"This condition is always {always}: nothing in it depends on the job."
            problems.append(Problem(where, "CONSTANT_CONDITION", message, "warning"))
        return (bool(value) if self.is_known(value) else None), problems

    def _misread(self, found: Misreading, pointer: Pointer) -> Problem:
        where = point((*pointer, *found.path))
        severity: Severity = "error" if found.certain else "warning"
        if isinstance(found.piece, Tag):
            message = f"The tag cannot be resolved: {found.message}.{self._hint(found.piece)}"
        else:
            at = "" if found.column is None else f"Column {found.column}: "
            message = f"{at}{found.message}" if found.message.endswith("?") else f"{at}{found.message}."
        return Problem(where, ConduitStatus.INVALID_ARGUMENT.name, message, severity, column=found.column)

    def _hint(self, tag: Tag) -> str:
        contexts = self._contexts
        match tag.keys:
            case ("steps", str(id_), *_) if not contexts.scope.find(id_):
                inner = next((step for step in contexts.outline.steps if step.id == id_ and step.around), None)
                if inner is not None:
                    return _advise_outside(inner.around[-1].id, id_)
                return self._suggestions.suggest(id_, contexts.scope.ids)
            case ("job", "variables", str(name), *_):
                return self._suggestions.suggest(name, (one for one in contexts.variables.names if one != name))
            case ("job", "parameters", str(name), *_) if name not in contexts.outline.payload.parameters:
                return self._suggestions.suggest(name, contexts.outline.payload.parameters)
        return ""


def _advise_outside(loop: str, id_: str) -> str:
    return (
        f" Step `{id_[:60]}` runs inside of `{loop[:60]}` and cannot be read outside of it; "
        f"`{{: {loop[:60]} :}}` is the list of the results of its last step."
    )


def _with_cause(problem: Problem, pointer: Pointer, causes: list[tuple[tuple[str | int, ...], str]]) -> Problem:
    for path, cause in causes:
        if problem.pointer.startswith(point((*pointer, *path))):
            return replace(problem, because=cause)
    return problem


def _is_constant(text: str) -> bool:
    """Whether a valid condition does not depend on the job."""
    if len(text) > LONGEST_CONDITION:
        return False
    if is_constant(text):
        return True
    piece = read(text) if "{" in text else None
    if not isinstance(piece, Expression) or piece.tags:
        return False
    try:
        names = piece.program.names
    except (ExpressionError, BudgetExceededError):
        return False
    return not names.required and not names.optional and "now" not in names.functions


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
