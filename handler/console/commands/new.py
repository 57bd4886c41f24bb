"""`conduit new`: a project of one's own."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from handler.console.new_project import make_project
from handler.console.output import write


def execute(chosen: Namespace) -> int:
    """Write the project's files and say how to go on."""
    folder = Path(chosen.folder)
    files = make_project(folder, Path(__file__).resolve().parents[3])
    write([*map(str, files), "", f"Next: cd {folder} && make test run"])
    return 0
