"""The use cases of hooks: store, read, list and delete."""

from __future__ import annotations

from typing import Any

from handler.caller import Caller
from handler.errors import ConflictError, InvalidRequestError, NotFoundError, UnavailableError
from handler.payload.body import read_object
from handler.payload.limits import limits_of
from handler.ports import Ports
from handler.workflows.author import Author
from handler.workflows.hook import Hook, HookBody, read_hook
from handler.workflows.paging import check_space, read_page
from handler.workflows.verify_secret import find_verify_secret
from handler.workflows.workflows import TRIES, Workflows, require_workflow
from infra.table.documents import Document

KEY_BYTES = 32


class Hooks:
    """The hooks of all tenants.

    Every method raises `UnavailableError` when AWS fails, and sees only the hooks of the caller's tenant.

    Args:
        ports: the use cases' ports.
    """

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def put(self, caller: Caller, name: str, body: bytes) -> tuple[bool, dict[str, Any]]:
        """Create or replace the hook of that name; its jobs have the caller's rights.

        The address stays the same, unless it is rotated.

        Returns:
            Whether the name is new, and the hook.

        Raises:
            InvalidPayloadError, InvalidRequestError: the body is not valid.
            ConflictError: there are no public routes, or the tenant has reached its limit of hooks.
        """
        ports, now = self._ports, self._ports.now()
        if not ports.settings.public_routes:
            raise ConflictError("This deployment has no public routes; set PublicRoutes to have hooks.")
        limits = limits_of(caller, ports.settings)
        wanted = read_hook(read_object(body, limits))
        with ports.served("hooks"):
            await self._check(caller, wanted)
            for _ in range(TRIES):
                before = await ports.documents.read(caller.tenant, "hook", name)
                if before is None:
                    await check_space(ports, caller.tenant, "hook", ports.settings.max_hooks)
                hook = Hook(
                    tenant=caller.tenant,
                    name=name,
                    workflow=wanted.workflow,
                    verify=wanted.verify,
                    id_from=wanted.id_from,
                    respond=wanted.respond,
                    key=self._new_key() if before is None or wanted.rotate else Hook.decode(before).key,
                    author=Author.of(caller),
                )
                document = Document(
                    tenant=caller.tenant,
                    kind="hook",
                    name=name,
                    body=hook.encode(),
                    stamp=ports.token(),
                    created=before.created if before is not None else now,
                    updated=now,
                )
                if await ports.documents.write(document, before):
                    return before is None, self._view(hook)
        raise UnavailableError("Other requests are writing this hook; send it again.", retry_after=1)

    async def _check(self, caller: Caller, wanted: HookBody) -> None:
        try:
            _, _, definition = await Workflows(self._ports).find(caller.tenant, wanted.workflow, None)
        except NotFoundError as error:
            raise require_workflow("/workflow", error) from None
        if definition.open_parameters is not None and "event" not in definition.open_parameters:
            raise InvalidRequestError(
                "/workflow", f"A hook passes the parameter 'event'; add it to the inputs of {wanted.workflow!r}."
            )
        if isinstance(wanted.verify, dict):
            ((scheme, fields),) = wanted.verify.items()
            if find_verify_secret(self._ports, caller.tenant, fields["secret"]) is None:
                raise InvalidRequestError(
                    f"/verify/{scheme}/secret",
                    f"There is no secret {fields['secret']!r} with the use verify; store it first.",
                )

    async def get(self, caller: Caller, name: str) -> dict[str, Any]:
        """A hook with its address.

        Raises:
            NotFoundError: there is no hook of that name.
        """
        with self._ports.served("hooks"):
            return self._view(Hook.decode(await self._find(caller, name)))

    async def list(self, caller: Caller, *, limit: int, cursor: str | None) -> dict[str, Any]:
        """A page of the tenant's hooks by name.

        Raises:
            InvalidRequestError: the limit or the cursor is not valid.
        """
        with self._ports.served("hooks"):
            page, more = await read_page(self._ports, caller.tenant, "hook", limit=limit, cursor=cursor)
        return {"hooks": [self._view(Hook.decode(found)) for found in page], "cursor": more}

    async def delete(self, caller: Caller, name: str) -> None:
        """Delete a hook. Its address stops working, even if another hook of that name is stored later.

        Raises:
            NotFoundError: there is no hook of that name.
        """
        with self._ports.served("hooks"):
            for _ in range(TRIES):
                if await self._ports.documents.delete(await self._find(caller, name)):
                    return
        raise UnavailableError("Other requests are writing this hook; try again.", retry_after=1)

    async def _find(self, caller: Caller, name: str) -> Document:
        found = await self._ports.documents.read(caller.tenant, "hook", name)
        if found is None:
            raise NotFoundError(f"There is no hook {name!r}.")
        return found

    def _view(self, hook: Hook) -> dict[str, Any]:
        return hook.view(self._ports.settings.public_url)

    def _new_key(self) -> str:
        """Random hexadecimal digits, from several random tokens."""
        key = ""
        while len(key) < KEY_BYTES * 2:
            key += self._ports.token()
        return key[: KEY_BYTES * 2]
