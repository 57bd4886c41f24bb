"""`conduit serve`: the HTTP API on a port, with its worker, its sweeper and an event log."""

from __future__ import annotations

from argparse import Namespace

from handler.console.interrupts import interruptible
from handler.console.job_printer import write
from handler.console.local_server import LocalServer
from handler.console.workstation import Options, open_workstation


def execute(chosen: Namespace) -> int:
    """Serve until Ctrl-C."""
    with interruptible() as check, open_workstation(Options.of(chosen), check=check) as station:
        station.services.follow_bus()
        server = LocalServer(station, chosen.host, chosen.port, lambda line: write([line]))
        write([f"Conduit on {server.address}  (its description: {server.address}/docs; Ctrl-C ends it)"])
        try:
            server.run()
        except KeyboardInterrupt:
            write(["Conduit has ended; what it held is gone."])
    return 0
