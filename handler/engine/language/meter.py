"""What one evaluation of an expression may use, and what it may ask of the world."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NoReturn, Protocol

from blocks.block import BudgetExceededError
from handler.engine.charges import Charge
from handler.engine.language.remembered import ReadInRun

STEPS: Final = 100_000
"""Evaluation steps of one expression: a part that is evaluated, an item that is visited, 64 bytes that are read."""
DIGITS: Final = 4_300
"""Digits of an integer; Python's own limit for turning one into text."""
NESTING: Final = 32
"""Levels of lists and objects in a value."""
WORD: Final = 1 << 63
"""Integers within this need no account of their size."""
LARGEST: Final = 10**DIGITS
LONG: Final = 2_000
"""Steps after which it is worth asking for the time."""
TAG_STEPS: Final = 3
"""Steps of a piece of a string: finding what a tag names takes as long."""
TOKEN_STEPS: Final = 60
"""Steps of a word or sign of an expression that is read again, since it was not remembered."""


class ExpressionError(ValueError):
    """An expression that is invalid or cannot be evaluated. The message says why and what to write.

    Attributes:
        column: where, from 1, in the string that holds the expression; ``None`` until that is known.
    """

    def __init__(self, message: str, column: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.column = column

    def __str__(self) -> str:
        return self.message if self.column is None else f"column {self.column}: {self.message}"


class MissingError(ExpressionError):
    """A name, a key or an index that does not exist: the one error that `default` replaces."""


class World(Protocol):
    """What an expression may ask of the run that it is part of.

    Attributes:
        spent: evaluation steps of all tags and expressions since `check` was last called.
        texts: what the strings of the run's job read as; ``None`` for what the process remembers.
    """

    spent: int

    @property
    def texts(self) -> ReadInRun[Any] | None: ...

    @property
    def now(self) -> Callable[[], float]:
        """Gives seconds since the epoch."""

    def check(self) -> None:
        """Raise if the time of the step or the steps of the run are used up; called when `spent` is over `LONG`."""

    def limit(self, function: Callable[[], Any]) -> Any:
        """Run a function that a signal can stop, and stop it at the step's limit."""

    def isolate(self, function: Callable[[], Any]) -> Any:
        """Run a function in a child process that is killed at the step's limit: for what no signal stops."""


class NoWorld:
    """The world where nobody handed one in: it has no clock, and nothing ends there."""

    spent = 0
    texts = None

    def now(self) -> float:
        """There is no clock.

        Raises:
            ExpressionError: always.
        """
        raise ExpressionError("`now()` has no clock here")

    def check(self) -> None:
        """Nothing is over here."""
        self.spent = 0

    def limit(self, function: Callable[[], Any]) -> Any:
        """Run it to its end."""
        return function()

    def isolate(self, function: Callable[[], Any]) -> Any:
        """Run it here."""
        return function()


NO_WORLD: Final = NoWorld()


class Meter:
    """Counts what one evaluation takes.

    Args:
        charge: called with the bytes about to be built.
        world: what it may ask.

    Attributes:
        steps: evaluation steps that are left. Loops take from it directly and call `over` below 0.
        built: bytes that were charged and not yet handed over.
    """

    __slots__ = ("_charge", "built", "steps", "world")

    def __init__(self, charge: Charge, world: World, steps: int = STEPS) -> None:
        self._charge = charge
        self.world = world
        self.steps = steps
        self.built = 0

    def tick(self, steps: int) -> None:
        """Take evaluation steps.

        Raises:
            BudgetExceededError: so many are not left.
        """
        self.steps -= steps
        if self.steps < 0:
            self.over()

    def read(self, size: int) -> None:
        """Take the steps for `size` bytes that are read or compared."""
        if size >= 64:  # noqa: PLR2004  # bytes a step
            self.tick(size >> 6)

    def charge(self, size: int) -> None:
        """Take bytes before they are built.

        Raises:
            BudgetExceededError: so many are not left.
        """
        self.built += size
        self._charge(size)

    def hand_over(self, size: int) -> None:
        """Take the bytes of a part of the value that is given, less what building it has cost already.

        Raises:
            BudgetExceededError: so many are not left.
        """
        self.read(size)
        if size <= self.built:
            self.built -= size
        else:
            self._charge(size - self.built)
            self.built = 0

    def over(self) -> NoReturn:
        """Say that the steps are used up.

        Raises:
            BudgetExceededError: always.
        """
        raise BudgetExceededError(f"the expression takes more than {STEPS:,} evaluation steps")

    def end(self) -> None:
        """Count what an evaluation took, so that many of them cannot outlast the step's limit."""
        world = self.world
        world.spent += STEPS - self.steps
        if world.spent > LONG:
            world.check()


def refuse_digits() -> NoReturn:
    """Refuse an integer that is too long.

    Raises:
        BudgetExceededError: always.
    """
    raise BudgetExceededError(f"an integer would have more than {DIGITS:,} digits")
