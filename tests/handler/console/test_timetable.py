"""The periodic work of `conduit serve`: the sweeper each minute, the schedules each second."""

from __future__ import annotations

from typing import Any

from handler.console.local.served_process import FIRING_SECONDS, Timetable
from handler.console.local.workstation import SWEEP_SECONDS


class World:
    def __init__(self) -> None:
        self.time = 0.0
        self.sweeps: list[float] = []
        self.fired: list[tuple[float, float]] = []
        function: Any = self
        self.timetable = Timetable(
            function, lambda: self.time, lambda: 1_000_000 + self.time, lambda *times: self.fired.append(times)
        )

    def sweep(self) -> None:
        self.sweeps.append(self.time)

    def advance(self, seconds: float) -> None:
        self.time += seconds
        self.timetable()


def test_the_sweeper_runs_each_minute() -> None:
    world = World()
    for _ in range(13):
        world.advance(SWEEP_SECONDS / 4)
    assert world.sweeps == [60.0, 120.0, 180.0]


def test_schedules_are_looked_at_each_second_and_no_moment_is_left_out() -> None:
    world = World()
    for _ in range(7):
        world.advance(FIRING_SECONDS / 2)
    world.advance(3600)  # the machine slept
    assert world.fired[:2] == [(1_000_000, 1_000_001), (1_000_001, 1_000_002)]
    assert all(before[1] == after[0] for before, after in zip(world.fired, world.fired[1:], strict=False))
    assert world.fired[-1][1] == 1_000_000 + world.time
