"""Calls that are made in threads."""

from __future__ import annotations

import asyncio
import signal
import threading
from typing import Any

import pytest

from infra.aws.call_threads import CallStation, CallThreads


@pytest.fixture
def threads() -> CallThreads:
    return CallThreads(4)


def settle(station: CallStation, found: list[Any], count: int) -> None:
    async def wait() -> None:
        while len(found) < count:
            await station.wait(10)

    asyncio.run(wait())


def test_calls_are_made_at_once_and_give_their_results(threads: CallThreads) -> None:
    station, together = CallStation(threads), threading.Barrier(4, timeout=10)
    found: list[tuple[Any, BaseException | None]] = []
    for number in range(4):

        def call(number: int = number) -> int:
            together.wait()
            return number

        station.start(call, lambda result, error: found.append((result, error)))
    settle(station, found, 4)
    assert sorted(result for result, _ in found) == [0, 1, 2, 3]


def test_an_exception_of_a_call_is_handed_to_its_caller(threads: CallThreads) -> None:
    station, found = CallStation(threads), list[BaseException | None]()

    def fail() -> None:
        raise OSError("down")

    station.start(fail, lambda _, error: found.append(error))
    settle(station, found, 1)
    assert isinstance(found[0], OSError)


def test_threads_are_started_as_they_are_needed_and_kept(threads: CallThreads) -> None:
    def count() -> int:
        return sum(thread.name.startswith("conduit-call-") for thread in threading.enumerate())

    before = count()
    for _ in range(20):
        station, found = CallStation(threads), list[Any]()
        station.start(lambda: None, lambda result, _, found=found: found.append(result))  # type: ignore[misc]
        settle(station, found, 1)
    assert count() - before == 1


def test_no_thread_takes_the_signal_that_ends_a_step(threads: CallThreads) -> None:
    """Otherwise the signal would not interrupt the main thread's wait."""
    station, found = CallStation(threads), list[Any]()
    station.start(lambda: signal.pthread_sigmask(signal.SIG_BLOCK, ()), lambda result, _: found.append(result))
    settle(station, found, 1)
    assert signal.SIGALRM in found[0]


def test_a_station_hears_of_its_own_calls_only(threads: CallThreads) -> None:
    one, other = CallStation(threads), CallStation(threads)
    found = list[Any]()
    one.start(lambda: "one", lambda result, _: found.append(result))
    settle(one, found, 1)
    assert not other.has_news()
    asyncio.run(other.wait(0))
    assert found == ["one"]
