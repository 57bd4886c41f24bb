"""A step's arguments and condition: what the user wrote, tags replaced, checked against the block's signature."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pydantic import ValidationError

from blocks.block import Block, BudgetExceededError
from handler.engine.failure import Failure, refused_arguments
from handler.engine.language.tags import PathError, parse, resolve, resolve_key, resolve_name, whole_tag
from handler.engine.status import ConduitStatus
from handler.engine.values import Charge

Bound = dict[str, str]
"""Names of parameters that their block changes in place, to the variable that keeps the change."""


def is_met(condition: Any, contexts: Mapping[str, Any], charge: Charge) -> bool:
    """Whether a step's ``if`` is true: the truth of a text's value, of all texts of a list, or of a boolean.

    Args:
        condition: as the user wrote it.
        contexts: what tags see.
        charge: told the bytes that the tags expand to.

    Raises:
        Failure: INVALID_ARGUMENT for a path that leads nowhere or a condition of another type, RESULT_LIMIT_EXCEED.
    """
    texts = condition if isinstance(condition, list) else [condition]
    if not all(isinstance(text, (str, bool)) for text in texts):
        raise Failure(ConduitStatus.INVALID_ARGUMENT, "`if` is a text, a list of texts, or a boolean")
    try:
        return all(resolve(text, contexts, charge) for text in texts)
    except REFUSED as error:
        raise _failure_of(error) from None


NOTHING_BOUND: Final[Bound] = {}
REFUSED: Final = (ValueError, BudgetExceededError, RecursionError)
"""What is wrong with what a user wrote: a `PathError`, arguments that do not fit (a `ValidationError`) or an integer
too long for a text, all of them ``ValueError``; more bytes than the limit; parameters nested without end."""


def refusal_of(block: Block[..., Any], error: Exception) -> Failure:
    """The outcome of a step whose arguments met one of `REFUSED`."""
    return refused_arguments(block, error) if isinstance(error, ValidationError) else _failure_of(error)


def _failure_of(error: Exception) -> Failure:
    if isinstance(error, BudgetExceededError):
        return Failure.of_error(ConduitStatus.RESULT_LIMIT_EXCEED, error)
    if isinstance(error, RecursionError):
        return Failure(ConduitStatus.INVALID_ARGUMENT, "the parameters are nested too deep")
    return Failure.of_error(ConduitStatus.INVALID_ARGUMENT, error)


def resolve_and_bind(
    block: Block[..., Any], written: Mapping[str, Any], contexts: Mapping[str, Any], charge: Charge
) -> tuple[dict[str, Any], Bound]:
    """Parameters with their tags replaced, of a block that changes some in place, and which variables keep the change.

    Args:
        block: the block.
        written: the step's parameters as the user wrote them.
        contexts: what tags see.
        charge: told the bytes that the tags expand to.

    Raises:
        PathError: a tag points to nothing, or an in-place parameter to what is read-only.
    """
    resolved: dict[str, Any] = {}
    bound: Bound = {}
    for key, value in written.items():
        name = resolve_name(key, contexts, charge)
        tag = whole_tag(parse(value)) if name in block.in_place and isinstance(value, str) else None
        if tag is not None:
            if tag.variable is None:
                raise PathError(
                    f"`{tag.path}` is read-only: {block.action} changes `{name}` in place; "
                    "give it a whole variable, as `{# name #}`"
                )
            bound[name] = resolve_key(tag.variable, contexts, charge)
        resolved[name] = resolve(value, contexts, charge)
    return resolved, bound
