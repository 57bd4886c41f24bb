"""The secrets of one tenant, for calls: implements `infra.outside.secret.Secrets`.

The value of a secret with OAuth 2 is a current access token. If it needs a refresh token, one process fetches it for
all: it claims the secret, calls the token server, and stores both tokens in one conditional write. A replaced refresh
token is no longer valid, and a server may regard its second use as theft and revoke all tokens.
See docs/decisions/019-secrets.md.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Final

from infra.errors import InfraError, TryLaterError
from infra.outside.errors import HttpError, HttpFailedError
from infra.outside.secret import Secret
from infra.secrets.kept_secret import Claim, KeptAccess, KeptSecret
from infra.secrets.secret_store import Opened, SecretStore, secret_of
from infra.secrets.token_server import Tokens

EARLY: Final = 60.0
"""Seconds before its end at which an access token is no longer sent."""
CLAIMED: Final = 30.0
"""How many seconds a claim blocks other processes."""
FETCH: Final = 20.0
"""How many seconds a token server may take: less than a claim lasts, so that the claim covers a late answer."""
PAUSE: Final = 0.1
"""Seconds between two checks for the tokens of another process."""
WRITES: Final = 3
"""How often storing new tokens is tried, besides the tries of the table's client."""


class TenantSecrets:
    """The secrets of one tenant.

    Args:
        store: the secrets of all tenants.
        tenant: the tenant.
    """

    def __init__(self, store: SecretStore, tenant: str) -> None:
        self._store = store
        self._tenant = tenant

    def get(self, name: str, seconds: float) -> Secret | None:
        """See `infra.outside.secret.Secrets.get`.

        Raises:
            InfraError: see `infra.errors`.
        """
        opened = self._store.open(self._tenant, name, seconds)
        if opened is None:
            return None
        if opened.grant is None:
            return secret_of(opened, opened.value)
        return self._current(name, self._store.now() + seconds, not_this=None)

    def renew(self, secret: Secret, seconds: float) -> Secret | None:
        """See `infra.outside.secret.Secrets.renew`.

        Raises:
            InfraError: see `infra.errors`.
        """
        return self._current(secret.name, self._store.now() + seconds, not_this=secret.value)

    def _current(self, name: str, ends_at: float, not_this: str | None) -> Secret | None:
        """The secret with an access token that has not expired, and is not `not_this`."""
        store = self._store
        while (left := ends_at - store.now()) > 0:
            opened = store.open(self._tenant, name, left)
            if opened is None or opened.grant is None:  # deleted or replaced meanwhile
                return None
            if self._is_current(opened, not_this):
                return secret_of(opened, opened.access)
            if opened.grant.refresh_token is None:
                tokens = store.server.fetch(name, opened.grant, left)
                opened.access, opened.expires_at = tokens.access, tokens.expires_at
                return secret_of(opened, tokens.access)
            try:
                if (found := self._refreshed(name, ends_at, not_this)) is not None:
                    return found
            except TryLaterError:
                if store.now() < ends_at:
                    raise
        raise HttpFailedError(f"the secret `{name}` got no access token in time: another process is fetching one")

    def _is_current(self, opened: Opened, not_this: str | None) -> bool:
        lasts = opened.expires_at - EARLY > self._store.now()
        return bool(opened.access) and lasts and opened.access != not_this

    def _refreshed(self, name: str, ends_at: float, not_this: str | None) -> Secret | None:
        """The secret with tokens that another process or this one has fetched; ``None`` to check again."""
        store = self._store
        opened = store.open_again(self._tenant, name, ends_at - store.now())
        if opened is None or opened.kept.oauth2 is None:
            return None
        if self._is_current(opened, not_this):
            return secret_of(opened, opened.access)
        claim = opened.kept.oauth2.claim
        if claim is not None and claim.until > store.now():
            store.sleep(min(PAUSE, max(0.0, ends_at - store.now())))
            return None
        ours = opened.kept.with_oauth(claim=Claim(by=store.token(), until=store.now() + CLAIMED))
        if not store.aside(lambda: store.write(opened.document, ours), ends_at - store.now()):
            return None
        return self._fetched(name, ours, ends_at)

    def _fetched(self, name: str, ours: KeptSecret, ends_at: float) -> Secret | None:
        """The secret with tokens that we fetch under our claim."""
        store = self._store
        opened = store.open_again(self._tenant, name, ends_at - store.now())
        if opened is None or opened.kept != ours or opened.grant is None:
            return None  # it was put again meanwhile
        try:
            tokens = store.server.fetch(name, opened.grant, min(FETCH, ends_at - store.now()))
        except HttpError:
            self._give_up(opened)
            raise
        if not self._store_tokens(opened, tokens):
            return None
        store.forget(self._tenant, name)
        opened.access, opened.expires_at = tokens.access, tokens.expires_at
        return secret_of(opened, tokens.access)

    def _store_tokens(self, opened: Opened, tokens: Tokens) -> bool:
        """Store both tokens and end the claim in one write; return whether the secret is still the claimed one.

        This may take longer than the call itself: a new refresh token that is not stored is lost.
        """
        for tries_left in reversed(range(WRITES)):
            try:
                return self._store.aside(lambda: self._store.write(opened.document, self._with(opened, tokens)), FETCH)
            except InfraError:
                if not tries_left:
                    raise
        return False

    def _with(self, opened: Opened, tokens: Tokens) -> KeptSecret:
        """The secret with both tokens, and without our claim."""
        seal, name = self._store.seal, opened.document.name
        changes: dict[str, Any] = {
            "access": KeptAccess(token=seal(self._tenant, name, tokens.access), expires_at=tokens.expires_at),
            "claim": None,
        }
        if tokens.refresh_token is not None:
            changes["refresh_token"] = seal(self._tenant, name, tokens.refresh_token)
        return opened.kept.with_oauth(**changes)

    def _give_up(self, opened: Opened) -> None:
        """End our claim, so that no other process waits for it."""
        without = opened.kept.with_oauth(claim=None)
        with suppress(InfraError):  # the claim expires anyway
            self._store.aside(lambda: self._store.write(opened.document, without), FETCH)
        self._store.forget(self._tenant, opened.document.name)
