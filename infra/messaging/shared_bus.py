"""Sends the events of several jobs in one PutEvents, and reports rejected events to their own jobs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Protocol

from infra.aws.calls import Sharing
from infra.errors import InfraError
from infra.messaging.event_bus import HOPELESS, Attempted, Entry

PUBLISH: Final = "publish"
Parts = Sequence[Sequence[Entry]]


class Bus(Protocol):
    """The part of `infra.messaging.event_bus.EventBus` that is used here."""

    async def attempt(self, entries: Sequence[Entry]) -> Attempted: ...
    def check(self, entries: Sequence[Entry]) -> None: ...


class SharedBus:
    """`handler.ports.Bus` for the jobs of a batch.

    Args:
        bus: the real bus.
        sharing: combines the requests of the jobs.
    """

    def __init__(self, bus: Bus, sharing: Sharing) -> None:
        self._bus = bus
        self._sharing = sharing

    async def publish(self, entries: Sequence[Entry], *, missed: Callable[[str], object]) -> list[int]:
        """Like `infra.messaging.event_bus.EventBus.publish`; entries of other jobs do not affect this job."""
        self._bus.check(entries)
        found: Attempted = await self._sharing.join(PUBLISH, entries, self.publish_parts)
        taken, failed = found.taken, found.failed
        left = sorted(set(range(len(entries))) - set(taken))
        if left and not failed:
            alone = await self._bus.attempt([entries[index] for index in left])
            taken = sorted([*taken, *(left[position] for position in alone.taken)])
            failed = alone.failed
        for code in failed.values():
            missed(code)
        return taken

    async def publish_parts(self, parts: Parts) -> list[Attempted | InfraError]:
        """Publish the entries of several jobs.

        Returns:
            The outcome for each job's entries. Entries that were neither taken nor failed must be published alone: they
            were not sent, or the call failed as a whole, perhaps because of another job's entry.
        """
        sent = [(number, index) for number, entries in enumerate(parts) for index in range(len(entries))]
        try:
            attempted = await self._bus.attempt([parts[number][index] for number, index in sent])
        except InfraError as error:
            return [Attempted([], {}) for _ in parts] if len(parts) > 1 else [error]
        if len(parts) == 1:
            return [attempted]
        results = [Attempted([], {}) for _ in parts]
        for position in attempted.taken:
            number, index = sent[position]
            results[number].taken.append(index)
        for position, code in attempted.failed.items():
            number, index = sent[position]
            if code in HOPELESS:
                results[number].failed[index] = code
        return [*results]
