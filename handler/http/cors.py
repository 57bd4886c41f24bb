"""Cross-origin requests: lets pages of other origins read the API in a browser (CORS of the Fetch standard).

Off by default. Cookies are never allowed: pages must send a token themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from handler.http.reply import Reply
from handler.http.request import Request

ANY_ORIGIN: Final = "*"
MAX_AGE: Final = 600
"""Seconds for which a browser may cache the answer to a preflight."""
_ALLOWED_HEADERS: Final = (
    "Authorization, Content-Type, Idempotency-Key, If-None-Match, Prefer, "
    "X-Amz-Content-Sha256, X-Amz-Date, X-Amz-Security-Token"
)
_EXPOSED_HEADERS: Final = "Allow, ETag, Location, Preference-Applied, Retry-After, WWW-Authenticate"


def is_preflight(request: Request, origins: Sequence[str]) -> bool:
    """Whether the request is a preflight for a page of an allowed origin."""
    return (
        request.method == "OPTIONS"
        and "access-control-request-method" in request.headers
        and _allowed(request, origins) is not None
    )


def preflight_reply(methods: Sequence[str]) -> Reply:
    """The reply to a preflight: the methods that the path allows. It reveals nothing about tenants."""
    headers = {
        "Access-Control-Allow-Methods": ", ".join(methods),
        "Access-Control-Allow-Headers": _ALLOWED_HEADERS,
        "Access-Control-Max-Age": str(MAX_AGE),
    }
    return Reply(204, headers=headers)


def with_cors(reply: Reply, request: Request, origins: Sequence[str]) -> Reply:
    """The reply with the headers that let a page of an allowed origin read it."""
    if not origins:
        return reply
    headers: dict[str, str] = {}
    origin = _allowed(request, origins)
    if origin is not None:
        headers = {"Access-Control-Allow-Origin": origin, "Access-Control-Expose-Headers": _EXPOSED_HEADERS}
    if ANY_ORIGIN not in origins:  # the reply depends on the origin, and caches must respect that
        headers["Vary"] = ", ".join(filter(None, (reply.headers.get("Vary"), "Origin")))
    return reply.with_headers(headers)


def _allowed(request: Request, origins: Sequence[str]) -> str | None:
    """The value of `Access-Control-Allow-Origin`, or ``None`` if the origin is not allowed."""
    origin = request.headers.get("origin")
    if origin is None:
        return None
    if ANY_ORIGIN in origins:
        return ANY_ORIGIN
    return origin if origin in origins else None
