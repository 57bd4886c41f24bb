"""The budget of one evaluation of an expression, and its access to the world."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NoReturn, Protocol

from blocks.block import BudgetExceededError
from handler.engine.charges import Charge
from handler.engine.language.remembered import ReadInRun

STEPS: Final = 100_000
"""The evaluation steps of one expression: each evaluated part, each visited item, each 64 bytes read, and the others
below."""
DIGITS: Final = 4_300
"""The largest number of digits of an integer; Python's own limit for converting one."""
NESTING: Final = 32
"""The largest number of levels of lists and objects in a value."""
LARGEST: Final = 10**DIGITS
LONG: Final = 2_000
"""The number of steps after which the time is checked."""
TAG_STEPS: Final = 3
"""The steps of a piece of a string: about the time to look up a tag."""
SHORT_PART: Final = 100
"""Characters of a part of a string. Python searches for a shorter part by comparing it at each place of the string, and
for a longer one in linear time if there are more than `FEW_PLACES`."""
FEW_PLACES: Final = 2_500
COMPARED: Final = 512
"""The characters that a search compares in the time of a step."""
VIEW_STEPS: Final = 20
"""The steps of a view of the job, besides those of its bytes."""
BYTES_OF_VIEW: Final = 4
"""Bytes of a view that are read in one step."""
TOKEN_STEPS: Final = 60
"""The steps of each token of an expression that is parsed again because it was not cached."""


class ExpressionError(ValueError):
    """An expression that is invalid or cannot be evaluated. The message says why and what to write.

    Attributes:
        column: its column in the string, from 1; ``None`` until it is known.
    """

    def __init__(self, message: str, column: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.column = column

    def __str__(self) -> str:
        return self.message if self.column is None else f"column {self.column}: {self.message}"


class MissingError(ExpressionError):
    """A name, a key or an index that does not exist: the one error that `default` replaces.

    Args:
        message: says what is missing.
        column: see `ExpressionError`.
        hint: returns a suggestion, and the evaluation steps that finding it has taken. It is called only for an
            error that ends its expression: `default` and `try` drop thousands of others.
    """

    def __init__(
        self, message: str, column: int | None = None, hint: Callable[[], tuple[str, int]] | None = None
    ) -> None:
        super().__init__(message, column)
        self._hint = hint

    def add_hint(self) -> int:
        """Add the hint to the message, and return the evaluation steps that it has taken."""
        if self._hint is None:
            return 0
        (text, steps), self._hint = self._hint(), None
        self.message += text
        return steps


class World(Protocol):
    """The parts of its run that an expression may use.

    Attributes:
        spent: evaluation steps of all tags and expressions since `check` was last called.
        texts: the cache of parsed strings of the run; ``None`` for that of the process.
    """

    spent: int

    @property
    def texts(self) -> ReadInRun[Any] | None: ...

    @property
    def now(self) -> Callable[[], float]:
        """Seconds since the epoch."""

    def check(self) -> None:
        """Raise if the step's time or the run's evaluation steps are used up; called when `spent` exceeds `LONG`."""

    def limit(self, function: Callable[[], Any]) -> Any:
        """Run a function that a signal can interrupt, and stop it at the step's limit."""

    def isolate(self, function: Callable[[], Any]) -> Any:
        """Run a function that no signal can interrupt in a child process, which is killed at the step's limit."""


class NoWorld:
    """The default world: it has no clock and no limits."""

    spent = 0
    texts = None

    def now(self) -> float:
        """Refuse: there is no clock.

        Raises:
            ExpressionError: always.
        """
        raise ExpressionError("`now()` has no clock here")

    def check(self) -> None:
        """Do nothing: there are no limits."""
        self.spent = 0

    def limit(self, function: Callable[[], Any]) -> Any:
        """Run it to its end."""
        return function()

    def isolate(self, function: Callable[[], Any]) -> Any:
        """Run it here."""
        return function()


NO_WORLD: Final = NoWorld()


class Meter:
    """Counts the steps and bytes of one evaluation.

    Args:
        charge: called with the bytes about to be built.
        world: the world of the evaluation.

    Attributes:
        steps: evaluation steps that are left. Loops subtract from it directly and call `over` below 0.
        built: bytes that were charged and are not yet a part of the value.
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
        if steps > self.steps:
            self.over()
        self.steps -= steps

    def read(self, size: int) -> None:
        """Take the steps for `size` bytes that are read or compared."""
        if size >= 64:  # noqa: PLR2004  # bytes a step
            self.tick(size >> 6)

    def search(self, length: int, part: int) -> None:
        """Take the steps for the search of a part in a string: to read both, or to compare them if that takes longer.

        Args:
            length: characters of the string.
            part: characters of the part.

        Raises:
            BudgetExceededError: so many are not left.
        """
        steps, places = (length + part) >> 6, length - part
        if part > 1 and places > 0:
            compared = part * (places if part < SHORT_PART else min(places, FEW_PLACES))
            steps = max(steps, compared // COMPARED)
        self.tick(steps)

    def charge(self, size: int) -> None:
        """Take bytes before they are built.

        Raises:
            BudgetExceededError: so many are not left.
        """
        self.built += size
        self._charge(size)

    def hand_over(self, size: int) -> None:
        """Take the bytes of a part of the value, without those that building it has already cost.

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
        """Refuse: the steps are used up.

        Raises:
            BudgetExceededError: always.
        """
        raise BudgetExceededError(f"the expression takes more than {STEPS:,} evaluation steps")

    def end(self) -> None:
        """Add the steps of an evaluation, failed or not, to the world's count: many of them share the run's limit."""
        world = self.world
        world.spent += STEPS - max(0, self.steps)
        if world.spent > LONG:
            world.check()


def refuse_digits() -> NoReturn:
    """Refuse an integer that is too long.

    Raises:
        BudgetExceededError: always.
    """
    raise BudgetExceededError(f"an integer would have more than {DIGITS:,} digits")
