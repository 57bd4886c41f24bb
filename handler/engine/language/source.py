"""Finds the expressions in a string: their ends, and the strings and tags in them.

An expression begins with ``{= `` and ends with `` =}`` outside of quotes. Tags outside of quotes are read like all
tags. An opener without an end is text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

MOST_CHARACTERS: Final = 2_000
"""Characters between the marks of one expression."""

_PLAIN: Final = re.compile(r"[^'\"{=]+")
_CLOSER: Final = "=}"
_TAG: Final = re.compile(r"\{[%:#<] ")
_QUOTED: Final = {
    "'": re.compile(r"'(?:[^'\\]|\\.)*+'", re.DOTALL),
    '"': re.compile(r'"(?:[^"\\]|\\.)*+"', re.DOTALL),
}

ReadTag = Callable[[int], "tuple[Any, int] | None"]
"""Reads the tag whose opener is at a position; returns the tag and its end, or ``None``."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of an expression that is replaced before Python's grammar reads it.

    Attributes:
        start: where it begins in the expression's text.
        end: where it ends.
        value: the tag; ``None`` for a string in quotes.
    """

    start: int
    end: int
    value: Any


@dataclass(frozen=True, slots=True)
class Source:
    """One expression in its source form.

    Attributes:
        text: the text between the marks, with its spaces.
        start: where the text begins in the string that holds it.
        strings: its strings in quotes.
        tags: its tags.
    """

    text: str
    start: int
    strings: tuple[Part, ...]
    tags: tuple[Part, ...]

    @property
    def end(self) -> int:
        """The position after the closing mark."""
        return self.start + len(self.text) + len(_CLOSER)


class Scanner:
    """Finds the ends of the expressions of one string.

    It remembers the positions from which no end was found, so that a string of thousands of openers takes linear time.

    Args:
        text: the string.
        read_tag: reads a tag in it.
    """

    def __init__(self, text: str, read_tag: ReadTag) -> None:
        self._text = text
        self._read_tag = read_tag
        self._endless: set[int] = set()
        self._unquoted: dict[str, int] = {}

    def read(self, opener: int) -> Source | None:
        """Return the expression whose opener is at that position, or ``None`` if it never ends."""
        text, begin = self._text, opener + 2
        strings: list[Part] = []
        tags: list[Part] = []
        passed: list[int] = []
        position = begin
        while position < len(text):
            plain = _PLAIN.match(text, position)
            if plain is not None:
                position = plain.end()
                continue
            if position in self._endless:
                break
            passed.append(position)
            character = text[position]
            if character == "=":
                if text.startswith(_CLOSER, position) and text[position - 1] == " " and position - 1 > begin:
                    return Source(text[begin:position], begin, tuple(strings), tuple(tags))
                position += 1
            elif character == "{":
                found = self._read_tag(position) if _TAG.match(text, position) else None
                if found is None:
                    position += 1
                else:
                    tags.append(Part(position - begin, found[1] - begin, found[0]))
                    position = found[1]
            else:
                end = self._end_of_string(character, position)
                if end is None:
                    break
                strings.append(Part(position - begin, end - begin, None))
                position = end
        self._endless.update(passed)
        return None

    def _end_of_string(self, quote: str, position: int) -> int | None:
        if position >= self._unquoted.get(quote, len(self._text)):
            return None
        quoted = _QUOTED[quote].match(self._text, position)
        if quoted is None:
            self._unquoted[quote] = position
            return None
        return quoted.end()


class Masked:
    """An expression for Python's grammar: placeholders of the same length replace strings and tags, so columns stay.

    Attributes:
        text: the masked text, without the white space around it.
        shift: the length of the white space that was removed from its front.
    """

    def __init__(self, source: Source) -> None:
        characters = [" " if character.isspace() else character for character in source.text]
        for part in source.strings:
            characters[part.start + 1 : part.end - 1] = "x" * (part.end - part.start - 2)
        for part in source.tags:
            characters[part.start : part.end] = "_" * (part.end - part.start)
        masked = "".join(characters)
        self.tries = [found.start() for found in _TRY.finditer(masked)]
        masked = _TRY.sub("___", masked)
        text = masked.lstrip(" ")
        self.shift = len(masked) - len(text)
        self.text = text.rstrip(" ")
        self._encoded = None if self.text.isascii() else self.text.encode()

    def position(self, offset: int) -> int:
        """Return where a node is in the expression's text; `offset` is its ``col_offset``, which counts bytes."""
        if self._encoded is not None:
            offset = len(self._encoded[:offset].decode(errors="replace"))
        return offset + self.shift


_TRY: Final = re.compile(r"(?<![\w.])try(?=\s*\()")
"""A call of the function `try`, whose name is a keyword of Python."""
