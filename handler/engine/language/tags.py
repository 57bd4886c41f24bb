"""Tags in the texts of a job: parsed from what the user wrote, once, and never from values.

    {% path %}       any context value
    {: step.path :}  steps.step.result.path
    {# name.path #}  job.variables.name.path
    {< name.path >}  job.parameters.name.path

At least one space stands inside each end and none in the path. A path is dotted keys; a key may hold further tags,
whose value is one key, dots and all. A backslash before an opener keeps it as text. What only resembles a tag is text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from handler.engine.language.paths import Key, PathError, Tag, as_text, join_pieces, resolve_key
from handler.engine.status import ConduitStatus
from handler.engine.values import Charge, copy_value

__all__ = ["PathError", "Tag", "parse", "resolve", "resolve_key", "resolve_name", "resolve_text", "whole_tag"]

_DONE: Final = ConduitStatus.DONE  # looking a member up in its enum takes eight times as long as a name
_OPENER: Final = re.compile(r"\\?\{[%:#<] ")
_CHUNK: Final = re.compile(r"[^\s{]+")
_WHOLE: Final = re.compile(r"\s*\{([%:#<]) +([^\s{}\\]+) +([%:#>])\}\s*")
_CLOSERS: Final = {"%": "%}", ":": ":}", "#": "#}", "<": ">}"}
_PLAIN: Final = frozenset({int, float, bool, type(None)})
"""Types of values that hold no tag: most of what users write that is no text."""
_SCALARS: Final = _PLAIN | {str}
"""Types of values that need no copy."""
_SHORT: Final = 200
"""Characters of a text whose parse is worth remembering."""
_REMEMBERED: Final = 16_384
"""How many of them: all of a few jobs of 1,000 steps each, in 10 MB at the most."""
_MAX_DEPTH: Final = 32
"""Tags within tags. More only resembles a tag; nobody writes it but to exhaust a parser."""


def resolve(value: Any, contexts: Mapping[str, Any], charge: Charge) -> Any:
    """A value that the user wrote, with its tags replaced; what they point to is copied, never scanned for tags.

    Raises:
        PathError: a tag points to nothing.
    """
    kind = type(value)
    if kind is dict or isinstance(value, Mapping):
        resolved = {}
        for key, item in value.items():  # every step's parameters come by here, so what needs no call gets none
            name = key if type(key) is str and "{" not in key else resolve_name(key, contexts, charge)
            if type(item) is str:
                resolved[name] = resolve_text(item, contexts, charge) if "{" in item else item
            else:
                resolved[name] = item if type(item) in _PLAIN else resolve(item, contexts, charge)
        return resolved
    if kind is str:
        return resolve_text(value, contexts, charge) if "{" in value else value
    if kind is list:
        return [resolve(item, contexts, charge) for item in value]
    return value


def resolve_text(text: str, contexts: Mapping[str, Any], charge: Charge) -> Any:
    """One text: the value itself where it is one tag and nothing else, else a text."""
    try:
        read = _read_before[text]
    except KeyError:
        read = _read(text)
    if type(read) is not Tag:
        return join_pieces(read, contexts, charge)
    try:
        step = contexts["steps"].steps_by_id.get(read.step)
    except (AttributeError, KeyError):  # contexts of someone's own
        step = None
    if step is not None:  # the whole result of a step, as most tags are: asked for it without a call
        value = step.return_value if step.status is _DONE else None
    else:
        value = read.resolve(contexts, charge)
    return value if type(value) in _SCALARS else copy_value(value, charge)


def resolve_name(name: Any, contexts: Mapping[str, Any], charge: Charge) -> str:
    """A parameter's or key's name: always a text."""
    if type(name) is not str:
        return str(name)
    return as_text(resolve_text(name, contexts, charge), charge) if "{" in name else name


def parse(text: str) -> tuple[str | Tag, ...]:
    """Split a text into plain texts and tags, escapes resolved. A text without tags is one piece, or none if empty."""
    if "{" not in text:
        return (text,) if text else ()
    whole = _WHOLE.fullmatch(text)  # the usual case: one tag and nothing else, without a tag in it
    if whole is not None:
        sigil, path, closer = whole.groups()
        if closer == _CLOSERS[sigil][0]:
            return (_tag(sigil, path.split("."), path, fixed=True),)
    return _Parser(text).parse()


_read_before: Final[dict[str, Tag | tuple[str | Tag, ...]]] = {}
"""What short texts read as: a process that stays warm meets the same workflows again. Syntax only, no value.

It begins anew when it is full. A job with more texts than fit would make a least-recently-used cache miss each one.
"""


def _read(text: str) -> Tag | tuple[str | Tag, ...]:
    """The tag that the text is and nothing else, or its pieces."""
    pieces = parse(text)
    read = whole_tag(pieces) or pieces
    if len(text) <= _SHORT:
        if len(_read_before) >= _REMEMBERED:
            _read_before.clear()
        _read_before[text] = read
    return read


def whole_tag(pieces: tuple[str | Tag, ...]) -> Tag | None:
    """The tag, if the text is one tag and nothing else, white space around it aside."""
    if len(pieces) == 1:
        single = pieces[0]
        return None if isinstance(single, str) else single
    tag = None
    for piece in pieces:
        if isinstance(piece, Tag):
            if tag is not None:
                return None
            tag = piece
        elif not piece.isspace():
            return None
    return tag


class _Parser:
    """Recursive descent over one text. Openers that turned out to be no tags are remembered, which keeps it linear."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.no_tag: set[int] = set()

    def parse(self) -> tuple[str | Tag, ...]:
        text, pieces, plain, position = self.text, list[str | Tag](), list[str](), 0
        while opener := _OPENER.search(text, position):
            start = opener.start()
            plain.append(text[position:start])
            if text[start] == "\\":
                plain.append(text[start + 1 : opener.end()])
                position = opener.end()
            elif (found := self.read_tag(start, 0)) is not None:
                if joined := "".join(plain):
                    pieces.append(joined)
                plain.clear()
                tag, position = found
                pieces.append(tag)
            else:
                plain.append("{")
                position = start + 1
        plain.append(text[position:])
        if joined := "".join(plain):
            pieces.append(joined)
        return tuple(pieces)

    def read_tag(self, start: int, depth: int) -> tuple[Tag, int] | None:
        """The tag whose opener stands at `start`, and where it ends; ``None`` if it is none."""
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
            elif _OPENER.match(text, position):
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
    """A tag of the keys that the user wrote."""
    is_result = sigil == ":" and len(keys) == 1 and fixed and path[0] != "_" and path[-1] != "_"
    return Tag(sigil, _expand(sigil, keys), path, fixed, path if is_result else None)


def _expand(sigil: str, keys: Sequence[Key]) -> tuple[Key, ...]:
    """The path from the contexts down."""
    if sigil == "%":
        return tuple(keys)
    if sigil == ":":
        return ("steps", keys[0], "result", *keys[1:])
    return ("job", "variables" if sigil == "#" else "parameters", *keys)
