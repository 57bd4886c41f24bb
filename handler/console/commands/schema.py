"""`conduit schema`: write the JSON Schema of a job, for editors."""

from __future__ import annotations

import json
from argparse import Namespace
from pathlib import Path

from handler.console.errors import InputError
from handler.console.offline import schema_of_jobs
from handler.console.shown.output import write


def execute(chosen: Namespace) -> int:
    """Write the schema to a file, or print it."""
    text = json.dumps(schema_of_jobs(chosen.tag), ensure_ascii=False, indent=2)
    if chosen.file is None:
        write([text])
        return 0
    try:
        Path(chosen.file).write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise InputError(f"{chosen.file}: {error.strerror or error}") from None
    write([f"Wrote the schema to {chosen.file}. Editors check each job that names this file in `$schema`."])
    return 0
