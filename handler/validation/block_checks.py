"""Checks a step that runs a block: its arguments, its retry and its poll."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import Any

from handler.engine import ConduitStatus
from handler.engine.language.paths import Tag
from handler.engine.language.tags import parse, whole_piece
from handler.payload.problem import MAX_PROBLEMS, Problem, point
from handler.payload.suggestion import Suggestions
from handler.validation.arguments import find_argument_problems
from handler.validation.outline import StaticStep
from handler.validation.reader import Reader


def check_calls(step: StaticStep) -> Iterator[Problem]:
    """Find a retry or a poll of a block that must not run twice."""
    block = step.block
    if block is None or block.effect != "at_most_once":
        return
    if step.written.get("poll") is not None:
        message = f"{block.action} runs at most once, so it cannot be called again: leave out 'poll'."
        yield Problem(point((*step.pointer, "poll")), ConduitStatus.INVALID_ARGUMENT.name, message)
    if step.written.get("retry") is not None:
        message = f"{block.action} runs at most once: once it has begun, a failure is not tried again."
        yield Problem(point((*step.pointer, "retry")), "AT_MOST_ONCE", message, "warning")


def check_arguments(step: StaticStep, reader: Reader, suggestions: Suggestions) -> Iterator[Problem]:
    """Check the step's parameters against the signature of its block."""
    if step.block is None:
        return
    written = step.written.get("parameters", {})
    pointer = (*step.pointer, "parameters")
    arguments, found = reader.value(written, pointer)
    found += [
        Problem(point((*pointer, name)), ConduitStatus.INVALID_ARGUMENT.name, message)
        for name, message in _misplaced(step)
    ]
    yield from found
    if not isinstance(arguments, dict):
        return
    later = any(problem.severity == "error" for problem in found)
    causes = reader.causes
    for found_problem in islice(find_argument_problems(step.block, arguments, suggestions), MAX_PROBLEMS):
        where = point((*pointer, *_as_written(found_problem.path, written)))
        problem = Problem(where, ConduitStatus.INVALID_TYPE.name, found_problem.message)
        cause = next((path for at, path in causes if at.startswith(where) or where.startswith(at)), None)
        # A tag that cannot be resolved ends the step before its arguments are checked.
        yield replace(problem, severity="warning" if later else "error", because=cause)


def _misplaced(step: StaticStep) -> Iterator[tuple[str, str]]:
    """Yield the name of each in-place parameter with a read-only value, and a message."""
    assert step.block is not None  # noqa: S101 # the caller has checked it
    parameters = step.written.get("parameters", {})
    for name in step.block.in_place & parameters.keys():
        value = parameters[name]
        piece = whole_piece(parse(value)) if isinstance(value, str) else None
        if piece is None or (isinstance(piece, Tag) and piece.variable is not None):
            continue
        shown = piece.path if isinstance(piece, Tag) else piece.written
        advice = "give it a whole variable, as `{# name #}`"
        yield name, f"`{shown[:100]}` is read-only, and {step.action} changes `{name}` in place; {advice}."


def _as_written(path: tuple[str | int, ...], parameters: Any) -> tuple[str | int, ...]:
    """The part of `path` that is in the payload: the parts of a tag's value have no place there."""
    node = parameters
    for depth, part in enumerate(path):
        if not (part in node if isinstance(node, dict) else isinstance(node, list) and isinstance(part, int)):
            return path[:depth]
        node = node[part]
    return path
