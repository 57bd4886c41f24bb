"""The time at which a block that overruns its limit returns control, with the alarm and with isolation.

    python -m benchmarks.timeouts [--quick] [--page docs/timeouts.md] [--limit 1]

Each overrun runs in its own process, which is killed after a minute, so that this program always ends.
"""

from __future__ import annotations

import argparse
import asyncio
import inspect
import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.machine import describe
from benchmarks.overruns import OVERRUNS
from benchmarks.report import table
from handler.engine.alarm.alarm import StepTimeout, SystemAlarm
from handler.engine.isolation import run_isolated

BEGIN = "<!-- figures: written by make timeouts -->"
END = "<!-- end of figures -->"
CAP = 60.0
"""Seconds after which an overrun is killed."""
MEMORY = 4 << 30
"""Bytes that an isolated overrun may take: only its time is measured."""
LATE = 1.25
"""Seconds past the limit that still count as stopped: the grace period of a block that catches alarms, and a margin."""
HOWS = ("alarm", "process")


def run_with_alarm(block: Callable[[], Any], limit: float) -> Any:
    alarm = SystemAlarm(time.monotonic)
    if inspect.iscoroutinefunction(block):
        return asyncio.run(alarm.wait(block, (), {}, limit))
    return alarm.call(block, (), {}, limit)


def run_in_process(block: Callable[[], Any], limit: float) -> Any:
    return run_isolated(block, {}, limit, memory=MEMORY)


def measure_here(name: str, how: str, limit: float) -> None:
    """Run one overrun in this process and print its outcome as JSON."""
    block = OVERRUNS[name].prepare()
    run = run_with_alarm if how == "alarm" else run_in_process
    began = time.monotonic()
    try:
        run(block, limit)
        outcome = "finished"
    except StepTimeout:
        outcome = "stopped"
    except BaseException as error:  # noqa: BLE001  # shown in the table
        outcome = type(error).__name__
    print(json.dumps({"seconds": time.monotonic() - began, "outcome": outcome}), flush=True)
    os._exit(0)  # do not wait for a thread or a task that the overrun left behind


def measure(name: str, how: str, limit: float) -> dict[str, Any]:
    """Run one overrun in its own process."""
    command = [sys.executable, "-m", "benchmarks.timeouts", "--one", name, "--how", how, "--limit", str(limit)]
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=CAP, check=False)
    except subprocess.TimeoutExpired:
        return {"seconds": math.inf, "outcome": "killed"}
    if ended.returncode != 0:
        return {"seconds": math.nan, "outcome": f"exit code {ended.returncode}"}
    result: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return result


def word(result: dict[str, Any], limit: float) -> str:
    """One result as a cell of the table."""
    seconds = result["seconds"]
    if seconds == math.inf:
        return f"**not within {CAP:.0f} s**"
    if math.isnan(seconds) or result["outcome"] not in {"stopped", "finished"}:
        return str(result["outcome"])
    if seconds <= limit and result["outcome"] == "finished":
        return f"finished in {seconds:.2f} s"
    text = f"{seconds:.2f} s"
    return text if seconds < limit + LATE else f"**{text}**"


def write_page(page: Path, text: str) -> None:
    """Put `text` between the page's markers."""
    before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--quick", action="store_true", help="only overruns that need little time and memory")
    arguments.add_argument("--page", type=Path, help="the page to write the table into")
    arguments.add_argument("--limit", type=float, default=1.0, help="seconds")
    arguments.add_argument("--one", choices=OVERRUNS, help=argparse.SUPPRESS)
    arguments.add_argument("--how", choices=HOWS, help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.one:
        measure_here(given.one, given.how, given.limit)
        return
    rows = []
    for name, overrun in OVERRUNS.items():
        if overrun.quick or not given.quick:
            results = [word(measure(name, how, given.limit), given.limit) for how in HOWS]
            rows.append((overrun.what, f"{given.limit:g} s", *results))
            print(*rows[-1], sep=" | ", flush=True)
    figures = table(("What the block does", "Limit", "Back after: alarm", "Back after: isolated"), rows)
    note = f"Bold is late. {describe()}."
    print(f"\n{figures}\n\n{note}")
    if given.page:
        write_page(given.page, f"{figures}\n\n{note}")


if __name__ == "__main__":
    main()
