"""The use cases of stored workflows: save, read, list and delete them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from handler.caller import Caller
from handler.errors import ConflictError, InvalidRequestError, NotFoundError, UnavailableError
from handler.payload.body import read_object
from handler.payload.limits import limits_of
from handler.payload.parse import InvalidPayloadError, JobPayload
from handler.payload.value_schema import compile_schema
from handler.ports import Ports
from handler.workflows.paging import check_space, read_all, read_page
from handler.workflows.workflow import Definition, Head, meaning_of, read_definition
from infra.table.documents import Document

TRIES: Final = 5
"""How often a write that conflicts with other writes is tried."""
_DIGITS: Final = 8


class Workflows:
    """The stored workflows of all tenants.

    Every method raises `UnavailableError` when AWS fails, and sees only the workflows of the caller's tenant.

    Args:
        ports: the use cases' ports.
    """

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def put(self, caller: Caller, name: str, body: bytes) -> tuple[bool, dict[str, Any]]:
        """Save a workflow, as a new version unless it has the same meaning as the newest version.

        Returns:
            Whether the name is new, and the workflow.

        Raises:
            InvalidPayloadError: the body is not valid.
            ConflictError: the tenant has reached its limit of workflows.
        """
        limits = limits_of(caller, self._ports.settings)
        definition, payload = read_definition(read_object(body, limits), limits)
        self._check(caller, definition, payload)
        digest = meaning_of(definition, payload)
        with self._ports.served("workflows"):
            for _ in range(TRIES):
                before = await self._ports.documents.read(caller.tenant, "workflow", name)
                head = Head.decode(before.body) if before is not None else None
                if head is not None and head.digest == digest:
                    return False, _view(name, head, head.version, definition)
                if before is None:
                    most = self._ports.settings.max_workflows
                    await check_space(self._ports, caller.tenant, "workflow", most)
                versions = head.versions if head is not None else ()
                after = Head((*versions, self._ports.now()), digest, definition.description)
                if await self._write(caller.tenant, name, after, definition, before):
                    return before is None, _view(name, after, after.version, definition)
        raise UnavailableError("Other requests are saving this workflow; send it again.", retry_after=1)

    async def _write(self, tenant: str, name: str, head: Head, definition: Definition, before: Document | None) -> bool:
        now, stamp = self._ports.now(), self._ports.token()
        created = before.created if before is not None else now
        kept = Document(
            tenant=tenant,
            kind="workflow-version",
            name=_version_name(name, head.version),
            body=definition.encode(),
            stamp=stamp,
            created=now,
            updated=now,
        )
        after = Document(
            tenant=tenant, kind="workflow", name=name, body=head.encode(), stamp=stamp, created=created, updated=now
        )
        return await self._ports.documents.write(after, before, kept)

    def _check(self, caller: Caller, definition: Definition, payload: JobPayload) -> None:
        """Refuse a workflow that would fail whatever its parameters are."""
        from handler.validation.deployment import Deployment  # noqa: PLC0415  # see the next line
        from handler.validation.validate import find_problems  # noqa: PLC0415  # a worker that starts a workflow does not validate one

        found = find_problems(
            payload,
            caller.rights,
            block_tags=self._ports.settings.block_tags,
            open_parameters=definition.open_parameters,
            deployment=Deployment.of(self._ports.settings),
        )
        problems = [problem for problem in found if problem.severity == "error"]
        own = definition.job.get("parameters") or {}
        if definition.inputs is not None:
            named = {key: value for key, value in own.items() if key in definition.inputs.get("properties", {})}
            optional = compile_schema({**definition.inputs, "required": []})
            problems += optional.find_problems(named, ("parameters",))
        if problems:
            raise InvalidPayloadError(problems)

    async def get(self, caller: Caller, name: str, version: int | None = None) -> dict[str, Any]:
        """A workflow in its newest version, or in the requested one.

        Raises:
            NotFoundError: there is no such workflow or version.
        """
        with self._ports.served("workflows"):
            head, number, definition = await self.find(caller.tenant, name, version)
            return _view(name, head, number, definition)

    async def find(self, tenant: str, name: str, version: int | None) -> tuple[Head, int, Definition]:
        """A workflow's head, and the number and definition of the newest version or of the requested one.

        Raises:
            NotFoundError: there is no such workflow or version.
            InfraError: AWS failed.
        """
        document = await self._ports.documents.read(tenant, "workflow", name)
        if document is None:
            raise NotFoundError(f"There is no workflow {name!r}.")
        head = Head.decode(document.body)
        number = head.version if version is None else version
        found = None
        if 1 <= number <= head.version:
            key = _version_name(name, number)
            found = await self._ports.documents.read(tenant, "workflow-version", key)
        if found is None:
            raise NotFoundError(f"The workflow {name!r} has no version {number}.")
        return head, number, Definition.decode(found.body)

    async def list(self, caller: Caller, *, limit: int, cursor: str | None) -> dict[str, Any]:
        """A page of the tenant's workflows by name, without their steps.

        Raises:
            InvalidRequestError: the limit or the cursor is not valid.
        """
        with self._ports.served("workflows"):
            page, more = await read_page(self._ports, caller.tenant, "workflow", limit=limit, cursor=cursor)
        return {"workflows": [Head.decode(found.body).view(found.name) for found in page], "cursor": more}

    async def delete(self, caller: Caller, name: str) -> None:
        """Delete a workflow with all its versions. Jobs that it started continue.

        Raises:
            NotFoundError: there is no workflow of that name.
            ConflictError: a schedule or a hook starts the workflow.
        """
        with self._ports.served("workflows"):
            for _ in range(TRIES):
                found = await self._ports.documents.read(caller.tenant, "workflow", name)
                if found is None:
                    raise NotFoundError(f"There is no workflow {name!r}.")
                await self._check_unused(caller.tenant, name)
                if await self._ports.documents.delete(found):
                    count = Head.decode(found.body).version
                    versions = [_version_name(name, number) for number in range(1, count + 1)]
                    await self._ports.documents.give_up(caller.tenant, "workflow-version", versions, self._ports.now())
                    return
        raise UnavailableError("Other requests are saving this workflow; try again.", retry_after=1)

    async def _check_unused(self, tenant: str, name: str) -> None:
        settings = self._ports.settings
        for document in [
            *await read_all(self._ports, tenant, "schedule", settings.max_schedules + 1),
            *await read_all(self._ports, tenant, "hook", settings.max_hooks + 1),
        ]:
            if json.loads(document.body)["workflow"] == name:
                raise ConflictError(
                    f"The {document.kind} {document.name!r} starts the workflow {name!r}; delete it first."
                )


def _version_name(name: str, version: int) -> str:
    return f"{name}#{version:0{_DIGITS}}"


def _view(name: str, head: Head, version: int, definition: Definition) -> dict[str, Any]:
    job: Mapping[str, Any] = definition.job
    return {
        **head.view(name),
        "version": version,
        "description": definition.description,
        "inputs": definition.inputs,
        "job_name": job.get("name"),
        "parameters": job.get("parameters") or {},
        "variables": job.get("variables") or {},
        **{key: value for key, value in job.items() if key not in ("name", "parameters", "variables")},
    }


def require_workflow(pointer: str, error: NotFoundError) -> InvalidRequestError:
    """The error for a schedule or a hook whose workflow does not exist."""
    return InvalidRequestError(pointer, str(error))
