"""`conduit completion`: print the script that a shell evaluates."""

from __future__ import annotations

from argparse import Namespace

from handler.console.completion import completion_script
from handler.console.shown.output import write
from handler.console.usage import make_parser


def execute(chosen: Namespace) -> int:
    """Print the script."""
    write([completion_script(make_parser(()), chosen.shell).rstrip()])
    return 0
