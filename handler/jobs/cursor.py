"""Where a list goes on, as an opaque text of the characters that need no escape in a URL."""

from __future__ import annotations

import base64
import json
import math
import re

from handler.errors import InvalidRequestError
from handler.payload.shape import ID_PATTERN
from infra.jobs_table import Place


def encode_cursor(place: Place) -> str:
    """A cursor of ``[A-Za-z0-9_-]``."""
    text = json.dumps([place.job_id, place.created_at], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> Place:
    """What `encode_cursor` made. It names no tenant, so that nobody reads another's list with it.

    Raises:
        InvalidRequestError: it made no such thing.
    """
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        job_id, created_at = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        if re.fullmatch(ID_PATTERN, job_id) and math.isfinite(created_at) and not isinstance(created_at, bool):
            return Place(job_id, created_at)
    except (ValueError, TypeError, OverflowError, RecursionError):
        pass
    raise InvalidRequestError("/cursor", "A cursor is what the page before gave; this is none.")
