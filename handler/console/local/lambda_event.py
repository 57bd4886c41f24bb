"""The events and the context that Lambda would pass to the handler, for a developer's machine and the tests.

The shapes are those of AWS: API Gateway's HTTP API (payload format 2.0, with a JWT authorizer) and an EventBridge
schedule. `infra.local` makes queue events when it receives messages. The events are plain dictionaries, so nothing of
the handler is imported here.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

ACCOUNT: Final = "000000000000"
REGION: Final = "us-east-1"
FUNCTION: Final = "conduit-local"

Event = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Identity:
    """The caller that the authorizer reports.

    Attributes:
        subject: the ``sub`` claim: by default the tenant.
        tags: the words of the ``scope`` claim: by default the tags of the caller's jobs.
    """

    subject: str = "local"
    tags: tuple[str, ...] = ()

    def claims(self) -> dict[str, str]:
        """The claims in the form that an HTTP API passes on: all values are strings."""
        claims = {"sub": self.subject}
        if self.tags:
            claims["scope"] = " ".join(self.tags)
        return claims


@dataclass(frozen=True, kw_only=True)
class HttpRequest:
    """One HTTP request as it was received. `target` is the path with its query string."""

    method: str
    target: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str | bytes | None = None


def http_event(request: HttpRequest, identity: Identity, *, request_id: str, at: float) -> Event:
    """The event of an HTTP API, payload format 2.0, for an authorized request.

    Args:
        request: the request. Its header names become lower case, as in the gateway.
        identity: the caller, for the JWT authorizer's claims.
        request_id: the gateway's id of the request.
        at: the time of the request, in seconds since the epoch.
    """
    path, _, query = request.target.partition("?")
    # An HTTP API decodes the path, matches a route, and passes on the decoded path up to a decoded "?".
    path = unquote(path).partition("?")[0]
    headers = {name.lower(): value for name, value in request.headers.items()}
    event: Event = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "headers": headers,
        "requestContext": {
            "accountId": ACCOUNT,
            "apiId": "local",
            "authorizer": {"jwt": {"claims": identity.claims(), "scopes": None}},
            "domainName": headers.get("host", "localhost"),
            "domainPrefix": "local",
            "http": {
                "method": request.method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": headers.get("user-agent", ""),
            },
            "requestId": request_id,
            "routeKey": "$default",
            "stage": "$default",
            "time": datetime.fromtimestamp(at, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000"),
            "timeEpoch": int(at * 1000),
        },
        "isBase64Encoded": False,
    }
    if query:
        event["queryStringParameters"] = _joined(parse_qsl(query, keep_blank_values=True))
    if request.body is not None:
        event["body"], event["isBase64Encoded"] = _body(request.body)
    return event


def _body(body: str | bytes) -> tuple[str, bool]:
    """The body as a string, and whether it is Base64: an event is JSON, so bytes that are not UTF-8 must be encoded."""
    if isinstance(body, str):
        return body, False
    try:
        return body.decode(), False
    except UnicodeDecodeError:
        return base64.b64encode(body).decode(), True


def _joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    # Format 2.0 joins the values of a repeated name with commas.
    together: dict[str, str] = {}
    for name, value in pairs:
        together[name] = f"{together[name]},{value}" if name in together else value
    return together


def schedule_event(*, event_id: str, at: float) -> Event:
    """The event of a scheduled EventBridge rule, which starts the sweep each minute."""
    return {
        "version": "0",
        "id": event_id,
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": ACCOUNT,
        "time": datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": REGION,
        "resources": [f"arn:aws:events:{REGION}:{ACCOUNT}:rule/conduit-sweep"],
        "detail": {},
    }


@dataclass(frozen=True, kw_only=True)
class LocalContext:
    """Lambda's context object on a developer's machine: it counts down like the real one.

    Attributes:
        aws_request_id: this invocation's id.
        ends_at: when the function would be killed, on the clock of `now`.
        now: seconds of any monotonic clock.
    """

    aws_request_id: str
    ends_at: float
    now: Callable[[], float]
    function_name: str = FUNCTION
    function_version: str = "$LATEST"
    memory_limit_in_mb: int = 512
    log_group_name: str = f"/aws/lambda/{FUNCTION}"
    log_stream_name: str = "local"
    invoked_function_arn: str = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{FUNCTION}"

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function would be killed; 0 after that."""
        return max(0, int((self.ends_at - self.now()) * 1000))
