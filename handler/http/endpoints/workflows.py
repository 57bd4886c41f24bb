"""The endpoints of stored workflows."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from handler.errors import ConflictError, InvalidRequestError
from handler.http.endpoints.call_parts import (
    idempotency_key,
    known_name,
    located,
    new_name,
    page_of,
    refuse_type,
    single_value,
    submitted,
)
from handler.http.preferences import read_preferences
from handler.http.problem_details import reply_to
from handler.http.reply import Reply
from handler.http.router import Call, Route
from handler.jobs.workflow_starts import WorkflowStarts
from handler.payload.body import read_object
from handler.payload.limits import limits_of
from handler.payload.parse import InvalidPayloadError, JobPayload
from handler.settings import Settings
from handler.validation.deployment import Deployment
from handler.validation.validate import find_problems
from handler.workflows.start import read_start
from handler.workflows.workflows import Workflows

_VERSION: Final = re.compile(r"[1-9][0-9]{0,8}")


class WorkflowEndpoints:
    """The endpoints below ``/workflows``.

    Args:
        workflows: the use cases of stored workflows.
        starts: starts jobs.
        settings: the deployment's settings.
    """

    def __init__(self, workflows: Workflows, starts: WorkflowStarts, settings: Settings) -> None:
        self._workflows = workflows
        self._starts = starts
        self._settings = settings

    @property
    def routes(self) -> list[Route]:
        """Every route."""
        return [
            Route("GET", "/workflows", self.list, query=("limit", "cursor")),
            Route("POST", "/workflows/{name}/jobs", self.start),
            Route("PUT", "/workflows/{name}", self.put),
            Route("GET", "/workflows/{name}", self.get, query=("version",)),
            Route("DELETE", "/workflows/{name}", self.delete),
        ]

    async def put(self, call: Call) -> Reply:
        """``PUT /workflows/{name}``."""
        if refused := refuse_type(call):
            return refused
        new, workflow = await self._workflows.put(call.caller, new_name(call, "name"), call.request.body)
        return Reply.json(201 if new else 200, workflow)

    async def get(self, call: Call) -> Reply:
        """``GET /workflows/{name}``."""
        version = single_value(call, "version")
        if version is not None and not _VERSION.fullmatch(version):
            raise InvalidRequestError("/version", "A version must be a whole number of at least 1.")
        name = known_name(call, "name", "workflow")
        return Reply.json(200, await self._workflows.get(call.caller, name, int(version) if version else None))

    async def list(self, call: Call) -> Reply:
        """``GET /workflows``."""
        limit, cursor = page_of(call)
        return Reply.json(200, await self._workflows.list(call.caller, limit=limit, cursor=cursor))

    async def delete(self, call: Call) -> Reply:
        """``DELETE /workflows/{name}``."""
        await self._workflows.delete(call.caller, known_name(call, "name", "workflow"))
        return Reply(204)

    async def start(self, call: Call) -> Reply:
        """``POST /workflows/{name}/jobs``."""
        if call.request.body and (refused := refuse_type(call)):
            return refused
        name = known_name(call, "name", "workflow")
        preferences = read_preferences(call.request.headers.get("prefer"))
        limits = limits_of(call.caller, self._settings)
        request = read_start(read_object(call.request.body or b"{}", limits), name)
        key = idempotency_key(call)
        if request.id is None and key is not None:
            request = replace(request, id=key)

        def judge(payload: JobPayload) -> None:
            if not preferences.strict:
                return
            found = find_problems(
                payload,
                call.caller.rights,
                block_tags=self._settings.block_tags,
                deployment=Deployment.of(self._settings),
            )
            if errors := [problem for problem in found if problem.severity == "error"]:
                raise InvalidPayloadError(errors)

        try:
            sent = await self._starts.start(
                call.caller,
                request,
                lifetime=call.lifetime,
                respond_async=preferences.at_once,
                wait=preferences.wait,
                judge=judge,
            )
        except ConflictError as error:
            return located(reply_to(error), call, request.id)
        return submitted(sent, call, preferences)
