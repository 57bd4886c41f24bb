"""Gives the answers of the API that need no AWS. It uses the API's own code, with the default settings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from blocks.block import REGISTRY
from handler.caller import Caller
from handler.engine.required_tags import RequiredTags
from handler.payload.limits import limits_of
from handler.payload.parse import InvalidJsonError, InvalidPayloadError, PayloadTooLargeError, parse
from handler.payload.problem import Problem, bounded
from handler.settings import Settings
from handler.validation.partial import find_more
from handler.validation.schema import job_schema
from handler.validation.validate import find_problems

SETTINGS: Final = Settings(table_name="none", bus_name="none", queue_url="none", dead_letter_queue_url="none")
"""Required names of resources, which nothing here uses. All other settings have their defaults."""


class UnreadableJobError(Exception):
    """The job is not JSON or is too large. The message says which."""


def validate_job(text: str, tags: Iterable[str]) -> dict[str, Any]:
    """The answer of ``POST /jobs/validate`` to a caller with these tags.

    Raises:
        UnreadableJobError: the job is not JSON or is too large.
    """
    caller, body = _caller(tags), text.encode("utf-8", "surrogateescape")
    limits = limits_of(caller, SETTINGS)
    try:
        problems: list[Problem] = find_problems(parse(body, limits), caller.rights, block_tags=SETTINGS.block_tags)
    except (InvalidJsonError, PayloadTooLargeError) as error:
        raise UnreadableJobError(str(error)) from None
    except InvalidPayloadError as error:
        more = find_more(body, error.problems, caller.rights, limits, SETTINGS.block_tags)
        problems = bounded([*error.problems, *more])
    valid = all(problem.severity != "error" for problem in problems)
    return {"valid": valid, "problems": [problem.as_answer() for problem in problems]}


def schema_of_jobs(tags: Iterable[str]) -> dict[str, Any]:
    """The answer of ``GET /schema`` to a caller with these tags."""
    rights, required = _caller(tags).rights, RequiredTags(SETTINGS.block_tags)
    return job_schema([block for block in REGISTRY if required.of(block) <= rights.tags])


def _caller(tags: Iterable[str]) -> Caller:
    return Caller(
        tenant="local",
        tags=frozenset(tags),
        step_limit=SETTINGS.step_limit,
        payload_limit=SETTINGS.payload_limit,
    )
