"""Evaluates values before a run, like the engine in a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from blocks.block import BudgetExceededError
from handler.engine.call import Budget
from handler.engine.language.expression import Expression
from handler.engine.language.json_values import as_json
from handler.engine.language.look_alikes import find_look_alikes
from handler.engine.language.meter import ExpressionError, Meter
from handler.engine.language.paths import PathError, Tag, as_text
from handler.engine.language.remembered import count_tokens
from handler.engine.language.tags import read
from handler.engine.values import copy_value
from handler.payload.problem import MAX_PROBLEMS
from handler.validation.names import unknown_names
from handler.validation.static_contexts import Met, StaticContexts
from handler.validation.undecided import Undecided

Path = tuple[str | int, ...]

EVALUATION_STEPS: Final = 300_000
"""Evaluation steps for all expressions of a job together; in a run, three expressions may take as many."""
COMPILED: Final = 50_000
"""The budget for compiling all expressions of a job: each token costs 1, and each expression `EACH`."""
EACH: Final = 5
LOOKED_AT: Final = 2_000_000
"""The budget for searching look-alikes of tags: each character costs 1, each possible expression `OPENED`."""
OPENED: Final = 2_000
FAILURES: Final = 200


@dataclass(frozen=True, slots=True)
class Unknown:
    """A stand-in for a value that only a run knows."""


class UnknownText(str):
    """A stand-in for a string that only a run knows."""

    __slots__ = ()


UNKNOWN: Final = Unknown()


@dataclass(frozen=True, slots=True)
class Misreading:
    """A tag that cannot be resolved, or an expression that cannot be evaluated.

    Attributes:
        path: its place below the evaluated value.
        piece: the tag or the expression.
        message: the problem.
        column: its column in the string, from 1, if known.
        certain: whether a run will certainly evaluate it.
    """

    path: Path
    piece: Tag | Expression
    message: str
    column: int | None = None
    certain: bool = True


@dataclass(slots=True)
class Room:
    """The budget for validating one job. When it is used up, values count as unknown; no problem is reported.

    Attributes:
        built: the bytes left for tags and expressions to build.
        steps: the evaluation steps left.
        compiled: the budget left for compiling expressions.
        looked_at: the budget left for searching look-alikes.
        failures: the number of invalid expressions left, since finding a suggestion takes time.
    """

    built: Budget
    steps: int = EVALUATION_STEPS
    compiled: int = COMPILED
    looked_at: int = LOOKED_AT
    failures: int = FAILURES


class StaticWorld:
    """The world of expressions before a run: it has no clock, and regular expressions are undecided."""

    spent = 0
    texts = None

    def now(self) -> float:
        raise Undecided

    def check(self) -> None:
        """Do nothing: `Room` counts evaluation steps."""

    def limit(self, function: Callable[[], Any]) -> Any:  # noqa: ARG002 # the protocol's parameter
        raise Undecided

    def isolate(self, function: Callable[[], Any]) -> Any:  # noqa: ARG002 # as above
        raise Undecided


@dataclass(slots=True)
class Reading:
    """Evaluates the known parts of a value like the engine.

    Attributes:
        contexts: the contexts of tags and expressions.
        budget: the bytes that may be built; a run has the same budget for each step.
        room: the budget for the whole job.
        misreadings: the tags and expressions that cannot be evaluated.
        met: the other findings, each with its path.
    """

    contexts: StaticContexts
    budget: Budget
    room: Room
    misreadings: list[Misreading] = field(default_factory=list)
    met: list[tuple[Path, Met]] = field(default_factory=list)
    _seen: Mapping[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        self._seen = self.contexts.contexts

    def charge(self, size: int) -> None:
        """Charge `size` bytes.

        Raises:
            BudgetExceededError: the step may not build that much.
            Undecided: the job's own budget is used up.
        """
        self.budget.charge(size)
        if size > self.room.built.left:
            self.room.built.left = 0
            raise Undecided
        self.room.built.charge(size)

    def read(self, value: Any, path: Path = ()) -> Any:
        """`value` with its tags and expressions replaced, by `UNKNOWN` or an `UnknownText` if only a run knows them."""
        if type(value) is str:
            return self.read_text(value, path) if "{" in value else value
        if type(value) is list:
            return [self.read(item, (*path, index)) for index, item in enumerate(value)]
        if isinstance(value, Mapping):
            return {self.read_name(key, path): self.read(item, (*path, key)) for key, item in value.items()}
        return value

    def read_name(self, name: str, path: Path = ()) -> str:
        """A key with its tags replaced, or an `UnknownText`."""
        read = self.read_text(name, (*path, name)) if "{" in name else name
        if isinstance(read, (Unknown, UnknownText)):
            return UnknownText(name)
        return read if isinstance(read, str) else str(read)

    def read_text(self, text: str, path: Path) -> Any:
        """Evaluate a string. If it is a single tag or expression, its value is returned, else a string."""
        self._look_for_look_alikes(text, path)
        found = read(text) if "{" in text else (text,)
        if not isinstance(found, tuple):
            return self._follow(found, path, lambda value: copy_value(value, self.charge))
        made = [
            piece if isinstance(piece, str) else self._follow(piece, path, self._as_text_of(piece)) for piece in found
        ]
        return "".join(made) if all(isinstance(piece, str) for piece in made) else UnknownText(text)

    def _as_text_of(self, piece: Tag | Expression) -> Callable[[Any], Any]:
        if isinstance(piece, Tag):
            return lambda value: as_text(value, self.charge)
        return lambda value: value if type(value) is str else as_json(value, Meter(self.charge, StaticWorld()))

    def _look_for_look_alikes(self, text: str, path: Path) -> None:
        self.room.looked_at -= len(text) + OPENED * text.count("{=")
        if self.room.looked_at < 0:
            return
        for found in find_look_alikes(text):
            self.contexts.hint("LOOKS_LIKE_A_TAG", f"Column {found.column}: {found.message}.")
        self._take_over(path)

    def _follow(self, piece: Tag | Expression, path: Path, take: Callable[[Any], Any]) -> Any:
        if len(self.misreadings) > MAX_PROBLEMS:
            return UNKNOWN
        try:
            value = piece.resolve(self._seen, self.charge) if isinstance(piece, Tag) else self._evaluate(piece)
            return UNKNOWN if self.room.built.left == 0 else take(value)  # even counting a copy's bytes takes time
        except Undecided:
            if isinstance(piece, Expression):
                self.misreadings.extend(self._unknown_names(piece, path))
            return UNKNOWN
        except PathError as error:
            self.misreadings.append(Misreading(path, piece, str(error)))
            return UNKNOWN
        except ExpressionError as error:
            self.room.failures -= 1
            self.misreadings.append(Misreading(path, piece, error.message, error.column))
            return UNKNOWN
        finally:
            self._take_over(path)

    def _take_over(self, path: Path) -> None:
        met = self.contexts.met
        if met.hints or met.causes:
            if len(self.met) <= MAX_PROBLEMS:
                self.met.append((path, met))
            self.contexts.met = Met()

    def _evaluate(self, expression: Expression) -> Any:
        """Evaluate an expression.

        Raises:
            ExpressionError: the expression cannot be evaluated.
            BudgetExceededError: it needs more than a run allows.
            Undecided: only a run can decide, or the job's own budget is used up.
        """
        room = self.room
        room.compiled -= EACH + count_tokens(expression.source.text)
        if room.compiled < 0 or room.failures <= 0:
            raise Undecided
        program = expression.program
        for _ in program.compared_now:
            self.contexts.hint(
                "TIME_AS_TEXT",
                "This compares a time with `now()` as a string, which works only for times in Conduit's own form; use "
                "`epoch(time)` to compare any time.",
            )
        if room.steps <= 0:
            raise Undecided
        enough = room.steps >= program.steps
        meter = Meter(self.charge, StaticWorld())
        if not enough:
            meter.steps = room.steps
        before = meter.steps
        try:
            return expression.evaluate(meter, self._seen)
        except BudgetExceededError:
            if enough:
                raise
            raise Undecided from None
        finally:
            room.steps -= max(0, before - max(0, meter.steps))

    def _unknown_names(self, expression: Expression, path: Path) -> Iterator[Misreading]:
        """Note the names that do not exist in an expression whose value is unknown."""
        if self.room.compiled < 0 or self.room.failures <= 0:
            return
        for message, column, certain in unknown_names(expression, self.contexts):
            self.room.failures -= 1
            yield Misreading(path, expression, message, column, certain)
