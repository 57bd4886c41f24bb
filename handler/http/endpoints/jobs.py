"""The endpoints of jobs. Each calls a use case for an HTTP call, and makes a reply of the outcome."""

from __future__ import annotations

import hashlib
import re
from typing import Any, Final

from handler.caller import Caller
from handler.errors import ConflictError, InvalidRequestError, NotFoundError
from handler.http.endpoints.call_parts import (
    applied,
    idempotency_key,
    located,
    page_of,
    refuse_type,
    single_value,
    submitted,
)
from handler.http.job_answer import encode_job
from handler.http.preferences import read_preferences
from handler.http.problem_details import INVALID, problem_reply, reply_to
from handler.http.redrive_body import read_redrive
from handler.http.reply import Reply
from handler.http.router import Call, Route
from handler.jobs.listing import FILTERS, read_filter
from handler.jobs.service import Jobs
from handler.payload.limits import limits_of
from handler.payload.parse import (
    InvalidJsonError,
    InvalidPayloadError,
    JobPayload,
    PayloadLimits,
    PayloadTooLargeError,
    parse,
)
from handler.payload.problem import Problem, bounded
from handler.payload.values import ID_PATTERN
from handler.settings import Settings
from handler.validation.deployment import Deployment
from handler.validation.partial import find_more
from handler.validation.validate import find_problems

PAYLOAD: Final = "payload"
"""The part that an answer can include on request."""
_ID: Final = re.compile(ID_PATTERN)


class JobEndpoints:
    """The endpoints below ``/jobs``.

    Args:
        jobs: the use cases.
        settings: the deployment's settings.
    """

    def __init__(self, jobs: Jobs, settings: Settings) -> None:
        self._jobs = jobs
        self._settings = settings
        self._deployment = Deployment.of(settings)

    @property
    def routes(self) -> list[Route]:
        """All routes, more specific ones first."""
        return [
            Route("POST", "/jobs", self.submit),
            Route("GET", "/jobs", self.list_jobs, query=(*FILTERS, "limit", "cursor")),
            Route("POST", "/jobs/validate", self.validate),
            Route("POST", "/jobs/{id}/cancel", self.cancel),
            Route("POST", "/jobs/{id}/redrive", self.redrive),
            Route("GET", "/jobs/{id}/steps/{step+}", self.get_step),
            Route("GET", "/jobs/{id}", self.get, query=("include",)),
        ]

    async def submit(self, call: Call) -> Reply:
        """``POST /jobs``."""
        if refused := refuse_type(call):
            return refused
        preferences = read_preferences(call.request.headers.get("prefer"))
        payload, key = self._parse(call), idempotency_key(call)  # an invalid key is refused even if the job has an id
        if payload.id is None and key is not None:
            payload = payload.with_id(key)
        if preferences.strict:
            errors = [problem for problem in self._judge(payload, call.caller) if problem.severity == "error"]
            if errors:
                return applied(problem_reply(INVALID, "The job would fail: see `errors`.", errors=errors), preferences)
        try:
            sent = await self._jobs.submit(
                call.caller,
                payload,
                lifetime=call.lifetime,
                respond_async=preferences.at_once,
                wait=preferences.wait,
            )
        except ConflictError as error:
            return located(reply_to(error), call, payload.id)
        return submitted(sent, call, preferences)

    async def validate(self, call: Call) -> Reply:
        """``POST /jobs/validate``."""
        if refused := refuse_type(call):
            return refused
        try:
            problems = self._judge(self._parse(call), call.caller)
        except (InvalidJsonError, PayloadTooLargeError):
            raise
        except InvalidPayloadError as error:
            limits, tags = self._limits(call.caller), self._settings.block_tags
            more = find_more(
                call.request.body, error.problems, call.caller.rights, limits, tags, deployment=self._deployment
            )
            problems = bounded([*error.problems, *more])
        valid = all(problem.severity != "error" for problem in problems)
        return Reply.json(200, {"valid": valid, "problems": [problem.as_answer() for problem in problems]})

    async def list_jobs(self, call: Call) -> Reply:
        """``GET /jobs``."""
        wanted = read_filter({name: single_value(call, name) for name in FILTERS})
        limit, cursor = page_of(call)
        return Reply.json(200, await self._jobs.list_jobs(call.caller, wanted, limit=limit, cursor=cursor))

    async def get(self, call: Call) -> Reply:
        """``GET /jobs/{id}``."""
        included = single_value(call, "include")
        if included not in {None, PAYLOAD}:
            raise InvalidRequestError("/include", f"Only {PAYLOAD!r} can be included.")
        job = await self._jobs.get(call.caller, _job_id(call), with_payload=included is not None)
        body = encode_job(job, call.request.front_door)
        tag = f'"{hashlib.sha256(body.encode()).hexdigest()[:32]}"'
        if _matches(call.request.headers.get("if-none-match"), tag):
            return Reply(304, "", {"ETag": tag})
        return Reply(200, body, {"ETag": tag})

    async def get_step(self, call: Call) -> Reply:
        """``GET /jobs/{id}/steps/{step}``."""
        return Reply.json(200, await self._jobs.get_step(call.caller, _job_id(call), call.values["step"]))

    async def cancel(self, call: Call) -> Reply:
        """``POST /jobs/{id}/cancel``."""
        return self._accepted(await self._jobs.cancel(call.caller, _job_id(call)), call)

    async def redrive(self, call: Call) -> Reply:
        """``POST /jobs/{id}/redrive``."""
        if call.request.body and (refused := refuse_type(call)):
            return refused
        asked = read_redrive(call.request.body, self._limits(call.caller))
        job = await self._jobs.redrive(
            call.caller,
            _job_id(call),
            from_step=asked.from_step,
            parameters=asked.parameters,
            variables=asked.variables,
        )
        return self._accepted(job, call)

    def _accepted(self, job: dict[str, Any], call: Call) -> Reply:
        return located(Reply(202, encode_job(job, call.request.front_door)), call, job["id"])

    def _parse(self, call: Call) -> JobPayload:
        return parse(call.request.body, self._limits(call.caller))

    def _limits(self, caller: Caller) -> PayloadLimits:
        return limits_of(caller, self._settings)

    def _judge(self, payload: JobPayload, caller: Caller) -> list[Problem]:
        return find_problems(payload, caller.rights, block_tags=self._settings.block_tags, deployment=self._deployment)


def _job_id(call: Call) -> str:
    """The job id in the path. An invalid id is not looked up."""
    id_ = call.values["id"]
    if not _ID.fullmatch(id_):
        raise NotFoundError("There is no such job.")
    return id_


def _matches(header: str | None, tag: str) -> bool:
    """Whether ``If-None-Match`` names the tag (RFC 9110, 13.1.2: weak comparison)."""
    if header is None:
        return False
    return header.strip() == "*" or tag in {one.strip().removeprefix("W/") for one in header.split(",")}
