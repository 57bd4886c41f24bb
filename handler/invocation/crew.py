"""Runs the jobs of one batch side by side: while one waits for AWS, another one runs its steps.

One job at a time has the turn, in the main thread, and keeps it until it asks the crew for something: a call of AWS,
its part of a shared one, a sleep. So all that happens between two calls happens as if the job were alone. What a block
awaits is no such thing: it is passed on to the event loop, and the turn stays where it is.

See docs/decisions/021-batches.md.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Generator, Sequence
from contextlib import suppress
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Protocol, TypeVar

R = TypeVar("R")
Part = TypeVar("Part")

MOST_JOBS: Final = 10
"""Jobs that are under way at once."""
LINGER: Final = 0.005
"""Seconds that a shared call waits for parts of other jobs that may come: as long as a call takes."""
TURN: Final = 0.005
"""Seconds after which a job lets others go on before its next step, if they wait."""
LONG: Final = 0.05
"""Seconds of a turn that make a job a slow one: others finish what they write before its next turn."""
PATIENCE: Final = 0.1
"""Seconds that a slow job waits for them, at most."""


class Station(Protocol):
    """Where calls are made."""

    def now(self) -> float:
        """Seconds that only grow."""
        ...

    def start(self, call: Callable[[], Any], done: Callable[[Any, BaseException | None], None]) -> None:
        """Begin a call; `wait` tells `done` what came of it."""
        ...

    def has_news(self) -> bool:
        """Whether a call has ended of which `wait` has not spoken yet."""
        ...

    async def wait(self, seconds: float | None) -> None:
        """Wait until a call has ended, or so many seconds have passed; ``None`` for any time."""
        ...


class _Asked:
    """What a job awaits to ask its crew for something."""

    __slots__ = ("begin",)

    def __init__(self, begin: Callable[[_Member], None]) -> None:
        self.begin = begin

    def __await__(self) -> Generator[_Asked, Any, Any]:
        return (yield self)


class _Passed:
    """What a job awaits of the event loop, handed on to it."""

    __slots__ = ("awaited",)

    def __init__(self, awaited: Any) -> None:
        self.awaited = awaited

    def __await__(self) -> Generator[Any, Any, Any]:
        return (yield self.awaited)


@dataclass(eq=False, slots=True)
class _Member:
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


@dataclass(eq=False, slots=True)
class _Gathering:
    """A shared call that waits for parts."""

    work: Callable[[Sequence[Any]], Awaitable[Sequence[Any]]]
    leaves_at: float
    parts: list[Any] = field(default_factory=list)
    members: list[_Member] = field(default_factory=list)


class Crew:
    """The jobs of one batch; `infra.calls.Calls` and `infra.calls.Sharing` for what they call.

    The first job has the invocation to itself until its first step has ended: it is the one that may take all of it.

    Args:
        station: where calls are made.
        most: jobs that are under way at once.
        linger: seconds that a shared call waits for more parts.
    """

    def __init__(self, station: Station, *, most: int = MOST_JOBS, linger: float = LINGER) -> None:
        self._station = station
        self._most = most
        self._linger = linger
        self._waiting: deque[tuple[int, Callable[[], Coroutine[Any, Any, Any]]]] = deque()
        self._members: set[_Member] = set()
        self._ready: deque[_Member] = deque()
        self._sleepers: list[tuple[float, int, _Member]] = []
        self._gatherings: dict[str, _Gathering] = {}
        self._results: dict[int, Any] = {}
        self._calls = self._slept = 0
        self._turn: _Member | None = None
        self._began = 0.0
        self._is_open = False
        self._outside: list[_Member] = []
        self.is_shared = False
        """Whether the first job is not the only one that has run steps."""

    # ------------------------------------------------------------------ what jobs ask for

    async def make(self, call: Callable[[], R]) -> R:
        """See `infra.calls.Calls`."""
        (result,) = await self.make_all((call,))
        return result

    async def make_all(self, calls: Sequence[Callable[[], R]]) -> list[R]:
        """See `infra.calls.Calls`."""
        context = copy_context()  # a client's log lines name the job, too
        results: list[R] = await _Asked(partial(self._start, [partial(context.copy().run, call) for call in calls]))
        return results

    async def join(
        self, what: str, part: Part, work: Callable[[Sequence[Part]], Awaitable[Sequence[R | Exception]]]
    ) -> R:
        """See `infra.calls.Sharing`."""
        result: R = await _Asked(partial(self._board, what, part, work))
        return result

    async def sleep(self, seconds: float) -> None:
        """Sleep while others go on."""
        await _Asked(partial(self._rest, seconds))

    def wants_turn(self) -> bool:
        """Whether the job whose turn it is has had it for a while, and others wait for theirs."""
        if self._station.now() - self._began < TURN:
            return False
        return bool(self._ready or self._gatherings) or self._station.has_news()

    async def pass_turn(self) -> None:
        """Let others go on first."""
        await _Asked(self._make_ready)

    def keep_turn(self, *, keep: bool) -> None:
        """Let nobody else have a turn, calls of AWS included, until this is taken back."""
        if self._turn is not None:
            self._turn.keeps = keep

    def stay_alone(self) -> None:
        """Let nobody else have a turn until this job ends."""
        if self._turn is not None:
            self._turn.alone = True

    @property
    def has_begun(self) -> bool:
        """Whether the job whose turn it is may run steps."""
        return self._turn is None or self._turn.begun

    async def begin(self) -> None:
        """Wait until a step of this job may run: those of the first one come first."""
        if not self.has_begun:
            await _Asked(self._admission)

    def admit(self) -> None:
        """The first step of a job has ended; that of the first job lets others begin."""
        if self._turn is not None and self._turn.number == 0:
            self._open()

    # ------------------------------------------------------------------ the crew itself

    async def run(self, jobs: Sequence[Callable[[], Coroutine[Any, Any, R]]]) -> list[R]:
        """Run coroutines side by side; gives what they return, in their order.

        Raises:
            BaseException: what the first of them raised, once all have ended.
        """
        self._waiting.extend(enumerate(jobs))
        try:
            while self._members or self._waiting:
                self._begin_next()
                self._wake()
                member = self._choose()
                if member is None:
                    await self._idle()
                else:
                    await self._advance(member)
                    self._depart(late=True)
        finally:
            for member in self._members:  # left open only by what ends the invocation as a whole
                with suppress(Exception):
                    member.context.run(member.coroutine.close)
        for number in range(len(jobs)):
            if isinstance(self._results[number], _Raised):
                raise self._results[number].error
        return [self._results[number] for number in range(len(jobs))]

    def _begin_next(self) -> None:
        while self._waiting and len(self._members) < self._most:
            number, job = self._waiting.popleft()
            self._add(job(), number)

    def _add(self, coroutine: Coroutine[Any, Any, Any], number: int | None) -> None:
        member = _Member(coroutine, copy_context(), number, begun=number in {None, 0})
        self._members.add(member)
        self._make_ready(member)

    def _make_ready(self, member: _Member) -> None:
        member.ready_at = self._station.now()
        self._ready.append(member)

    def _admission(self, member: _Member) -> None:
        if self._is_open:
            self._begin(member)
        else:
            self._outside.append(member)

    def _begin(self, member: _Member) -> None:
        member.begun = self.is_shared = True
        self._make_ready(member)

    def _open(self) -> None:
        self._is_open = True
        for member in self._outside:
            self._begin(member)
        self._outside.clear()

    def _choose(self) -> _Member | None:
        """Whose turn it is: helpers first; then who keeps the turn; then the others, slow ones last."""
        if self._station.has_news():
            return None  # a call has ended: whom that concerns is as ready as anybody
        keeper = self._keeper()
        if keeper is None:
            able = (member for member in self._ready if member.number is None or member.took < LONG)
            chosen = next(able, None) or self._patient()
        else:
            chosen = next((member for member in self._ready if member.number is None or member is keeper), None)
        if chosen is not None:
            self._ready.remove(chosen)
        return chosen

    def _keeper(self) -> _Member | None:
        """Who keeps the turn, unless it sleeps."""
        return next((member for member in self._members if (member.keeps or member.alone) and not member.rests), None)

    def _patient(self) -> _Member | None:
        """The slow job that has waited longest, if the others have written what they had or it has waited enough."""
        if not self._ready:
            return None
        first, is_quiet = self._ready[0], not (self._calls or self._gatherings)
        return first if is_quiet or first.ready_at + PATIENCE <= self._station.now() else None

    async def _advance(self, member: _Member) -> None:
        """A member's turn: it goes on until it asks for something, or ends."""
        self._turn, self._began = member, self._station.now()
        while True:
            value, error = member.value, member.error
            member.value = member.error = None
            try:
                if error is not None:
                    asked = member.context.run(member.coroutine.throw, error)
                else:
                    asked = member.context.run(member.coroutine.send, value)
            except StopIteration as stop:
                self._end(member, stop.value)
                break
            except BaseException as raised:  # noqa: BLE001  # raised again when the others have ended
                self._end(member, _Raised(raised))
                break
            if type(asked) is _Asked:
                asked.begin(member)
                break
            try:
                member.value = await _Passed(asked)
            except GeneratorExit:
                raise
            except BaseException as raised:  # noqa: BLE001  # of the event loop, for whom it is meant
                member.error = raised
        member.took = self._station.now() - self._began
        self._turn = None

    def _end(self, member: _Member, result: Any) -> None:
        self._members.discard(member)
        if member.number is not None:
            self._results[member.number] = result
            if member.number == 0:
                self._open()

    async def _idle(self) -> None:
        """Nobody can go on: wait for what will let somebody."""
        if self._depart(late=bool(self._calls)):
            return
        times = [self._sleepers[0][0]] if self._sleepers else []
        times += [gathering.leaves_at for gathering in self._gatherings.values()]
        if self._keeper() is None:
            times += [member.ready_at + PATIENCE for member in self._ready]
        if not (times or self._calls):
            raise RuntimeError("the jobs of a batch wait for nothing")
        await self._station.wait(max(0.0, min(times) - self._station.now()) if times else None)

    def _wake(self) -> None:
        while self._sleepers and self._sleepers[0][0] <= self._station.now():
            member = heapq.heappop(self._sleepers)[2]
            member.rests = False
            self._make_ready(member)

    # ------------------------------------------------------------------ calls, alone and shared

    def _start(self, calls: Sequence[Callable[[], Any]], member: _Member) -> None:
        results: dict[int, Any] = {}

        def done(number: int, result: Any, error: BaseException | None) -> None:
            self._calls -= 1
            results[number] = result if error is None else _Raised(error)
            if len(results) == len(calls):
                in_order = [results[number] for number in range(len(calls))]
                failed = next((found.error for found in in_order if isinstance(found, _Raised)), None)
                self._resume(member, in_order, failed)

        for number, call in enumerate(calls):
            self._calls += 1
            self._station.start(call, partial(done, number))
        if not calls:
            self._resume(member, [], None)

    def _resume(self, member: _Member, value: Any, error: BaseException | None) -> None:
        member.value, member.error = value, error
        self._make_ready(member)

    def _rest(self, seconds: float, member: _Member) -> None:
        member.rests = True
        if member.number == 0:
            self._open()
        self._slept += 1
        heapq.heappush(self._sleepers, (self._station.now() + max(0.0, seconds), self._slept, member))

    def _board(
        self, what: str, part: Any, work: Callable[[Sequence[Any]], Awaitable[Sequence[Any]]], member: _Member
    ) -> None:
        gathering = self._gatherings.get(what)
        if gathering is None:
            gathering = self._gatherings[what] = _Gathering(work, self._station.now() + self._linger)
        gathering.parts.append(part)
        gathering.members.append(member)

    def _depart(self, *, late: bool) -> bool:
        """Begin the shared calls; `late`: only those that have waited for long enough. Gives whether one began."""
        now = self._station.now()
        leaving = [name for name, gathering in self._gatherings.items() if not late or gathering.leaves_at <= now]
        for name in leaving:
            self._add(self._share(self._gatherings.pop(name)), None)
        return bool(leaving)

    async def _share(self, gathering: _Gathering) -> None:
        try:
            results = await gathering.work(gathering.parts)
        except GeneratorExit:
            raise
        except BaseException as error:  # noqa: BLE001  # the jobs that take part judge it
            results = [error] * len(gathering.parts)
        for member, result in zip(gathering.members, results, strict=True):
            if isinstance(result, BaseException):
                self._resume(member, None, result)
            else:
                self._resume(member, result, None)


@dataclass(frozen=True, slots=True)
class _Raised:
    """What a call or a job raised."""

    error: BaseException
