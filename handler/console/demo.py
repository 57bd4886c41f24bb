"""The demo of `make run`: two jobs, one over HTTP and one from the queue, with their records and events."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from handler.console.job_printer import Printer, print_records
from handler.console.job_source import read_jobs
from handler.console.local.workstation import Workstation
from handler.console.shown.output import write

EXAMPLES: Final = Path(__file__).resolve().parents[2] / "examples"


def show_demo(station: Workstation, printer: Printer) -> int:
    """Run both jobs.

    Returns:
        0 when both succeeded, else 1.

    Raises:
        UnreadableError: the examples are missing.
    """
    over_http, from_queue = read_jobs([str(EXAMPLES / "order.json"), str(EXAMPLES / "lead-scoring.json")])
    write(["1. examples/order.json, sent to the API: POST /jobs", ""])
    first = printer.show(over_http.text, lambda: station.run(over_http.text))
    write([""])
    print_records(station, printer, first)
    write(["2. examples/lead-scoring.json, sent to the queue; the worker is called with an SQS event", ""])
    second = printer.show(from_queue.text, lambda: station.see_through(station.services.send(from_queue.text)))
    write([""])
    print_records(station, printer, second)
    write(["Next: `conduit run FILE` runs your job, `conduit serve` opens the API, `conduit blocks` lists the blocks."])
    return 0 if first["success"] and second["success"] else 1
