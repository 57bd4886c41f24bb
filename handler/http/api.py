"""The HTTP door: API Gateway's HTTP and REST APIs, function URLs and load balancers.

It identifies the caller, finds the endpoint, and sends the reply. The rules for jobs are in `handler.jobs.service`; the
rules for requests and replies are in the endpoints.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from handler.caller import Caller
from handler.http.cors import is_preflight, preflight_reply, with_cors
from handler.http.endpoints.answers import AnswerEndpoints
from handler.http.endpoints.catalogue import CatalogueEndpoints
from handler.http.endpoints.hooks import HookEndpoints
from handler.http.endpoints.jobs import JobEndpoints
from handler.http.endpoints.operators import OperatorEndpoints
from handler.http.endpoints.schedules import ScheduleEndpoints
from handler.http.endpoints.secrets import SecretEndpoints
from handler.http.endpoints.workflows import WorkflowEndpoints
from handler.http.identity import identify
from handler.http.problem_details import (
    FAULT,
    NOT_FOUND,
    NOT_JSON,
    TOO_LARGE,
    UNIDENTIFIED,
    WRONG_METHOD,
    problem_reply,
    reply_to,
)
from handler.http.reply import Reply, lambda_response
from handler.http.request import Request, UnreadableRequestError, body_size, read_head, read_request
from handler.http.router import NOBODY, Call, Route, Router, check_query
from handler.http.run_page import is_page_request, run_page
from handler.invocation.event_loop import run_coroutine
from handler.invocation.time_left import TimeLeft
from handler.jobs.answers import AnswerDesk
from handler.jobs.service import Jobs
from handler.jobs.workflow_starts import WorkflowStarts
from handler.ports import Ports
from handler.workflows.hooks import Hooks
from handler.workflows.schedules import Schedules
from handler.workflows.secrets import Secrets
from handler.workflows.workflows import Workflows


def answer(event: Mapping[str, Any], ports: Ports, lifetime: TimeLeft) -> dict[str, Any]:
    """The response to an HTTP event, in the format of its front door. This never raises."""
    return Api(Jobs(ports), ports).answer(event, lifetime)


class Api:
    """Answers HTTP events.

    Args:
        jobs: the use cases.
        ports: the use cases' ports.
    """

    def __init__(self, jobs: Jobs, ports: Ports) -> None:
        self._ports = ports
        starts = WorkflowStarts(jobs, ports)
        endpoints = (
            OperatorEndpoints(jobs, ports),
            AnswerEndpoints(AnswerDesk(ports), ports.settings),
            JobEndpoints(jobs, ports.settings),
            WorkflowEndpoints(Workflows(ports), starts, ports.settings),
            ScheduleEndpoints(Schedules(ports)),
            HookEndpoints(Hooks(ports), starts, ports),
            SecretEndpoints(Secrets(ports)),
            CatalogueEndpoints(ports.registry, ports.settings),
        )
        self.router = Router([route for group in endpoints for route in group.routes])

    def answer(self, event: Mapping[str, Any], lifetime: TimeLeft) -> dict[str, Any]:
        """See `answer`."""
        request = read_head(event)
        found = self.router.find(request)
        public = found[0] if found is not None and found[0].public else None
        unreadable: Reply | None = None
        if public is not None and body_size(event) > PUBLIC_BODY:
            unreadable = _TOO_LARGE
        else:
            try:
                request = read_request(event)
            except UnreadableRequestError as error:
                unreadable = problem_reply(NOT_JSON, str(error))
        origins = self._ports.settings.cors_origins
        if is_preflight(request, origins):
            reply = preflight_reply(self.router.methods_of(request.path))
        elif self._ports.settings.page and is_page_request(request):
            reply = run_page()
        elif (caller := NOBODY if public is not None else identify(event, self._ports.settings)) is None:
            reply = _STRANGER
        else:
            reply = unreadable or self._reply(request, caller, lifetime)
        if self._ports.settings.log_payloads:
            confidential = request.path.startswith("/secrets")  # such a request may contain a secret's value
            body = "(not logged)" if confidential else request.body.decode("utf-8", "replace")
            path = request.path if public is None else public.template  # the path contains a token, which grants access
            fields = {"path": path, "status": reply.status, "body": body}
            self._ports.log.info("answered a request", extra=fields)
        return lambda_response(with_cors(reply, request, origins), request)

    def _reply(self, request: Request, caller: Caller, lifetime: TimeLeft) -> Reply:
        found = self.router.find(request)
        if found is None:
            return _refuse(self.router.methods_of(request.path))
        route, values = found
        try:
            check_query(route, request)
            return run_coroutine(route.endpoint(Call(request, caller, values, lifetime)))
        except Exception as error:  # noqa: BLE001  # the last handler before the caller, who must not see details
            return self._explain(error, route)

    def _explain(self, error: Exception, route: Route) -> Reply:
        reply = reply_to(error)
        if reply is None:
            self._ports.metrics.count("Faults")
            extra = {"route": route.template}
            self._ports.log.exception(  # noqa: LOG004  # the router calls it while it handles the error
                "the API failed unexpectedly", extra=extra
            )
        return reply or _FAULT


def _refuse(allowed: Sequence[str]) -> Reply:
    if not allowed:
        return problem_reply(NOT_FOUND, "There is nothing at this path.")
    methods = ", ".join(allowed)
    return problem_reply(WRONG_METHOD, f"This path allows {methods}.", headers={"Allow": methods})


PUBLIC_BODY: Final = 256 * 1024
"""The largest body, in bytes, that a caller without an identity may send."""
_TOO_LARGE: Final = problem_reply(TOO_LARGE, f"A body may have at most {PUBLIC_BODY} bytes here.")
_FAULT: Final = problem_reply(FAULT, "The error is in the log. The request may have taken effect.")
_STRANGER: Final = problem_reply(
    UNIDENTIFIED,
    "Send the credentials that this API's authorizer requires.",
    headers={"WWW-Authenticate": "Bearer"},
)
