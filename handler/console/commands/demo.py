"""`conduit demo`: run two example jobs and show their records and events."""

from __future__ import annotations

import sys
from argparse import Namespace

from handler.console.demo import show_demo
from handler.console.job_printer import LivePrinter, PlainPrinter
from handler.console.local.interrupts import interruptible
from handler.console.local.workstation import Options, open_workstation


def execute(chosen: Namespace) -> int:
    """Run the example jobs."""
    live = sys.stdout.isatty()
    with interruptible() as check, open_workstation(Options.of(chosen, watched=live), check=check) as station:
        station.services.follow_bus()
        return show_demo(station, LivePrinter(station.services) if live else PlainPrinter(station.services))
