"""Prints a job as one JSON line, as plain text, or as a table that grows while the job runs."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, Protocol

from handler.console.job_source import JobText
from handler.console.local.workstation import JobRefusedError, Workstation
from handler.console.shown.job_text import event_lines, item_lines, job_lines, shorten, summary_of
from handler.console.shown.output import complain, write
from infra.local.bus import BusEvent
from infra.local.services import LocalServices

Job = dict[str, Any]


class Printer(Protocol):
    """Runs jobs and shows them."""

    def show(self, text: str, run: Callable[[], Job]) -> Job:
        """Call `run`, which runs the job, and show the job.

        Args:
            text: the job as JSON text, as the user wrote it.
            run: runs the job and returns it in the form of the API.

        Raises:
            JobRefusedError: the API refused the job.
        """

    def events(self) -> Sequence[BusEvent]:
        """The events that reached the bus while the last job ran."""


class JsonPrinter:
    """Prints one job per line, in the form of the API's answer."""

    def show(self, text: str, run: Callable[[], Job]) -> Job:
        del text
        job = run()
        write([json.dumps(job, ensure_ascii=False)])
        return job

    def events(self) -> Sequence[BusEvent]:
        return ()


class OutputPrinter:
    """Prints the job's output alone, as JSON, for scripts."""

    def show(self, text: str, run: Callable[[], Job]) -> Job:
        del text
        job = run()
        if job["status"] == "SUCCEEDED":
            write([json.dumps(job.get("output"), ensure_ascii=False)])
        else:
            complain(f"{job['id']}: {summary_of(job)}")
        return job

    def events(self) -> Sequence[BusEvent]:
        return ()


class PlainPrinter:
    """Prints lines of text once the job has ended."""

    def __init__(self, services: LocalServices) -> None:
        self._services = services

    def show(self, text: str, run: Callable[[], Job]) -> Job:
        del text
        job = run()
        write(job_lines(job))
        return job

    def events(self) -> Sequence[BusEvent]:
        return self._services.take_events()


class LivePrinter:
    """Draws a table that follows the bus while the job runs, then prints the job's summary."""

    def __init__(self, services: LocalServices) -> None:
        from rich.console import Console  # noqa: PLC0415  # 60 ms; only a terminal needs it

        self._services = services
        self._console = Console(file=sys.stdout)  # read here, because `sys.stdout` is redirected while the handler runs
        self._events: list[BusEvent] = []

    def show(self, text: str, run: Callable[[], Job]) -> Job:
        from handler.console.shown.live_table import LiveTable, print_summary  # noqa: PLC0415  # as above

        title, steps = _written(text)
        with LiveTable(title, steps, self._services.take_events, self._console) as table:
            job = run()
            table.complete(job)
        self._events = table.events
        print_summary(job, self._console)
        return job

    def events(self) -> Sequence[BusEvent]:
        return self._events


def print_jobs(jobs: Iterable[JobText], station: Workstation, printer: Printer, *, records: bool) -> int:
    """Run jobs one after another and show each. Then its data is deleted, so that thousands of jobs fit into memory.

    Args:
        jobs: the jobs to run.
        station: the deployment that runs them.
        printer: shows them.
        records: whether also to show the records in the table and the events on the bus.

    Returns:
        0; 1 when a job did not succeed; 2 when a job was refused.
    """
    code = 0
    for source in jobs:
        try:
            job = printer.show(source.text, partial(station.run, source.text))
        except JobRefusedError as error:
            complain(f"{source.name}: {shorten(str(error), 1000)}")
            code = 2
            continue
        if job["status"] != "SUCCEEDED":
            code = code or 1
        if records:
            print_records(station, printer, job)
        station.services.forget(station.tenant, job["id"])
    return code


def print_records(station: Workstation, printer: Printer, job: Job) -> None:
    """Print the records and events of one job, read back from the services."""
    items = station.services.items(station.tenant, job["id"])
    events = printer.events()
    write([f"In the table, {len(items)} items:", *("  " + line for line in item_lines(items))])
    write([f"On the bus, {len(events)} events:", *("  " + line for line in event_lines(events)), ""])


def _written(text: str) -> tuple[str, list[Any]]:
    """The name and the written steps of a job; empty if they have the wrong type, which the API reports."""
    try:
        payload = json.loads(text)
    except ValueError:
        return "", []
    if not isinstance(payload, dict):
        return "", []
    steps = payload.get("steps")
    return shorten(str(payload.get("name") or "")), steps if isinstance(steps, list) else []
