"""The secrets of all tenants: read from the table, decrypted, and cached for five minutes in this process."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from infra.aside import Aside, StuckError, TimeIsUpError
from infra.errors import TryLaterError
from infra.outside.secret import Secret
from infra.secrets.encryption import Encryption
from infra.secrets.kept_secret import KeptSecret
from infra.secrets.token_server import Grant, TokenServer
from infra.table.documents import Document, DocumentsTable

R = TypeVar("R")
Now = Callable[[], float]

CACHED: Final = 300.0
"""How many seconds a process caches a secret. A replaced or deleted secret may still be used for that long."""
SHORTEST_HIDDEN: Final = 8
"""The shortest client secret that is masked, in characters. A shorter one could occur by chance; and only the token
server receives it, whose answers are never shown."""
MOST_CACHED: Final = 1_000
"""The largest number of cached secrets."""


@dataclass(slots=True)
class Opened:
    """A secret that was read and decrypted.

    Attributes:
        document: the document as it was read.
        kept: the document's content.
        read_at: when it was read, in seconds since 1970.
        value: the value of a secret without OAuth 2.
        grant: the grant of a secret with OAuth 2.
        access, expires_at: the stored access token and its expiry; empty if there is none.
    """

    document: Document
    kept: KeptSecret
    read_at: float
    value: str = field(default="", repr=False)
    grant: Grant | None = field(default=None, repr=False)
    access: str = field(default="", repr=False)
    expires_at: float = 0.0


class SecretStore:
    """Reads secrets, and writes the tokens of OAuth 2.

    Blocks and hooks call it synchronously while an event loop runs. So each call of AWS runs in a thread, for a limited
    time.

    Args:
        documents: the table, with its own connections, because threads call it.
        encryption: encrypts with the stack's key.
        server: fetches tokens.
        run: runs a coroutine to its end, in a thread without an event loop.
        now: the clock.
        sleep: waits that many seconds.
        token: a random string, new each time.
    """

    def __init__(
        self,
        documents: DocumentsTable,
        encryption: Encryption,
        server: TokenServer,
        *,
        run: Callable[[Coroutine[Any, Any, Any]], Any],
        now: Now,
        sleep: Callable[[float], None],
        token: Callable[[], str],
    ) -> None:
        self.documents = documents
        self.encryption = encryption
        self.server = server
        self.now = now
        self.sleep = sleep
        self.token = token
        self._run = run
        self._aside = Aside("secrets")
        self._opened: dict[tuple[str, str], Opened] = {}

    def seal(self, tenant: str, name: str, text: str) -> str:
        """Encrypt a value, to store it.

        Raises:
            InfraError: see `infra.errors`.
        """
        return self.encryption.encrypt(tenant, name, text)

    def forget(self, tenant: str, name: str) -> None:
        """Remove a secret from the cache, since it was replaced or deleted."""
        self._opened.pop((tenant, name), None)

    def open(self, tenant: str, name: str, seconds: float) -> Opened | None:
        """A secret, read within the last five minutes; ``None`` if the tenant has no secret of that name.

        Raises:
            InfraError: see `infra.errors`.
        """
        opened = self._opened.get((tenant, name))
        if opened is not None and self.now() - opened.read_at < CACHED:
            return opened
        return self.open_again(tenant, name, seconds)

    def open_again(self, tenant: str, name: str, seconds: float) -> Opened | None:
        """The current secret, read again.

        Raises:
            InfraError: see `infra.errors`.
        """
        before = self._opened.pop((tenant, name), None)
        opened = self.aside(lambda: self._read(tenant, name), seconds)
        if opened is None:
            return None
        if before is not None and before.kept.put == opened.kept.put and not opened.access:
            opened.access, opened.expires_at = before.access, before.expires_at
        if len(self._opened) >= MOST_CACHED:
            self._opened.pop(next(iter(self._opened)))
        self._opened[tenant, name] = opened
        return opened

    def write(self, before: Document, kept: KeptSecret) -> bool:
        """Replace a secret's tokens if it is unchanged; return whether they were replaced. Run it with `aside`.

        Raises:
            InfraError: see `infra.errors`.
        """
        after = Document(
            tenant=before.tenant,
            kind="secret",
            name=before.name,
            body=kept.encode(),
            stamp=self.token(),
            created=before.created,
            updated=before.updated,  # the time of the user's last PUT, not ours
        )
        return bool(self._run(self.documents.write(after, before)))

    def aside(self, function: Callable[[], R], seconds: float) -> R:
        """Run a call of AWS for a limited time.

        Raises:
            InfraError: the call failed, or took too long.
        """
        try:
            return self._aside.run(function, seconds)
        except (TimeIsUpError, StuckError):
            raise TryLaterError(f"The table or the key of secrets did not answer within {seconds:.1f} s.") from None

    def _read(self, tenant: str, name: str) -> Opened | None:
        document: Document | None = self._run(self.documents.read(tenant, "secret", name))
        if document is None:
            return None
        kept = KeptSecret.decode(document.body)
        opened = Opened(document, kept, self.now())
        if kept.value is not None:
            opened.value = self.encryption.decrypt(tenant, name, kept.value)
        if kept.oauth2 is not None:
            oauth2 = kept.oauth2
            refresh = oauth2.refresh_token
            opened.grant = Grant(
                token_url=oauth2.token_url,
                client_id=oauth2.client_id,
                client_secret=self.encryption.decrypt(tenant, name, oauth2.client_secret),
                scope=oauth2.scope,
                refresh_token=self.encryption.decrypt(tenant, name, refresh) if refresh is not None else None,
            )
            if oauth2.access is not None and oauth2.access.expires_at > self.now():
                opened.access = self.encryption.decrypt(tenant, name, oauth2.access.token)
                opened.expires_at = oauth2.access.expires_at
        return opened


def secret_of(opened: Opened, value: str) -> Secret:
    """A secret in the form for calls, with this value."""
    grant = opened.grant
    keys = () if grant is None else (grant.client_secret, grant.refresh_token or "")
    return Secret(
        name=opened.document.name,
        value=value,
        hosts=frozenset(opened.kept.hosts),
        uses=frozenset(opened.kept.uses),
        renewable=grant is not None,
        hidden=tuple(key for key in keys if len(key) >= SHORTEST_HIDDEN),
    )
