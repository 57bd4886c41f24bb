"""Calls of the bus that several jobs share: each job gets the outcome of its own entries only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from infra.errors import MisconfiguredError, TooLargeError
from infra.messaging.event_bus import Attempted, Entry, EventBus
from infra.messaging.shared_bus import SharedBus
from tests.infra.scripted import Client
from tests.infra.together import Together, run

if TYPE_CHECKING:
    from infra.aws.backoff import Backoff
    from tests.infra.conftest import Drive


@dataclass
class Bus:
    """A bus that gives scripted answers and records its requests."""

    answers: list[Attempted | Exception] = field(default_factory=list)
    asked: list[list[str]] = field(default_factory=list)

    async def attempt(self, entries: Sequence[Entry]) -> Attempted:
        self.asked.append([entry.detail for entry in entries])
        answer = self.answers.pop(0) if self.answers else Attempted(list(range(len(entries))), {})
        if isinstance(answer, Exception):
            raise answer
        return answer

    def check(self, entries: Sequence[Entry]) -> None:
        if any(entry.detail == "huge" for entry in entries):
            raise TooLargeError("huge")


def publish(bus: Bus, *parts: str) -> tuple[list[Any], list[list[str]]]:
    """Publish parts, each a word whose letters are entries; returns the accepted ones, and the codes of the others."""
    shared, codes = SharedBus(bus, Together(len(parts))), [list[str]() for _ in parts]
    jobs = [
        shared.publish([Entry("Step Updated", letter, 1.0) for letter in part], missed=missed.append)
        for part, missed in zip(parts, codes, strict=True)
    ]
    return run(*jobs), codes


def test_events_of_several_jobs_go_together_in_their_order() -> None:
    bus = Bus()
    assert publish(bus, "abc", "de") == ([[0, 1, 2], [0, 1]], [[], []])
    assert bus.asked == [["a", "b", "c", "d", "e"]]


def test_an_entry_that_can_never_be_taken_is_its_own_jobs_failure() -> None:
    """Later entries of that job count only after it; the entries of other jobs are sent again, without it."""
    bus = Bus([Attempted([0, 1, 2], {3: "MalformedDetail"})])
    assert publish(bus, "abc", "xyz", "de") == ([[0, 1, 2], [], [0, 1]], [[], ["MalformedDetail"], []])
    assert bus.asked[1:] == [["d", "e"]]


def test_when_the_bus_is_down_each_job_asks_for_itself() -> None:
    down = dict.fromkeys(range(5), "InternalFailure")
    bus = Bus([Attempted([], down), Attempted([0, 1, 2], {}), Attempted([0], {1: "InternalFailure"})])
    assert publish(bus, "abc", "de") == ([[0, 1, 2], [0]], [[], ["InternalFailure"]])


def test_a_job_asks_again_only_for_entries_that_were_not_taken() -> None:
    bus = Bus([Attempted([0, 2, 3], {1: "InternalFailure"})])
    assert publish(bus, "abc", "de") == ([[0, 1, 2], [0, 1]], [[], []])
    assert bus.asked[1:] == [["b"], ["e"]]


def test_a_bus_that_cannot_be_used_fails_each_job() -> None:
    errors = [MisconfiguredError("no such bus") for _ in range(3)]
    (a, b), _ = publish(Bus([*errors]), "abc", "de")
    assert isinstance(a, MisconfiguredError)
    assert isinstance(b, MisconfiguredError)


def test_an_entry_that_is_too_large_never_joins_the_others() -> None:
    bus = Bus()
    shared = SharedBus(bus, Together(1))
    huge = shared.publish([Entry("Step Updated", "huge", 1.0)], missed=print)
    fine = shared.publish([Entry("Step Updated", "fine", 1.0)], missed=print)
    failed, taken = run(huge, fine)
    assert isinstance(failed, TooLargeError)
    assert taken == [0]
    assert bus.asked == [["fine"]]


def test_calls_of_the_bus_are_filled_with_entries_of_several_jobs(drive: Drive, backoff: Backoff) -> None:
    client = Client(*[{"FailedEntryCount": 0, "Entries": []}] * 3)
    bus = EventBus(lambda: client, "bus", backoff)
    parts = [[Entry("Step Updated", "{}", 1.0)] * 7 for _ in range(3)]
    found = drive(SharedBus(bus, Together(1)).publish_parts(parts))
    assert [len(one.taken) for one in found if isinstance(one, Attempted)] == [7, 7, 7]
    assert sorted(len(request["Entries"]) for _, request in client.requests) == [1, 10, 10]


def test_a_failed_entry_of_a_shared_call_is_found_by_its_place(drive: Drive, backoff: Backoff) -> None:
    entries: list[dict[str, str]] = [{"EventId": str(number)} for number in range(6)]
    entries[3] = {"ErrorCode": "MalformedDetail"}
    client = Client({"FailedEntryCount": 1, "Entries": entries})
    parts = [[Entry("Step Updated", "{}", 1.0)] * 2 for _ in range(3)]
    found = drive(SharedBus(EventBus(lambda: client, "bus", backoff), Together(1)).publish_parts(parts))
    assert found == [Attempted([0, 1], {}), Attempted([0], {1: "MalformedDetail"}), Attempted([0, 1], {})]
