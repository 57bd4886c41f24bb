"""The endpoints of secrets."""

from __future__ import annotations

from handler.http.endpoints.call_parts import known_name, new_name, page_of, refuse_type
from handler.http.reply import Reply
from handler.http.router import Call, Route
from handler.workflows.secrets import Secrets


class SecretEndpoints:
    """The endpoints below ``/secrets``.

    Args:
        secrets: the use cases.
    """

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets

    @property
    def routes(self) -> list[Route]:
        """Every route."""
        return [
            Route("GET", "/secrets", self.list, query=("limit", "cursor")),
            Route("PUT", "/secrets/{name}", self.put),
            Route("GET", "/secrets/{name}", self.get),
            Route("DELETE", "/secrets/{name}", self.delete),
        ]

    async def put(self, call: Call) -> Reply:
        """``PUT /secrets/{name}``."""
        if refused := refuse_type(call):
            return refused
        await self._secrets.put(call.caller, new_name(call, "name"), call.request.body)
        return Reply(204)

    async def get(self, call: Call) -> Reply:
        """``GET /secrets/{name}``."""
        return Reply.json(200, await self._secrets.get(call.caller, known_name(call, "name", "secret")))

    async def list(self, call: Call) -> Reply:
        """``GET /secrets``."""
        limit, cursor = page_of(call)
        return Reply.json(200, await self._secrets.list(call.caller, limit=limit, cursor=cursor))

    async def delete(self, call: Call) -> Reply:
        """``DELETE /secrets/{name}``."""
        await self._secrets.delete(call.caller, known_name(call, "name", "secret"))
        return Reply(204)
