"""Parses the URLs of calls strictly by RFC 3986's grammar, so that no other parser sees another host."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import parse_qsl, quote, unquote, urlencode, urljoin

from infra.outside.errors import HttpInvalidError, HttpRefusedError
from infra.outside.hosts import canonical_host

LONGEST: Final = 2_000
"""The longest URL, in characters."""
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_URL: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)([^?#]*)(?:\?([^#]*))?(?:#.*)?", re.DOTALL)
_ABSOLUTE: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_AUTHORITY: Final = re.compile(r"(?:\[([^\[\]]*)\]|([^\[\]:]*))(?::([0-9]{0,5}))?")
_FORBIDDEN: Final = re.compile(r"[\x00-\x1f\x7f\\]")
_PLAIN: Final = re.compile(r"[a-z]{0,15}|.{0,7}")
_SHORTEST: Final = 8
"""The shortest part of a secret URL that is masked, in characters."""
_MOST_PORT: Final = 65_535
_KEPT: Final = "/%:@!$&'()*+,;=~-._?"


@dataclass(frozen=True, slots=True)
class Url:
    """The URL of a call.

    Attributes:
        scheme: in lower case.
        host: canonical; see `infra.outside.hosts.canonical_host`.
        port: the port; by default the scheme's.
        path: at least ``/``, percent-encoded.
        query: percent-encoded, without the question mark; ``""`` for none.
    """

    scheme: str
    host: str
    port: int
    path: str
    query: str

    @property
    def origin(self) -> tuple[str, str, int]:
        """The origin, to which credentials are bound."""
        return (self.scheme, self.host, self.port)

    @property
    def target(self) -> str:
        """The target of the request line."""
        return f"{self.path}?{self.query}" if self.query else self.path

    @property
    def place(self) -> str:
        """Scheme, host and (if it is not the scheme's default) port, for messages."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _DEFAULT_PORTS.get(self.scheme) else f":{self.port}"
        return f"{self.scheme}://{host}{port}"

    def secret_parts(self) -> Iterator[str]:
        """The parts of a secret URL that are masked in answers: its target, whole and in parts, as sent and decoded.

        Parts of the path that are short or plain words (``services``) are not masked: they occur in any answer.
        """
        values = [value for _, value in parse_qsl(self.query, keep_blank_values=True)]
        segments = [part for part in self.path.split("/") if not _PLAIN.fullmatch(part)]
        whole = [text for text in (self.target, self.path, self.query) if len(text) >= _SHORTEST]
        for text in (*whole, *segments, *(value for value in values if len(value) >= _SHORTEST)):
            yield text
            yield unquote(text)

    def with_query(self, pairs: list[tuple[str, str]]) -> Url:
        """The URL with more names and values in its query."""
        added = urlencode(pairs)
        return replace(self, query=f"{self.query}&{added}" if self.query and added else self.query or added)

    def with_parameter(self, name: str, value: str) -> Url:
        """The URL with exactly one value for this name in its query."""
        others = [pair for pair in parse_qsl(self.query, keep_blank_values=True) if pair[0] != name]
        kept = self.query if len(others) == len(parse_qsl(self.query, keep_blank_values=True)) else urlencode(others)
        return replace(self, query=kept).with_query([(name, value)])

    def follow(self, location: str) -> Url:
        """The URL to which a redirect from this one leads.

        Raises:
            HttpError: that URL cannot be called.
        """
        text = _printable(location)
        if _ABSOLUTE.match(text):
            return read_url(text)
        if text.startswith("//"):
            return read_url(f"{self.scheme}:{text}")
        if _FORBIDDEN.search(text):
            raise HttpInvalidError("the URL contains a control character or a backslash")
        return read_url(urljoin(f"{self.place}{self.path}", text))


def read_url(text: str) -> Url:
    """Parse an absolute URL.

    Raises:
        HttpInvalidError: the string is not a URL, is too long, or contains a user.
        HttpRefusedError: the scheme is neither http nor https, or the host is an address with a zone.
    """
    if len(text) > LONGEST:
        raise HttpInvalidError(f"the URL has {len(text):,} characters; at most {LONGEST:,} are allowed")
    if _FORBIDDEN.search(text):
        raise HttpInvalidError("the URL contains a control character or a backslash; percent-encode it")
    found = _URL.fullmatch(text)
    if found is not None and found[1].lower() not in _DEFAULT_PORTS:
        raise HttpRefusedError(f"{found[1].lower()[:40]} is not allowed; use https")
    if found is None or not found[2]:
        raise HttpInvalidError("the URL is not complete; write it like https://api.example.com/path")
    if "@" in found[2]:
        raise HttpInvalidError("the URL contains a user name or password; use `auth` instead")
    scheme, authority = found[1].lower(), _AUTHORITY.fullmatch(found[2])
    if authority is None:
        raise HttpInvalidError("the URL has no valid host or port")
    host = canonical_host(authority[1] if authority[1] is not None else authority[2])
    if authority[1] is not None and ":" not in authority[1]:
        raise HttpInvalidError("only an IPv6 address may be in brackets")
    port = int(authority[3]) if authority[3] else _DEFAULT_PORTS[scheme]
    if port > _MOST_PORT:
        raise HttpInvalidError(f"the URL has the port {port}; the largest port is {_MOST_PORT:,}")
    try:
        return Url(scheme, host, port, quote(found[3] or "/", safe=_KEPT), quote(found[4] or "", safe=_KEPT))
    except UnicodeEncodeError:
        raise HttpInvalidError("the URL contains half of a surrogate pair, which is not valid Unicode") from None


def _printable(location: str) -> str:
    """Decode a Location header: http.client reads headers as Latin-1, but servers send UTF-8."""
    try:
        return location.encode("latin-1").decode("utf-8").strip()
    except UnicodeError:
        return location.strip()
