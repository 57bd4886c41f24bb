"""A secret in use, and the interface of stores of secrets.

Only this module and the client handle values. Steps, records, events and logs see only the names.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, Protocol

from infra.outside.errors import HttpRefusedError

Use = Literal["auth", "url", "hmac", "verify"]


@dataclass(frozen=True, slots=True)
class Secret:
    """One secret of the tenant whose job makes the call.

    Attributes:
        name: its name.
        value: the value to send, or a key. It is never shown, so ``repr`` omits it.
        hosts: the hosts that it may be sent to, in the form of `infra.outside.hosts.canonical_host`.
        uses: the uses that are allowed.
        renewable: whether `Secrets.renew` may return another value after a service refused this one (OAuth 2).
        hidden: further strings to mask.
    """

    name: str
    value: str = field(repr=False)
    hosts: frozenset[str] = frozenset()
    uses: frozenset[str] = frozenset({"auth"})
    renewable: bool = False
    hidden: tuple[str, ...] = field(default=(), repr=False)


class Secrets(Protocol):
    """The secrets of one tenant."""

    def get(self, name: str, seconds: float) -> Secret | None:
        """The secret of that name, or ``None`` if the tenant has none.

        Args:
            name: the secret's name.
            seconds: how long this may take.

        Raises:
            HttpError: the secret has no value now: its token server is unreachable or refuses.
        """

    def renew(self, secret: Secret, seconds: float) -> Secret | None:
        """The secret with another value, after a service answered 401 to this one; ``None`` if there is no other.

        Raises:
            HttpError: see `get`.
        """


class NoSecrets:
    """The secrets of a tenant or a deployment that has none."""

    def get(self, name: str, seconds: float) -> Secret | None:  # noqa: ARG002  # the protocol's
        """Always ``None``."""
        return None

    def renew(self, secret: Secret, seconds: float) -> Secret | None:  # noqa: ARG002  # the protocol's
        """Always ``None``, likewise."""
        return None


def allowed(secret: Secret | None, name: str, use: Use, host: str | None) -> Secret:
    """Check that a secret may be used, and return it. Called again for each host of a call.

    Args:
        secret: the result of `Secrets.get`.
        name: the requested name.
        use: the use.
        host: the host to send it to, canonical; ``None`` for a use that does not send it.

    Raises:
        HttpRefusedError: the secret does not exist, or it is for another use or another host.
    """
    if secret is None:
        raise HttpRefusedError(f"there is no secret `{name}`; nothing was sent")
    if use not in secret.uses:
        raise HttpRefusedError(f"the secret `{name}` may not be used as `{use}`; nothing was sent")
    if host is not None and host not in secret.hosts:
        raise HttpRefusedError(f"the secret `{name}` may not be sent to {host}; nothing was sent")
    return secret
