"""Size limits of what a caller sends."""

from __future__ import annotations

from handler.caller import Caller
from handler.payload.parse import PayloadLimits
from handler.settings import Settings


def limits_of(caller: Caller, settings: Settings) -> PayloadLimits:
    """The limits of a caller's body, and of a job that is built from it."""
    return PayloadLimits(caller.payload_limit, settings.nesting_limit, settings.step_limit)
