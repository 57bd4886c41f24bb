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

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from handler.engine.charges import LEAST, TINY, WORD, Charge, charged
from handler.engine.language.meter import NO_WORLD, TAG_STEPS, TOKEN_STEPS, World
from handler.engine.language.paths import Key, PathError, Tag, as_text, resolve_key
from handler.engine.language.remembered import Remembered, weight_of
from handler.engine.status import DONE
from handler.engine.values import copy_value

if TYPE_CHECKING:  # a job without expressions never loads them
    from handler.engine.language.expression import Expression
    from handler.engine.language.source import Scanner

__all__ = ["PathError", "Piece", "Tag", "parse", "read", "resolve", "resolve_key", "resolve_name", "resolve_text"]
__all__ += ["whole_piece", "whole_tag"]

Piece = "str | Tag | Expression"
"""The pieces of a string: plain text, tags and expressions."""

_OPENER: Final = re.compile(r"\\?\{[%:#<=] ")
_TAG_OPENER: Final = re.compile(r"\{[%:#<] ")
_CHUNK: Final = re.compile(r"[^\s{]+")
_WHOLE: Final = re.compile(r"\s*\{([%:#<]) +([^\s{}\\]+) +([%:#>])\}\s*")
_CLOSERS: Final = {"%": "%}", ":": ":}", "#": "#}", "<": ">}"}
_PLAIN: Final = frozenset({int, float, bool, type(None)})  # types of values that hold no tag
REMEMBERED: Final = 13 * 1024 * 1024
"""Bytes of parsed strings that a process keeps. A chain of 10,000 steps fits into half, or costs twice as much."""
_MAX_DEPTH: Final = 32  # levels of tags in tags: a deeper one is text


def resolve(value: Any, contexts: Mapping[str, Any], charge: Charge, world: World = NO_WORLD) -> Any:
    """Return the user's value with its tags and expressions replaced by copies, in which no further tags are read.

    Raises:
        PathError: the path of a tag does not exist.
        ExpressionError: an expression cannot be evaluated.
        BudgetExceededError: an expression takes too many steps, or `charge` refuses the new value.
    """
    kind = type(value)
    if kind is dict or isinstance(value, Mapping):
        world.spent += len(value)
        resolved = {}
        for key, item in value.items():  # every step's parameters pass here, so plain values take no call
            name = key if type(key) is str and "{" not in key else resolve_name(key, contexts, charge, world)
            if type(item) is str:
                resolved[name] = resolve_text(item, contexts, charge, world) if "{" in item else item
            else:
                resolved[name] = item if type(item) in _PLAIN else resolve(item, contexts, charge, world)
        return resolved
    if kind is str:
        return resolve_text(value, contexts, charge, world) if "{" in value else value
    if kind is list:
        world.spent += len(value) + 8
        return [item if type(item) in _PLAIN else resolve(item, contexts, charge, world) for item in value]
    return value


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
        value = found.resolve(contexts, charge)
    if (kind := type(value)) is int or kind is str:
        return value if (LEAST < value < WORD if kind is int else len(value) <= TINY) else charged(value, charge)
    world.spent += len(value) >> 1 if kind is list or kind is dict else 0  # however few bytes an item has
    return value if kind in _PLAIN else copy_value(value, charge)


def _join(pieces: Sequence[str | Tag | Expression], contexts: Mapping[str, Any], charge: Charge, world: World) -> str:
    """Return plain text and the values of tags and expressions as one string."""
    joined = list[str]()
    for piece in pieces:
        if type(piece) is str:
            joined.append(piece)
        elif type(piece) is Tag:
            joined.append(as_text(piece.resolve(contexts, charge), charge))
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


def parse(text: str) -> tuple[str | Tag | Expression, ...]:
    """Split a string into plain text, tags and expressions, and resolve escapes. An empty string has no pieces."""
    if "{" not in text:
        return (text,) if text else ()
    whole = _WHOLE.fullmatch(text)  # the usual case: only one tag, without a tag in it
    if whole is not None:
        sigil, path, closer = whole.groups()
        if closer == _CLOSERS[sigil][0]:
            return (_tag(sigil, path.split("."), path, fixed=True),)
    return _Parser(text).parse()


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


class _Parser:
    """Recursive descent over one string. It remembers openers that are not tags, and so takes linear time."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.no_tag: set[int] = set()
        self.scanner: Scanner | None = None

    def parse(self) -> tuple[str | Tag | Expression, ...]:
        text, pieces, plain, position = self.text, list["str | Tag | Expression"](), list[str](), 0
        while opener := _OPENER.search(text, position):
            start = opener.start()
            plain.append(text[position:start])
            if text[start] == "\\":
                plain.append(text[start + 1 : opener.end()])
                position = opener.end()
            elif (found := self.read_piece(start)) is not None:
                if joined := "".join(plain):
                    pieces.append(joined)
                plain.clear()
                piece, position = found
                pieces.append(piece)
            else:
                plain.append("{")
                position = start + 1
        plain.append(text[position:])
        if joined := "".join(plain):
            pieces.append(joined)
        return tuple(pieces)

    def read_piece(self, start: int) -> tuple[Tag | Expression, int] | None:
        """Return the tag or expression whose opener is at `start`, and its end; ``None`` if the opener is text."""
        if self.text[start + 1] != "=":
            return self.read_tag(start, 0)
        from handler.engine.language.expression import Expression  # noqa: PLC0415  # few strings hold one
        from handler.engine.language.source import Scanner  # noqa: PLC0415  # as above

        if self.scanner is None:
            self.scanner = Scanner(self.text, lambda position: self.read_tag(position, 0))
        source = self.scanner.read(start)
        return None if source is None else (Expression(source), source.end)

    def read_tag(self, start: int, depth: int) -> tuple[Tag, int] | None:
        """Return the tag whose opener is at `start`, and its end; ``None`` if the opener is text."""
        if start in self.no_tag or depth >= _MAX_DEPTH:
            return None
        found = self._read_tag(start, depth)
        if found is None:
            self.no_tag.add(start)
        return found

    def _read_tag(self, start: int, depth: int) -> tuple[Tag, int] | None:
        text, pieces = self.text, list[str | Tag]()
        sigil = text[start + 1]
        begin = position = self._skip_spaces(start + 2)
        while position < len(text):
            if chunk := _CHUNK.match(text, position):
                pieces.append(chunk[0])
                position = chunk.end()
            elif text[position] != "{":
                break
            elif _TAG_OPENER.match(text, position):
                nested = self.read_tag(position, depth + 1)
                if nested is None:
                    return None
                pieces.append(nested[0])
                position = nested[1]
            else:
                pieces.append("{")
                position += 1
        path, end = text[begin:position], self._skip_spaces(position)
        closer = _CLOSERS[sigil]
        if not pieces or end == position or not text.startswith(closer, end):
            return None
        return _make_tag(sigil, pieces, path), end + len(closer)

    def _skip_spaces(self, position: int) -> int:
        while self.text.startswith(" ", position):
            position += 1
        return position


def _make_tag(sigil: str, pieces: Sequence[str | Tag], path: str) -> Tag:
    keys: list[list[str | Tag]] = [[]]
    for piece in pieces:
        if isinstance(piece, Tag):
            keys[-1].append(piece)
            continue
        first, *rest = piece.split(".")
        if first:
            keys[-1].append(first)
        keys.extend([part] if part else [] for part in rest)
    made: list[Key] = []
    fixed = True
    for key in keys:
        if all(isinstance(part, str) for part in key):
            made.append("".join(part for part in key if isinstance(part, str)))
        else:
            made.append(tuple(key))
            fixed = False
    return _tag(sigil, made, path, fixed=fixed)


def _tag(sigil: str, keys: Sequence[Key], path: str, *, fixed: bool) -> Tag:
    """Return a tag of the user's keys."""
    is_result = sigil == ":" and len(keys) == 1 and fixed and path[0] != "_" and path[-1] != "_"
    return Tag(sigil, _expand(sigil, keys), path, fixed, path if is_result else None)


def _expand(sigil: str, keys: Sequence[Key]) -> tuple[Key, ...]:
    """Return the path from the contexts."""
    if sigil == "%":
        return tuple(keys)
    if sigil == ":":
        return ("steps", keys[0], "result", *keys[1:])
    return ("job", "variables" if sigil == "#" else "parameters", *keys)
