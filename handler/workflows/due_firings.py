"""Finds the schedules that fired in a period. Replaces EventBridge Scheduler on a developer's machine."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import takewhile

from handler.invocation.timestamps import iso
from handler.ports import Ports
from handler.workflows.schedule import Schedule
from infra.messaging.scheduler import firing_body


async def due_firings(ports: Ports, keys: Iterable[tuple[str, str]], since: float, until: float) -> list[str]:
    """The messages of the schedules that fired after `since` and by `until`, oldest first.

    Of several firings of one schedule only the last one counts: a machine that was asleep does not start a job for each
    minute of the night.

    Args:
        ports: the use cases' ports.
        keys: tenants and ids of schedules, in the form of `infra.local.EmbeddedAws.schedule_keys`.
        since: the `until` of the last call, in seconds since 1970.
        until: now, in seconds since 1970.

    Raises:
        InfraError: AWS failed.
    """
    fired: list[tuple[float, str]] = []
    for tenant, schedule_id in keys:
        document = await ports.documents.read(tenant, "schedule", schedule_id)
        schedule = Schedule.decode(document) if document is not None else None
        if schedule is None or not schedule.enabled:
            continue
        times = list(takewhile(lambda time: time <= until, schedule.timing.times_after(since)))
        if times:
            fired.append((times[-1], firing_body(tenant, schedule_id, iso(times[-1]))))
    return [body for _, body in sorted(fired)]
