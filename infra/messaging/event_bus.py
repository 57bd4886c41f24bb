"""The event bus: sends entries in batches and reports which of them EventBridge accepted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, NamedTuple

from infra.aws.backoff import Backoff
from infra.aws.calls import IN_PLACE, Calls
from infra.aws.clients import EventsClient
from infra.errors import TooLargeError, TryLaterError, code_of, translated

SOURCE: Final = "conduit"
CALL_ENTRIES: Final = 10
"""Entries of one PutEvents (EventBridge's quota)."""
CALL_BYTES: Final = 256 * 1024
"""Bytes of one PutEvents, and so of one entry (EventBridge's quota, where a region has not raised it)."""
CALLS_AT_ONCE: Final = 4
"""The number of calls that run at once: they take as long as one, and a bus that is down gets no more."""
_ENVELOPE: Final = 14 + len(SOURCE)
"""The bytes that EventBridge counts for an entry's time and source."""
HOPELESS: Final = frozenset({"InvalidArgument", "MalformedDetail", "NotAuthorizedForSourceException"})
"""Codes of rejected entries for which a retry cannot help."""


class Entry(NamedTuple):
    """One event. A tuple, as each step makes one.

    Attributes:
        detail_type: the kind of event.
        detail: JSON of an object.
        time: when it happened, in seconds since the epoch.
    """

    detail_type: str
    detail: str
    time: float

    @property
    def size(self) -> int:
        """The entry's bytes, by EventBridge's rules."""
        detail, kind = self.detail, self.detail_type
        size = len(detail) if detail.isascii() else len(detail.encode())
        return _ENVELOPE + (len(kind) if kind.isascii() else len(kind.encode())) + size


@dataclass(frozen=True, slots=True)
class Attempted:
    """The outcome of sending entries.

    Attributes:
        taken: the indexes of the accepted entries, in order.
        failed: the code of each rejected entry, by index. Entries in neither were not sent.
    """

    taken: list[int]
    failed: dict[int, str]


class EventBus:
    """One bus of EventBridge.

    Args:
        client: returns the client; called for each call, so that it is built at the first.
        bus: the bus's name or ARN.
        backoff: waits between the tries of rejected entries.
        calls: makes the calls.
        call_bytes: the largest call, in bytes.
    """

    def __init__(
        self,
        client: Callable[[], EventsClient],
        bus: str,
        backoff: Backoff,
        calls: Calls = IN_PLACE,
        *,
        call_bytes: int = CALL_BYTES,
    ) -> None:
        self._client = client
        self._bus = bus
        self._backoff = backoff
        self._calls = calls
        self._call_bytes = call_bytes

    async def publish(self, entries: Sequence[Entry], *, missed: Callable[[str], object]) -> list[int]:
        """Put entries on the bus. Those that fail are tried again, the others are not sent twice.

        Args:
            entries: the entries.
            missed: called with the reason for each rejected entry: AWS's code, or the name of botocore's error if
                the bus did not answer.

        Returns:
            The indexes of the accepted entries, in order: all of them, or fewer if the bus is throttled or down in
            every try. EventBridge does not guarantee an order, so `CALLS_AT_ONCE` calls run at a time.

        Raises:
            TooLargeError: an entry is over the limit; nothing was sent.
            MisconfiguredError: no such bus, or no right to it. Earlier entries may have been accepted.
        """
        attempted = await self.attempt(entries)
        for code in attempted.failed.values():
            missed(code)
        return attempted.taken

    async def attempt(self, entries: Sequence[Entry]) -> Attempted:
        """Like `publish`, but also return which entries failed and why; the others were not sent."""
        batches = self._batches(entries)
        taken: list[int] = []
        for start in range(0, len(batches), CALLS_AT_ONCE):
            together = batches[start : start + CALLS_AT_ONCE]
            left = await self._put(entries, together)
            taken += [index for batch in together for index in batch if index not in left]
            if left:  # throttled or down: later entries would add to the load, and count only once these are accepted
                return Attempted(taken, left)
        return Attempted(taken, {})

    def check(self, entries: Sequence[Entry]) -> None:
        """Check that each entry fits into a call.

        Raises:
            TooLargeError: an entry does not fit.
        """
        self._batches(entries)

    def _batches(self, entries: Sequence[Entry]) -> list[list[int]]:
        """The indexes of entries, in batches that fit into calls."""
        batches: list[list[int]] = []
        total = 0
        for index, entry in enumerate(entries):
            size = entry.size
            if size > self._call_bytes:
                raise TooLargeError(
                    f"An event {entry.detail_type!r} has {size} bytes; the bus {self._bus} takes "
                    f"{self._call_bytes}: leave its result out."
                )
            if not batches or len(batches[-1]) == CALL_ENTRIES or total + size > self._call_bytes:
                batches.append([])
                total = 0
            batches[-1].append(index)
            total += size
        return batches

    async def _put(self, entries: Sequence[Entry], batches: Sequence[Sequence[int]]) -> dict[int, str]:
        """Put batches at once; return the indexes of rejected entries with the last code of each."""
        left = batches
        failed: dict[int, str] = {}
        hopeless: dict[int, str] = {}
        async for _ in self._backoff.attempts():
            failed = {}
            calls = [partial(self._put_once, entries, batch) for batch in left]
            for answer in await self._calls.make_all(calls):
                failed |= answer
            if not failed:
                break
            hopeless |= {index: code for index, code in failed.items() if code in HOPELESS}
            failed = {index: code for index, code in failed.items() if index not in hopeless}
            left = [rest for batch in left if (rest := [index for index in batch if index in failed])]
            if not left:
                break
        return failed | hopeless

    def _put_once(self, entries: Sequence[Entry], indexes: Sequence[int]) -> dict[int, str]:
        """Make one call; return the code of each rejected entry, by index."""
        try:
            with translated(f"PutEvents on the bus {self._bus}"):
                answer = self._client().put_events(Entries=self._requests(entries, indexes))
        except TryLaterError as error:
            cause = error.__cause__ or error
            return dict.fromkeys(indexes, code_of(cause) or type(cause).__name__)
        if not answer.get("FailedEntryCount"):
            return {}
        results = zip(indexes, answer["Entries"], strict=True)
        return {index: result["ErrorCode"] for index, result in results if "ErrorCode" in result}

    def _requests(self, entries: Sequence[Entry], indexes: Sequence[int]) -> list[dict[str, Any]]:
        """Entries in the form for PutEvents. Most are from the same second, whose `datetime` is made once."""
        made: list[dict[str, Any]] = []
        second = moment = None
        for index in indexes:
            kind, detail, seconds = entries[index]
            if int(seconds) != second:
                second = int(seconds)
                moment = datetime.fromtimestamp(second, UTC)  # botocore sends whole seconds
            made.append(
                {
                    "EventBusName": self._bus,
                    "Source": SOURCE,
                    "DetailType": kind,
                    "Detail": detail,
                    "Time": moment,
                }
            )
        return made
