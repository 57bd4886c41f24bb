"""`conduit new`: create a project."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from handler.console.new_project import find_checkout, make_project
from handler.console.shown.output import write


def execute(chosen: Namespace) -> int:
    """Write the project's files and print the next step."""
    folder = Path(chosen.folder)
    checkout = find_checkout(Path(__file__).resolve().parents[3], chosen.checkout)
    files = make_project(folder, checkout)
    write([*map(str, files), "", f"Next: cd {folder} && make test run"])
    return 0
