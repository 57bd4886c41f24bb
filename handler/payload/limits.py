"""Size limits of a caller's requests."""

from __future__ import annotations

from handler.caller import Caller
from handler.payload.parse import PayloadLimits
from handler.settings import Settings


def limits_of(caller: Caller, settings: Settings) -> PayloadLimits:
    """Return the limits of a caller's body, and of a job that is made from the body."""
    return PayloadLimits(caller.payload_limit, settings.nesting_limit, settings.step_limit)
