"""Runs many jobs through ``conduit run --json -`` in one process, to check that rate and memory stay constant.

A slow leak would show as growth per 1,000 jobs.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import threading
import time
from itertools import pairwise
from pathlib import Path

from benchmarks.chain import payload

STEPS = 5


def resident_of(process: int) -> float:
    """The current memory of another process, in MiB."""
    lines = Path(f"/proc/{process}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


def feed(process: subprocess.Popen[str], jobs: int) -> None:
    """Write one payload per line."""
    assert process.stdin
    source = payload(STEPS)
    for number in range(jobs):
        process.stdin.write(json.dumps({**source, "id": f"steady-{number}"}) + "\n")
    process.stdin.close()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--jobs", type=int, default=5000)
    given = parser.parse_args()
    process = subprocess.Popen(
        [sys.executable, "-m", "handler.cli", "run", "--json", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    threading.Thread(target=feed, args=(process, given.jobs), daemon=True).start()
    times, memory = [], []
    fifth = given.jobs // 5
    assert process.stdout
    for number, line in enumerate(process.stdout, start=1):
        if not json.loads(line)["success"]:
            raise SystemExit(f"job {number} failed: {line[:300]}")
        if number % fifth == 0:
            times.append(time.perf_counter())
            memory.append(resident_of(process.pid))
        elif number == 1:
            times.append(time.perf_counter())
    if process.wait():
        raise SystemExit(f"the command exited {process.returncode}")
    spans = [later - earlier for earlier, later in pairwise(times)]
    # The first fifth of the jobs warms up caches, so memory is measured only after it.
    grown = (memory[-1] - memory[0]) / (given.jobs - fifth) * 1000
    print(
        json.dumps(
            {
                "jobs": given.jobs,
                "jobs_per_second": given.jobs / (times[-1] - times[0]),
                "rate_last_to_first": spans[0] / spans[-1],
                "memory_mb": memory,
                "growth_mb_per_1000": grown,
            }
        )
    )


if __name__ == "__main__":
    main()
