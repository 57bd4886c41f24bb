"""The use cases of secrets: store, list and delete. The value of a secret cannot be read."""

from __future__ import annotations

from typing import Any

from handler.caller import Caller
from handler.errors import ConflictError, NotFoundError, UnavailableError
from handler.invocation.timestamps import iso
from handler.payload.body import read_object
from handler.payload.limits import limits_of
from handler.ports import Ports, Vault
from handler.workflows.paging import check_space, read_page
from handler.workflows.secret_body import OAuthBody, SecretBody, read_secret
from handler.workflows.workflows import TRIES
from infra.secrets.kept_secret import KeptOAuth, KeptSecret
from infra.table.documents import Document


class Secrets:
    """The secrets of all tenants.

    Every method raises `UnavailableError` when AWS fails, and sees only the secrets of the caller's tenant.

    Args:
        ports: the use cases' ports.
    """

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def put(self, caller: Caller, name: str, body: bytes) -> None:
        """Store a secret. It replaces everything stored under that name.

        Raises:
            InvalidPayloadError: the body is not valid.
            ConflictError: the deployment has no key for secrets, or the tenant has reached its limit of secrets.
        """
        ports, now = self._ports, self._ports.now()
        vault = self._vault()
        wanted = read_secret(read_object(body, limits_of(caller, ports.settings)))
        with ports.served("secrets"):
            kept = self._seal(vault, caller.tenant, name, wanted)
            for _ in range(TRIES):
                before = await ports.documents.read(caller.tenant, "secret", name)
                if before is None:
                    await check_space(ports, caller.tenant, "secret", ports.settings.max_secrets)
                document = Document(
                    tenant=caller.tenant,
                    kind="secret",
                    name=name,
                    body=kept.encode(),
                    stamp=ports.token(),
                    created=before.created if before is not None else now,
                    updated=now,
                )
                if await ports.documents.write(document, before):
                    vault.forget(caller.tenant, name)
                    return
        raise UnavailableError("Other requests are writing this secret; send it again.", retry_after=1)

    def _vault(self) -> Vault:
        if self._ports.vault is None:
            raise ConflictError("This deployment has no key to encrypt secrets with; set SECRETS_KEY to store secrets.")
        return self._ports.vault

    def _seal(self, vault: Vault, tenant: str, name: str, wanted: SecretBody) -> KeptSecret:
        value, oauth2 = wanted.value, wanted.oauth2
        return KeptSecret(
            hosts=wanted.hosts,
            uses=wanted.uses,
            put=self._ports.token(),
            value=vault.seal(tenant, name, value) if value is not None else None,
            oauth2=_seal_oauth(vault, tenant, name, oauth2) if oauth2 is not None else None,
        )

    async def get(self, caller: Caller, name: str) -> dict[str, Any]:
        """A secret's description, without its value.

        Raises:
            NotFoundError: there is no secret of that name.
        """
        with self._ports.served("secrets"):
            return _view(await self._find(caller, name))

    async def list(self, caller: Caller, *, limit: int, cursor: str | None) -> dict[str, Any]:
        """A page of the tenant's secrets by name.

        Raises:
            InvalidRequestError: the limit or the cursor is not valid.
        """
        with self._ports.served("secrets"):
            page, more = await read_page(self._ports, caller.tenant, "secret", limit=limit, cursor=cursor)
        return {"secrets": [_view(found) for found in page], "cursor": more}

    async def delete(self, caller: Caller, name: str) -> None:
        """Delete a secret.

        Raises:
            NotFoundError: there is no secret of that name.
        """
        with self._ports.served("secrets"):
            for _ in range(TRIES):
                if await self._ports.documents.delete(await self._find(caller, name)):
                    if self._ports.vault is not None:
                        self._ports.vault.forget(caller.tenant, name)
                    return
        raise UnavailableError("Other requests are writing this secret; try again.", retry_after=1)

    async def _find(self, caller: Caller, name: str) -> Document:
        found = await self._ports.documents.read(caller.tenant, "secret", name)
        if found is None:
            raise NotFoundError(f"There is no secret {name!r}.")
        return found


def _seal_oauth(vault: Vault, tenant: str, name: str, oauth2: OAuthBody) -> KeptOAuth:
    refresh = oauth2.refresh_token
    return KeptOAuth(
        token_url=oauth2.token_url,
        client_id=oauth2.client_id,
        client_secret=vault.seal(tenant, name, oauth2.client_secret),
        scope=oauth2.scope,
        refresh_token=vault.seal(tenant, name, refresh) if refresh is not None else None,
    )


def _view(document: Document) -> dict[str, Any]:
    kept = KeptSecret.decode(document.body)
    return {
        "name": document.name,
        "hosts": list(kept.hosts),
        "uses": list(kept.uses),
        "created_at": iso(document.created),
        "updated_at": iso(document.updated),
    }
