"""Cursors: the place where a list continues, as an opaque string that needs no escapes in a URL."""

from __future__ import annotations

import base64
import json
import re
from typing import Final

from handler.errors import InvalidRequestError
from handler.payload.values import ID_PATTERN
from infra.jobs.jobs_index import Place

CURSOR_PATTERN: Final = "^[A-Za-z0-9_-]+$"
EARLIEST: Final = 0.001
LATEST: Final = 1e11
"""The range of creation times, in seconds since the epoch: up to the year 5138. DynamoDB can store all of these."""


def encode_cursor(place: Place) -> str:
    """Make a cursor that matches `CURSOR_PATTERN`."""
    text = json.dumps([place.job_id, place.created_at], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> Place:
    """Decode a cursor. It contains no tenant, so it cannot open another tenant's list.

    Raises:
        InvalidRequestError: the string is not a cursor from `encode_cursor`.
    """
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        job_id, created_at = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        # Check the time before it is used: DynamoDB does not accept 1e300, and the comparison also refuses NaN.
        if re.fullmatch(ID_PATTERN, job_id) and not isinstance(created_at, bool) and EARLIEST <= created_at < LATEST:
            return Place(job_id, created_at)
    except (ValueError, TypeError, RecursionError):
        pass
    raise InvalidRequestError("/cursor", "Invalid cursor: pass the `cursor` of the previous page unchanged.")
