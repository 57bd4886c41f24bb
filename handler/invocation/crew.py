"""Runs the jobs of one batch side by side: while one waits for AWS, another one runs its steps.

One job at a time has the turn, in the main thread. It keeps the turn until it asks the crew for a call of AWS, a part
of a shared call, or a sleep. Between two such requests a job runs as if it were alone. When a block awaits something,
the event loop handles it and the job keeps its turn.

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
"""How many jobs run at once."""
LINGER: Final = 0.005
"""Seconds for which a shared call waits after each part for another one: about as long as a call takes."""
LONGEST_LINGER: Final = 0.02
"""The most seconds for which a shared call waits after its first part."""
TURN: Final = 0.005
"""Seconds after which a job gives up its turn before its next step, if others are waiting."""


class Station(Protocol):
    """Makes the calls, outside the main thread."""

    def now(self) -> float:
        """Seconds of a monotonic clock."""
        ...

    def start(self, call: Callable[[], Any], done: Callable[[Any, BaseException | None], None]) -> None:
        """Begin a call. Later, `wait` passes its result or its error to `done`."""
        ...

    def has_news(self) -> bool:
        """Whether a call has ended and `wait` has not passed on its result yet."""
        ...

    async def wait(self, seconds: float | None) -> None:
        """Wait until a call has ended or the seconds have passed; ``None`` waits without limit."""
        ...


class _Passed:
    """Passes a job's awaitable on to the event loop."""

    __slots__ = ("awaited",)

    def __init__(self, awaited: Any) -> None:
        self.awaited = awaited

    def __await__(self) -> Generator[Any, Any, Any]:
        return (yield self.awaited)


@dataclass(eq=False, slots=True)
class _Gathering:
    """A shared call that is waiting for more parts."""

    work: Callable[[Sequence[Any]], Awaitable[Sequence[Any]]]
    leaves_by: float
    leaves_at: float = 0.0
    parts: list[Any] = field(default_factory=list)
    members: list[Member] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Raised:
    """The error that a call or a job raised."""

    error: BaseException


class Crew:
    """The jobs of one batch. Implements `infra.aws.calls.Calls` and `infra.aws.calls.Sharing` for their calls.

    Only the first job runs until its first step has ended: that step may take the whole time of the invocation.

    Args:
        station: makes the calls.
        most: how many jobs run at once.
        linger: seconds for which a shared call waits after each part for another one.
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

    # ------------------------------------------------------------------ requests of the jobs

    async def make(self, call: Callable[[], R]) -> R:
        """See `infra.aws.calls.Calls`."""
        (result,) = await self.make_all((call,))
        return result

    async def make_all(self, calls: Sequence[Callable[[], R]]) -> list[R]:
        """See `infra.aws.calls.Calls`."""
        context = copy_context()  # so that a client's log lines name the job
        results: list[R] = await Asked(partial(self._start, [partial(context.copy().run, call) for call in calls]))
        return results

    async def join(self, what: str, part: Part, work: Work[Part, R]) -> R:
        """See `infra.aws.calls.Sharing`."""
        result: R = await Asked(partial(self._board, what, part, work))
        return result

    async def sleep(self, seconds: float) -> None:
        """Sleep, and let other jobs run meanwhile."""
        await Asked(partial(self._members.put_to_sleep, seconds))

    @property
    def is_shared(self) -> bool:
        """Whether any job besides the first one has run steps."""
        return self._members.is_shared

    @property
    def has_begun(self) -> bool:
        """Whether the job that has the turn may run steps."""
        return self._turn is None or self._turn.begun

    async def begin(self) -> None:
        """Wait until this job may run steps: the first job's first step must have ended."""
        if not self.has_begun:
            await Asked(self._members.admit)

    def recorded(self, size: int) -> None:
        """Note that a step of the current job has ended, with `size` bytes. Others may begin after the first job's."""
        self.hold(size)
        if self._turn is not None and self._turn.number == 0:
            self._members.open()

    def wants_turn(self) -> bool:
        """Whether the job has had the turn for longer than `TURN` while others are waiting."""
        if self._station.now() - self._began < TURN:
            return False
        return self._members.any_ready or bool(self._gatherings) or self._station.has_news()

    async def pass_turn(self) -> None:
        """Let waiting jobs run first."""
        await Asked(self._members.make_ready)

    def keep_turn(self, *, keep: bool) -> None:
        """Keep the turn, even during calls of AWS, until this is called with ``keep=False``."""
        if self._turn is not None:
            self._turn.keeps = keep

    def hold(self, size: int) -> None:
        """Note that the current job holds `size` more bytes. If all jobs hold too much, one of them ends first."""
        if self._turn is not None:
            self._members.hold(self._turn, size)

    def stay_alone(self) -> None:
        """Keep the turn until this job ends."""
        if self._turn is not None:
            self._turn.alone = True

    # ------------------------------------------------------------------ running the jobs

    async def run(self, jobs: Sequence[Callable[[], Coroutine[Any, Any, R]]]) -> list[R]:
        """Run coroutines side by side; return their results, in the same order.

        Raises:
            BaseException: the first error of a coroutine, in the order of `jobs`; raised once all have ended.
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
            self._members.close()  # members remain only if the whole invocation is ending
        results = [self._results[number] for number in range(len(jobs))]
        for result in results:
            if isinstance(result, _Raised):
                raise result.error
        return results

    @property
    def _is_quiet(self) -> bool:
        return not (self._calls or self._gatherings)

    async def _advance(self, member: Member) -> None:
        """Give a member the turn: it runs until it makes a request or ends."""
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
            except BaseException as raised:  # noqa: BLE001  # the event loop raised it in the job's awaitable
                member.error = raised
        member.took = self._station.now() - self._began
        self._turn = None

    def _end(self, member: Member, result: Any) -> None:
        if member.number is not None:
            self._results[member.number] = result
        self._members.remove(member)

    async def _idle(self) -> None:
        """No member can run: wait for the next event that lets one run."""
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
        gathering, now = self._gatherings.get(what), self._station.now()
        if gathering is None:
            gathering = self._gatherings[what] = _Gathering(work, now + LONGEST_LINGER)
        gathering.leaves_at = min(now + self._linger, gathering.leaves_by)
        gathering.parts.append(part)
        gathering.members.append(member)

    def _depart(self, *, late: bool) -> bool:
        """Begin the shared calls; with `late`, only those that have waited long enough. Return whether one began."""
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
        except BaseException as error:  # noqa: BLE001  # the jobs that take part handle it
            results = [error] * len(gathering.parts)
        for member, result in zip(gathering.members, results, strict=True):
            if isinstance(result, BaseException):
                self._members.resume(member, None, result)
            else:
                self._members.resume(member, result)
