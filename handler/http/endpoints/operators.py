"""The operators' endpoints: runs, items of loops, and bulk changes."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from handler.errors import NotFoundError
from handler.http.bulk_body import read_bulk
from handler.http.endpoints.call_parts import known_name, refuse_type, single_value
from handler.http.reply import ANSWER_LIMIT, Reply, answer_size
from handler.http.router import Call, Route
from handler.jobs.bulk import Bulk, What
from handler.jobs.listing import read_filter
from handler.jobs.runs import list_runs
from handler.jobs.service import Jobs
from handler.payload import json_text
from handler.payload.limits import limits_of
from handler.ports import Ports

_JOB: Final = "job"
_REST: Final = 4096
"""Bytes of a reply besides its items."""


class OperatorEndpoints:
    """The operators' endpoints below ``/jobs``.

    Args:
        jobs: the use cases of one job.
        ports: the use cases' ports.
    """

    def __init__(self, jobs: Jobs, ports: Ports) -> None:
        self._jobs = jobs
        self._ports = ports
        self._bulk = Bulk(jobs, ports)

    @property
    def routes(self) -> list[Route]:
        """All routes, more specific ones first."""
        return [
            Route("POST", "/jobs/cancel", self.cancel_jobs),
            Route("POST", "/jobs/redrive", self.redrive_jobs),
            Route("GET", "/jobs/{id}/runs", self.list_runs),
            Route("GET", "/jobs/{id}/steps/{step+}/items", self.list_items, query=("cursor",)),
        ]

    async def cancel_jobs(self, call: Call) -> Reply:
        """``POST /jobs/cancel``."""
        return await self._change("cancel", call)

    async def redrive_jobs(self, call: Call) -> Reply:
        """``POST /jobs/redrive``."""
        return await self._change("redrive", call)

    async def list_runs(self, call: Call) -> Reply:
        """``GET /jobs/{id}/runs``."""
        return Reply.json(200, await list_runs(self._ports, call.caller, known_name(call, "id", _JOB)))

    async def list_items(self, call: Call) -> Reply:
        """``GET /jobs/{id}/steps/{step}/items``."""
        from handler.jobs.items import list_items  # noqa: PLC0415  # rarely used

        job_id, path = known_name(call, "id", _JOB), call.values["step"]
        try:
            page = await list_items(
                self._ports,
                call.caller,
                job_id,
                path,
                cursor=single_value(call, "cursor"),
                size=lambda value: answer_size(json_text.encode(value)),
                room=ANSWER_LIMIT[call.request.front_door] - _REST,
            )
        except NotFoundError:
            with suppress(NotFoundError):  # a step's id may end with ``/items``
                return Reply.json(200, await self._jobs.get_step(call.caller, job_id, f"{path}/items"))
            raise
        return Reply.json(200, page)

    async def _change(self, what: What, call: Call) -> Reply:
        if refused := refuse_type(call):
            return refused
        asked = read_bulk(call.request.body, limits_of(call.caller, self._ports.settings))
        changed = await self._bulk.change(
            what,
            call.caller,
            read_filter(asked.filters),
            limit=asked.limit,
            cursor=asked.cursor,
            lifetime=call.lifetime,
        )
        return Reply.json(200, changed)
