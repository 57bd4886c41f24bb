"""Evaluates a step's arguments and condition, and checks arguments against the block's signature."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pydantic import ValidationError

from blocks.block import Block, BudgetExceededError
from handler.engine.charges import Charge
from handler.engine.failure import OUT_OF_MEMORY, Failure, refused_arguments
from handler.engine.language.conditions import is_met as condition_holds
from handler.engine.language.meter import NO_WORLD, World
from handler.engine.language.paths import PathError, Tag
from handler.engine.language.tags import parse, resolve, resolve_key, resolve_name, whole_piece
from handler.engine.status import ConduitStatus

Bound = dict[str, str]
"""The parameters that a block changes in place, each with its variable."""


def is_met(condition: Any, contexts: Mapping[str, Any], charge: Charge, world: World = NO_WORLD) -> bool:
    """Whether a step's ``if`` holds; see `handler.engine.language.conditions`.

    Raises:
        Failure: INVALID_ARGUMENT for a condition that cannot be evaluated, RESULT_LIMIT_EXCEED.
    """
    try:
        return condition_holds(condition, contexts, charge, world)
    except REFUSED as error:
        raise failure_of_value(error) from None


def evaluate(value: Any, contexts: Mapping[str, Any], charge: Charge, world: World = NO_WORLD) -> Any:
    """A value that the user wrote, with its tags and expressions replaced.

    Raises:
        Failure: INVALID_ARGUMENT for a path that leads nowhere, RESULT_LIMIT_EXCEED.
    """
    try:
        return resolve(value, contexts, charge, world)
    except REFUSED as error:
        raise failure_of_value(error) from None


REFUSED: Final = (ValueError, BudgetExceededError, RecursionError, MemoryError)
"""The errors of arguments: a `PathError`, a `ValidationError` or an integer too long for a string, all of them
``ValueError``; more bytes than the limit; parameters nested too deep; more memory than the machine has."""


def refusal_of(block: Block[..., Any], error: Exception) -> Failure:
    """The failure of a step whose arguments raised one of `REFUSED`."""
    return refused_arguments(block, error) if isinstance(error, ValidationError) else failure_of_value(error)


def failure_of_value(error: Exception) -> Failure:
    """The failure of a step whose tags or expressions raised one of `REFUSED`."""
    if isinstance(error, BudgetExceededError):
        return Failure.of_error(ConduitStatus.RESULT_LIMIT_EXCEED, error)
    if isinstance(error, MemoryError):
        return Failure(ConduitStatus.RESULT_LIMIT_EXCEED, OUT_OF_MEMORY, error)
    if isinstance(error, RecursionError):
        return Failure(ConduitStatus.INVALID_ARGUMENT, "the parameters are nested too deep")
    return Failure.of_error(ConduitStatus.INVALID_ARGUMENT, error)


def resolve_and_bind(
    block: Block[..., Any],
    written: Mapping[str, Any],
    contexts: Mapping[str, Any],
    charge: Charge,
    world: World = NO_WORLD,
) -> tuple[dict[str, Any], Bound]:
    """Resolve the parameters of a block that changes some in place, and find the variables that get the changes.

    Args:
        block: the block.
        written: the step's parameters as the user wrote them.
        contexts: the contexts of the tags.
        charge: called with the bytes that the tags expand to.
        world: the clock and the limits of the step.

    Raises:
        PathError: a tag leads nowhere, or an in-place parameter is read-only.
    """
    resolved: dict[str, Any] = {}
    bound: Bound = {}
    for key, value in written.items():
        name = resolve_name(key, contexts, charge, world)
        piece = whole_piece(parse(value)) if name in block.in_place and isinstance(value, str) else None
        if piece is not None:
            if not isinstance(piece, Tag) or piece.variable is None:
                written_as = piece.path if isinstance(piece, Tag) else piece.written
                raise PathError(
                    f"`{written_as}` is read-only: {block.action} changes `{name}` in place; "
                    "give it a whole variable, as `{# name #}`"
                )
            bound[name] = resolve_key(piece.variable, contexts, charge)
        resolved[name] = resolve(value, contexts, charge, world)
    return resolved, bound
