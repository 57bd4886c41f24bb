"""Which endpoint answers which method and path.

See docs/decisions/009-resolver.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import unquote

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.utilities.typing import LambdaContext

from handler.caller import Caller
from handler.http.reply import Reply, adapt_response, as_response
from handler.http.request import Request
from handler.invocation.event_loop import run_coroutine
from handler.invocation.time_left import TimeLeft


@dataclass(frozen=True, slots=True)
class Call:
    """One request on its way to its endpoint.

    Attributes:
        request: what was asked.
        caller: by whom.
        values: what the path has in the places that its template names.
        lifetime: of this invocation.
    """

    request: Request
    caller: Caller
    values: Mapping[str, str]
    lifetime: TimeLeft


Endpoint = Callable[[Call], Coroutine[Any, Any, Reply]]


@dataclass(frozen=True, slots=True)
class Route:
    """An endpoint, and what leads to it.

    Attributes:
        method: in upper case. What answers ``GET`` answers ``HEAD`` too.
        template: the path, with names in braces; ``{name+}`` takes slashes too, as in API Gateway, since step ids may
            have some and a gateway may have decoded them.
        endpoint: what answers.
    """

    method: str
    template: str
    endpoint: Endpoint

    def match(self, path: str) -> dict[str, str] | None:
        """The values in the places of the template, or ``None`` where the path is another."""
        match = _pattern_of(self.template).fullmatch(path)
        return {name: unquote(value) for name, value in match.groupdict().items()} if match else None

    @property
    def methods(self) -> tuple[str, ...]:
        return ("GET", "HEAD") if self.method == "GET" else (self.method,)

    @property
    def rule(self) -> str:
        """The template as Powertools takes it: a regular expression. `match` finds the values, slashes and all."""
        return re.sub(r"\{\w+\}", "[^/]+", re.sub(r"\{\w+\+\}", ".+", self.template))


@cache
def _pattern_of(template: str) -> re.Pattern[str]:
    greedy = re.sub(r"\{(\w+)\+\}", r"(?P<\1>.+)", template)
    return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", greedy), re.DOTALL)


class Router:
    """Finds the endpoint of a request and words its answer, by Powertools' resolver for HTTP APIs.

    The resolver sees a request that is plain, whichever front door it came through: method and path. What an endpoint
    needs beyond it travels in the resolver's context, which it empties after each request. One request at a time, as in
    Lambda: the resolver keeps the current one in its class.

    Args:
        routes: the more special ones first; of two that match, the first answers.
        refuse: answers a request that no route takes, told the methods that its path would take (none: no such path).
        explain: answers a request whose endpoint raised.
    """

    def __init__(
        self,
        routes: Sequence[Route],
        *,
        refuse: Callable[[Sequence[str]], Reply],
        explain: Callable[[Exception, Route], Reply],
    ) -> None:
        self.routes = routes
        self._refuse = refuse
        self._explain = explain
        self._resolver = APIGatewayHttpResolver()
        for route in routes:
            self._resolver.route(route.rule, method=list(route.methods))(self._bound(route))
        self._resolver.not_found(self._miss)
        self._resolver.use([_intercept])

    def answer(self, request: Request, caller: Caller, lifetime: TimeLeft) -> dict[str, Any]:
        """The Lambda response to a request, in the form that its door expects."""
        return self._resolve(request, caller=caller, lifetime=lifetime)

    def say(self, reply: Reply, request: Request) -> dict[str, Any]:
        """A reply as the Lambda response to a request that shall not come to an endpoint."""
        return self._resolve(request, reply=reply)

    def _resolve(self, request: Request, **known: Any) -> dict[str, Any]:
        self._resolver.append_context(request=request, **known)  # type: ignore[no-untyped-call]  # Powertools' own
        http = {"method": request.method, "path": request.path}
        plain = {"version": "2.0", "rawPath": request.path, "requestContext": {"http": http, "stage": "$default"}}
        return adapt_response(self._resolver.resolve(plain, LambdaContext()), request)

    def _bound(self, route: Route) -> Callable[[], Response[str]]:
        def run() -> Response[str]:
            return self._run(route)

        return run

    def _run(self, route: Route) -> Response[str]:
        known = self._resolver.context
        request: Request = known["request"]
        call = Call(request, known["caller"], route.match(request.path) or {}, known["lifetime"])
        try:
            reply = run_coroutine(route.endpoint(call))
        except Exception as error:  # noqa: BLE001  # the last line before the caller: nothing of it may get out
            reply = self._explain(error, route)
        return as_response(reply, request)

    def _miss(self, _error: NotFoundError) -> Response[str]:
        request: Request = self._resolver.context["request"]
        allowed = {method for route in self.routes if route.match(request.path) is not None for method in route.methods}
        return as_response(self._refuse(sorted(allowed)), request)


def _intercept(app: APIGatewayHttpResolver, next_middleware: Callable[[APIGatewayHttpResolver], Any]) -> Any:
    """Answer at once what is answered already."""
    reply: Reply | None = app.context.get("reply")
    return next_middleware(app) if reply is None else as_response(reply, app.context["request"])
