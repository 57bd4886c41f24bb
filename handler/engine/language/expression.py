"""One expression: compiled once, on first use, and evaluated any number of times.

`Expression.resolve` evaluates it, like `Tag.resolve` for a tag. Its value shares nothing with the contexts.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from blocks.block import BudgetExceededError
from handler.engine.charges import Charge
from handler.engine.language.counting import count_nodes, count_steps
from handler.engine.language.grammar import Builder, Names
from handler.engine.language.json_values import as_string, hand_over
from handler.engine.language.meter import NO_WORLD, STEPS, ExpressionError, Meter, MissingError, World
from handler.engine.language.numerals import find_bad_number
from handler.engine.language.operators import Closure, Frame
from handler.engine.language.paths import Tag
from handler.engine.language.reading import Reading
from handler.engine.language.source import MOST_CHARACTERS, Masked, Source
from handler.engine.language.spelling import closest, did_you_mean, explain, foreign_operator

_NAME: Final = re.compile(r"\w+")
_OF_JOB: Final = frozenset({"parameters", "variables"})


@dataclass(frozen=True, slots=True)
class Program:
    """A compiled expression.

    Attributes:
        run: its closure.
        slots: the length of its frame.
        steps: the steps that are left for its loops.
        names: the names that it reads.
        asked: the names that the contexts must have, each with its column.
        compared_now: columns where `now()` is compared with a string.
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
        source: its text and its place.

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
        """The tags that are its operands."""
        return [part.value for part in self.source.tags]

    @property
    def program(self) -> Program:
        """The compiled expression.

        Raises:
            ExpressionError: it is not an expression. The message names the column and what to write.
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
            contexts: the contexts, in which `loop` and the names of items are keys like `job` and `steps`.
            charge: called with the bytes about to be built.
            world: the clock and the limits of the step.

        Raises:
            ExpressionError: it cannot be evaluated.
            BudgetExceededError: it takes too many steps or builds too much.
        """
        return self.evaluate(Meter(charge, world), contexts)

    def evaluate(self, meter: Meter, contexts: Mapping[str, Any]) -> Any:
        """Like `resolve`, with the caller's meter, which may have fewer steps left."""
        try:
            return hand_over(self._run(meter, contexts), meter)
        except RecursionError:
            raise BudgetExceededError("the expression is nested too deep") from None

    def as_text(self, contexts: Mapping[str, Any], charge: Charge, world: World = NO_WORLD) -> str:
        """Its value as part of a longer string: a string unchanged, other values as JSON. Otherwise like `resolve`."""
        meter = Meter(charge, world)
        try:
            return str(hand_over(as_string(self._run(meter, contexts), meter), meter))
        except RecursionError:
            raise BudgetExceededError("the expression is nested too deep") from None

    def truth(self, contexts: Mapping[str, Any], charge: Charge, world: World = NO_WORLD) -> bool:
        """Whether its value is true: neither null, false, 0 nor empty. Otherwise like `resolve`."""
        try:
            return bool(self._run(Meter(charge, world), contexts))
        except RecursionError:
            raise BudgetExceededError("the expression is nested too deep") from None

    def _run(self, meter: Meter, contexts: Mapping[str, Any]) -> Any:
        program = self._program or self.program
        for name, column in program.asked:
            if name not in contexts:
                raise unknown_name(name, column, contexts, self.source.text)
        meter.steps -= STEPS - program.steps
        frame: Frame = [meter, contexts]
        if program.slots > 2:  # noqa: PLR2004  # the two above
            frame.extend([None] * (program.slots - 2))
        try:
            value = program.run(frame)
        except Exception as error:
            if isinstance(error, MissingError):
                meter.steps -= error.add_hint()
            meter.end()  # a failed evaluation has taken steps, too
            raise
        meter.end()
        return value


def unknown_name(name: str, column: int, known: Iterable[str], text: str = "") -> MissingError:
    """The error of a name that no context has; `text` is the expression, where `a.my-key` reads as a difference."""
    hyphenated = re.search(rf"\.((?:\w+-)+{re.escape(name)}\b[\w-]*)", text)
    if hyphenated is not None:
        hint = f'a key with a hyphen is read with brackets: ["{hyphenated[1]}"]'
        return MissingError(f"there is no `{name[:60]}`; {hint}", column)
    names = ["parameters", "variables", *known]
    meant = did_you_mean(name, names)
    if not meant and closest(name, ("loop",)) == "loop":
        meant = "; `loop` exists only inside loops"
    shown = ", ".join(f"`{one}`" for one in names[:8])
    return MissingError(f"there is no `{name[:60]}`{meant or f'; there are {shown}'}", column)


def _compile(source: Source) -> Program:
    if len(source.text) > MOST_CHARACTERS:
        raise BudgetExceededError(
            f"the expression has {len(source.text):,} characters; the limit is {MOST_CHARACTERS:,}"
        )
    masked = Masked(source)
    tree = _parse(masked, source.start + 1)
    count_nodes(tree)
    reading = Reading(source, masked)
    builder = Builder(reading)
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


def _refuse_wide_letters(text: str, first: int) -> None:
    """Refuse names that Python would read as other names: with wide letters or ligatures."""
    import unicodedata  # noqa: PLC0415  # few expressions need it

    for name in _NAME.finditer(text):
        if unicodedata.normalize("NFKC", name[0]) != name[0]:
            raise ExpressionError(
                f"`{name[0]}` contains letters that Python reads as other letters", first + name.start()
            )


def _parse(masked: Masked, first: int) -> ast.expr:
    text = masked.text
    if not text:
        raise ExpressionError("an expression is missing between the marks", first)
    if "\0" in text:
        raise ExpressionError("an expression cannot contain NUL", first + masked.shift + text.index("\0"))
    bad = find_bad_number(text)
    if bad is not None:
        raise ExpressionError(f"`{text[bad : bad + 20].split()[0]}` is not a number", first + masked.shift + bad)
    if "#" in text or "\\" in text:  # Python would pass over them
        position, message = foreign_operator(text) or (0, "this is not an expression")
        raise ExpressionError(message, first + masked.shift + position)
    if not text.isascii():
        _refuse_wide_letters(text, first + masked.shift)
    try:
        return ast.parse(text, mode="eval").body
    except SyntaxError as error:
        stopped = min(len(text), (error.offset or len(text) + 1) - 1)
        position, message = explain(text, stopped, error.msg)
        raise ExpressionError(message, first + masked.shift + position) from None
    except (RecursionError, MemoryError):
        raise BudgetExceededError("the expression is nested too deep") from None
