"""The members of a crew, and whose turn it is."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from contextlib import suppress
from contextvars import Context, copy_context
from dataclasses import dataclass
from typing import Any, Final

LONG: Final = 0.05
"""Seconds of a turn that make a job a slow one: others finish what they write before its next turn."""
PATIENCE: Final = 0.1
"""Seconds that a slow job waits for them, at most."""
MOST_HELD: Final = 1024 * 1024
"""Bytes that the jobs may hold together, as JSON; beyond it one of them ends before the others go on. Python's objects
take about ten times as much."""


class Asked:
    """What a member awaits to ask its crew for something."""

    __slots__ = ("begin",)

    def __init__(self, begin: Callable[[Member], None]) -> None:
        self.begin = begin

    def __await__(self) -> Generator[Asked, Any, Any]:
        return (yield self)


@dataclass(eq=False, slots=True)
class Member:
    """A job of the crew, or a helper that makes a shared call.

    Attributes:
        number: of the job; ``None`` for a helper.
        value, error: what it goes on with.
        took: seconds of its last turn.
        ready_at: since when it could go on.
        begun: it may run steps.
        keeps: nobody else has a turn before this one, whatever it waits for.
        alone: the same, until it ends.
        rests: it sleeps, and keeps nobody from a turn meanwhile.
        held: bytes of what it was sent and of its results.
    """

    coroutine: Coroutine[Any, Any, Any]
    context: Context
    number: int | None = None
    value: Any = None
    error: BaseException | None = None
    took: float = 0.0
    ready_at: float = 0.0
    begun: bool = False
    keeps: bool = False
    alone: bool = False
    rests: bool = False
    held: int = 0

    def go_on(self) -> Any:
        """Let it run until it awaits something that is not its own; gives that. Raises what the coroutine raises."""
        value, error = self.value, self.error
        self.value = self.error = None
        if error is not None:
            return self.context.run(self.coroutine.throw, error)
        return self.context.run(self.coroutine.send, value)


class Members:
    """Those who have begun and not ended: which can go on, which sleep, and which may not run steps yet.

    Args:
        now: seconds that only grow.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._all: set[Member] = set()
        self._ready: deque[Member] = deque()
        self._asleep: list[tuple[float, int, Member]] = []
        self._outside: list[Member] = []
        self._is_open = False
        self._slept = self._held = 0
        self.is_shared = False
        """Whether the first job is not the only one that has run steps."""

    def __len__(self) -> int:
        return len(self._all)

    @property
    def any_ready(self) -> bool:
        return bool(self._ready)

    def add(self, coroutine: Coroutine[Any, Any, Any], number: int | None = None) -> None:
        """Take in a job by its number, or a helper."""
        member = Member(coroutine, copy_context(), number, begun=number in {None, 0})
        self._all.add(member)
        self.make_ready(member)

    def remove(self, member: Member) -> None:
        """It has ended."""
        self._all.discard(member)
        self._held -= member.held
        if member.number == 0:
            self.open()

    def close(self) -> None:
        """End all that have not."""
        for member in self._all:
            with suppress(Exception):
                member.context.run(member.coroutine.close)

    # ------------------------------------------------------------------ turns

    def make_ready(self, member: Member) -> None:
        """It can go on."""
        member.ready_at = self._now()
        self._ready.append(member)

    def resume(self, member: Member, value: Any, error: BaseException | None = None) -> None:
        """It can go on with what it asked for."""
        member.value, member.error = value, error
        self.make_ready(member)

    def choose(self, *, is_quiet: bool) -> Member | None:
        """Whose turn it is: helpers first; then who keeps the turn; then the others, slow ones last.

        Args:
            is_quiet: nobody waits for a call.
        """
        keeper = self._keeper()
        if keeper is None:
            able = (member for member in self._ready if member.number is None or member.took < LONG)
            chosen = next(able, None) or self._patient(is_quiet=is_quiet)
        else:
            chosen = next((member for member in self._ready if member.number is None or member is keeper), None)
        if chosen is not None:
            self._ready.remove(chosen)
        return chosen

    def hold(self, member: Member, size: int) -> None:
        """It holds so many bytes more."""
        member.held += size
        self._held += size

    def _keeper(self) -> Member | None:
        """Who keeps the turn, unless it sleeps; the first of the jobs where they hold too much together."""
        keeper = next((member for member in self._all if (member.keeps or member.alone) and not member.rests), None)
        if keeper is None and self._held > MOST_HELD:
            awake = (member for member in self._all if member.number is not None and member.begun and not member.rests)
            keeper = min(awake, key=lambda member: member.number or 0, default=None)
        return keeper

    def _patient(self, *, is_quiet: bool) -> Member | None:
        """The slow job that has waited longest, if the others have written what they had or it has waited enough."""
        if not self._ready:
            return None
        first = self._ready[0]
        return first if is_quiet or first.ready_at + PATIENCE <= self._now() else None

    def times(self) -> list[float]:
        """When somebody may go on though no call ends."""
        times = [self._asleep[0][0]] if self._asleep else []
        if self._keeper() is None:
            times += [member.ready_at + PATIENCE for member in self._ready]
        return times

    # ------------------------------------------------------------------ sleep

    def put_to_sleep(self, seconds: float, member: Member) -> None:
        """It goes on so many seconds from now. A first job that sleeps lets the others begin."""
        member.rests = True
        if member.number == 0:
            self.open()
        self._slept += 1
        heapq.heappush(self._asleep, (self._now() + max(0.0, seconds), self._slept, member))

    def wake(self) -> None:
        """Make those ready whose time has come."""
        while self._asleep and self._asleep[0][0] <= self._now():
            member = heapq.heappop(self._asleep)[2]
            member.rests = False
            self.make_ready(member)

    # ------------------------------------------------------------------ admission

    def admit(self, member: Member) -> None:
        """Let it go on to run steps, when the first job's first step has ended."""
        if self._is_open:
            self._begin(member)
        else:
            self._outside.append(member)

    def open(self) -> None:
        """The first job's first step has ended, or will not come for now."""
        self._is_open = True
        for member in self._outside:
            self._begin(member)
        self._outside.clear()

    def _begin(self, member: Member) -> None:
        member.begun = self.is_shared = True
        self.make_ready(member)
