"""The bus: which entries share a call, which are sent again, and which count as accepted."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from infra.aws.backoff import Backoff
from infra.errors import MisconfiguredError, TooLargeError
from infra.local import EmbeddedAws
from infra.messaging.event_bus import CALL_BYTES, CALL_ENTRIES, CALLS_AT_ONCE, Entry, EventBus

if TYPE_CHECKING:
    from tests.infra.conftest import Drive


class Client:
    """A bus that rejects given details, each a given number of times."""

    def __init__(self, failures: dict[str, tuple[str, int]] | None = None, *errors: Exception | None) -> None:
        self.failures = dict(failures or {})
        self.errors = list(errors)
        self.calls: list[list[str]] = []
        self.missed: list[str] = []

    def put_events(self, **request: Any) -> dict[str, Any]:
        self.calls.append([entry["Detail"] for entry in request["Entries"]])
        if self.errors and (error := self.errors.pop(0)):
            raise error
        results = [self._result(entry["Detail"]) for entry in request["Entries"]]
        return {"FailedEntryCount": sum("ErrorCode" in result for result in results), "Entries": results}

    def _result(self, detail: str) -> dict[str, str]:
        code, times = self.failures.get(detail, ("", 0))
        if not times:
            return {"EventId": "e"}
        self.failures[detail] = (code, times - 1)
        return {"ErrorCode": code, "ErrorMessage": "m"}


class Meeting(Client):
    """A bus that answers only when a given number of calls have arrived."""

    def __init__(self, expected: int) -> None:
        super().__init__()
        self.barrier = threading.Barrier(expected, timeout=10)
        self.lock = threading.Lock()
        self.threads: set[threading.Thread] = set()
        self.running = self.most = 0

    def put_events(self, **request: Any) -> dict[str, Any]:
        with self.lock:
            self.threads.add(threading.current_thread())
            self.running += 1
            self.most = max(self.most, self.running)
        self.barrier.wait()
        with self.lock:
            self.running -= 1
        return super().put_events(**request)


def entries(count: int) -> list[Entry]:
    return [Entry("Step Updated", str(number), 1.0) for number in range(count)]


def publish(client: Client, backoff: Backoff, what: list[Entry], drive: Drive, **options: int) -> list[int]:
    return drive(EventBus(lambda: client, "bus", backoff, **options).publish(what, missed=client.missed.append))


@pytest.mark.parametrize(
    ("count", "calls"), [(0, []), (1, [1]), (9, [9]), (10, [10]), (11, [10, 1]), (25, [10, 10, 5])]
)
def test_a_call_has_at_most_ten_entries(drive: Drive, backoff: Backoff, count: int, calls: list[int]) -> None:
    client = Client()
    assert publish(client, backoff, entries(count), drive) == list(range(count))
    assert sorted((len(call) for call in client.calls), reverse=True) == calls


@pytest.mark.parametrize(("spare", "calls"), [(1, 1), (0, 1), (-1, 2)])
def test_a_call_stays_within_its_bytes(drive: Drive, backoff: Backoff, spare: int, calls: int) -> None:
    client = Client()
    what = entries(2)
    limit = sum(entry.size for entry in what) + spare
    assert publish(client, backoff, what, drive, call_bytes=limit) == [0, 1]
    assert len(client.calls) == calls


@pytest.mark.parametrize(("spare", "calls"), [(0, [10]), (-1, [9, 1])])
def test_a_call_stays_within_its_bytes_with_any_letters(
    drive: Drive, backoff: Backoff, spare: int, calls: list[int]
) -> None:
    client = Client()
    what = [Entry("Step Updated", "𝄞" * 100, 1.0)] * 10
    assert publish(client, backoff, what, drive, call_bytes=10 * what[0].size + spare) == list(range(10))
    assert sorted((len(call) for call in client.calls), reverse=True) == calls


@pytest.mark.parametrize(("extra", "fits"), [(-1, True), (0, True), (1, False)])
def test_an_entry_has_at_most_256_kilobytes_as_the_bus_counts_them(
    drive: Drive, backoff: Backoff, extra: int, fits: bool
) -> None:
    around = Entry("Step Updated", "", 1.0).size
    assert around == 14 + len("conduit") + len("Step Updated")
    two_bytes = "ü" * ((CALL_BYTES - around) // 2)
    entry = Entry("Step Updated", two_bytes + "x" * (CALL_BYTES - around - len(two_bytes.encode()) + extra), 1.0)
    client = Client()
    if fits:
        assert publish(client, backoff, [entry], drive) == [0]
    else:
        with pytest.raises(TooLargeError, match="leave its result out"):
            publish(client, backoff, [*entries(1), entry], drive)
        assert client.calls == [], "an update that cannot be sent whole is not sent in part"


def test_only_entries_that_failed_are_sent_again(drive: Drive, backoff: Backoff, waits: list[float]) -> None:
    client = Client({"1": ("InternalFailure", 1), "3": ("ThrottlingException", 2)})
    assert publish(client, backoff, entries(5), drive) == [0, 1, 2, 3, 4]
    assert client.calls == [["0", "1", "2", "3", "4"], ["1", "3"], ["3"]]
    assert len(waits) == 2


def test_an_entry_that_keeps_failing_is_not_taken_and_nothing_follows_its_calls(drive: Drive, backoff: Backoff) -> None:
    client = Client({"1": ("InternalFailure", 99)})
    together = CALLS_AT_ONCE * CALL_ENTRIES
    assert publish(client, backoff, entries(together + 5), drive) == [0, *range(2, together)]
    assert [call for call in client.calls if len(call) < CALL_ENTRIES] == [["1"]] * 3, "only this entry was sent again"
    assert len(client.calls) == CALLS_AT_ONCE + 3
    assert client.missed == ["InternalFailure"]


def test_calls_are_on_their_way_at_the_same_time_and_never_more_than_four(drive: Drive, backoff: Backoff) -> None:
    client = Meeting(4)
    assert publish(client, backoff, entries(8 * CALL_ENTRIES), drive) == list(range(8 * CALL_ENTRIES))
    assert client.most == CALLS_AT_ONCE == 4


def test_one_call_takes_no_thread(drive: Drive, backoff: Backoff) -> None:
    client = Meeting(1)
    publish(client, backoff, entries(10), drive)
    assert client.threads == {threading.current_thread()}


def test_nothing_is_left_running_when_a_call_fails_for_good(drive: Drive, backoff: Backoff) -> None:
    """No error is lost, not even another thread's, and no call continues after the caller has its result."""
    denied = ClientError({"Error": {"Code": "AccessDeniedException", "Message": "m"}}, "PutEvents")
    for errors in ([denied, None, None], [None, None, denied]):
        client = Client(None, *errors)
        with pytest.raises(MisconfiguredError):
            publish(client, backoff, entries(3 * CALL_ENTRIES), drive)
        assert len(client.calls) == 3
        assert not [thread for thread in threading.enumerate() if thread.name == "conduit-call"]


def test_an_entry_that_can_never_work_is_not_tried_again(drive: Drive, backoff: Backoff) -> None:
    client = Client({"1": ("MalformedDetail", 99), "2": ("InternalFailure", 1)})
    assert publish(client, backoff, entries(3), drive) == [0, 2]
    assert client.missed == ["MalformedDetail"]
    assert client.calls == [["0", "1", "2"], ["2"]]


def test_a_bus_that_is_down_for_a_moment_takes_everything(drive: Drive, backoff: Backoff) -> None:
    client = Client(None, ReadTimeoutError(endpoint_url="https://x"), None)
    assert publish(client, backoff, entries(3), drive) == [0, 1, 2]
    assert len(client.calls) == 2


def test_a_bus_that_stays_down_takes_nothing_and_raises_nothing(drive: Drive, backoff: Backoff) -> None:
    """The caller's record says which updates are unpublished; the sweeper publishes them later."""
    client = Client(None, *[ReadTimeoutError(endpoint_url="https://x")] * 99)
    assert publish(client, backoff, entries(12), drive) == []
    assert len(client.calls) == 2 * 4, "both calls in each try"
    assert set(client.missed) == {"ReadTimeoutError"}


def test_a_bus_that_is_forbidden_is_an_error(drive: Drive, backoff: Backoff) -> None:
    denied = ClientError({"Error": {"Code": "AccessDeniedException", "Message": "m"}}, "PutEvents")
    with pytest.raises(MisconfiguredError, match="the bus bus"):
        publish(Client(None, denied), backoff, entries(1), drive)


def test_events_arrive_with_source_type_detail_and_time(aws: EmbeddedAws, backoff: Backoff, drive: Drive) -> None:
    bus = EventBus(aws.clients.events, aws.bus, backoff)
    assert drive(bus.publish([Entry("Job Finished", '{"version": 1}', 1_795_468_782.9)], missed=print)) == [0]
    (event,) = aws.bus_events()
    assert event["source"] == "conduit"
    assert event["detail-type"] == "Job Finished"
    assert event["detail"] == {"version": 1}
    assert event["time"] == "2026-11-23T21:19:42Z"
