"""One expression: compiled once, at its first use, and evaluated as often as wanted.

`Expression.resolve` is to an expression what `Tag.resolve` is to a tag. Its value shares nothing with the contexts.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from blocks.block import BudgetExceededError
from handler.engine.language.grammar import Builder, Names, count_nodes, count_steps
from handler.engine.language.json_values import as_json, hand_over
from handler.engine.language.meter import NO_WORLD, STEPS, ExpressionError, Meter, MissingError, World
from handler.engine.language.numerals import find_bad_number
from handler.engine.language.operators import Closure, Frame
from handler.engine.language.paths import PathError, Tag
from handler.engine.language.source import MOST_CHARACTERS, Masked, Part, Source
from handler.engine.language.spelling import closest, did_you_mean, explain, foreign_operator
from handler.engine.values import Charge

_OF_JOB: Final = frozenset({"parameters", "variables"})


@dataclass(frozen=True, slots=True)
class Program:
    """A compiled expression.

    Attributes:
        run: its closure.
        slots: how long its frame is.
        steps: steps that are left for its loops.
        names: what it reads by name.
        asked: names that the contexts must have, each with its column.
        compared_now: columns where the text of `now()` is compared with another.
    """

    run: Closure
    slots: int
    steps: int
    names: Names
    asked: tuple[tuple[str, int], ...]
    compared_now: tuple[int, ...]


class Expression:
    """An expression in a string that a user wrote.

    Args:
        source: where it stands and what it says.

    Attributes:
        source: the same.
    """

    __slots__ = ("_program", "_refusal", "source")

    def __init__(self, source: Source) -> None:
        self.source = source
        self._program: Program | None = None
        self._refusal: ExpressionError | BudgetExceededError | None = None

    @property
    def written(self) -> str:
        """The expression with its marks."""
        return f"{{={self.source.text}=}}"

    @property
    def tags(self) -> list[Tag]:
        """The tags that stand in it as operands."""
        return [part.value for part in self.source.tags]

    @property
    def program(self) -> Program:
        """What it compiles to.

        Raises:
            ExpressionError: it is no expression. The message names the column and what to write.
            BudgetExceededError: it is too long.
        """
        if self._program is None:
            if self._refusal is not None:
                raise type(self._refusal)(*self._refusal.args, *self._column_of_refusal())
            try:
                self._program = _compile(self.source)
            except (ExpressionError, BudgetExceededError) as refusal:
                self._refusal = refusal.with_traceback(None)
                raise
        return self._program

    def _column_of_refusal(self) -> tuple[int | None, ...]:
        return (self._refusal.column,) if isinstance(self._refusal, ExpressionError) else ()

    def resolve(self, contexts: Mapping[str, Any], charge: Charge, world: World = NO_WORLD) -> Any:
        """Its value, with its type.

        Args:
            contexts: what tags see; `loop` and the names of items are keys of it like `job` and `steps`.
            charge: told the bytes about to be built.
            world: the clock and the limits of the step.

        Raises:
            ExpressionError: it cannot be evaluated.
            BudgetExceededError: it takes too many steps or builds too much.
        """
        meter = Meter(charge, world)
        try:
            return hand_over(self._run(meter, contexts), meter)
        except RecursionError:
            raise BudgetExceededError("the expression is nested too deep") from None

    def as_text(self, contexts: Mapping[str, Any], charge: Charge, world: World = NO_WORLD) -> str:
        """Its value as it stands inside a longer string: strings as they are, the rest as JSON. As `resolve`."""
        meter = Meter(charge, world)
        try:
            value = hand_over(self._run(meter, contexts), meter)
            return value if type(value) is str else as_json(value, meter)
        except RecursionError:
            raise BudgetExceededError("the expression is nested too deep") from None

    def truth(self, contexts: Mapping[str, Any], charge: Charge, world: World = NO_WORLD) -> bool:
        """Whether its value is true: neither null, false, 0 nor empty. As `resolve`."""
        try:
            return bool(self._run(Meter(charge, world), contexts))
        except RecursionError:
            raise BudgetExceededError("the expression is nested too deep") from None

    def _run(self, meter: Meter, contexts: Mapping[str, Any]) -> Any:
        program = self._program or self.program
        for name, column in program.asked:
            if name not in contexts:
                raise unknown_name(name, column, contexts)
        meter.steps = program.steps
        frame: Frame = [meter, contexts]
        if program.slots > 2:  # noqa: PLR2004  # the two above
            frame.extend([None] * (program.slots - 2))
        value = program.run(frame)
        meter.end()
        return value


def unknown_name(name: str, column: int, known: Mapping[str, Any] | frozenset[str]) -> MissingError:
    """The error of a name that no context has."""
    names = ["parameters", "variables", *known]
    meant = did_you_mean(name, names)
    if not meant and closest(name, ("loop",)) == "loop":
        meant = "; `loop` is known inside of loops only"
    shown = ", ".join(f"`{one}`" for one in names[:8])
    return MissingError(f"there is no `{name[:60]}`{meant or f'; there are {shown}'}", column)


def _compile(source: Source) -> Program:
    if len(source.text) > MOST_CHARACTERS:
        raise BudgetExceededError(
            f"the expression has {len(source.text):,} characters; the limit is {MOST_CHARACTERS:,}"
        )
    masked = Masked(source)
    first = source.start + 1  # columns count from 1, in the string that holds the expression
    tree = _parse(masked, first)
    count_nodes(tree)
    reading = _Reading(source, masked, first)
    builder = Builder(reading.column, reading.string, reading.tag, reading.is_try)
    run = builder.build(tree)
    reading.check_all_read()
    return Program(
        run,
        builder.slots,
        STEPS - count_steps(tree),
        builder.names,
        tuple((name, column) for name, column in builder.names.required.items() if name not in _OF_JOB),
        tuple(builder.compared_now),
    )


def _parse(masked: Masked, first: int) -> ast.expr:
    text = masked.text
    if not text:
        raise ExpressionError("an expression is missing between the marks", first)
    bad = find_bad_number(text)
    if bad is not None:
        raise ExpressionError(f"`{text[bad:bad + 20].split()[0]}` is no number", first + masked.shift + bad)
    if "#" in text or "\\" in text:  # Python would pass over them
        position, message = foreign_operator(text) or (0, "this is no expression")
        raise ExpressionError(message, first + masked.shift + position)
    try:
        return ast.parse(text, mode="eval").body
    except SyntaxError as error:
        stopped = max(0, min(len(text), error.offset or 1) - 1)
        position, message = explain(text, stopped, error.msg)
        raise ExpressionError(message, first + masked.shift + position) from None
    except (RecursionError, MemoryError):
        raise BudgetExceededError("the expression is nested too deep") from None
    except ValueError:  # a NUL
        raise ExpressionError("this is no expression", first) from None


class _Reading:
    """Finds the strings and tags of the source at the nodes of its tree; each must be read once."""

    def __init__(self, source: Source, masked: Masked, first: int) -> None:
        self._text = source.text
        self._masked = masked
        self._first = first
        self._strings = {part.start: part for part in source.strings}
        self._tags = {part.start: part for part in source.tags}
        self._tries = frozenset(masked.tries)
        self._read: set[int] = set()

    def column(self, node: Any) -> int:
        return self._first + self._masked.position(node.col_offset)

    def string(self, node: ast.Constant) -> str | None:
        part = self._at(node, self._strings)
        return None if part is None else self._unescape(part)

    def tag(self, node: ast.Name) -> Closure | None:
        part = self._at(node, self._tags)
        return None if part is None else _read_tag(part.value, self.column(node))

    def is_try(self, node: ast.Name) -> bool:
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
                "a backslash in this string begins no escape, or the string goes over several lines: write `\\\\`, `\\n`",
                self._first + part.start,
            )
        return value

    def check_all_read(self) -> None:
        """See that nothing was swallowed by what stands beside it.

        Raises:
            ExpressionError: a string or a tag has a neighbour without an operator between them.
        """
        for part in sorted((*self._strings.values(), *self._tags.values()), key=lambda part: part.start):
            if part.start in self._read:
                continue
            before = self._text[: part.start].rstrip(" ")[-1:]
            if part.value is None and self._text[part.start - 1 : part.start].isalpha():
                message = "a string has no letters before its quote; backslashes are written twice"
            elif before == ".":
                message = "a tag does not stand behind a dot: write `x[{< key >}]`"
            else:
                message = "an operator is missing beside this"
            raise ExpressionError(message, self._first + part.start)


def _read_tag(tag: Tag, column: int) -> Closure:
    def run(frame: Frame) -> Any:
        meter: Meter = frame[0]
        try:
            return tag.resolve(frame[1], meter.charge)
        except PathError as error:
            raise MissingError(str(error), column) from None

    return run


def unescape(written: str) -> str | None:
    """A string in quotes as Python reads it; ``None`` if Python does not."""
    import warnings  # noqa: PLC0415  # few strings have a backslash

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a backslash that begins no escape, which stays one
        try:
            value = ast.literal_eval(written)
        except (SyntaxError, ValueError):
            return None
    return value if type(value) is str else None
