"""DBOS on SQLite, which it writes after each step; the file is in memory if the machine has such a folder."""

from __future__ import annotations

import logging
import os
import tempfile
import time
from pathlib import Path

from dbos import DBOS

from benchmarks.chain import arguments, demand, repeat, report


def main() -> None:
    given = arguments()
    memory = Path("/dev/shm")  # files in memory, on Linux: a slow disk would flatter us
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() and os.access(memory, os.W_OK) else None) as folder:
        DBOS(
            config={
                "name": "chain",
                "system_database_url": f"sqlite:///{folder}/chain.sqlite",
                "run_admin_server": False,
            }
        )
        logging.disable(logging.CRITICAL)

        @DBOS.step()
        def add(value: int) -> int:
            return value + 1

        @DBOS.workflow()
        def chain() -> int:
            value = 0
            for _ in range(given.steps):
                value = add(value)
            return value

        DBOS.launch()

        def job() -> float:
            began = time.perf_counter()
            value = chain()
            taken = time.perf_counter() - began
            demand(value, given.steps)
            return taken

        try:
            report(repeat(job, seconds=given.seconds), steps=given.steps)
        finally:
            DBOS.destroy()


if __name__ == "__main__":
    main()
