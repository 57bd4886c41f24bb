"""Verifies the signatures of hook calls from GitHub, Stripe and Slack, and plain HMACs.

Each is an HMAC with SHA-256 over the raw body, which is not parsed before its signature is verified. The
rules are those of the vendors:

- GitHub: https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
- Stripe: https://docs.stripe.com/webhooks#verify-manually
- Slack: https://docs.slack.dev/authentication/verifying-requests-from-slack
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

Scheme = Literal["github", "stripe", "slack", "hmac"]

WINDOW: Final = 300
"""The most seconds by which a timestamp may differ from now."""
_MOST_SIGNATURES: Final = 16
"""The most signatures of one call that are checked: Stripe sends one for each secret of a rotation."""
_TIME: Final = re.compile(r"\d{1,12}", re.ASCII)

GITHUB: Final = "x-hub-signature-256"
STRIPE: Final = "stripe-signature"
SLACK: Final = "x-slack-signature"
SLACK_TIME: Final = "x-slack-request-timestamp"
SIGNATURE_HEADERS: Final = frozenset({GITHUB, "x-hub-signature", STRIPE, SLACK})


@dataclass(frozen=True, slots=True)
class Verification:
    """The verification of a hook's calls.

    Attributes:
        scheme: the service whose rules apply.
        secret: the name of the signing secret.
        header: with ``hmac``: the header with the signature, in lower case.
        prefix: with ``hmac``: the string before the hexadecimal digits.
    """

    scheme: Scheme
    secret: str
    header: str = ""
    prefix: str = ""

    @property
    def header_names(self) -> frozenset[str]:
        """The headers with signatures, in lower case."""
        return SIGNATURE_HEADERS | ({self.header} if self.header else frozenset())

    def holds(self, secret: bytes, body: bytes, headers: Mapping[str, str], now: float) -> bool:
        """Whether the call is signed with the secret and, if the scheme has a timestamp, recent.

        Args:
            secret: the key.
            body: the body as received.
            headers: by lower-case name.
            now: seconds since 1970.
        """
        match self.scheme:
            case "github":
                return _any_equal([_after(headers.get(GITHUB, ""), "sha256=")], _sign(secret, body))
            case "stripe":
                return _stripe(secret, body, headers.get(STRIPE, ""), now)
            case "slack":
                return _slack(secret, body, headers, now)
            case "hmac":
                return _any_equal([_after(headers.get(self.header, ""), self.prefix)], _sign(secret, body))


def _stripe(secret: bytes, body: bytes, header: str, now: float) -> bool:
    fields = [part.strip().partition("=") for part in header.split(",")[: 2 * _MOST_SIGNATURES]]
    times = [value for name, _, value in fields if name == "t"]
    given = [value for name, _, value in fields if name == "v1"][:_MOST_SIGNATURES]
    if len(times) != 1 or not _is_recent(times[0], now):
        return False
    return _any_equal(given, _sign(secret, times[0].encode() + b"." + body))


def _slack(secret: bytes, body: bytes, headers: Mapping[str, str], now: float) -> bool:
    time = headers.get(SLACK_TIME, "").strip()
    if not _is_recent(time, now):
        return False
    return _any_equal([_after(headers.get(SLACK, ""), "v0=")], _sign(secret, b"v0:" + time.encode() + b":" + body))


def _is_recent(time: str, now: float) -> bool:
    return _TIME.fullmatch(time) is not None and abs(now - int(time)) <= WINDOW


def _after(header: str, prefix: str) -> str:
    """The header's value after the prefix; if the prefix is missing, a value that equals no signature."""
    text = header.strip()
    return text[len(prefix) :] if text.startswith(prefix) else ""


def _sign(secret: bytes, signed: bytes) -> str:
    return hmac.digest(secret, signed, "sha256").hex()


def _any_equal(given: Iterable[str], expected: str) -> bool:
    """Whether any of the signatures is the expected one; each is compared in constant time."""
    right = expected.encode()
    equal = [hmac.compare_digest(text.lower().encode("utf-8", "surrogatepass"), right) for text in given]
    return any(equal)
