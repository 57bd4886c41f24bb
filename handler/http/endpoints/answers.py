"""The endpoints for answers to waiting steps, from identified callers and at public addresses."""

from __future__ import annotations

import re

from handler.errors import GoneError, NotFoundError
from handler.http.answer_page import over_page, question_page
from handler.http.endpoints.call_parts import refuse_type
from handler.http.reply import Reply
from handler.http.router import Call, Route
from handler.jobs.answers import AnswerDesk
from handler.payload.answer import GivenAnswer, read_answer
from handler.payload.limits import limits_of
from handler.payload.values import ID_PATTERN
from handler.settings import Settings


class AnswerEndpoints:
    """The endpoints of answers.

    Args:
        desk: the use cases.
        settings: the deployment's settings.
    """

    def __init__(self, desk: AnswerDesk, settings: Settings) -> None:
        self._desk = desk
        self._settings = settings

    @property
    def routes(self) -> list[Route]:
        """All routes; the public ones only if the deployment has public routes."""
        public = [
            Route("POST", "/callbacks/{token}", self.call_back, query=None, public=True),
            Route("GET", "/callbacks/{token}", self.ask, query=None, public=True),
        ]
        return [
            Route("POST", "/jobs/{id}/steps/{step+}/answer", self.answer),
            *(public if self._settings.public_routes else ()),
        ]

    async def answer(self, call: Call) -> Reply:
        """``POST /jobs/{id}/steps/{step}/answer``."""
        if refused := self._refuse_type(call):
            return refused
        given = self._read(call)
        job_id, path = call.values["id"], call.values["step"]
        if not re.fullmatch(ID_PATTERN, job_id):
            raise NotFoundError("There is no such job.")
        return Reply.json(200, await self._desk.answer(call.caller, job_id, path, given))

    async def call_back(self, call: Call) -> Reply:
        """``POST /callbacks/{token}``: the address is the only credential."""
        callback, _ = await self._desk.find(call.values["token"])
        if refused := self._refuse_type(call):
            return refused
        return Reply.json(200, await self._desk.call_back(callback, self._read(call)))

    async def ask(self, call: Call) -> Reply:
        """``GET /callbacks/{token}``: show the question. This changes nothing, because mail scanners follow links."""
        callback, job = await self._desk.find(call.values["token"])
        try:
            return question_page(await self._desk.question(callback, job))
        except GoneError as error:
            return over_page(str(error))

    def _refuse_type(self, call: Call) -> Reply | None:
        return refuse_type(call) if call.request.body else None

    def _read(self, call: Call) -> GivenAnswer:
        return read_answer(call.request.body, limits_of(call.caller, self._settings))
