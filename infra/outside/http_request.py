"""Checks the arguments of a user's call, and converts them to the call that is sent."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode

from infra.outside.errors import HttpInvalidError

BODY_LIMIT: Final = 256 * 1024
"""Bytes of a request's body."""
MOST_HEADERS: Final = 32
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_FRAMING: Final = frozenset({"host", "content-length", "transfer-encoding", "connection"})
"""Headers that only the client sets, because they decide the destination and the end of a request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call.

    Attributes:
        method: in upper case.
        url: a URL, or ``{"secret": name}`` for one that is itself secret.
        query: further names and values of the query.
        headers: the headers of the user and of the body.
        body: bytes; ``None`` for none.
        auth: credentials, each ``{"bearer": {"secret": name}}`` or one of the other shapes.
        expect: the expected statuses; ``None`` for 200 to 299.
        redirects: how many redirects are followed.
        seconds: how long the whole call may take.
    """

    method: str
    url: str | Mapping[str, Any]
    query: Sequence[tuple[str, str]] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    auth: Sequence[Mapping[str, Any]] = ()
    expect: frozenset[int] | None = None
    redirects: int = 0
    seconds: float = 30.0


def make_call(
    *,
    method: str,
    url: str | Mapping[str, Any],
    query: Mapping[str, Any] | None = None,
    headers: Mapping[str, Any] | None = None,
    content: Mapping[str, Any] | None = None,
    auth: Any = None,
    expect: Sequence[int] | None = None,
    redirects: int = 0,
    seconds: float = 30.0,
    idempotency_key: str | None = None,
) -> Call:
    """Make a call from a user's arguments, whose types have been checked.

    Args:
        method: see `Call`.
        url: see `Call`.
        query: scalars, or lists of them, by name; null leaves one out.
        headers: scalars by name; null leaves one out.
        content: at most one of ``json``, ``form``, ``text`` and ``base64``.
        auth: one credential, several, or ``None``.
        expect: statuses, or ``None`` for 200 to 299.
        redirects: see `Call`.
        seconds: see `Call`.
        idempotency_key: sent unless the user set that header.

    Raises:
        HttpInvalidError: the call cannot be sent; the message says what to change.
    """
    sent = _headers(headers or {})
    given = {name.lower() for name in sent}
    body, kind = _body(content or {})
    if kind is not None and "content-type" not in given:
        sent["Content-Type"] = kind
    if idempotency_key is not None and "idempotency-key" not in given:
        sent["Idempotency-Key"] = idempotency_key
    return Call(
        method=method,
        url=url,
        query=_pairs("query", query or {}),
        headers=sent,
        body=body,
        auth=_credentials(auth),
        expect=None if expect is None else frozenset(expect),
        redirects=redirects,
        seconds=seconds,
    )


def _word(value: Any) -> str:
    """A value in the form for a URL, a form or a header: strings unchanged, everything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value)


def _pairs(what: str, values: Mapping[str, Any]) -> list[tuple[str, str]]:
    pairs = [(name, _word(value)) for name, value in _each(values) if value is not None]
    try:
        "".join(part for pair in pairs for part in pair).encode()
    except UnicodeEncodeError:
        raise HttpInvalidError(f"`{what}` contains half of a surrogate pair, which is not valid Unicode") from None
    return pairs


def _each(values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        for item in value if isinstance(value, list) else [value]:
            yield name, item


def _headers(headers: Mapping[str, Any]) -> dict[str, str]:
    sent: dict[str, str] = {}
    seen: set[str] = set()
    for name, value in headers.items():
        if value is None:
            continue
        check_header(name, text := _word(value))
        if name.lower() in seen:
            raise HttpInvalidError(f"the header {name} is given twice, in two spellings; leave one of them out")
        seen.add(name.lower())
        sent[name] = text
    if len(sent) > MOST_HEADERS:
        raise HttpInvalidError(f"there are {len(sent)} headers; at most {MOST_HEADERS} are allowed")
    return sent


def check_header(name: str, value: str = "") -> None:
    """Check a header that a user sets.

    Raises:
        HttpInvalidError: the name or the value cannot be sent, or only the client may set this header.
    """
    if not _TOKEN.fullmatch(name):
        raise HttpInvalidError("the name of a header is made of letters, digits and -, without spaces")
    if name.lower() in _FRAMING:
        raise HttpInvalidError(f"the header {name} is set by the client; leave it out")
    if _CONTROL.search(value):
        raise HttpInvalidError(f"the header {name} contains a line break or another control character; remove it")
    try:
        value.encode("latin-1")
    except UnicodeEncodeError:
        raise HttpInvalidError(f"the header {name} contains a letter that no header can hold; encode it") from None


def _credentials(auth: Any) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = [] if auth is None else auth if isinstance(auth, list) else [auth]
    for credential in found:
        if len(credential) != 1:
            raise HttpInvalidError(
                "`auth` is one of bearer, basic, header, hmac and query; list several to use them all"
            )
        [(kind, shape)] = credential.items()
        if kind == "header":
            check_header(shape["name"])
        if kind == "hmac":
            check_header(shape["header"], shape.get("prefix", ""))
    return found


def _body(content: Mapping[str, Any]) -> tuple[bytes | None, str | None]:
    """The bytes of the body, and their type."""
    if not content:
        return None, None
    if len(content) > 1:
        raise HttpInvalidError(f"a request has one body; give only one of {' and '.join(f'`{k}`' for k in content)}")
    [(kind, value)] = content.items()
    try:
        body, media = _encoded(kind, value)
    except UnicodeEncodeError:
        raise HttpInvalidError("the body contains half of a surrogate pair, which is not valid Unicode") from None
    except ValueError as error:
        raise HttpInvalidError(f"`{kind}` cannot be sent: {error}") from None
    if len(body) > BODY_LIMIT:
        raise HttpInvalidError(f"the body has {len(body):,} bytes; at most {BODY_LIMIT:,} are allowed")
    return body, media


def _encoded(kind: str, value: Any) -> tuple[bytes, str]:
    if kind == "json":
        return json.dumps(value, ensure_ascii=False, allow_nan=False).encode(), "application/json"
    if kind == "form":
        return urlencode(_pairs("form", value)).encode(), "application/x-www-form-urlencoded"
    if kind == "text":
        return value.encode(), "text/plain; charset=utf-8"
    return b64decode(value, validate=True), "application/octet-stream"
