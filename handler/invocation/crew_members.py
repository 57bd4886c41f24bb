"""The members of a crew, and the rules that give one of them the turn."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from contextlib import suppress
from contextvars import Context, copy_context
from dataclasses import dataclass
from typing import Any, Final

LONG: Final = 0.05
"""A turn of this many seconds makes a job slow: before its next turn, others finish their writes."""
PATIENCE: Final = 0.1
"""The longest time for which a slow job waits for the others, in seconds."""
MOST_HELD: Final = 1024 * 1024
"""Bytes of JSON that all jobs may hold together; above it, one job runs to its end before the others continue. Python's
objects take about ten times as much."""


class Asked:
    """An awaitable with which a member makes a request to its crew."""

    __slots__ = ("begin",)

    def __init__(self, begin: Callable[[Member], None]) -> None:
        self.begin = begin

    def __await__(self) -> Generator[Asked, Any, Any]:
        return (yield self)


@dataclass(eq=False, slots=True)
class Member:
    """A job of the crew, or a helper that makes a shared call.

    Attributes:
        number: the job's place in the batch; ``None`` for a helper.
        value, error: the result or the error of its last request, with which it continues.
        took: length of its last turn, in seconds.
        ready_at: when it became ready.
        begun: whether it may run steps.
        keeps: whether it keeps the turn, even while it waits for a call.
        alone: whether it keeps the turn until it ends.
        rests: whether it sleeps; a sleeping member never keeps the turn.
        held: bytes of its payload and its results.
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
        """Run until the coroutine awaits something from outside, and return that. Raises what the coroutine raises."""
        value, error = self.value, self.error
        self.value = self.error = None
        if error is not None:
            return self.context.run(self.coroutine.throw, error)
        return self.context.run(self.coroutine.send, value)


class Members:
    """The unfinished members: those that are ready, those that sleep, and those that may not run steps yet.

    Args:
        now: seconds of a monotonic clock.
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
        """Whether any job besides the first one has run steps."""

    def __len__(self) -> int:
        return len(self._all)

    @property
    def any_ready(self) -> bool:
        return bool(self._ready)

    def add(self, coroutine: Coroutine[Any, Any, Any], number: int | None = None) -> None:
        """Add a job with its number, or a helper."""
        member = Member(coroutine, copy_context(), number, begun=number in {None, 0})
        self._all.add(member)
        self.make_ready(member)

    def remove(self, member: Member) -> None:
        """Remove a member that has ended."""
        self._all.discard(member)
        self._held -= member.held
        if member.number == 0:
            self.open()

    def close(self) -> None:
        """Close the coroutines of all members."""
        for member in self._all:
            with suppress(Exception):
                member.context.run(member.coroutine.close)

    # ------------------------------------------------------------------ turns

    def make_ready(self, member: Member) -> None:
        """Let a member have a turn again."""
        member.ready_at = self._now()
        self._ready.append(member)

    def resume(self, member: Member, value: Any, error: BaseException | None = None) -> None:
        """Give a member the result or the error of its request, and let it have a turn."""
        member.value, member.error = value, error
        self.make_ready(member)

    def choose(self, *, is_quiet: bool) -> Member | None:
        """The next member to have the turn: helpers first, then one that keeps the turn, then others, slow ones last.

        Args:
            is_quiet: whether no member is waiting for a call.
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
        """Note that a member holds `size` more bytes."""
        member.held += size
        self._held += size

    def _keeper(self) -> Member | None:
        """The member that keeps the turn and does not sleep; the first job, if all jobs together hold too much."""
        keeper = next((member for member in self._all if (member.keeps or member.alone) and not member.rests), None)
        if keeper is None and self._held > MOST_HELD:
            awake = (member for member in self._all if member.number is not None and member.begun and not member.rests)
            keeper = min(awake, key=lambda member: member.number or 0, default=None)
        return keeper

    def _patient(self, *, is_quiet: bool) -> Member | None:
        """The slow job that has waited longest, if the others have finished their writes or `PATIENCE` is over."""
        if not self._ready:
            return None
        first = self._ready[0]
        return first if is_quiet or first.ready_at + PATIENCE <= self._now() else None

    def times(self) -> list[float]:
        """The times at which a member may continue even if no call ends."""
        times = [self._asleep[0][0]] if self._asleep else []
        if self._keeper() is None:
            times += [member.ready_at + PATIENCE for member in self._ready]
        return times

    # ------------------------------------------------------------------ sleep

    def put_to_sleep(self, seconds: float, member: Member) -> None:
        """Let a member sleep. If the first job sleeps, the others may begin."""
        member.rests = True
        if member.number == 0:
            self.open()
        self._slept += 1
        heapq.heappush(self._asleep, (self._now() + max(0.0, seconds), self._slept, member))

    def wake(self) -> None:
        """Make the members whose sleep is over ready."""
        while self._asleep and self._asleep[0][0] <= self._now():
            member = heapq.heappop(self._asleep)[2]
            member.rests = False
            self.make_ready(member)

    # ------------------------------------------------------------------ admission

    def admit(self, member: Member) -> None:
        """Let a member run steps once the first job's first step has ended."""
        if self._is_open:
            self._begin(member)
        else:
            self._outside.append(member)

    def open(self) -> None:
        """Let all members run steps: the first job's first step has ended, or the first job sleeps or has ended."""
        self._is_open = True
        for member in self._outside:
            self._begin(member)
        self._outside.clear()

    def _begin(self, member: Member) -> None:
        member.begun = self.is_shared = True
        self.make_ready(member)
