"""`conduit jobs`: list, watch and control the jobs of a stack."""

from __future__ import annotations

from argparse import Namespace

from handler.console.remote_jobs import run_action


def execute(chosen: Namespace) -> int:
    """Run the chosen action."""
    return run_action(chosen)
