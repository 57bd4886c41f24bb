"""Parses parts of calls, and adds parts to replies, for several endpoints."""

from __future__ import annotations

import re
from typing import Final

from handler.errors import InvalidRequestError, NotFoundError
from handler.http.job_answer import encode_job
from handler.http.preferences import Preferences
from handler.http.problem_details import WRONG_MEDIA_TYPE, problem_reply
from handler.http.reply import Reply
from handler.http.router import Call
from handler.jobs.submission import Submission
from handler.payload.parse import InvalidPayloadError
from handler.payload.problem import Problem
from handler.payload.values import ID_PATTERN, SENT_ID_PATTERN
from handler.workflows.paging import ENTRIES

_JSON_TYPE: Final = re.compile(r"application/(?:[\w.-]+\+)?json\s*(?:;.*)?", re.IGNORECASE)
STATUS_OF: Final = {"created": 201, "accepted": 202, "known": 200}
"""The HTTP status of each kind of submission."""
_WHOLE_NUMBER: Final = re.compile(r"[0-9]{1,4}")


def refuse_type(call: Call) -> Reply | None:
    """The reply to a body that is not sent as JSON."""
    given = call.request.headers.get("content-type")
    if given is None or _JSON_TYPE.fullmatch(given.strip()):
        return None
    return problem_reply(WRONG_MEDIA_TYPE, "Send JSON, as application/json.", headers={"Accept": "application/json"})


def single_value(call: Call, name: str) -> str | None:
    """A query parameter that may be given only once.

    Raises:
        InvalidRequestError: the parameter is given more than once.
    """
    values = call.request.query.get(name, ())
    if len(values) > 1:
        raise InvalidRequestError(f"/{name}", f"{name} is given {len(values)} times; give it once.")
    return values[0] if values else None


def page_of(call: Call) -> tuple[int, str | None]:
    """The ``limit`` and the ``cursor`` of a request for a list.

    Raises:
        InvalidRequestError: the limit is not a number.
    """
    limit = single_value(call, "limit")
    if limit is not None and not _WHOLE_NUMBER.fullmatch(limit):
        raise InvalidRequestError("/limit", "A limit must be a whole number.")
    return ENTRIES if limit is None else int(limit), single_value(call, "cursor")


def known_name(call: Call, key: str, what: str) -> str:
    """The name in the path of something that must exist. An invalid name is not looked up.

    Raises:
        NotFoundError: the name is not valid.
    """
    name = call.values[key]
    if not re.fullmatch(ID_PATTERN, name):
        raise NotFoundError(f"There is no such {what}.")
    return name


def new_name(call: Call, key: str) -> str:
    """The name in the path of something to store.

    Raises:
        InvalidRequestError: the name is not valid.
    """
    name = call.values[key]
    if not re.fullmatch(ID_PATTERN, name):
        raise InvalidRequestError(f"/{key}", "A name has 1 to 64 of the characters A-Z a-z 0-9 _ -.")
    return name


def idempotency_key(call: Call) -> str | None:
    """The job id in the ``Idempotency-Key`` header.

    Raises:
        InvalidPayloadError: it is not an id, or is a reserved id.
    """
    key = call.request.headers.get("idempotency-key")
    if key is None:
        return None
    id_ = key.strip()
    if len(id_) > 1 and id_[0] == id_[-1] == '"':  # a string of RFC 8941, as in the draft of this header
        id_ = id_[1:-1]
    if not re.fullmatch(SENT_ID_PATTERN, id_):
        message = (
            "An Idempotency-Key serves as the job's id: 1 to 64 of the characters A-Z a-z 0-9 _ -, without __ at the "
            "beginning."
        )
        raise InvalidPayloadError([Problem("/id", "INVALID_ID", message)])
    return id_


def located(reply: Reply | None, call: Call, id_: str | None) -> Reply:
    """The reply with the job's address."""
    assert reply is not None  # noqa: S101 # a conflict has an answer
    return reply.with_headers({"Location": f"{call.request.base}/jobs/{id_}"})


def applied(reply: Reply, preferences: Preferences) -> Reply:
    """The reply with a header for the preferences that were honoured."""
    if preferences.applied is None:
        return reply
    return reply.with_headers({"Preference-Applied": preferences.applied, "Vary": "Prefer"})


def submitted(sent: Submission, call: Call, preferences: Preferences) -> Reply:
    """The reply to a submitted job or to the start of a workflow."""
    reply = Reply(STATUS_OF[sent.kind], encode_job(sent.job, call.request.front_door))
    return applied(located(reply, call, sent.job["id"]), preferences)
