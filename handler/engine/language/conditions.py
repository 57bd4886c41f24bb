"""Conditions: the ``if`` of a step or a branch, and the ``while`` of a loop.

A condition is a boolean, a string, or a list of those. A string is one tag or one expression, whose value's truth
counts, or text without either, which is true unless it is empty. A tag or an expression next to other characters would
always be true, so it is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from blocks.block import BudgetExceededError
from handler.engine.charges import Charge
from handler.engine.language.meter import NO_WORLD, TOKEN_STEPS, ExpressionError, World
from handler.engine.language.paths import Tag
from handler.engine.language.remembered import count_tokens
from handler.engine.language.tags import read, read_in, resolve_text

if TYPE_CHECKING:  # a job without expressions never loads them
    from handler.engine.language.expression import Expression

_REWRITTEN: Final = (
    (re.compile(r"&&"), " and "),
    (re.compile(r"\|\|"), " or "),
    (re.compile(r"===|(?<![=!<>])=(?![=>])"), "=="),
    (re.compile(r"!==|<>"), "!="),
    (re.compile(r"!(?!=)"), " not "),
    (re.compile(r"\$\s*$"), ""),
    (re.compile(r"\bAND\b"), "and"),
    (re.compile(r"\bOR\b"), "or"),
    (re.compile(r"\bNOT\b"), "not"),
)
_WORD: Final = re.compile(r"(?<![\w.'\"])[A-Za-z_][\w-]*(?![\w.(])")
_QUOTED: Final = re.compile(r"'[^']*'|\"[^\"]*\"")
_OURS: Final = frozenset({"and", "or", "not", "in", "if", "else", "true", "false", "null", "True", "False", "None"})
LONGEST_MEANT: Final = 300
"""Characters of a condition whose meaning is guessed. Guessing takes many times as long as reading it."""
_REWRITES: Final = 4
"""How many times as long as parsing a condition it takes to find out what was meant."""
_SPACES: Final = re.compile(r"\s+")


def is_met(condition: Any, contexts: Mapping[str, Any], charge: Charge, world: World = NO_WORLD) -> bool:
    """Whether a condition holds. A list is read in order, up to the first false condition.

    Args:
        condition: the condition as the user wrote it.
        contexts: the contexts of its tags and expressions.
        charge: called with the bytes that they build.
        world: the clock and the limits of the step.

    Raises:
        ExpressionError: it is of another type; a tag or an expression is next to other characters or cannot be
            evaluated. A `PathError` where a tag leads nowhere.
        BudgetExceededError: it takes too many steps or builds too much.
    """
    if type(condition) is str:
        return _holds(condition, contexts, charge, world)
    if type(condition) is bool:
        return condition
    if isinstance(condition, list):
        world.spent += len(condition)
    if not isinstance(condition, list) or not all(isinstance(one, (str, bool)) for one in condition):
        raise ExpressionError("a condition is a string, a boolean, or a list of those")
    return all(one if isinstance(one, bool) else _holds(one, contexts, charge, world) for one in condition)


def _holds(text: str, contexts: Mapping[str, Any], charge: Charge, world: World) -> bool:
    if "{" not in text:
        return bool(text)
    found = read_in(world, text)
    if type(found) is Tag:
        return bool(resolve_text(text, contexts, charge, world))
    if type(found) is not tuple:
        return bool(found.truth(contexts, charge, world))
    if any(not isinstance(piece, str) for piece in found):
        if len(text) <= LONGEST_MEANT:
            world.spent += _REWRITES * TOKEN_STEPS * count_tokens(text)
        raise ExpressionError(mixed_condition(found, text))
    return bool("".join(found))  # plain text, with its escapes resolved


def mixed_condition(pieces: Sequence[str | Tag | Expression], text: str) -> str:
    """The message for a condition with a tag or an expression next to other characters, with the probable meaning.

    Args:
        pieces: the parts of the condition.
        text: the condition as it was written.
    """
    instead = f"`{meant(pieces)}`" if len(text) <= LONGEST_MEANT else "one expression, `{= … =}`"
    return (
        "a tag or an expression next to other characters makes a string, which is always true as a condition; "
        f"write {instead}"
    )


def is_mixed(text: str) -> bool:
    """Whether it has a tag or an expression next to other characters."""
    found = read(text) if "{" in text else ()
    return type(found) is tuple and any(not isinstance(piece, str) for piece in found)


def is_constant(text: str) -> bool:
    """Whether it is text without tags and expressions: a condition that is always the same."""
    found = read(text) if "{" in text else ()
    return type(found) is tuple and all(isinstance(piece, str) for piece in found)


def meant(pieces: Sequence[str | Tag | Expression]) -> str:
    """The expression that was probably meant by pieces: ``{< n >} > 5`` is ``{= {< n >} > 5 =}``."""
    written: list[str] = []
    values: list[str] = []
    before = False
    for piece in pieces:
        if isinstance(piece, str):
            plain = _rewrite(piece)
            written.append(plain)
            before = before and not plain.strip()
            continue
        if before:
            written.append(" and ")  # two values side by side: both
        written.append(
            f"{{{piece.sigil} {piece.path} {_CLOSERS[piece.sigil]}" if isinstance(piece, Tag) else piece.source.text
        )
        before = True
        values.append(written[-1].strip())
    inner = _SPACES.sub(" ", "".join(written)).strip()
    return f"{{= {inner} =}}" if _is_expression(inner) else f"{{= {' and '.join(values)} =}}"


def _is_expression(inner: str) -> bool:
    from handler.engine.language.expression import Expression  # noqa: PLC0415  # few jobs hold one

    found = read(f"{{= {inner} =}}")
    if not isinstance(found, Expression):
        return False
    try:
        return found.program is not None
    except (ExpressionError, BudgetExceededError):
        return False


_CLOSERS: Final = {"%": "%}", ":": ":}", "#": "#}", "<": ">}"}


def _rewrite(text: str) -> str:
    """Rewrite text between tags as a part of an expression: with our operators, and words in quotes."""
    parts: list[str] = []
    end = 0
    for quoted in _QUOTED.finditer(text):
        parts.extend((_rewrite_plain(text[end : quoted.start()]), quoted[0]))
        end = quoted.end()
    parts.append(_rewrite_plain(text[end:]))
    return "".join(parts)


def _rewrite_plain(text: str) -> str:
    for pattern, ours in _REWRITTEN:
        text = pattern.sub(ours, text)
    return _WORD.sub(lambda word: word[0] if word[0] in _OURS else f"'{word[0]}'", text)
