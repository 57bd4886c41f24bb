"""Interleaved rounds: every cell in a fresh process, all cells once in each round, in an order drawn by the seed.

On a machine that does other work too, figures measured minutes apart cannot be compared. Figures of one round can: the
report has the median, over the rounds, of the ratio within each round.
"""

from __future__ import annotations

import compileall
import json
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ("benchmarks", "blocks", "handler", "infra")


@dataclass(frozen=True, slots=True)
class Cell:
    """One program to run.

    Attributes:
        name: in the tables, such as ``conduit@100``.
        arguments: the module and its arguments, as ``python -m`` takes them.
        environment: its variables, in addition to the machine's own.
        timeout: seconds after which it counts as failed.
    """

    name: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    timeout: float = 180.0


def compile_sources() -> None:
    """Compile this repository's own files, as the artifact has them; packages are compiled when they are installed.

    Otherwise each process would compile them again if Python may not write ``.pyc`` files: a sixth of a worker's cold
    start, which does not happen on Lambda.
    """
    for folder in SOURCES:
        compileall.compile_dir(ROOT / folder, quiet=1)


class CellFailedError(Exception):
    """A cell ended without a line of JSON; the message contains the end of its output."""


def run(cell: Cell) -> dict[str, Any]:
    """Run the cell and read the last line that it prints.

    If the line has the time at which the cell ``ended``, ``seconds`` since its start is added.

    Raises:
        CellFailedError: it exited with an error, ran too long, or printed something else.
    """
    started = time.time()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "0", **cell.environment}
    try:
        ended = subprocess.run(
            [sys.executable, "-m", *cell.arguments],
            capture_output=True,
            check=False,
            cwd=ROOT,
            env=environment,
            text=True,
            timeout=cell.timeout,
        )
    except subprocess.TimeoutExpired:
        raise CellFailedError(f"{cell.name} was still running after {cell.timeout:.0f} s") from None
    lines = ended.stdout.strip().splitlines()
    if ended.returncode or not lines:
        raise CellFailedError(f"{cell.name} exited {ended.returncode}: {(ended.stderr or ended.stdout).strip()[-600:]}")
    found: dict[str, Any] = json.loads(lines[-1])
    if "ended" in found:  # by the clock that all processes share
        found["seconds"] = found["ended"] - started
    return found


def interleave(cells: Sequence[Cell], *, rounds: int, seed: int) -> Iterator[tuple[int, Cell]]:
    """Each cell once per round, in a different order in each round."""
    order = random.Random(seed)
    for number in range(rounds):
        shuffled = list(cells)
        order.shuffle(shuffled)
        yield from ((number, cell) for cell in shuffled)


@dataclass(slots=True)
class Findings:
    """The figures of all cells, by cell and round; a cell that fails once is left out afterwards."""

    found: dict[str, dict[int, dict[str, Any]]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    def measure(self, cells: Sequence[Cell], *, rounds: int, seed: int) -> None:
        """Run `cells` in interleaved rounds and keep their figures."""
        for number, cell in interleave(cells, rounds=rounds, seed=seed):
            if cell.name in self.failed:
                continue
            try:
                self.found.setdefault(cell.name, {})[number] = run(cell)
            except CellFailedError as error:
                self.failed[cell.name] = str(error)
                print(f"  left out: {error}", file=sys.stderr)
            else:
                print(".", end="", file=sys.stderr, flush=True)
        print(file=sys.stderr)

    def values(self, cell: str, field_: str = "us_per_step") -> dict[int, float]:
        """The figure of `cell` in each round."""
        return {number: float(found[field_]) for number, found in self.found.get(cell, {}).items() if field_ in found}

    def median(self, cell: str, field_: str = "us_per_step") -> float | None:
        """The median over the rounds; `None` if the cell was not measured."""
        values = self.values(cell, field_)
        return statistics.median(values.values()) if values else None

    def ratio(self, above: str, below: str, field_: str = "us_per_step") -> float | None:
        """The median of ``above / below``, each pair from one round; `None` if either was not measured."""
        numerators, denominators = self.values(above, field_), self.values(below, field_)
        pairs = [numerators[number] / denominators[number] for number in numerators.keys() & denominators.keys()]
        return statistics.median(pairs) if pairs else None
