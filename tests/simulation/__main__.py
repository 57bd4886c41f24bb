"""`python -m tests.simulation`: plays seeds on every core and prints figures and the seeds that failed.

python -m tests.simulation --seeds 2000
python -m tests.simulation --seeds 0 --crashes 500
python -m tests.simulation --first 1793 --seeds 1 --trace
python -m tests.simulation --mutants
"""

from __future__ import annotations

import argparse
import itertools
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from typing import Final

from tests.simulation.crashes import crash_everywhere
from tests.simulation.history import History, play
from tests.simulation.mutants import MUTANTS, hunt
from tests.simulation.profiles import PROFILES
from tests.simulation.workload import registered_blocks

SHARE = 25
"""Seeds that a process is given at once."""
SEEDS_A_JOB = 40
"""One job is killed around each of its writes for this many seeds played: both take equally long."""
CLOCKED = 3
"""In one of this many of those jobs, the clock decides which steps run."""
SHOWN = 20
"""Failed seeds that are listed, and violations of each."""
KINDS: Final = {
    "LOST": "jobs lost",
    "STUCK": "jobs or messages that never end",
    "MISSING": "steps not recorded",
    "CHANGED": "steps recorded twice",
    "MIXED": "records of mixed executions",
    "UNPUBLISHED": "updates not published",
    "TWO": "two contents for one event",
    "STALE": "commits by a stale owner",
    "NOT": "effects by another than the owner",
    "AT": "at-most-once effects repeated",
    "BLAMED": "steps blamed for nothing",
    "FORGOTTEN": "effects not recorded",
    "FAULT": "errors of the program that were caught",
    "ERROR": "errors of the program",
}
"""First words of the most important violations, and their names in the figures."""
_DONE = (
    "jobs",
    "jobs crashed at each write",
    "lives of these jobs",
    "records",
    "events",
    "executions",
    "reads",
    "cancels",
    "redrives",
    "transactions",
    "yield points",
)


def _play_all(seeds: range) -> list[History]:
    with registered_blocks():
        return [play(seed) for seed in seeds]


def _crash_all(seeds: range) -> list[History]:
    with registered_blocks():
        return [crash_everywhere(seed, clocked=seed % CLOCKED == 0) for seed in seeds]


def _shares(first: int, count: int) -> Iterator[range]:
    for start in range(first, first + count, SHARE):
        yield range(start, min(start + SHARE, first + count))


def simulate(first: int, count: int, crashes: int, processes: int) -> tuple[list[str], int]:
    """Play `count` seeds, and kill `crashes` jobs around each of their writes.

    Returns lines of figures, and the number of failed seeds.
    """
    began, counts, profiles = time.monotonic(), Counter[str](), Counter[str]()
    failed: list[History] = []
    with ProcessPoolExecutor(processes) as pool:
        lives = pool.map(_crash_all, (range(seed, seed + 1) for seed in range(first, first + crashes)))
        for histories in itertools.chain(pool.map(_play_all, _shares(first, count)), lives):
            for history in histories:
                counts.update(history.counts)
                profiles[history.profile] += 1
                if history.violations:
                    failed.append(history)
    seconds = time.monotonic() - began
    done = {name: counts.pop(name, 0) for name in _DONE}
    lines = [f"{counts.pop('worlds', 0)} seeds, {first} to {first + count - 1}, in {seconds:.0f} s", *_table(done)]
    lines += ["faults and outcomes", *_table(dict(counts.most_common()))]
    lines += ["worlds", *_table(dict(profiles.most_common()))]
    return lines + _violations(failed), len(failed)


def _violations(failed: list[History]) -> list[str]:
    kinds = Counter(violation.split(" ")[0].rstrip(":") for history in failed for violation in history.violations)
    lines = ["violations", *_table({kind: kinds.pop(word, 0) for word, kind in KINDS.items()}), *_table(kinds)]
    lines.append(f"failed seeds: {len(failed)}")
    for history in failed[:SHOWN]:
        lines.append(f"  seed {history.seed} in the world {history.profile!r}")
        lines += [f"    {violation}" for violation in history.violations[:SHOWN]]
    return lines


def _table(numbers: Mapping[str, int]) -> list[str]:
    return [f"  {name:32}{number:>12,}" for name, number in numbers.items()]


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description="Play simulated worlds.")
    parser.add_argument("--seeds", type=int, default=200, help="the number of seeds")
    parser.add_argument(
        "--crashes", type=int, help="the number of jobs to kill at each write; by default one for every 40 seeds"
    )
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--trace", action="store_true", help="show each write of the first seed")
    parser.add_argument(
        "--world", choices=PROFILES, help="with --trace: the kind of world; by default the seed decides"
    )
    parser.add_argument("--crash", type=int, help="only kill the job of this seed at each write")
    parser.add_argument("--clocked", action="store_true", help="with --crash: the clock decides which steps run")
    parser.add_argument(
        "--mutants", action="store_true", help="break the protocol on purpose and check that the simulator finds it"
    )
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    options = _parse(arguments)
    if options.trace:
        lines: list[str] = []
        with registered_blocks():
            history = play(options.first, name=options.world, trace=lines.append)
        lines += history.violations or ["no violation"]
        wrong = len(history.violations)
    elif options.crash is not None:
        with registered_blocks():
            history = crash_everywhere(options.crash, clocked=options.clocked)
        lines = list(history.violations) or [f"{history.counts['lives of these jobs']} lives, no violation"]
        wrong = len(history.violations)
    elif options.mutants:
        lines, wrong = hunt(MUTANTS, options.seeds, options.processes)
    else:
        crashes = options.seeds // SEEDS_A_JOB if options.crashes is None else options.crashes
        lines, wrong = simulate(options.first, options.seeds, crashes, options.processes)
    sys.stdout.write("\n".join(lines) + "\n")
    return min(1, wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
