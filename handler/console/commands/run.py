"""`conduit run`: run jobs and show their steps."""

from __future__ import annotations

import json
import sys
import time
from argparse import Namespace
from pathlib import Path
from typing import Any

from handler.console.errors import InputError
from handler.console.job_printer import JsonPrinter, LivePrinter, OutputPrinter, PlainPrinter, Printer, print_jobs
from handler.console.job_source import STREAM, JobText, read_jobs
from handler.console.local.interrupts import interruptible
from handler.console.local.workstation import Options, Workstation, open_workstation
from handler.console.shown.output import write

LOOK_SECONDS = 0.5
"""How often `--watch` checks the files."""


def execute(chosen: Namespace) -> int:
    """Run each job once. With `--watch`, run them again whenever a file changes, until Ctrl-C."""
    if not chosen.watch:
        return _run(chosen)
    if STREAM in chosen.files:
        raise InputError("--watch needs files; it cannot watch standard input (-).")
    while True:
        seen = _times(chosen.files)
        _run(chosen)
        write([f"Watching {', '.join(chosen.files)}; Ctrl-C stops this."])
        while _times(chosen.files) == seen:
            time.sleep(LOOK_SECONDS)


def _run(chosen: Namespace) -> int:
    jobs = (_with_parameters(job, chosen.param) for job in read_jobs(chosen.files))
    live = not chosen.json and not chosen.output and sys.stdout.isatty()
    with interruptible() as check, open_workstation(Options.of(chosen, watched=live), check=check) as station:
        if live or (chosen.records and not chosen.json):
            station.services.follow_bus()
        else:
            station.services.mute_bus()
        printer = _printer(chosen, station, live=live)
        return print_jobs(jobs, station, printer, records=chosen.records and not chosen.json)


def _printer(chosen: Namespace, station: Workstation, *, live: bool) -> Printer:
    if chosen.output:
        return OutputPrinter()
    if chosen.json:
        return JsonPrinter()
    return LivePrinter(station.services) if live else PlainPrinter(station.services)


def _times(files: list[str]) -> list[float | None]:
    return [path.stat().st_mtime if path.exists() else None for path in map(Path, files)]


def _with_parameters(job: JobText, given: list[tuple[str, Any]]) -> JobText:
    """Add these parameters to the job's own; they replace parameters of the same name."""
    if not given:
        return job
    try:
        written = json.loads(job.text)
        parameters = {**(written.get("parameters") or {}), **dict(given)}
    except (ValueError, TypeError, AttributeError):
        return job  # the API reports the problem
    return JobText(job.name, json.dumps({**written, "parameters": parameters}, ensure_ascii=False))
