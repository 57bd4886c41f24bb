"""``make bench``: measures this project and its peers in interleaved rounds, and writes a table and JSON.

python -m benchmarks [--quick] [--seed 1] [--sizes 10,100,1000,10000] [--page docs/performance.md]
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import suites
from benchmarks.machine import describe, versions
from benchmarks.report import show, table, write
from benchmarks.rounds import ROOT, Findings, compile_sources


def parse() -> tuple[suites.Extent, Path | None]:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds: under two minutes")
    parser.add_argument("--seed", type=int, default=1, help="draws the order of the cells in each round")
    parser.add_argument("--sizes", default="10,100,1000,10000", help="steps of the chains")
    parser.add_argument("--page", type=Path, help="a page with the markers; its table is replaced")
    given = parser.parse_args()
    sizes = tuple(sorted(int(size) for size in given.sizes.split(",")))
    if given.quick:
        return suites.Extent(
            sizes, rounds=2, seconds=0.15, cold_rounds=4, jobs=200, seed=given.seed, longest_for_writers=10
        ), given.page
    return suites.Extent(
        sizes, rounds=5, seconds=0.5, cold_rounds=11, jobs=5000, seed=given.seed, longest_for_writers=100
    ), given.page


def measure(extent: suites.Extent) -> Findings:
    """Run every suite."""
    compile_sources()
    found = Findings()
    for title, cells, rounds in (
        ("chains", suites.chains(extent), extent.rounds),
        ("cold starts", suites.starts(), extent.cold_rounds),
        ("batches", suites.batches(extent), extent.rounds),
        ("steady rate", suites.steady(extent), 1),
    ):
        print(f"{title}: {len(cells)} cells, {rounds} rounds ", end="", file=sys.stderr, flush=True)
        found.measure(cells, rounds=rounds, seed=extent.seed)
    return found


def figures(found: Findings, extent: suites.Extent, seconds: float) -> str:
    """The tables in Markdown."""
    steps = [
        (name, *(show(found.median(f"{runner}@{size}")) for size in extent.sizes))
        for runner, name in suites.NAMES.items()
    ]
    goals = [goal.row() for goal in (*suites.chain_goals(found, extent), *suites.other_goals(found))]
    used = ", ".join(f"{name} {number}" for name, number in versions().items())
    today = datetime.now(UTC).date().isoformat()
    left_out = "".join(f"\nLeft out because it failed: {name}.\n" for name in found.failed)
    return f"""Measured on {today}: {extent.rounds} interleaved rounds, a fresh process for each cell,
seed {extent.seed}, {seconds / 60:.1f} minutes. {describe()}. {used}.
The machine's load average was {os.getloadavg()[0]:.1f} at the end, of which 1 is the benchmark itself.

Microseconds per step, by the length of the chain (medians, valid only for this machine at that time; the ratios below
are more general):

{table(("runner", *(f"{size:,}" for size in extent.sizes)), steps)}

Medians of ratios within a round:

{table(("what", "goal", "measured", "reached"), goals)}
{left_out}"""


def main() -> None:
    extent, page = parse()
    began = time.monotonic()
    found = measure(extent)
    text = figures(found, extent, time.monotonic() - began)
    print(text)
    findings = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": describe(),
        "versions": versions(),
        "seed": extent.seed,
        "found": found.found,
        "failed": found.failed,
        "goals": {
            goal.what: {"measured": goal.measured, "bound": goal.bound, "reached": goal.reached}
            for goal in (*suites.chain_goals(found, extent), *suites.other_goals(found))
        },
    }
    kept = ROOT / "build" / "bench.json"
    kept.parent.mkdir(exist_ok=True)
    kept.write_text(json.dumps(findings, indent=1), encoding="utf-8")
    print(json.dumps(findings["goals"]))
    print(f"All findings: {kept.relative_to(ROOT)}", file=sys.stderr)
    if page:
        write(page, text)
        print(f"Written into {page}", file=sys.stderr)


if __name__ == "__main__":
    main()
