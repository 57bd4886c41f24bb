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
        value: the value to send, or a key. Never shown, so it is left out of ``repr``.
        hosts: the hosts that it may be sent to, in the form of `infra.outside.hosts.canonical_host`.
        uses: what it may be used for.
        renewable: whether `Secrets.renew` may have another value after the service refused this one (OAuth 2).
        hidden: further strings that nothing shown may hold.
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
            name: of the secret.
            seconds: how long it may take.

        Raises:
            HttpError: it has no value now: its token server cannot be reached or refuses.
        """

    def renew(self, secret: Secret, seconds: float) -> Secret | None:
        """The secret with another value, after a service answered 401 to this one; ``None`` if there is no other.

        Raises:
            HttpError: as for `get`.
        """


class NoSecrets:
    """The store of a tenant or a deployment without secrets."""

    def get(self, name: str, seconds: float) -> Secret | None:  # noqa: ARG002  # the protocol's
        """A store without secrets."""
        return None

    def renew(self, secret: Secret, seconds: float) -> Secret | None:  # noqa: ARG002  # the protocol's
        """Always ``None``: a fixed secret has no other value."""
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
