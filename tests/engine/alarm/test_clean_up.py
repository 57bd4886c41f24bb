"""A clean-up that has begun at the limit is completed, and no alarm leaves a shared lock taken."""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Self

import pytest

from handler.engine.alarm.alarm import StepTimeout, SystemAlarm

LIMIT = 0.03
GRACE = 0.15


@pytest.fixture
def alarm() -> SystemAlarm:
    return SystemAlarm(time.monotonic, grace=GRACE)


def spin_past_the_limit(began: float) -> None:
    while time.monotonic() < began + LIMIT + GRACE / 3:
        pass


class Releasing:
    """A resource whose release lasts until after the limit."""

    def __init__(self) -> None:
        self.taken = False
        self.began = time.monotonic()

    def __enter__(self) -> Self:
        self.taken = True
        return self

    def __exit__(self, *_: object) -> None:
        spin_past_the_limit(self.began)
        self.taken = False


class Taking(Releasing):
    """A resource whose acquisition also lasts until after the limit."""

    def __enter__(self) -> Self:
        self.taken = True
        spin_past_the_limit(self.began)
        return self

    def __exit__(self, *_: object) -> None:
        self.taken = False


class ByGenerator(Releasing):
    """As `Releasing`, as a generator."""

    @contextmanager
    def held(self) -> Iterator[None]:
        self.taken = True
        yield
        spin_past_the_limit(self.began)
        self.taken = False


@pytest.mark.parametrize("kind", [Releasing, Taking, ByGenerator])
def test_what_is_being_taken_or_released_at_the_limit_is_released(alarm: SystemAlarm, kind: type[Releasing]) -> None:
    held = list[Releasing]()

    def block() -> None:
        thing = kind()
        held.append(thing)
        with thing.held() if isinstance(thing, ByGenerator) else thing:
            pass
        while True:
            pass

    with pytest.raises(StepTimeout):
        alarm.call(block, (), {}, LIMIT)
    assert not held[0].taken


def test_a_clean_up_that_never_ends_is_stopped_after_the_grace(alarm: SystemAlarm) -> None:
    class Endless:
        def __enter__(self) -> None: ...

        def __exit__(self, *_: object) -> None:
            while True:
                pass

    def block() -> None:
        with Endless():
            pass

    with pytest.raises(StepTimeout):
        alarm.call(block, (), {}, LIMIT)


@pytest.mark.parametrize("by", ["method", "generator"])
def test_a_coroutine_ends_the_clean_up_that_it_waits_in(alarm: SystemAlarm, by: str) -> None:
    done = list[str]()

    class Closing:
        async def __aenter__(self) -> None: ...

        async def __aexit__(self, *_: object) -> None:
            await asyncio.sleep(LIMIT + GRACE / 3)
            done.append("closed")

    @asynccontextmanager
    async def closing() -> Any:
        yield
        await asyncio.sleep(LIMIT + GRACE / 3)
        done.append("closed")

    async def block() -> None:
        async with Closing() if by == "method" else closing():
            pass
        await asyncio.sleep(60)

    with pytest.raises(StepTimeout):
        asyncio.run(alarm.wait(block, (), {}, LIMIT))
    assert done == ["closed"]


def test_a_coroutine_whose_clean_up_never_ends_is_cancelled_after_the_grace(alarm: SystemAlarm) -> None:
    class Closing:
        async def __aenter__(self) -> None: ...

        async def __aexit__(self, *_: object) -> None:
            await asyncio.sleep(60)

    async def block() -> None:
        async with Closing():
            pass

    with pytest.raises(StepTimeout):
        asyncio.run(alarm.wait(block, (), {}, LIMIT))


HOLD_A_LOCK = """
def hold(taken, now, ends_at):
    taken.append("lock")
    while now() < ends_at:
        pass
    try:
        pass
    finally:
        taken.clear()
"""


def test_a_lock_of_the_log_is_released_even_after_the_grace(alarm: SystemAlarm) -> None:
    """A block that catches and logs every timeout is interrupted each millisecond, at any place."""
    functions: dict[str, Any] = {"__name__": "logging"}
    exec(compile(HOLD_A_LOCK, "logging", "exec"), functions)  # noqa: S102  # a function such as that module might have
    taken = list[str]()
    began = time.monotonic()

    def block() -> None:
        try:
            while True:
                pass
        except BaseException:  # noqa: BLE001  # so that it is interrupted again
            functions["hold"](taken, time.monotonic, began + LIMIT + 1.5 * GRACE)
        while True:
            pass

    with pytest.raises(StepTimeout):
        alarm.call(block, (), {}, LIMIT)
    assert taken == []


def do_something_else() -> None:
    for _ in range(40):
        pass


def use_a_queue(waiting: queue.Queue[int]) -> None:
    while True:
        do_something_else()
        waiting.put(1)
        waiting.get()


def use_a_condition(condition: threading.Condition) -> None:
    while True:
        do_something_else()
        with condition:
            condition.notify_all()


def use_a_semaphore(semaphore: threading.Semaphore) -> None:
    while True:
        do_something_else()
        with semaphore:
            pass


@pytest.mark.parametrize(
    ("make", "use", "lock_of"),
    [
        (queue.Queue, use_a_queue, lambda made: made.mutex),
        (lambda: threading.Condition(threading.Lock()), use_a_condition, lambda made: made._lock),
        (threading.Semaphore, use_a_semaphore, lambda made: made._cond._lock),
    ],
    ids=["queue", "condition", "semaphore"],
)
def test_no_aimed_alarm_leaves_a_lock_of_the_standard_library_taken(
    busy_alarm: SystemAlarm, make: Callable[[], Any], use: Callable[[Any], None], lock_of: Callable[[Any], Any]
) -> None:
    for aim in range(150):
        made = make()
        with pytest.raises(StepTimeout):
            busy_alarm.call(use, (made,), {}, 0.0005 + aim * 2e-6)
        assert not lock_of(made).locked(), f"alarm number {aim}"
