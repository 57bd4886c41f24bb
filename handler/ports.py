"""The ports of the use cases: storage, queue and bus, time, randomness, log and metrics.

`handler.wiring` makes one for the deployed function; the simulator of the tests makes its own.

See docs/decisions/001-async-ports.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

from blocks.block import Registry
from handler.engine import Runtime
from handler.errors import UnavailableError
from handler.invocation.metrics import Metrics
from handler.outside import Outside
from handler.settings import Settings
from infra.documents import DocumentsTable
from infra.errors import InfraError, TryLaterError
from infra.event_bus import Entry
from infra.jobs_table import JobsTable
from infra.scheduler import Timetable

if TYPE_CHECKING:
    from handler.invocation.crew import Crew
    from infra.secret import Secrets

RETRY_AFTER: Final = 5
"""Seconds until another try may do, where AWS does not say."""


class Bus(Protocol):
    """`infra.event_bus.EventBus`, as much of it as is used."""

    async def publish(self, entries: Sequence[Entry], *, missed: Callable[[str], object]) -> list[int]: ...


class Queue(Protocol):
    """`infra.job_queue.JobQueue`, as much of it as is used."""

    async def send(
        self,
        body: str,
        *,
        delay: float = 0,
        group: str | None = None,
        deduplication: str | None = None,
        fair: str | None = None,
    ) -> None: ...
    async def postpone(self, receipt_handle: str, seconds: float) -> None: ...
    async def reject(
        self, body: str, problem: str, *, group: str | None = None, deduplication: str | None = None
    ) -> None: ...


class Turns(Protocol):
    """`handler.invocation.crew.Crew`, as much of it as a job's run needs: jobs of a batch that take turns."""

    @property
    def has_begun(self) -> bool: ...
    async def begin(self) -> None: ...
    def recorded(self, size: int) -> None: ...
    def wants_turn(self) -> bool: ...
    async def pass_turn(self) -> None: ...
    def keep_turn(self, *, keep: bool) -> None: ...
    def stay_alone(self) -> None: ...


class Scheduler(Protocol):
    """`infra.scheduler.Scheduler`, as much of it as is used."""

    async def put(self, tenant: str, schedule_id: str, timetable: Timetable) -> None: ...
    async def delete(self, tenant: str, schedule_id: str) -> None: ...


class Vault(Protocol):
    """`infra.secret_store.SecretStore`, as much of it as is used to put secrets."""

    def seal(self, tenant: str, name: str, text: str) -> str: ...
    def forget(self, tenant: str, name: str) -> None: ...


class Log(Protocol):
    """A logger of the standard library, or Powertools'."""

    def info(self, msg: str, *, extra: Mapping[str, Any]) -> object: ...
    def warning(self, msg: str, *, extra: Mapping[str, Any]) -> object: ...
    def error(self, msg: str, *, extra: Mapping[str, Any]) -> object: ...
    def exception(self, msg: str, *, extra: Mapping[str, Any]) -> object: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """The world of the use cases.

    Attributes:
        settings: what the deployment chose.
        table, bus, queue: where things are kept and sent.
        documents: what tenants have stored under a name: workflows, schedules, hooks, secrets.
        scheduler: what sends a message when a schedule fires.
        secrets_of: gives the secrets of a tenant, to be used.
        vault: encrypts those that are put; ``None`` where the deployment has no key for them.
        registry: the blocks.
        outside: what blocks are given of the outside world; the registry's global values alone for ``None``.
        runtime: the engine's world, without limits of time: those are added for each run.
        token: a new random text of the characters ``[0-9a-f]``, unlike any other; called for each claim, never kept
            from a time when the process may have been copied.
        log, metrics: where events of this program are reported.
        side_by_side: begins a batch whose jobs run side by side: gives who runs them, and the world in which a call
            lets another job go on; ``None`` where they run one after another.
        turns: of the jobs of a batch, in the world of one; ``None`` for a job that is alone.
    """

    settings: Settings
    table: JobsTable
    bus: Bus
    queue: Queue
    documents: DocumentsTable
    scheduler: Scheduler
    secrets_of: Callable[[str], Secrets]
    registry: Registry
    runtime: Runtime
    token: Callable[[], str]
    log: Log
    metrics: Metrics
    outside: Outside | None = None
    vault: Vault | None = None
    side_by_side: Callable[[Ports], tuple[Crew, Ports]] | None = None
    turns: Turns | None = None

    def global_values(self, tenant: str) -> Mapping[str, Any]:
        """What the blocks of a tenant's jobs are given."""
        return self.registry.global_values() if self.outside is None else self.outside.global_values(tenant)

    def now(self) -> float:
        """Seconds since the epoch."""
        return self.runtime.now()

    def log_failure(self, door: str, what: str, error: InfraError, **names: str) -> None:
        """Say that AWS failed: one line of the log, and one metric to alarm on, whatever the door.

        Args:
            door: what was to be done, in a word, for the log.
            what: what that means, for people.
            error: which call failed, and why.
            names: what else the line names.
        """
        self.metrics.count("ServiceFailures")
        error_names = {"door": door, "error": type(error).__name__, "reason": str(error)}
        self.log.error(what, extra={**names, **error_names})

    @contextmanager
    def served(self, door: str) -> Iterator[None]:
        """Let a caller know when AWS fails, and log it.

        Args:
            door: what was asked for, in a word, for the log.

        Raises:
            UnavailableError: AWS failed.
        """
        try:
            yield
        except InfraError as error:
            self.log_failure(door, "AWS failed a request", error)
            again = RETRY_AFTER if isinstance(error, TryLaterError) else RETRY_AFTER * 12
            raise UnavailableError("A service that this request depends on is failing.", retry_after=again) from error
