"""`conduit serve`: open the HTTP API on a port, with its worker, its sweeper and an event log."""

from __future__ import annotations

from argparse import Namespace
from contextlib import closing
from pathlib import Path

from handler.console.local.interrupts import interruptible
from handler.console.local.local_server import address_of, listen
from handler.console.local.serving import open_serving, put_secrets
from handler.console.local.workstation import Options
from handler.console.shown.output import write


def execute(chosen: Namespace) -> int:
    """Serve until Ctrl-C."""
    folder = None if chosen.data is None else Path(chosen.data)
    try:
        options = Options.of(chosen)
        with (
            interruptible(),
            closing(listen(chosen.host, chosen.port)) as listener,
            open_serving(options, listener, folder, lambda line: write([line])) as serving,
        ):
            address = address_of(listener)
            write([f"Conduit on {address}  (the API: {address}/docs; Ctrl-C stops it)"])
            put_secrets(options, address)
            serving.run()
    except KeyboardInterrupt:
        data = "No data was kept; use --data FOLDER to keep it."
        if folder is not None:
            data = f"Its data is in {folder}."
        write([f"Conduit has stopped. {data}"])
    return 0
