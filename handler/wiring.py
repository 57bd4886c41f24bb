"""Builds all clients, stores and ports."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from blocks.block import REGISTRY
from handler.engine import Limits, Runtime
from handler.invocation.log import LambdaLog
from handler.invocation.metrics import Metrics
from handler.outside import Outside
from handler.ports import Ports
from handler.settings import Settings
from infra.aws.backoff import Backoff
from infra.aws.clients import Clients
from infra.jobs.jobs_table import JobsTable
from infra.messaging.event_bus import EventBus
from infra.messaging.job_queue import JobQueue
from infra.messaging.scheduler import Scheduler
from infra.table.documents import DocumentsTable
from infra.table.dynamo_items import DynamoItems

if TYPE_CHECKING:
    from handler.invocation.crew import Crew
    from infra.aws.call_threads import CallThreads
    from infra.outside.aws_call import AwsCalls
    from infra.outside.http_client import HttpClient
    from infra.outside.secret import Secrets
    from infra.secrets.secret_store import SecretStore


class InvocationClock:
    """Seconds since the epoch that never jump within an invocation.

    The system's clock is read at the start of each invocation; the monotonic clock measures the time from then on. It
    cannot do so across invocations: between them a sandbox is frozen, and its monotonic clock may stop.
    """

    __slots__ = ("_start",)

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Read the system's clock again."""
        self._start = time.time() - time.monotonic()

    def __call__(self) -> float:
        return self._start + time.monotonic()


CLOCK = InvocationClock()
"""The clock of this process, which runs one invocation at a time."""

LOG = LambdaLog()
"""The log of this process."""


@lru_cache(maxsize=4)
def wire(settings: Settings) -> Ports:
    """The ports of a deployment with these settings. Equal settings give the same object."""
    clients = Clients()
    threads = lru_cache(maxsize=1)(_call_threads)
    backoff = Backoff(sleep=asyncio.sleep, random=random.random)
    items = DynamoItems(clients.dynamodb, settings.table_name, backoff)
    http = lru_cache(maxsize=1)(lambda: _http_client(settings))
    vault = _Secrets(settings, clients, http)
    ports = Ports(
        settings=settings,
        table=JobsTable(items),
        bus=EventBus(clients.events, settings.bus_name, backoff),
        queue=JobQueue(clients.sqs, settings.queue_url, settings.dead_letter_queue_url),
        documents=DocumentsTable(items),
        scheduler=Scheduler(
            clients.scheduler,
            group=settings.scheduler_group,
            role_arn=settings.scheduler_role_arn,
            queue_arn=settings.scheduler_queue_arn,
        ),
        secrets_of=vault.of,
        vault=vault if settings.secrets_key else None,
        registry=REGISTRY,
        outside=Outside(
            REGISTRY,
            http,
            vault.of,
            failed=lambda error: ports.log_failure("blocks", "AWS failed a block", error),
            aws=lru_cache(maxsize=1)(lambda: _aws_calls(settings)),
        ),
        runtime=Runtime(
            now=CLOCK,
            entropy=os.urandom,
            report=lambda message, error: LOG.exception(  # noqa: LOG004  # the engine calls it inside an `except` block
                message, extra={"error": type(error).__name__}
            ),
            limits=Limits(
                nesting=settings.nesting_limit,
                record=settings.record_limit,
                results=settings.results_limit,
                variables=settings.variables_limit,
                items=settings.items_limit,
                loop_records=settings.records_limit,
            ),
        ),
        token=_token,
        log=LOG,
        metrics=Metrics(),
        side_by_side=lambda ports: _begin_batch(ports, clients, threads()),
    )
    return ports


def _call_threads() -> CallThreads:
    from infra.aws.call_threads import CallThreads  # noqa: PLC0415  # only a batch of several messages needs them

    return CallThreads()


def _begin_batch(ports: Ports, clients: Clients, threads: CallThreads) -> tuple[Crew, Ports]:
    """The crew that runs a batch's jobs side by side, and ports for them whose calls let other jobs continue."""
    from handler.invocation.crew import Crew  # noqa: PLC0415  # as above
    from infra.aws.call_threads import CallStation  # noqa: PLC0415  # as above
    from infra.messaging.shared_bus import SharedBus  # noqa: PLC0415  # as above
    from infra.table.shared_puts import SharedPuts  # noqa: PLC0415  # as above
    from infra.table.shared_reads import SharedReads  # noqa: PLC0415  # as above

    settings, crew = ports.settings, Crew(CallStation(threads))
    backoff = Backoff(sleep=crew.sleep, random=random.random)
    items = DynamoItems(clients.dynamodb, settings.table_name, backoff, crew)
    return crew, replace(
        ports,
        table=JobsTable(items, SharedPuts(items, crew), SharedReads(items, crew)),
        bus=SharedBus(EventBus(clients.events, settings.bus_name, backoff, crew), crew),
        queue=JobQueue(clients.sqs, settings.queue_url, settings.dead_letter_queue_url, crew),
        documents=DocumentsTable(items),
        runtime=replace(ports.runtime, sleep=crew.sleep),
        turns=crew,
    )


def _http_client(settings: Settings) -> HttpClient:
    """The client of the HTTP blocks. Its modules are imported at a job's first call."""
    from infra.outside.hosts import Reach  # noqa: PLC0415  # see above
    from infra.outside.http_client import HttpClient  # noqa: PLC0415  # see above
    from infra.outside.pinned_connection import Opener  # noqa: PLC0415  # see above
    from infra.outside.resolver import Resolver  # noqa: PLC0415  # see above

    reach = Reach(
        plain=settings.http_plain,
        ports=settings.http_ports,
        hosts=settings.http_hosts,
        private_hosts=settings.http_private_hosts,
        loopback=not os.environ.get("AWS_LAMBDA_FUNCTION_NAME"),  # Lambda's runtime API listens there
    )
    return HttpClient(reach, settings.http_limit, Opener(Resolver(), CLOCK), CLOCK)


def _aws_calls(settings: Settings) -> AwsCalls:
    """The client that calls AWS for jobs. Its modules are imported at a job's first call."""
    from infra.outside.aws_call import AwsCalls  # noqa: PLC0415  # see above

    addresses = (settings.queue_url, settings.dead_letter_queue_url, settings.secrets_key)
    names = (address.rpartition("/")[2] for address in addresses)
    own = {settings.table_name, settings.bus_name, *addresses, *names} - {""}
    return AwsCalls(settings.aws_calls, settings.aws_call_role, frozenset(own), settings.http_limit, CLOCK)


class _Secrets:
    """The secrets of all tenants. Their modules are imported when a secret is first used."""

    def __init__(self, settings: Settings, clients: Clients, http: Callable[[], HttpClient]) -> None:
        self._settings = settings
        self._clients = clients
        self._http = http

    @cached_property
    def _store(self) -> SecretStore:
        from infra.secrets.encryption import Encryption  # noqa: PLC0415  # see above
        from infra.secrets.secret_store import SecretStore  # noqa: PLC0415  # see above
        from infra.secrets.token_server import TokenServer  # noqa: PLC0415  # see above

        settings, clients = self._settings, self._clients
        backoff = Backoff(sleep=asyncio.sleep, random=random.random)
        return SecretStore(
            DocumentsTable(DynamoItems(clients.dynamodb, settings.table_name, backoff)),
            Encryption(clients.kms, settings.secrets_key, settings.stack),
            TokenServer(self._http),
            run=asyncio.run,
            now=CLOCK,
            sleep=time.sleep,
            token=_token,
        )

    def of(self, tenant: str) -> Secrets:
        """The secrets of one tenant."""
        if not self._settings.secrets_key:
            from infra.outside.secret import NoSecrets  # noqa: PLC0415  # see above

            return NoSecrets()
        from infra.secrets.tenant_secrets import TenantSecrets  # noqa: PLC0415  # see above

        return TenantSecrets(self._store, tenant)

    def seal(self, tenant: str, name: str, text: str) -> str:
        """See `infra.secrets.secret_store.SecretStore.seal`."""
        return self._store.seal(tenant, name, text)

    def forget(self, tenant: str, name: str) -> None:
        """See `infra.secrets.secret_store.SecretStore.forget`."""
        self._store.forget(tenant, name)


def _token() -> str:
    """Return random digits, from the system each time: sandboxes restored from one snapshot share all other state."""
    return os.urandom(8).hex()
