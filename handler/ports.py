"""What the use cases are given of the world: where things are kept and sent, time, chance, and who is told.

`handler.wiring` makes one for the deployed function; the simulator of the tests makes its own.

See docs/decisions/001-async-ports.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from blocks.block import Registry
from handler.engine import Runtime
from handler.invocation.metrics import Metrics
from handler.outside import Outside
from handler.settings import Settings
from infra.errors import InfraError
from infra.event_bus import Entry
from infra.jobs_table import JobsTable


class Bus(Protocol):
    """`infra.event_bus.EventBus`, as much of it as is used."""

    async def publish(self, entries: Sequence[Entry], *, missed: Callable[[str], object]) -> list[int]: ...


class Queue(Protocol):
    """`infra.job_queue.JobQueue`, as much of it as is used."""

    async def send(
        self, body: str, *, delay: float = 0, group: str | None = None, deduplication: str | None = None
    ) -> None: ...
    async def postpone(self, receipt_handle: str, seconds: float) -> None: ...
    async def reject(
        self, body: str, problem: str, *, group: str | None = None, deduplication: str | None = None
    ) -> None: ...


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
        registry: the blocks.
        outside: what blocks are given of the outside world; the registry's global values alone for ``None``.
        runtime: the engine's world, without limits of time: those are added for each run.
        token: a new random text of the characters ``[0-9a-f]``, unlike any other; asked anew for each claim, never kept
            from a time when the process may have been copied.
        log, metrics: who is told.
    """

    settings: Settings
    table: JobsTable
    bus: Bus
    queue: Queue
    registry: Registry
    runtime: Runtime
    token: Callable[[], str]
    log: Log
    metrics: Metrics
    outside: Outside | None = None

    def global_values(self, tenant: str) -> Mapping[str, Any]:
        """What the blocks of a tenant's jobs are given."""
        return self.registry.global_values() if self.outside is None else self.outside.global_values(tenant)

    def now(self) -> float:
        """Seconds since the epoch."""
        return self.runtime.now()

    def log_failure(self, door: str, what: str, error: InfraError, **names: str) -> None:
        """Say that AWS failed: one line of the log, and one metric to alarm on."""
        self.metrics.count("ServiceFailures", Door=door)
        self.log.error(what, extra={**names, "error": type(error).__name__, "reason": str(error)})
