"""The source at the nodes of an expression's tree: its strings and tags, and the columns that messages name."""

from __future__ import annotations

import ast
import warnings
from typing import Any

from handler.engine.language.meter import ExpressionError, Meter, MissingError
from handler.engine.language.operators import Closure, Frame
from handler.engine.language.paths import PathError, Tag
from handler.engine.language.source import Masked, Part, Source


class Reading:
    """Finds the strings and tags of the source at the nodes of its tree; each must be read once."""

    def __init__(self, source: Source, masked: Masked) -> None:
        self._text = source.text
        self._masked = masked
        self._first = source.start + 1  # columns count from 1, in the string that holds the expression
        self._strings = {part.start: part for part in source.strings}
        self._tags = {part.start: part for part in source.tags}
        self._tries = frozenset(masked.tries)
        self._read: set[int] = set()

    def column(self, node: Any) -> int:
        """Return where a node begins, from 1, in the string that holds the expression."""
        return self._first + self._masked.position(node.col_offset)

    def end(self, node: Any) -> int:
        """Return the position after a node."""
        return self._first + self._masked.position(node.end_col_offset)

    def string(self, node: ast.Constant) -> str:
        """Return the string in quotes at a node.

        Raises:
            ExpressionError: a letter precedes its quote, or another string is next to it.
        """
        part = self._at(node, self._strings)
        if part is not None:
            return self._unescape(part)
        if self._text[self._masked.position(node.col_offset)].isalpha():
            raise ExpressionError(
                "no letters are allowed before a quote; write a backslash in a string twice", self.column(node)
            )
        raise ExpressionError("two strings side by side are joined with `+`", self.column(node))

    def is_tag_at(self, column: int) -> bool:
        """Return whether a tag begins at that column."""
        return column - self._first in self._tags

    def tag(self, node: ast.Name) -> Closure | None:
        """Return the closure of the tag at a name, or ``None`` if it is not a tag."""
        part = self._at(node, self._tags)
        return None if part is None else _read_tag(part.value, self.column(node))

    def is_try(self, node: ast.Name) -> bool:
        """Return whether the name is the function `try`."""
        return self._masked.position(node.col_offset) in self._tries

    def _at(self, node: Any, parts: dict[int, Part]) -> Part | None:
        part = parts.get(self._masked.position(node.col_offset))
        if part is None or self._masked.position(node.end_col_offset) != part.end:
            return None
        self._read.add(part.start)
        return part

    def _unescape(self, part: Part) -> str:
        written = self._text[part.start : part.end]
        if "\\" not in written and "\n" not in written and "\r" not in written:
            return written[1:-1]
        value = unescape(written)
        if value is None:
            raise ExpressionError(
                "this string is not valid: write a backslash as `\\\\`, a new line as `\\n`",
                self._first + part.start,
            )
        return value

    def check_all_read(self) -> None:
        """Check that each string and each tag is a node of its own.

        Raises:
            ExpressionError: a string or a tag has a neighbour without an operator between them.
        """
        for part in sorted((*self._strings.values(), *self._tags.values()), key=lambda part: part.start):
            if part.start in self._read:
                continue
            raise ExpressionError("an operator is missing beside this", self._first + part.start)


def _read_tag(tag: Tag, column: int) -> Closure:
    def run(frame: Frame) -> Any:
        meter: Meter = frame[0]
        try:
            return tag.resolve(frame[1], meter.charge)
        except PathError as error:
            raise MissingError(str(error), column) from None

    return run


def unescape(written: str) -> str | None:
    """Return a string in quotes as Python reads it, or ``None`` if Python refuses it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # for a backslash that begins no escape: it stays a backslash
        try:
            value = ast.literal_eval(written)
        except (SyntaxError, ValueError):
            return None
    return value if type(value) is str else None
