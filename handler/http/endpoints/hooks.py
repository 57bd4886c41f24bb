"""The endpoints that manage hooks, and the public endpoint that receives their calls."""

from __future__ import annotations

from typing import Any

from handler.http.endpoints.call_parts import known_name, new_name, page_of, refuse_type
from handler.http.problem_details import JOB_FAILED, problem_reply
from handler.http.reply import Reply
from handler.http.router import Call, Route
from handler.jobs.workflow_starts import WorkflowStarts
from handler.ports import Ports
from handler.workflows.hook_call import Challenge, HookCall, receive_call
from handler.workflows.hooks import Hooks

_PRIVATE = ("steps", "variables", "output")
"""Fields of a job that the caller of a hook does not see, unless the hook answers with the output."""


class HookEndpoints:
    """The endpoints below ``/hooks``.

    Args:
        hooks: the use cases of stored hooks.
        starts: starts jobs.
        ports: the use cases' ports.
    """

    def __init__(self, hooks: Hooks, starts: WorkflowStarts, ports: Ports) -> None:
        self._hooks = hooks
        self._starts = starts
        self._ports = ports

    @property
    def routes(self) -> list[Route]:
        """All routes; the public one only if the deployment has public routes."""
        public = [Route("POST", "/hooks/{token}", self.call, query=None, public=True)]
        return [
            *(public if self._ports.settings.public_routes else ()),
            Route("GET", "/hooks", self.list, query=("limit", "cursor")),
            Route("PUT", "/hooks/{name}", self.put),
            Route("GET", "/hooks/{name}", self.get),
            Route("DELETE", "/hooks/{name}", self.delete),
        ]

    async def put(self, call: Call) -> Reply:
        """``PUT /hooks/{name}``."""
        if refused := refuse_type(call):
            return refused
        new, hook = await self._hooks.put(call.caller, new_name(call, "name"), call.request.body)
        return Reply.json(201 if new else 200, hook)

    async def get(self, call: Call) -> Reply:
        """``GET /hooks/{name}``."""
        return Reply.json(200, await self._hooks.get(call.caller, known_name(call, "name", "hook")))

    async def list(self, call: Call) -> Reply:
        """``GET /hooks``."""
        limit, cursor = page_of(call)
        return Reply.json(200, await self._hooks.list(call.caller, limit=limit, cursor=cursor))

    async def delete(self, call: Call) -> Reply:
        """``DELETE /hooks/{name}``."""
        await self._hooks.delete(call.caller, known_name(call, "name", "hook"))
        return Reply(204)

    async def call(self, call: Call) -> Reply:
        """``POST /hooks/{token}``: the address is the only credential."""
        request = call.request
        hook_call = HookCall(
            token=call.values["token"],
            headers=request.headers,
            header_lists=request.header_lists,
            query=request.query,
            body=request.body,
        )
        with self._ports.served("hooks"):
            asked = await receive_call(self._ports, hook_call)
        if isinstance(asked, Challenge):
            return Reply.json(200, {"challenge": asked.text})
        sent = await self._starts.call(asked, lifetime=call.lifetime)
        if asked.respond == "output":
            return _output(sent.job)
        return Reply.json(200 if sent.kind == "known" else 202, _summary(sent.job))


def _output(job: dict[str, Any]) -> Reply:
    if job["status"] == "SUCCEEDED":
        return Reply.json(200, job.get("output"))
    if job["status"] in ("FAILED", "CANCELLED"):
        return problem_reply(JOB_FAILED, f"The job {job['id']} ended as {job['status']}.")
    return Reply.json(202, _summary(job))


def _summary(job: dict[str, Any]) -> dict[str, Any]:
    """The view of a job for a caller without an identity: its state, but not its content."""
    return {name: value for name, value in job.items() if name not in _PRIVATE}
