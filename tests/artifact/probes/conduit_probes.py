"""Blocks that note their calls, and one that cannot be stopped: what the tests of the artifact send jobs to.

Installed beside the artifact like any package that announces blocks under `conduit.blocks`.
"""

from __future__ import annotations

import hashlib
import os
import uuid
from pathlib import Path

from blocks.block import Category

probe = Category("PROBE")


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


def _note(name: str) -> int:
    notes = Path(os.environ["PROBE_NOTES"])
    (notes / f"{name}.{uuid.uuid4().hex}").touch()
    return len(list(notes.glob(f"{name}.*")))
