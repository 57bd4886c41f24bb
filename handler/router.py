"""Which endpoint answers which method and path."""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import unquote

from handler.caller import Caller
from handler.lifetime import Lifetime
from handler.reply import Reply
from handler.request import Request


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
    lifetime: Lifetime


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


@cache
def _pattern_of(template: str) -> re.Pattern[str]:
    greedy = re.sub(r"\{(\w+)\+\}", r"(?P<\1>.+)", template)
    return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", greedy), re.DOTALL)


class UnknownPathError(Exception):
    """No route leads there."""


class WrongMethodError(Exception):
    """Routes lead there, but not by this method.

    Attributes:
        allowed: the methods that do.
    """

    def __init__(self, allowed: Sequence[str]) -> None:
        super().__init__(", ".join(allowed))
        self.allowed = allowed


class Router:
    """Finds the route of a request; of two that match, the first.

    Args:
        routes: the more special ones first.
    """

    def __init__(self, routes: Sequence[Route]) -> None:
        self.routes = routes

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]]:
        """The route for this method and path, and what the path holds.

        Raises:
            UnknownPathError: no route has this path.
            WrongMethodError: some have, but not for this method.
        """
        allowed: set[str] = set()
        for route in self.routes:
            values = route.match(path)
            if values is None:
                continue
            if method in route.methods:
                return route, values
            allowed.update(route.methods)
        if allowed:
            raise WrongMethodError(sorted(allowed))
        raise UnknownPathError
