"""Calls that several jobs share: each job gets the outcome of its own part only."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from infra.errors import MisconfiguredError, TooLargeError, TryLaterError
from infra.messaging.event_bus import Attempted, Entry, EventBus
from infra.messaging.shared_bus import SharedBus
from infra.table.shared_puts import SharedPuts
from infra.table.shared_reads import SharedReads
from tests.infra.scripted import Client, items_of, refusal

if TYPE_CHECKING:
    from infra.aws.backoff import Backoff
    from tests.infra.conftest import Drive


@dataclass
class Together:
    """Does all parts in one call, once a given number of jobs have asked."""

    count: int
    parts: list[Any] = field(default_factory=list)
    results: Sequence[Any] | None = None

    async def join(self, what: str, part: Any, work: Callable[[Sequence[Any]], Awaitable[Sequence[Any]]]) -> Any:
        assert what in {"put", "publish", "read"}
        number = len(self.parts)
        self.parts.append(part)
        while len(self.parts) < self.count:
            await _Wait()
        if self.results is None:
            self.results = await work(self.parts)
            if number:
                await _Wait()  # so that they continue in their order
        if isinstance(self.results[number], Exception):
            raise self.results[number]
        return self.results[number]


class _Wait:
    def __await__(self) -> Any:
        yield


def run(*jobs: Coroutine[Any, Any, Any]) -> list[Any]:
    """Drive jobs in turns; returns the result or the exception of each."""
    results: dict[int, Any] = {}
    while len(results) < len(jobs):
        for number, job in enumerate(jobs):
            if number in results:
                continue
            try:
                job.send(None)
            except StopIteration as stop:
                results[number] = stop.value
            except Exception as error:  # noqa: BLE001 (the job's outcome)
                results[number] = error
    return [results[number] for number in range(len(jobs))]


def items(job: str, count: int = 2) -> list[Any]:
    return [{"pk": f"t#{job}", "sk": f"STEPS#{number}"} for number in range(count)]


def left(*items: Any) -> dict[str, Any]:
    puts = [{"PutRequest": {"Item": {name: {"S": value} for name, value in item.items()}}} for item in items]
    return {"UnprocessedItems": {"table": puts}}


def put(client: Client, backoff: Backoff, *parts: list[Any]) -> list[Any]:
    puts = SharedPuts(items_of(client, backoff), Together(len(parts)))
    return run(*[puts.put_all(part) for part in parts])


def sizes(client: Client) -> list[int]:
    return [len(request["RequestItems"]["table"]) for name, request in client.requests if name == "batch_write_item"]


def test_records_of_several_jobs_go_in_one_call(backoff: Backoff) -> None:
    client = Client()
    assert put(client, backoff, items("a"), items("b"), items("c", 3)) == [None, None, None]
    assert sizes(client) == [7]


def test_records_that_stay_unwritten_are_a_failure_of_their_own_job(backoff: Backoff) -> None:
    client = Client(*[left(items("b")[1])] * 9)
    a, b, c = put(client, backoff, items("a"), items("b"), items("c"))
    assert (a, c) == (None, None)
    assert isinstance(b, TryLaterError)
    assert "1 of 2" in str(b)
    assert sizes(client)[:2] == [6, 1]


def test_more_than_25_records_are_several_calls_and_each_job_knows_of_its_own(backoff: Backoff) -> None:
    client = Client({}, *[left(items("b", 20)[19])] * 9)
    a, b = put(client, backoff, items("a", 20), items("b", 20))
    assert a is None
    assert isinstance(b, TryLaterError)
    assert sizes(client)[:3] == [25, 15, 1]


@pytest.mark.parametrize("code", ["ValidationException", "AccessDeniedException", "ThrottlingException"])
def test_a_shared_call_that_fails_as_a_whole_is_made_for_each_job(code: str, backoff: Backoff) -> None:
    client = Client(refusal(code), {}, refusal(code), {})
    a, b, c = put(client, backoff, items("a"), items("b"), items("c"))
    assert (a, c) == (None, None)
    assert isinstance(b, Exception)
    assert sizes(client) == [6, 2, 2, 2]


def test_a_job_that_is_alone_is_not_asked_for_twice(backoff: Backoff) -> None:
    client = Client(refusal("ThrottlingException"), {})
    (a,) = put(client, backoff, items("a"))
    assert isinstance(a, TryLaterError)
    assert len(client.requests) == 1


def test_a_message_that_came_twice_puts_the_same_item_in_two_calls(backoff: Backoff) -> None:
    """DynamoDB refuses a call that names an item twice."""
    client = Client()
    assert put(client, backoff, items("a"), items("b"), items("a")) == [None, None, None]
    assert sizes(client) == [4, 2]


# ---------------------------------------------------------------------- reads


def read(client: Client, backoff: Backoff, *keys: tuple[str, str]) -> list[Any]:
    reads = SharedReads(items_of(client, backoff), Together(len(keys)))
    return run(*[reads.get(*key) for key in keys])


def found(*items: tuple[str, int], unread: Any = None) -> dict[str, Any]:
    rows = [{"pk": {"S": pk}, "sk": {"S": "JOB"}, "n": {"N": str(number)}} for pk, number in items]
    return {"Responses": {"table": rows}} | ({"UnprocessedKeys": unread} if unread else {})


JOB_OF_A, JOB_OF_B, JOB_OF_C = ("t#a", "JOB"), ("t#b", "JOB"), ("t#c", "JOB")


def test_each_job_gets_the_item_that_it_asked_for_in_any_order_of_the_answer(backoff: Backoff) -> None:
    client = Client(found(("t#c", 3), ("t#a", 1)))
    a, b, c = read(client, backoff, JOB_OF_A, JOB_OF_B, JOB_OF_C)
    assert (a["n"], b, c["n"]) == (1, None, 3)
    ((name, request),) = client.requests
    asked = request["RequestItems"]["table"]
    assert (name, asked["ConsistentRead"], len(asked["Keys"])) == ("batch_get_item", True, 3)


def test_a_message_that_came_twice_asks_for_its_item_once(backoff: Backoff) -> None:
    """DynamoDB refuses a call that names a key twice."""
    client = Client(found(("t#a", 1)))
    assert [one["n"] for one in read(client, backoff, JOB_OF_A, JOB_OF_A)] == [1, 1]
    assert len(client.requests[0][1]["RequestItems"]["table"]["Keys"]) == 1


def test_keys_that_were_left_unread_are_asked_for_again(backoff: Backoff) -> None:
    left = {"table": {"Keys": [{"pk": {"S": "t#b"}, "sk": {"S": "JOB"}}], "ConsistentRead": True}}
    client = Client(found(("t#a", 1), unread=left), found(("t#b", 2)))
    assert [one["n"] for one in read(client, backoff, JOB_OF_A, JOB_OF_B)] == [1, 2]


def test_a_shared_read_that_fails_as_a_whole_is_made_for_each_job(backoff: Backoff) -> None:
    client = Client(refusal("ThrottlingException"), {"Item": {"n": {"N": "1"}}}, refusal("ThrottlingException"), {})
    a, b, c = read(client, backoff, JOB_OF_A, JOB_OF_B, JOB_OF_C)
    assert (a, c) == ({"n": 1}, None)
    assert isinstance(b, TryLaterError)
    assert [name for name, _ in client.requests] == ["batch_get_item", *["get_item"] * 3]


def test_a_read_that_is_alone_is_an_ordinary_one_and_not_repeated(backoff: Backoff) -> None:
    client = Client({"Item": {"n": {"N": "1"}}}, refusal("ThrottlingException"))
    assert read(client, backoff, JOB_OF_A) == [{"n": 1}]
    (b,) = read(client, backoff, JOB_OF_B)
    assert isinstance(b, TryLaterError)
    assert [name for name, _ in client.requests] == ["get_item"] * 2


# ---------------------------------------------------------------------- the bus


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
