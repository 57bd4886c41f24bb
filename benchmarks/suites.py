"""The suites: the cells of each, and the goals for their figures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.report import Goal
from benchmarks.rounds import Cell, Findings

DOOR_LIMIT = 1000
"""The longest chain that a door accepts by default; with pyconduit, whose steps get slower, more would take minutes."""

PEERS = {
    "durable": "AWS durable execution SDK, local runner (memory)",
    "states": "moto's Step Functions interpreter (memory)",
    "dbos": "DBOS on SQLite (in memory where possible)",
}
NAMES = {
    "conduit": "**conduit, engine**: `from_dict` + `run`",
    "conduit_first": "conduit, engine: the process has never seen the job's strings",
    "all_in": "**conduit, all in**: JSON to built records and events",
    "invocation": "conduit, a whole invocation with one job",
    "validate_call": "bare loop over pydantic `validate_call`",
    "pyconduit": "pyconduit 1.0.4: load + run",
    **PEERS,
}
PROGRAMS = {name: (f"benchmarks.chain_{name}",) for name in NAMES} | {
    "conduit_first": ("benchmarks.chain_conduit", "--forget"),
    "invocation": ("benchmarks.chain_all_in", "--invocation"),
}
LEAST_AGAINST_PYCONDUIT = {10: 6.0, 100: 15.0, 1000: 150.0}


@dataclass(frozen=True, slots=True)
class Extent:
    """The extent of a run.

    Attributes:
        sizes: steps of the chains.
        rounds: how often each cell runs.
        seconds: how long a cell repeats its job.
        cold_rounds: how often the start of a process is measured.
        jobs: how many jobs go through the command line.
        longest_for_writers: steps of the longest chain for runners that write each step, which takes milliseconds.
        seed: draws the order of the cells.
    """

    sizes: tuple[int, ...]
    rounds: int
    seconds: float
    cold_rounds: int
    jobs: int
    seed: int
    longest_for_writers: int


def runners(steps: int, extent: Extent) -> Iterator[str]:
    """The runners of a chain of that many steps."""
    yield from ("conduit", "conduit_first", "validate_call")
    if steps <= DOOR_LIMIT:
        yield from ("all_in", "invocation", "pyconduit")
    if steps <= extent.longest_for_writers:
        yield from PEERS


def chains(extent: Extent) -> list[Cell]:
    """Each runner with a chain of each size."""
    return [
        Cell(f"{runner}@{steps}", (*PROGRAMS[runner], "--steps", str(steps), "--seconds", str(extent.seconds)))
        for steps in extent.sizes
        for runner in runners(steps, extent)
    ]


def starts() -> list[Cell]:
    """A fresh process up to its first result, with the worker's door and with the obvious first handler."""
    return [Cell("worker", ("benchmarks.cold_worker",)), Cell("naive", ("benchmarks.cold_naive",))]


def batches(extent: Extent) -> list[Cell]:
    """A fast job of ten steps against a server that takes 5 ms, with our batches and with one write per update."""
    return [
        Cell(name, ("benchmarks.batching", name, "--seconds", str(extent.seconds)))
        for name in ("batched", "batch_of_ten", "each_update", "each_step")
    ]


def steady(extent: Extent) -> list[Cell]:
    """Many jobs through the command line."""
    return [Cell("steady", ("benchmarks.steady", "--jobs", str(extent.jobs)), timeout=1800.0)]


def chain_goals(found: Findings, extent: Extent) -> list[Goal]:
    """The goals of the chains."""
    goals = []
    sizes = extent.sizes
    for steps in sizes:
        if steps in LEAST_AGAINST_PYCONDUIT:
            goals += [
                Goal(
                    f"engine against pyconduit, {steps} steps",
                    found.ratio(f"pyconduit@{steps}", f"conduit@{steps}"),
                    LEAST_AGAINST_PYCONDUIT[steps],
                    at_least=True,
                ),
                Goal(
                    f"all in against pyconduit's bare load and run, {steps} steps",
                    found.ratio(f"pyconduit@{steps}", f"all_in@{steps}"),
                    None,
                    at_least=True,
                ),
            ]
        goals.append(
            Goal(
                f"engine against a bare `validate_call` loop, {steps} steps",
                found.ratio(f"conduit@{steps}", f"validate_call@{steps}"),
                None,
                at_least=False,
            )
        )
        if steps <= extent.longest_for_writers:
            goals += [
                Goal(
                    f"{ours} against {name}, {steps} steps",
                    found.ratio(f"{peer}@{steps}", f"{runner}@{steps}"),
                    None,
                    at_least=True,
                )
                for runner, ours in (("conduit", "engine"), ("all_in", "all in"))
                for peer, name in PEERS.items()
            ]
    if len(sizes) > 1:
        least, most = min(sizes), max(sizes)
        goals.append(
            Goal(
                f"engine's time a step at {most} steps against that at {least}",
                found.ratio(f"conduit@{most}", f"conduit@{least}"),
                2.0,
                at_least=False,
            )
        )
    return goals


def batch_goals(found: Findings) -> list[Goal]:
    """The goals of a fast job, compared with one that keeps the same records and events without batches."""
    return [
        Goal(
            f"{what} of a fast 10-step job, {rival} against ours",
            found.ratio(cell, "batched", field),
            None,
            at_least=True,
        )
        for cell, rival in (
            ("each_update", "each update of job and steps written and published"),
            ("each_step", "each step written and published, the job itself not"),
        )
        for field, what in (("wall_ms", "wall time"), ("cpu_ms", "CPU"))
    ]


def other_goals(found: Findings) -> list[Goal]:
    """The goals of the other suites."""
    ten = found.median("batch_of_ten", "cpu_ms")
    return [
        *batch_goals(found),
        Goal(
            "wall time of ten 10-step jobs in one batch against that of one",
            found.ratio("batch_of_ten", "batched", "wall_ms"),
            2.5,
            at_least=False,
        ),
        Goal(
            "CPU of each of ten 10-step jobs in one batch",
            None if ten is None else ten / 10,
            2.5,
            at_least=False,
            unit=" ms",
        ),
        Goal(
            "calls to AWS for ten 10-step jobs in one batch",
            found.median("batch_of_ten", "calls"),
            None,
            at_least=False,
            unit="",
        ),
        Goal(
            "calls of the table for a fast 10-step job from the queue that its sender named",
            found.median("batched", "table_calls"),
            3.0,
            at_least=False,
            unit="",
        ),
        Goal("calls to AWS for it, events included", found.median("batched", "calls"), None, at_least=False, unit=""),
        Goal(
            "process start to first result, worker against naive handler",
            found.ratio("worker", "naive", "seconds"),
            0.65,
            at_least=False,
        ),
        Goal("peak memory of the worker", found.median("worker", "peak_mb"), 60.0, at_least=False, unit=" MiB"),
        Goal(
            "rate of the last fifth of the jobs against the first, command line",
            found.median("steady", "rate_last_to_first"),
            0.9,
            at_least=True,
        ),
        Goal(
            "memory's growth per 1,000 jobs, command line",
            found.median("steady", "growth_mb_per_1000"),
            1.0,
            at_least=False,
            unit=" MiB",
        ),
    ]
