"""Tags and expressions in the strings of a job: parsed once from the user's text, never from values.

    {% path %}       any context value
    {: step.path :}  steps.step.result.path
    {# name.path #}  job.variables.name.path
    {< name.path >}  job.parameters.name.path
    {= a + b =}      an expression: see `expression`

Each end has at least one space inside; the path has none. A path is dotted keys; a tag inside a key gives one key, dots
included. A backslash before an opener makes it text. Text that only resembles a tag stays text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from handler.engine.charges import MINUS_SMALL, SMALL, TINY, Charge, charged
from handler.engine.language.meter import BYTES_OF_VIEW, NO_WORLD, TAG_STEPS, TOKEN_STEPS, VIEW_STEPS, World
from handler.engine.language.paths import PathError, Tag, View, as_text, resolve_key
from handler.engine.language.remembered import Remembered, weight_of
from handler.engine.language.tag_parser import Piece, parse
from handler.engine.status import DONE
from handler.engine.values import copy_value

if TYPE_CHECKING:  # a job without expressions never loads them
    from handler.engine.language.expression import Expression

__all__ = ["PathError", "Piece", "Tag", "parse", "read", "resolve", "resolve_key", "resolve_name", "resolve_text"]
__all__ += ["whole_piece", "whole_tag"]

_PLAIN: Final = frozenset({int, float, bool, type(None)})  # types of values that hold no tag
REMEMBERED: Final = 13 * 1024 * 1024
"""Bytes of parsed strings that a process keeps. A chain of 10,000 steps fits into half, or costs twice as much."""


def resolve(value: Any, contexts: Mapping[str, Any], charge: Charge, world: World = NO_WORLD) -> Any:
    """Return the user's value with its tags and expressions replaced by copies, in which no further tags are read.

    Raises:
        PathError: the path of a tag does not exist.
        ExpressionError: an expression cannot be evaluated.
        BudgetExceededError: an expression takes too many steps, or `charge` refuses the new value.
    """
    kind = type(value)
    if kind is dict or isinstance(value, Mapping):
        return resolve_object(value, contexts, charge, world)
    if kind is str:
        return resolve_text(value, contexts, charge, world) if "{" in value else value
    if kind is list:
        world.spent += len(value) + 8
        return [item if type(item) in _PLAIN else resolve(item, contexts, charge, world) for item in value]
    return value


def resolve_object(
    value: Mapping[Any, Any], contexts: Mapping[str, Any], charge: Charge, world: World = NO_WORLD
) -> dict[str, Any]:
    """Like `resolve`, for an object, such as the parameters of a step."""
    world.spent += len(value)
    resolved = {}
    for key, item in value.items():  # every step's parameters pass here, so plain values take no call
        name = key if type(key) is str and "{" not in key else resolve_name(key, contexts, charge, world)
        if (kind := type(item)) is str:
            resolved[name] = resolve_text(item, contexts, charge, world) if "{" in item else item
        else:
            resolved[name] = item if kind in _PLAIN else resolve(item, contexts, charge, world)
    return resolved


def resolve_text(text: str, contexts: Mapping[str, Any], charge: Charge, world: World = NO_WORLD) -> Any:
    """Return the value of one string: of any type if it is only one tag or expression, else a string."""
    try:
        found = _read_before[text]
    except KeyError:
        found = read_in(world, text)
    if type(found) is not Tag:
        if type(found) is tuple:
            world.spent += TAG_STEPS * len(found)
            return _join(found, contexts, charge, world)
        return found.resolve(contexts, charge, world)
    try:
        step = contexts["steps"].steps_by_id.get(found.step)
    except (AttributeError, KeyError):  # contexts that a caller built
        step = None
    if step is not None:  # the whole result of a step, like most tags: it is read without a call
        value: Any = step.return_value if step.status is DONE else None
    else:
        if not found.fixed or ":" in found.path:
            world.spent += len(found.path)  # the tags and the slices in it
        value = found.resolve(contexts, charge)
    if (kind := type(value)) is int:
        return value if MINUS_SMALL < value < SMALL else charged(value, charge)
    if kind is str:
        return value if len(value) <= TINY else charged(value, charge)
    if kind in _PLAIN:
        return value
    if kind is list or kind is dict:
        world.spent += len(value) >> 1  # however few bytes an item has
        return copy_value(value, charge)
    return _read_view(value, charge, world)


def _read_view(value: Any, charge: Charge, world: World) -> Any:
    """Return a copy of a value that may be a view of the job: reading its parts takes longer than copying them."""
    size = 0

    def count(cost: int) -> None:
        nonlocal size
        size += cost
        charge(cost)

    try:
        return copy_value(value, count)
    finally:
        world.spent += VIEW_STEPS + size // BYTES_OF_VIEW


def _join(pieces: Sequence[str | Tag | Expression], contexts: Mapping[str, Any], charge: Charge, world: World) -> str:
    """Return plain text and the values of tags and expressions as one string."""
    joined: list[str] = []
    for piece in pieces:
        if type(piece) is str:
            joined.append(piece)
        elif type(piece) is Tag:
            if not piece.fixed or ":" in piece.path:
                world.spent += len(piece.path)  # the tags and the slices in it
            value = piece.resolve(contexts, charge)
            joined.append(as_text(_read_view(value, charge, world) if isinstance(value, View) else value, charge))
        else:
            joined.append(piece.as_text(contexts, charge, world))  # type: ignore[union-attr]  # by elimination
    return "".join(joined)


def resolve_name(name: Any, contexts: Mapping[str, Any], charge: Charge, world: World = NO_WORLD) -> str:
    """Return a parameter's or key's name: always a string, even if the name is only one expression."""
    if type(name) is not str:
        return str(name)
    if "{" not in name:
        return name
    found = read_in(world, name)
    if type(found) is Tag:
        return as_text(resolve_text(name, contexts, charge, world), charge)
    return _join(found if type(found) is tuple else (found,), contexts, charge, world)


remembered: Final[Remembered[Any]] = Remembered(REMEMBERED)
_read_before: Final = remembered.newer


def read(text: str) -> Any:
    """Return the tag or expression if the string is only that, else the pieces. The result is kept."""
    return remembered.get(text) or read_and_weigh(text)[0]


def read_in(world: World, text: str) -> Any:
    """Like `read`; the result is kept for the run too."""
    if (texts := world.texts) is None:
        return read(text)
    found, tokens = texts.get(text)
    world.spent += TOKEN_STEPS * tokens
    return found


def read_and_weigh(text: str) -> tuple[Any, int]:
    """Like `read`, with the bytes of the string and its parsed form."""
    found, weight = remembered.get(text), weight_of(text)
    if found is None:
        pieces = parse(text)
        found = whole_piece(pieces) or pieces
        remembered.put(text, found, weight)
    return found, weight


def whole_piece(pieces: Sequence[str | Tag | Expression]) -> Tag | Expression | None:
    """Return the tag or expression if the string is only that, apart from white space around it."""
    if len(pieces) == 1:
        single = pieces[0]
        return None if isinstance(single, str) else single
    whole = None
    for piece in pieces:
        if not isinstance(piece, str):
            if whole is not None:
                return None
            whole = piece
        elif not piece.isspace():
            return None
    return whole


def whole_tag(pieces: Sequence[str | Tag | Expression]) -> Tag | None:
    """Return the tag if the string is only one tag, apart from white space around it."""
    return whole if isinstance(whole := whole_piece(pieces), Tag) else None
