"""A secret as stored in the table: its uses and hosts unencrypted, its values encrypted."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptAccess:
    """An access token that every process may use.

    Attributes:
        token: the token, encrypted.
        expires_at: when it expires, in seconds since 1970.
    """

    token: str
    expires_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The claim of a process that is fetching tokens. Others wait: if two sent the same refresh token, it could be
    lost.

    Attributes:
        by: a random string.
        until: the end of the claim, in seconds since 1970, in case the process dies.
    """

    by: str
    until: float


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptOAuth:
    """The data for a token server (RFC 6749).

    Attributes:
        token_url, client_id, scope: as they were sent.
        client_secret: encrypted.
        refresh_token: encrypted; ``None`` for the grant of client credentials.
        access: the current access token, if there is a refresh token.
        claim: the process that is fetching another one.
    """

    token_url: str
    client_id: str
    client_secret: str
    scope: str | None = None
    refresh_token: str | None = None
    access: KeptAccess | None = None
    claim: Claim | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptSecret:
    """One secret.

    Attributes:
        hosts: the hosts that it may be sent to, canonical.
        uses: the uses that are allowed.
        put: random, new with each PUT, so that tokens of an earlier secret are not used for this one.
        value: encrypted; ``None`` if `oauth2` is given.
        oauth2: the data for fetching a value.
    """

    hosts: tuple[str, ...]
    uses: tuple[str, ...]
    put: str
    value: str | None = field(default=None)
    oauth2: KeptOAuth | None = None

    def encode(self) -> str:
        """Return the secret as JSON."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def decode(cls, body: str) -> KeptSecret:
        """The secret that `encode` wrote."""
        fields = json.loads(body)
        oauth2 = fields.pop("oauth2")
        return cls(
            **{**fields, "hosts": tuple(fields["hosts"]), "uses": tuple(fields["uses"])},
            oauth2=_oauth2(oauth2) if oauth2 is not None else None,
        )

    def with_oauth(self, **changes: Any) -> KeptSecret:
        """The secret with other tokens."""
        assert self.oauth2 is not None  # noqa: S101  # only those have tokens
        return replace(self, oauth2=replace(self.oauth2, **changes))


def _oauth2(fields: dict[str, Any]) -> KeptOAuth:
    access, claim = fields.pop("access"), fields.pop("claim")
    return KeptOAuth(
        **fields,
        access=KeptAccess(**access) if access is not None else None,
        claim=Claim(**claim) if claim is not None else None,
    )
