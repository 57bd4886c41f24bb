"""Hides the values of secrets in the answers of services, before anything is stored, shown or cut.

This catches accidents, such as a server that echoes the request. It is not a security boundary: a server that gets a
secret can return it in some other form. The boundary is the list of hosts that the secret may be sent to.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator
from html import escape
from itertools import product
from typing import Any, Final
from urllib.parse import quote, quote_plus

MASKED: Final = "***"
"""Replaces a secret's value."""
_PLAIN_IN_URLS: Final = ("", "/", "!'()*", "/:@!$&'()*+,;=?")
"""Characters that URL encoders do not change: Python's, JavaScript's for a part of a URL, and those for a whole URL."""
_ESCAPED_IN_JSON: Final = ("(?!)", "[<>&]", r"""\\"|[<>&'+`]""")
"""Characters that JSON encoders escape by number: Python's none, those of Go and Ruby on Rails, and .NET's."""


class Mask:
    """The values to hide in one call; empty at first."""

    def __init__(self) -> None:
        self._forms: list[str] = []
        """Longest first, so that a value is replaced before its prefix."""
        self._shortest = 0

    @property
    def longest(self) -> int:
        """Bytes of the longest form of a value; 0 if there is nothing to hide."""
        return max((len(form.encode()) for form in self._forms), default=0)

    def hide(self, value: str, user: str | None = None) -> None:
        """Hide this value from now on: unchanged, as base64, in a URL and in JSON.

        Args:
            value: the secret.
            user: the user whose password the value is, for the base64 of ``user:value``.
        """
        forms = {*self._forms, *(form for form in _forms(value, user) if form)}
        self._forms = sorted(forms, key=len, reverse=True)
        self._shortest = len(self._forms[-1]) if self._forms else 0

    def text(self, text: str) -> str:
        """The string with all values masked."""
        if len(text) < self._shortest:
            return text
        for form in self._forms:  # faster than one regular expression, which takes long to compile
            text = text.replace(form, MASKED)
        return text

    def data(self, data: bytes) -> bytes:
        """The bytes, as UTF-8, with all values masked."""
        for form in self._forms:
            data = data.replace(form.encode(), MASKED.encode())
        return data

    def tree(self, value: Any) -> Any:
        """A JSON value with all values masked: in strings, in keys, and in numbers that contain one."""
        if not self._forms:
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(key): self.tree(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.tree(item) for item in value]
        if isinstance(value, (int, float)) and self.text(written := json.dumps(value)) != written:
            return MASKED
        return value


def _forms(value: str, user: str | None) -> Iterator[str]:
    for text in (value, *([] if user is None else [f"{user}:{value}"])):
        data = text.encode("utf-8", "surrogatepass")
        for encoded in (b64encode(data).decode(), urlsafe_b64encode(data).decode()):
            yield encoded
            yield encoded.rstrip("=")
    yield from _in_urls(value.encode("utf-8", "surrogatepass"))
    for form in (*_in_json(value), escape(value), escape(value, quote=False), value):
        yield form
        yield form.encode("utf-8", "surrogatepass").decode("latin-1")  # headers are read as Latin-1


def _in_urls(data: bytes) -> Iterator[str]:
    """The forms of the value in a URL. Encoders differ in the characters that they keep and in the case of digits."""
    for quoted in (*(quote(data, safe=plain) for plain in _PLAIN_IN_URLS), quote_plus(data)):
        yield quoted
        yield re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), quoted)


def _in_json(value: str) -> Iterator[str]:
    """The forms of the value in JSON text. Encoders differ in what they escape, and in the case of their digits."""
    for ascii_only, further in product((True, False), _ESCAPED_IN_JSON):
        escaped = re.sub(further, _escaped, json.dumps(value, ensure_ascii=ascii_only)[1:-1])
        yield escaped
        yield escaped.replace("/", "\\/")
        yield re.sub(r"\\u[0-9a-f]{4}", lambda found: "\\u" + found[0][2:].upper(), escaped)


def _escaped(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0][-1]):04x}"
