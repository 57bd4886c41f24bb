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
from infra.errors import InfraError, TryLaterError
from infra.jobs.jobs_table import JobsTable
from infra.messaging.event_bus import Entry
from infra.messaging.scheduler import Timetable
from infra.table.documents import DocumentsTable

if TYPE_CHECKING:
    from handler.invocation.crew import Crew
    from infra.outside.secret import Secrets

RETRY_AFTER: Final = 5
"""Seconds after which a retry may succeed, if AWS gives no time."""


class Bus(Protocol):
    """The part of `infra.messaging.event_bus.EventBus` that is used."""

    async def publish(self, entries: Sequence[Entry], *, missed: Callable[[str], object]) -> list[int]: ...


class Queue(Protocol):
    """The part of `infra.messaging.job_queue.JobQueue` that is used."""

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
    """The part of `handler.invocation.crew.Crew` that a job's run uses: jobs of a batch take turns."""

    @property
    def has_begun(self) -> bool: ...
    async def begin(self) -> None: ...
    def recorded(self, size: int) -> None: ...
    def wants_turn(self) -> bool: ...
    async def pass_turn(self) -> None: ...
    def keep_turn(self, *, keep: bool) -> None: ...
    def stay_alone(self) -> None: ...


class Scheduler(Protocol):
    """The part of `infra.messaging.scheduler.Scheduler` that is used."""

    async def put(self, tenant: str, schedule_id: str, timetable: Timetable) -> None: ...
    async def delete(self, tenant: str, schedule_id: str) -> None: ...


class Vault(Protocol):
    """The part of `infra.secrets.secret_store.SecretStore` that stores secrets."""

    def seal(self, tenant: str, name: str, text: str) -> str: ...
    def forget(self, tenant: str, name: str) -> None: ...


class Log(Protocol):
    """A logger with the methods of the standard library's."""

    def info(self, msg: str, *, extra: Mapping[str, Any]) -> object: ...
    def warning(self, msg: str, *, extra: Mapping[str, Any]) -> object: ...
    def error(self, msg: str, *, extra: Mapping[str, Any]) -> object: ...
    def exception(self, msg: str, *, extra: Mapping[str, Any]) -> object: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Everything that the use cases need from outside.

    Attributes:
        settings: the deployment's settings.
        table, bus, queue: the table of jobs, the event bus and the queue.
        documents: the tenants' stored workflows, schedules, hooks and secrets.
        scheduler: sends a message when a schedule fires.
        secrets_of: returns the secrets of a tenant, for calls.
        vault: encrypts new secrets; ``None`` if the deployment has no key for them.
        registry: the blocks.
        outside: makes the global values of blocks; if ``None``, blocks get only those of the registry.
        runtime: the engine's runtime without time limits, which are added for each run.
        token: returns a unique random string of ``[0-9a-f]``. Call it for every claim: a cached value may repeat in a
            restored sandbox.
        log, metrics: the log and the metrics of the process.
        side_by_side: begins a batch: returns the crew that runs its jobs, and ports whose calls let another job
            continue. ``None`` if jobs run one after another.
        turns: the turns of a batch's jobs; ``None`` for a job that runs alone.
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
        """The global values for the blocks of a tenant's jobs."""
        return self.registry.global_values() if self.outside is None else self.outside.global_values(tenant)

    def now(self) -> float:
        """Seconds since the epoch."""
        return self.runtime.now()

    def log_failure(self, door: str, what: str, error: InfraError, **names: str) -> None:
        """Log that AWS failed, and count it in the one metric that an alarm watches.

        Args:
            door: one word for the task that failed.
            what: the consequence, as the log's message.
            error: the error of the call.
            names: further fields of the log line.
        """
        self.metrics.count("ServiceFailures")
        error_names = {"door": door, "error": type(error).__name__, "reason": str(error)}
        self.log.error(what, extra={**names, **error_names})

    @contextmanager
    def served(self, door: str) -> Iterator[None]:
        """A context manager that logs failures of AWS and reports them to the caller.

        Args:
            door: one word for the request, for the log.

        Raises:
            UnavailableError: AWS failed.
        """
        try:
            yield
        except InfraError as error:
            self.log_failure(door, "AWS failed a request", error)
            again = RETRY_AFTER if isinstance(error, TryLaterError) else RETRY_AFTER * 12
            raise UnavailableError("A service that this request depends on is failing.", retry_after=again) from error
