"""The HTTP door: API Gateway's HTTP and REST APIs, function URLs and load balancers.

It knows who asks, which endpoint answers, and how an answer goes out. Rules of jobs stand in `handler.jobs`, those of
the wire in the endpoints. The routes are a table of our own and no resolver of Powertools, which keeps the request in a
global of its class, has no 405 and no 400 for broken JSON, and costs a cold start 0.13 s; see `docs/api.md`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from handler.catalogue_endpoints import CatalogueEndpoints
from handler.identity import identify
from handler.job_endpoints import JobEndpoints
from handler.jobs import Jobs
from handler.lifetime import Lifetime
from handler.loop import drive
from handler.ports import Ports
from handler.problem_details import FAULT, NOT_FOUND, NOT_JSON, UNIDENTIFIED, WRONG_METHOD, problem_reply, reply_to
from handler.reply import render
from handler.request import UnreadableRequestError, read_request
from handler.router import Call, Router, UnknownPathError, WrongMethodError


def answer(event: Mapping[str, Any], ports: Ports, lifetime: Lifetime) -> dict[str, Any]:
    """The response to one HTTP event, in the form that its sender expects. Raises nothing that a request can cause."""
    return Api(Jobs(ports), ports).answer(event, lifetime)


class Api:
    """Answers HTTP events.

    Args:
        jobs: the use cases.
        ports: the world.
    """

    def __init__(self, jobs: Jobs, ports: Ports) -> None:
        self._ports = ports
        endpoints = (JobEndpoints(jobs, ports.settings), CatalogueEndpoints(ports.registry, ports.settings))
        self.router = Router([route for group in endpoints for route in group.routes])

    def answer(self, event: Mapping[str, Any], lifetime: Lifetime) -> dict[str, Any]:
        """See `answer`."""
        try:
            request = read_request(event)
        except UnreadableRequestError as error:
            return render(problem_reply(NOT_JSON, str(error)), read_request({**event, "body": None}))
        caller = identify(event, self._ports.settings)
        if caller is None:
            return render(_STRANGER, request)
        try:
            route, values = self.router.find(request.method, request.path)
        except UnknownPathError:
            return render(problem_reply(NOT_FOUND, "There is nothing at this path."), request)
        except WrongMethodError as error:
            methods = ", ".join(error.allowed)
            headers = {"Allow": methods}
            return render(problem_reply(WRONG_METHOD, f"This path takes {methods}.", headers=headers), request)
        try:
            reply = drive(route.endpoint(Call(request, caller, values, lifetime)))
        except Exception as error:  # the last line before the caller: nothing of it may get out
            reply = reply_to(error) or _FAULT
            if reply is _FAULT:
                extra = {"route": route.template}
                self._ports.log.exception("the API met an error that nothing here expects", extra=extra)
        if self._ports.settings.log_payloads:
            body = request.body.decode("utf-8", "replace")
            told = {"route": route.template, "status": reply.status, "body": body}
            self._ports.log.info("answered a request", extra=told)
        return render(reply, request)


_FAULT: Final = problem_reply(FAULT, "The error is in the log. What was asked for may have been done.")
_STRANGER: Final = problem_reply(
    UNIDENTIFIED,
    "Send the credentials that this API's authorizer asks for.",
    headers={"WWW-Authenticate": "Bearer"},
)
