"""Blocks for the tests of the artifact: they record their calls, cannot be stopped, or crash.

Installed next to the artifact, like any package with entry points in `conduit.blocks`.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
import uuid
from pathlib import Path

from blocks.block import Category

probe = Category("PROBE")
NOTES = Path(tempfile.gettempdir()) / "conduit-probes"
"""The default folder for the records of calls; the environment may name another."""


@probe.block
def note(*, name: str) -> int:
    """Record a call; returns the number of calls, including this one."""
    return _note(name)


@probe.block
def stick(*, name: str) -> int:
    """Record a call. The first one computes for minutes in C, where no signal is handled; the others return."""
    calls = _note(name)
    if calls == 1:
        hashlib.pbkdf2_hmac("sha512", b"password", b"salt", 10**9)
    return calls


@probe.block
def die(*, name: str) -> int:
    """Record a call. The first one ends the process as a crash does; the others return."""
    calls = _note(name)
    if calls == 1:
        os._exit(1)
    return calls


@probe.block
def wait(*, seconds: float) -> float:
    """Take that many seconds."""
    time.sleep(seconds)
    return seconds


def _note(name: str) -> int:
    notes = Path(os.environ.get("PROBE_NOTES") or NOTES)
    notes.mkdir(parents=True, exist_ok=True)
    (notes / f"{name}.{uuid.uuid4().hex}").touch()
    return len(list(notes.glob(f"{name}.*")))
