"""The HTTP door: API Gateway's HTTP and REST APIs, function URLs and load balancers.

It knows who asks, which endpoint answers, and how an answer goes out. The rules of jobs are in `handler.jobs.service`,
those of the wire in the endpoints; Powertools' resolver finds the endpoint.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from handler.http.catalogue_endpoints import CatalogueEndpoints
from handler.http.identity import identify
from handler.http.job_endpoints import JobEndpoints
from handler.http.problem_details import FAULT, NOT_FOUND, NOT_JSON, UNIDENTIFIED, WRONG_METHOD, problem_reply, reply_to
from handler.http.reply import Reply
from handler.http.request import UnreadableRequestError, read_request
from handler.http.router import Route, Router
from handler.http.run_page import is_page_request, run_page
from handler.invocation.time_left import TimeLeft
from handler.jobs.service import Jobs
from handler.ports import Ports


def answer(event: Mapping[str, Any], ports: Ports, lifetime: TimeLeft) -> dict[str, Any]:
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
        self.router = Router(
            [route for group in endpoints for route in group.routes], refuse=_refuse, explain=self._explain
        )

    def answer(self, event: Mapping[str, Any], lifetime: TimeLeft) -> dict[str, Any]:
        """See `answer`."""
        early: Reply | None = None
        try:
            request = read_request(event)
        except UnreadableRequestError as error:
            request = read_request({**event, "body": None})
            early = problem_reply(NOT_JSON, str(error))
        if self._ports.settings.page and is_page_request(request):
            return self.router.say(run_page(), request)
        caller = identify(event, self._ports.settings)
        if caller is None:
            response = self.router.say(_STRANGER, request)
        elif early is not None:
            response = self.router.say(early, request)
        else:
            response = self.router.answer(request, caller, lifetime)
        if self._ports.settings.log_payloads:
            body = request.body.decode("utf-8", "replace")
            told = {"path": request.path, "status": response["statusCode"], "body": body}
            self._ports.log.info("answered a request", extra=told)
        return response

    def _explain(self, error: Exception, route: Route) -> Reply:
        reply = reply_to(error)
        if reply is None:
            extra = {"route": route.template}
            self._ports.log.exception(  # noqa: LOG004  # the router asks while it handles the error
                "the API met an error that nothing here expects", extra=extra
            )
        return reply or _FAULT


def _refuse(allowed: Sequence[str]) -> Reply:
    if not allowed:
        return problem_reply(NOT_FOUND, "There is nothing at this path.")
    methods = ", ".join(allowed)
    return problem_reply(WRONG_METHOD, f"This path takes {methods}.", headers={"Allow": methods})


_FAULT: Final = problem_reply(FAULT, "The error is in the log. What was asked for may have been done.")
_STRANGER: Final = problem_reply(
    UNIDENTIFIED,
    "Send the credentials that this API's authorizer asks for.",
    headers={"WWW-Authenticate": "Bearer"},
)
