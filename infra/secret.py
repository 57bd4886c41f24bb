"""A secret in use, and who hands secrets out.

A value is resolved only here and in the client; what a job's steps, records, events and logs see is the name.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, Protocol

from infra.http_errors import HttpRefusedError

Use = Literal["auth", "url", "hmac", "verify"]


@dataclass(frozen=True, slots=True)
class Secret:
    """One secret of the tenant whose job makes the call.

    Attributes:
        name: what the user calls it.
        value: what is sent, or a key. Never shown, so it is left out of ``repr``.
        hosts: where it may be sent to, as `infra.hosts.canonical_host` writes them.
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
    """Of a tenant, or a deployment, that has none."""

    def get(self, name: str, seconds: float) -> Secret | None:  # noqa: ARG002  # the protocol's
        """A store without secrets."""
        return None

    def renew(self, secret: Secret, seconds: float) -> Secret | None:  # noqa: ARG002  # the protocol's
        """Always ``None``: a fixed secret has no other value."""
        return None


def allowed(secret: Secret | None, name: str, use: Use, host: str | None) -> Secret:
    """The secret, if it may be used so. Judged again for each host that a call comes to.

    Args:
        secret: what `Secrets.get` gave.
        name: what was asked for.
        use: what for.
        host: where to, canonical; ``None`` for a use that sends it nowhere.

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
