"""Tokens of public addresses: they name a hook or a step, and an HMAC proves that we made them.

A token is two base64url strings joined by a dot: the names, and their HMAC with a key that is stored with the named
thing. The HMAC also covers the token's kind, so that a token cannot be used for another purpose.
"""

from __future__ import annotations

import base64
import hmac
import json
import re
from dataclasses import dataclass
from typing import Final

LONGEST: Final = 2048
"""The longest token that is decoded, in characters; ours have a few hundred."""
DIGEST_BYTES: Final = 24
"""Bytes of the HMAC that are used: 192 bits."""
NO_KEY: Final = bytes(32)
"""The key for things that do not exist, so that checking a wrong token takes the same time for all names."""
_TOKEN: Final = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Token:
    """A token as it was sent. Do not trust its content before `is_genuine` has returned true.

    Attributes:
        kind: its purpose.
        names: the strings that name the thing.
        digest: its HMAC.
    """

    kind: str
    names: tuple[str, ...]
    digest: bytes

    def is_genuine(self, key: bytes | None) -> bool:
        """Whether the HMAC is correct, compared in constant time. ``None``: the named thing does not exist."""
        expected = _digest(self.kind, self.names, NO_KEY if key is None else key)
        return hmac.compare_digest(self.digest, expected) and key is not None


def make_token(kind: str, names: tuple[str, ...], key: bytes) -> str:
    """Make a token.

    Args:
        kind: its purpose.
        names: strings that name the thing. They are not secret: the token contains them unencrypted.
        key: at least 16 random bytes, stored with the named thing.
    """
    return f"{_encode(_written(names))}.{_encode(_digest(kind, names, key))}"


def read_token(kind: str, text: str) -> Token | None:
    """Decode a token; ``None`` if the string does not have the form of a token of this kind."""
    match = _TOKEN.fullmatch(text) if len(text) <= LONGEST else None
    if match is None:
        return None
    try:
        names = json.loads(_decode(match[1]))
        digest = _decode(match[2])
    except (ValueError, RecursionError):
        return None
    if not names or not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        return None
    if any("\ud800" <= character <= "\udfff" for name in names for character in name):
        return None  # half a surrogate pair cannot be part of a key
    return Token(kind, tuple(names), digest) if _encode(_written(tuple(names))) == match[1] else None


def _written(names: tuple[str, ...]) -> bytes:
    return json.dumps(names, separators=(",", ":")).encode()


def _digest(kind: str, names: tuple[str, ...], key: bytes) -> bytes:
    return hmac.digest(key, f"{kind}\n".encode() + _written(names), "sha256")[:DIGEST_BYTES]


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _decode(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
