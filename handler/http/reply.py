"""A reply to an HTTP request, and the formats that AWS's front doors expect."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any, Final

from handler.http.request import FrontDoor, Request
from handler.payload import json_text

JSON: Final = "application/json"
ANSWER_LIMIT: Final[Mapping[FrontDoor, int]] = {
    "http": 6 * 1024 * 1024 - 16 * 1024,
    "rest": 6 * 1024 * 1024 - 16 * 1024,
    "balancer": 1024 * 1024 - 16 * 1024,
}
"""The largest reply in bytes: Lambda allows 6 MB, a load balancer 1 MB; 16 KB of them are for headers."""
_ESCAPED: Final = 6
"""The most characters that one character becomes inside JSON: ``\\u0001``."""


@dataclass(frozen=True, slots=True)
class Reply:
    """Status, headers and body of a reply. Without a body it has no content type."""

    status: int
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = JSON

    @classmethod
    def json(cls, status: int, value: Any, headers: Mapping[str, str] | None = None) -> Reply:
        """A reply whose body is `value` as JSON."""
        return cls(status, json_text.encode(value), headers or {})

    def with_headers(self, headers: Mapping[str, str]) -> Reply:
        """The same reply with more headers."""
        return replace(self, headers={**self.headers, **headers})


def answer_size(body: str) -> int:
    """The bytes of `body` in Lambda's response, where it is a JSON string: quotes count twice."""
    return len(json.dumps(body))


def fits(body: str, front_door: FrontDoor) -> bool:
    """Whether a reply with this body fits the front door's limit."""
    limit = ANSWER_LIMIT[front_door]
    return len(body) * _ESCAPED <= limit or answer_size(body) <= limit


def lambda_response(reply: Reply, request: Request) -> dict[str, Any]:
    """The reply in the format of the request's front door, for Lambda to return.

    A reply to ``HEAD`` has the headers of the reply to ``GET``, its length included, and no body (RFC 9110, 9.3.2).
    """
    headers = {**reply.headers, "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    if reply.body:
        headers["Content-Type"] = reply.content_type
    if request.method == "HEAD":
        headers["Content-Length"] = str(len(reply.body.encode()))
    response: dict[str, Any] = {
        "statusCode": reply.status,
        "body": "" if request.method == "HEAD" else reply.body,
        "isBase64Encoded": False,
    }
    if request.front_door == "balancer":
        response["statusDescription"] = f"{reply.status} {HTTPStatus(reply.status).phrase}"
    if request.many_headers:
        return {**response, "multiValueHeaders": {name: [value] for name, value in headers.items()}}
    return {**response, "headers": headers}
