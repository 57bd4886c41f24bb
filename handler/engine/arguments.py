"""A step's arguments and condition: what the user wrote, tags replaced, checked against the block's signature."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pydantic import ValidationError

from blocks.block import Block, BudgetExceededError
from handler.engine.failure import Failure, refused_arguments
from handler.engine.status import ConduitStatus
from handler.engine.tags import PathError, parse, resolve, resolve_key, resolve_name, whole_tag
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
    except _UNRESOLVED as error:
        raise _failure_of(error) from None


def bind_arguments(
    block: Block[..., Any], written: Any, contexts: Mapping[str, Any], charge: Charge
) -> tuple[dict[str, Any], Bound]:
    """What the block is called with, and which variables keep what it changes in place.

    Args:
        block: the block.
        written: the step's parameters as the user wrote them.
        contexts: what tags see.
        charge: told the bytes that the tags expand to.

    Raises:
        Failure: INVALID_ARGUMENT, INVALID_TYPE or RESULT_LIMIT_EXCEED.
    """
    if type(written) is not dict and not isinstance(written, Mapping):
        raise Failure(ConduitStatus.INVALID_TYPE, "`parameters` is a dictionary of the block's parameters")
    try:
        if block.in_place:
            resolved, bound = _resolve_and_bind(block, written, contexts, charge)
        else:
            resolved, bound = resolve(written, contexts, charge), _NOTHING_BOUND
    except _UNRESOLVED as error:
        raise _failure_of(error) from None
    try:
        return block.validate(resolved), bound
    except ValidationError as error:
        raise refused_arguments(block, error) from None


_NOTHING_BOUND: Final[Bound] = {}
_UNRESOLVED: Final = (ValueError, BudgetExceededError, RecursionError)
"""A `PathError`, or an integer too long for a text; more bytes than the limit; parameters nested without end."""


def _failure_of(error: Exception) -> Failure:
    if isinstance(error, BudgetExceededError):
        return Failure.of_error(ConduitStatus.RESULT_LIMIT_EXCEED, error)
    if isinstance(error, RecursionError):
        return Failure(ConduitStatus.INVALID_ARGUMENT, "the parameters are nested too deep")
    return Failure.of_error(ConduitStatus.INVALID_ARGUMENT, error)


def _resolve_and_bind(
    block: Block[..., Any], written: Mapping[str, Any], contexts: Mapping[str, Any], charge: Charge
) -> tuple[dict[str, Any], Bound]:
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
