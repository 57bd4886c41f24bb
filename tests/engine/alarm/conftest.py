"""Alarms with limits of milliseconds."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from handler.engine.alarm.alarm import StepTimeout, SystemAlarm


@pytest.fixture
def alarm() -> SystemAlarm:
    return SystemAlarm(time.monotonic, grace=0.03)


@pytest.fixture
def busy_alarm() -> Iterator[SystemAlarm]:
    """An alarm that counts this process's CPU time: on a busy machine, a grace period in real time would pass idly."""
    before = signal.signal(signal.SIGALRM, signal.SIG_DFL)  # a timer keeps its first clock
    yield SystemAlarm(time.process_time, grace=0.03)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def stop(alarm: SystemAlarm) -> Callable[[Callable[[], Any]], float]:
    """Runs a plain function that must be stopped after 20 ms, and returns the seconds that it took."""

    def stop_function(function: Callable[[], Any]) -> float:
        began = time.monotonic()
        with pytest.raises(StepTimeout):
            alarm.call(function, (), {}, 0.02)
        return time.monotonic() - began

    return stop_function
