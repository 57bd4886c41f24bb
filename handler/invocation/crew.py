"""Runs the jobs of one batch side by side: while one waits for AWS, another one runs its steps.

One job at a time has the turn, in the main thread, and keeps it until it asks the crew for something: a call of AWS,
its part of a shared one, a sleep. So all that happens between two calls happens as if the job were alone. What a block
awaits is no such thing: it is passed on to the event loop, and the turn stays where it is.

See docs/decisions/022-batches.md.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Generator, Sequence
from contextvars import copy_context
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Protocol, TypeVar

from handler.invocation.crew_members import Asked, Member, Members

R = TypeVar("R")
Part = TypeVar("Part")
Work = Callable[[Sequence[Part]], Awaitable[Sequence[R | Exception]]]

MOST_JOBS: Final = 10
"""Jobs that are under way at once."""
LINGER: Final = 0.005
"""Seconds that a shared call waits for parts of other jobs that may come: as long as a call takes."""
TURN: Final = 0.005
"""Seconds after which a job lets others go on before its next step, if they wait."""


class Station(Protocol):
    """Where calls are made."""

    def now(self) -> float:
        """Seconds that only grow."""
        ...

    def start(self, call: Callable[[], Any], done: Callable[[Any, BaseException | None], None]) -> None:
        """Begin a call; `wait` hands `done` what came of it."""
        ...

    def has_news(self) -> bool:
        """Whether a call has ended that `wait` has not handed on yet."""
        ...

    async def wait(self, seconds: float | None) -> None:
        """Wait until a call has ended, or so many seconds have passed; ``None`` for any time."""
        ...


class _Passed:
    """What a job awaits of the event loop, handed on to it."""

    __slots__ = ("awaited",)

    def __init__(self, awaited: Any) -> None:
        self.awaited = awaited

    def __await__(self) -> Generator[Any, Any, Any]:
        return (yield self.awaited)


@dataclass(eq=False, slots=True)
class _Gathering:
    """A shared call that waits for parts."""

    work: Callable[[Sequence[Any]], Awaitable[Sequence[Any]]]
    leaves_at: float
    parts: list[Any] = field(default_factory=list)
    members: list[Member] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Raised:
    """What a call or a job raised."""

    error: BaseException


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
        self._members = Members(station.now)
        self._gatherings: dict[str, _Gathering] = {}
        self._results: dict[int, Any] = {}
        self._calls = 0
        self._turn: Member | None = None
        self._began = 0.0

    # ------------------------------------------------------------------ what jobs ask for

    async def make(self, call: Callable[[], R]) -> R:
        """See `infra.calls.Calls`."""
        (result,) = await self.make_all((call,))
        return result

    async def make_all(self, calls: Sequence[Callable[[], R]]) -> list[R]:
        """See `infra.calls.Calls`."""
        context = copy_context()  # a client's log lines name the job, too
        results: list[R] = await Asked(partial(self._start, [partial(context.copy().run, call) for call in calls]))
        return results

    async def join(self, what: str, part: Part, work: Work[Part, R]) -> R:
        """See `infra.calls.Sharing`."""
        result: R = await Asked(partial(self._board, what, part, work))
        return result

    async def sleep(self, seconds: float) -> None:
        """Sleep while others go on."""
        await Asked(partial(self._members.put_to_sleep, seconds))

    @property
    def is_shared(self) -> bool:
        """Whether the first job is not the only one that has run steps."""
        return self._members.is_shared

    @property
    def has_begun(self) -> bool:
        """Whether the job whose turn it is may run steps."""
        return self._turn is None or self._turn.begun

    async def begin(self) -> None:
        """Wait until a step of this job may run: the first step of the first job comes before it."""
        if not self.has_begun:
            await Asked(self._members.admit)

    def recorded(self, size: int) -> None:
        """A step of the job whose turn it is has ended, with so many bytes; the first job's lets others begin."""
        self.hold(size)
        if self._turn is not None and self._turn.number == 0:
            self._members.open()

    def wants_turn(self) -> bool:
        """Whether the job whose turn it is has had it for a while, and others wait for theirs."""
        if self._station.now() - self._began < TURN:
            return False
        return self._members.any_ready or bool(self._gatherings) or self._station.has_news()

    async def pass_turn(self) -> None:
        """Let others go on first."""
        await Asked(self._members.make_ready)

    def keep_turn(self, *, keep: bool) -> None:
        """Let nobody else have a turn, calls of AWS included, until this is taken back."""
        if self._turn is not None:
            self._turn.keeps = keep

    def hold(self, size: int) -> None:
        """The job whose turn it is holds so many bytes more. Where all hold too much, one of them ends first."""
        if self._turn is not None:
            self._members.hold(self._turn, size)

    def stay_alone(self) -> None:
        """Let nobody else have a turn until this job ends."""
        if self._turn is not None:
            self._turn.alone = True

    # ------------------------------------------------------------------ the crew itself

    async def run(self, jobs: Sequence[Callable[[], Coroutine[Any, Any, R]]]) -> list[R]:
        """Run coroutines side by side; gives what they return, in their order.

        Raises:
            BaseException: what the first of them raised, once all have ended.
        """
        waiting = deque(enumerate(jobs))
        try:
            while self._members or waiting:
                while waiting and len(self._members) < self._most:
                    number, job = waiting.popleft()
                    self._members.add(job(), number)
                self._members.wake()
                member = None if self._station.has_news() else self._members.choose(is_quiet=self._is_quiet)
                if member is None:
                    await self._idle()
                else:
                    await self._advance(member)
                    self._depart(late=True)
        finally:
            self._members.close()  # some are left only by what ends the invocation as a whole
        results = [self._results[number] for number in range(len(jobs))]
        for result in results:
            if isinstance(result, _Raised):
                raise result.error
        return results

    @property
    def _is_quiet(self) -> bool:
        return not (self._calls or self._gatherings)

    async def _advance(self, member: Member) -> None:
        """A member's turn: it goes on until it asks for something, or ends."""
        self._turn, self._began = member, self._station.now()
        while True:
            try:
                asked = member.go_on()
            except StopIteration as stop:
                self._end(member, stop.value)
                break
            except BaseException as raised:  # noqa: BLE001  # raised again when the others have ended
                self._end(member, _Raised(raised))
                break
            if type(asked) is Asked:
                asked.begin(member)
                break
            try:
                member.value = await _Passed(asked)
            except GeneratorExit:
                raise
            except BaseException as raised:  # noqa: BLE001  # raised by the event loop in what the job awaits
                member.error = raised
        member.took = self._station.now() - self._began
        self._turn = None

    def _end(self, member: Member, result: Any) -> None:
        if member.number is not None:
            self._results[member.number] = result
        self._members.remove(member)

    async def _idle(self) -> None:
        """Nobody can go on: wait for what will let somebody."""
        if self._depart(late=bool(self._calls)):
            return
        times = self._members.times() + [gathering.leaves_at for gathering in self._gatherings.values()]
        if not (times or self._calls):
            raise RuntimeError("the jobs of a batch wait for nothing")
        await self._station.wait(max(0.0, min(times) - self._station.now()) if times else None)

    # ------------------------------------------------------------------ calls, alone and shared

    def _start(self, calls: Sequence[Callable[[], Any]], member: Member) -> None:
        results: dict[int, Any] = {}

        def done(number: int, result: Any, error: BaseException | None) -> None:
            self._calls -= 1
            results[number] = result if error is None else _Raised(error)
            if len(results) == len(calls):
                in_order = [results[number] for number in range(len(calls))]
                failed = next((found.error for found in in_order if isinstance(found, _Raised)), None)
                self._members.resume(member, in_order, failed)

        for number, call in enumerate(calls):
            self._calls += 1
            self._station.start(call, partial(done, number))
        if not calls:
            self._members.resume(member, [])

    def _board(self, what: str, part: Any, work: Work[Any, Any], member: Member) -> None:
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
            self._members.add(self._share(self._gatherings.pop(name)))
        return bool(leaving)

    async def _share(self, gathering: _Gathering) -> None:
        results: Sequence[Any]
        try:
            results = await gathering.work(gathering.parts)
        except GeneratorExit:
            raise
        except BaseException as error:  # noqa: BLE001  # the jobs that take part judge it
            results = [error] * len(gathering.parts)
        for member, result in zip(gathering.members, results, strict=True):
            if isinstance(result, BaseException):
                self._members.resume(member, None, result)
            else:
                self._members.resume(member, result)
