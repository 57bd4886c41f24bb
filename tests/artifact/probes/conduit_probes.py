"""Blocks that note their calls, that cannot be stopped, that crash: what the tests of the artifact send jobs to.

Installed beside the artifact like any package that announces blocks under `conduit.blocks`.
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
"""Where calls are noted when the environment names no other place."""


@probe.block
def note(*, name: str) -> int:
    """Note a call; how many there were, this one included."""
    return _note(name)


@probe.block
def stick(*, name: str) -> int:
    """Note a call. The first one computes for minutes in C, where no signal is looked at; the others return."""
    calls = _note(name)
    if calls == 1:
        hashlib.pbkdf2_hmac("sha512", b"password", b"salt", 10**9)
    return calls


@probe.block
def die(*, name: str) -> int:
    """Note a call. The first one ends the process as a crash does; the others return."""
    calls = _note(name)
    if calls == 1:
        os._exit(1)
    return calls


@probe.block
def wait(*, seconds: float) -> float:
    """Take this long."""
    time.sleep(seconds)
    return seconds


def _note(name: str) -> int:
    notes = Path(os.environ.get("PROBE_NOTES") or NOTES)
    notes.mkdir(parents=True, exist_ok=True)
    (notes / f"{name}.{uuid.uuid4().hex}").touch()
    return len(list(notes.glob(f"{name}.*")))
