"""The endpoints of schedules."""

from __future__ import annotations

from handler.http.endpoints.call_parts import known_name, new_name, page_of, refuse_type
from handler.http.reply import Reply
from handler.http.router import Call, Route
from handler.workflows.schedules import Schedules


class ScheduleEndpoints:
    """The endpoints below ``/schedules``.

    Args:
        schedules: the use cases.
    """

    def __init__(self, schedules: Schedules) -> None:
        self._schedules = schedules

    @property
    def routes(self) -> list[Route]:
        """Every route."""
        return [
            Route("GET", "/schedules", self.list, query=("limit", "cursor")),
            Route("PUT", "/schedules/{id}", self.put),
            Route("GET", "/schedules/{id}", self.get),
            Route("DELETE", "/schedules/{id}", self.delete),
        ]

    async def put(self, call: Call) -> Reply:
        """``PUT /schedules/{id}``."""
        if refused := refuse_type(call):
            return refused
        new, schedule = await self._schedules.put(call.caller, new_name(call, "id"), call.request.body)
        return Reply.json(201 if new else 200, schedule)

    async def get(self, call: Call) -> Reply:
        """``GET /schedules/{id}``."""
        return Reply.json(200, await self._schedules.get(call.caller, known_name(call, "id", "schedule")))

    async def list(self, call: Call) -> Reply:
        """``GET /schedules``."""
        limit, cursor = page_of(call)
        return Reply.json(200, await self._schedules.list(call.caller, limit=limit, cursor=cursor))

    async def delete(self, call: Call) -> Reply:
        """``DELETE /schedules/{id}``."""
        await self._schedules.delete(call.caller, known_name(call, "id", "schedule"))
        return Reply(204)
