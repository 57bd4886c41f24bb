"""The endpoints that describe the blocks, the schema of a job, and this API."""

from __future__ import annotations

from blocks.block import Registry
from handler.engine.required_tags import required_tags
from handler.errors import NotFoundError
from handler.http.catalogue import describe_block, list_blocks
from handler.http.openapi.document import openapi_document
from handler.http.reply import Reply
from handler.http.router import Call, Route
from handler.http.swagger_page import swagger_page
from handler.payload.suggestion import Suggestions
from handler.settings import Settings
from handler.validation.schema import job_schema


class CatalogueEndpoints:
    """The endpoints that read only the code and no data.

    Args:
        registry: the blocks.
        settings: the deployment's settings.
    """

    def __init__(self, registry: Registry, settings: Settings) -> None:
        self._registry = registry
        self._settings = settings
        self._required = required_tags(settings.block_tags)

    @property
    def routes(self) -> list[Route]:
        """Every route."""
        return [
            Route("GET", "/blocks", self.list_blocks),
            Route("GET", "/blocks/{name+}", self.get_block),
            Route("GET", "/schema", self.schema),
            Route("GET", "/openapi.json", self.openapi),
            Route("GET", "/docs", self.docs),
        ]

    async def list_blocks(self, call: Call) -> Reply:
        """``GET /blocks``."""
        return Reply.json(200, list_blocks(self._registry, call.caller, self._required))

    async def get_block(self, call: Call) -> Reply:
        """``GET /blocks/{name}``."""
        name = call.values["name"]
        block = self._registry.get(name)
        if block is None:
            hint = Suggestions().suggest(name, (known.action for known in self._registry))
            raise NotFoundError(f"There is no such block.{hint}")
        return Reply.json(200, describe_block(block, call.caller, self._required))

    async def schema(self, call: Call) -> Reply:
        """``GET /schema``: with the blocks that the caller's jobs may use."""
        usable = [block for block in self._registry if self._required.of(block) <= call.caller.tags]
        body = Reply.json(200, job_schema(usable)).body
        return Reply(200, body, content_type="application/schema+json")

    async def openapi(self, call: Call) -> Reply:
        """``GET /openapi.json``."""
        return Reply.json(200, openapi_document(call.request.base or "/", self._settings))

    async def docs(self, call: Call) -> Reply:
        """``GET /docs``."""
        return swagger_page(openapi_document(call.request.base or "/", self._settings))
