"""An HTTP request, in one shape for all of AWS's front doors.

API Gateway's HTTP APIs (payload format 2.0) and function URLs send one shape, REST APIs (1.0) another, load balancers
a third. This module converts them to one: a method, a path, headers and bytes.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal
from urllib.parse import parse_qsl, unquote

FrontDoor = Literal["http", "rest", "balancer"]
"""``http``: payload format 2.0, function URLs included. ``rest``: 1.0. ``balancer``: an Application Load Balancer."""

_FUNCTION_URL: Final = ".lambda-url."
"""Part of the domain of every function URL."""


class UnreadableRequestError(Exception):
    """The event's body is marked as base64 but is not base64."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request.

    Attributes:
        front_door: the front door of the request, whose format the reply needs.
        method: in upper case.
        path: below the stage, percent-decoded exactly once, here or by the gateway.
        base: the part before `path` in the caller's URL: ``""`` or a stage like ``/prod``.
        query: parameters in order, each with all its values.
        headers: by lower-case name; the values of a repeated header are joined with commas.
        header_lists: by lower-case name, with all values that the front door distinguishes.
        body: the body in bytes; empty without a body.
        many_headers: whether the load balancer wants headers as lists.
    """

    front_door: FrontDoor
    method: str
    path: str
    base: str = ""
    query: Mapping[str, tuple[str, ...]]
    headers: Mapping[str, str]
    header_lists: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    body: bytes = b""
    many_headers: bool = False


def read_request(event: Mapping[str, Any]) -> Request:
    """The request in a Lambda event.

    Raises:
        UnreadableRequestError: the body is marked as base64 but is not base64.
    """
    request = read_head(event)
    return replace(request, body=_body(event))


def read_head(event: Mapping[str, Any]) -> Request:
    """The request in a Lambda event, without its body: nothing is decoded."""
    context = event["requestContext"]
    if isinstance(context.get("http"), Mapping):
        return _read_http(event, context)
    return _read_older(event, context)


def body_size(event: Mapping[str, Any]) -> int:
    """A lower bound of the body's size in bytes, computed without decoding it."""
    body = event.get("body")
    if body is None:
        return 0
    text = str(body)
    if event.get("isBase64Encoded"):
        return len(text) // 4 * 3 - text.count("=", -2)
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def _read_http(event: Mapping[str, Any], context: Mapping[str, Any]) -> Request:
    path = event.get("rawPath") or "/"
    if _FUNCTION_URL in str(context.get("domainName")):
        path = unquote(path)  # a function URL passes the path on as it was sent; an HTTP API decodes it
    path, base = _split_stage(path, context)
    return Request(
        front_door="http",
        method=str(context["http"].get("method", "GET")).upper(),
        path=path,
        base=base,
        query=_gather(parse_qsl(event.get("rawQueryString") or "", keep_blank_values=True)),
        headers=_join(_singles(event.get("headers"))),
        header_lists=_gather_headers(_singles(event.get("headers"))),
    )


def _split_stage(path: str, context: Mapping[str, Any]) -> tuple[str, str]:
    """The path below the stage, and the stage. An HTTP API puts the stage before the path; a custom domain hides it."""
    stage = context.get("stage") or "$default"
    base = "" if stage == "$default" else f"/{stage}"
    if base and (path == base or path.startswith(f"{base}/")):
        return path[len(base) :] or "/", base
    return path, ""


def _read_older(event: Mapping[str, Any], context: Mapping[str, Any]) -> Request:
    """Payload format 1.0 and load balancers: they have lists of values besides single values."""
    balancer = "elb" in context
    path = event.get("path") or "/"
    headers = _pairs(event, "multiValueHeaders", "headers")
    if event.get("version") == "1.0":  # an HTTP API configured for payload format 1.0
        path, base = _split_stage(path, context)
    else:
        asked = context.get("path") or path
        base = asked.removesuffix(path) if asked.endswith(path) and path != "/" else ""
        path = unquote(path)  # REST APIs and load balancers pass the path on as it was sent
    query = _pairs(event, "multiValueQueryStringParameters", "queryStringParameters")
    if balancer:  # a REST API decodes them, a load balancer does not
        query = [(_unquote_query(name), _unquote_query(value)) for name, value in query]
    return Request(
        front_door="balancer" if balancer else "rest",
        method=str(event["httpMethod"]).upper(),
        path=path,
        base=base,
        query=_gather(query),
        headers=_join(headers),
        header_lists=_gather_headers(headers),
        many_headers=balancer and "multiValueHeaders" in event,
    )


def _unquote_query(text: str) -> str:
    return unquote(text.replace("+", " "))


def _pairs(event: Mapping[str, Any], many: str, single: str) -> list[tuple[str, str]]:
    lists = event.get(many)
    if isinstance(lists, Mapping):
        return [(str(name), str(value)) for name, values in lists.items() for value in values or ()]
    return _singles(event.get(single))


def _singles(values: Any) -> list[tuple[str, str]]:
    return [(str(name), str(value)) for name, value in values.items()] if isinstance(values, Mapping) else []


def _gather(pairs: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    gathered: dict[str, list[str]] = {}
    for name, value in pairs:
        gathered.setdefault(name, []).append(value)
    return {name: tuple(values) for name, values in gathered.items()}


def _gather_headers(pairs: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    return _gather((name.lower(), value) for name, value in pairs)


def _join(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    return {name: ", ".join(values) for name, values in _gather_headers(pairs).items()}


def _body(event: Mapping[str, Any]) -> bytes:
    body = event.get("body")
    if body is None:
        return b""
    text = str(body)
    if not event.get("isBase64Encoded"):
        return text.encode(
            "utf-8", "surrogatepass"
        )  # half a surrogate pair is not UTF-8; the parser of the body reports that
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise UnreadableRequestError("The body is marked as base64 but is not valid base64.") from None
