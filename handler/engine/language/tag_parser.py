"""Parses strings into plain text, tags and expressions; `handler.engine.language.tags` describes their forms."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from handler.engine.language.paths import Key, Tag

if TYPE_CHECKING:  # a job without expressions never loads them
    from handler.engine.language.expression import Expression
    from handler.engine.language.source import Scanner

Piece = "str | Tag | Expression"
"""The pieces of a string: plain text, tags and expressions."""

_OPENER: Final = re.compile(r"\\?\{[%:#<=] ")
_TAG_OPENER: Final = re.compile(r"\{[%:#<] ")
_CHUNK: Final = re.compile(r"[^\s{]+")
_WHOLE: Final = re.compile(r"\s*\{([%:#<]) +([^\s{}\\]+) +([%:#>])\}\s*")
_CLOSERS: Final = {"%": "%}", ":": ":}", "#": "#}", "<": ">}"}
_MAX_DEPTH: Final = 32  # levels of tags in tags: a deeper one is text


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


class _Parser:
    """Recursive descent over one string. It remembers openers that are not tags, and so takes linear time."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.no_tag: set[int] = set()
        self.scanner: Scanner | None = None

    def parse(self) -> tuple[str | Tag | Expression, ...]:
        text, position = self.text, 0
        pieces: list[str | Tag | Expression] = []
        plain: list[str] = []
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
        text = self.text
        pieces: list[str | Tag] = []
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
    is_direct = fixed and sigil != ":" and "_" not in path
    return Tag(sigil, _expand(sigil, keys), path, fixed, path if is_result else None, is_direct)


def _expand(sigil: str, keys: Sequence[Key]) -> tuple[Key, ...]:
    """Return the path from the contexts."""
    if sigil == "%":
        return tuple(keys)
    if sigil == ":":
        return ("steps", keys[0], "result", *keys[1:])
    return ("job", "variables" if sigil == "#" else "parameters", *keys)
