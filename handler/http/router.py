"""Finds the endpoint for a method and a path. This is the only place that routes.

See docs/decisions/009-resolver.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from handler.caller import Caller
from handler.http.reply import Reply
from handler.http.request import Request
from handler.invocation.time_left import TimeLeft
from handler.payload.parse import InvalidPayloadError
from handler.payload.problem import Problem, point, quote
from handler.payload.suggestion import Suggestions

MAX_UNKNOWN: Final = 20
"""The largest number of unknown query parameters that a reply names."""

NOBODY: Final = Caller(tenant="")
"""The caller of a public route, which needs no identity: it has no tenant and no rights."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request for an endpoint.

    Attributes:
        request: the request.
        caller: its sender.
        values: the path's values for the names in the template, decoded.
        lifetime: the time of this invocation.
    """

    request: Request
    caller: Caller
    values: Mapping[str, str]
    lifetime: TimeLeft


Endpoint = Callable[[Call], Coroutine[Any, Any, Reply]]


@dataclass(frozen=True, slots=True)
class Route:
    """An endpoint with its method and path.

    Attributes:
        method: in upper case. ``GET`` includes ``HEAD``.
        template: the path, with names in braces. ``{name+}`` also matches slashes, as in API Gateway: step ids may
            contain them, and the path is decoded before it is matched.
        endpoint: the function that handles the call.
        query: names of the query parameters that it reads. Others are refused: a misspelled filter must not return
            everything. ``None`` accepts any.
        public: whether the route needs no identity. The caller is then `NOBODY`.
    """

    method: str
    template: str
    endpoint: Endpoint
    query: tuple[str, ...] | None = ()
    public: bool = False

    def match(self, path: str) -> dict[str, str] | None:
        """The path's values for the names in the template, or ``None`` if the path does not match."""
        match = _pattern_of(self.template).fullmatch(path)
        return match.groupdict() if match else None

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods that this route handles."""
        return ("GET", "HEAD") if self.method == "GET" else (self.method,)


@cache
def _pattern_of(template: str) -> re.Pattern[str]:
    greedy = re.sub(r"\{(\w+)\+\}", r"(?P<\1>.+)", template)
    return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", greedy), re.DOTALL)


class Router:
    """Finds the endpoint of a request.

    Args:
        routes: the routes, more specific ones first; the first match is used.
    """

    def __init__(self, routes: Sequence[Route]) -> None:
        self.routes = routes

    def find(self, request: Request) -> tuple[Route, dict[str, str]] | None:
        """The route of a request, and the path's values for the names in the route's template."""
        for route in self.routes:
            if request.method in route.methods and (values := route.match(request.path)) is not None:
                return route, values
        return None

    def methods_of(self, path: str) -> list[str]:
        """The methods that routes handle at this path, in alphabetical order; empty for an unknown path."""
        return sorted({method for route in self.routes if route.match(path) is not None for method in route.methods})


def check_query(route: Route, request: Request) -> None:
    """Refuse query parameters that the route does not read.

    Raises:
        InvalidPayloadError: there are unknown parameters; the error names them.
    """
    known = route.query
    if known is None:
        return
    unknown = [name for name in request.query if name not in known]
    if unknown:
        suggestions = Suggestions()
        raise InvalidPayloadError([_unknown(name, known, suggestions) for name in unknown[:MAX_UNKNOWN]])


def _unknown(name: str, known: Sequence[str], suggestions: Suggestions) -> Problem:
    there = f"there are {', '.join(known)}" if known else "this request takes no query parameters"
    message = f"There is no query parameter {quote(name)}; {there}.{suggestions.suggest(name, known)}"
    return Problem(point([name[:100]]), "UNKNOWN_FIELD", message)
