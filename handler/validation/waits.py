"""Checks steps that wait."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from handler.engine import ConduitStatus
from handler.payload.problem import Problem, point
from handler.validation.deployment import Deployment
from handler.validation.outline import StaticStep
from handler.validation.reader import Reader


def check_wait(step: StaticStep, reader: Reader, deployment: Deployment) -> Iterator[Problem]:
    """Check a wait for a time."""
    (field, written), *_ = step.written["wait"].items()
    pointer = (*step.pointer, "wait", field)
    value, problems = reader.value(written, pointer)
    yield from problems
    if problems or not reader.is_known(value):
        return
    if field == "seconds":
        yield from _check_seconds(value, point(pointer), deployment)
    elif (message := _problem_of_time(value)) is not None:
        yield Problem(point(pointer), ConduitStatus.INVALID_TYPE.name, message)


def _check_seconds(value: Any, pointer: str, deployment: Deployment) -> Iterator[Problem]:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0:
        message = "A wait must be a number of seconds of at least 0."
        yield Problem(pointer, ConduitStatus.INVALID_TYPE.name, message)
    else:
        yield from _check_length(value, pointer, deployment)


def _check_length(seconds: float, pointer: str, deployment: Deployment) -> Iterator[Problem]:
    longest = deployment.longest_wait
    if longest is not None and seconds > longest:
        message = f"A job's records expire before such a wait ends: it may last at most {longest:,.0f} seconds."
        yield Problem(pointer, ConduitStatus.INVALID_ARGUMENT.name, message)


def _problem_of_time(value: Any) -> str | None:
    from handler.engine.language.clock import parse_time  # noqa: PLC0415 # few jobs wait

    if not isinstance(value, str):
        return "A wait must end at an RFC 3339 time, a string."
    try:
        parse_time(value)
    except ValueError:
        return "This is not an RFC 3339 time with an offset, such as 2027-01-01T09:00:00+01:00."
    return None


def check_wait_for(step: StaticStep, reader: Reader, deployment: Deployment) -> Iterator[Problem]:
    """Check a wait for an answer."""
    written, pointer = step.written["wait_for"], (*step.pointer, "wait_for")
    yield from _check_length(written["timeout"], point((*pointer, "timeout")), deployment)
    if written.get("message") is not None:
        yield from reader.value(written["message"], (*pointer, "message"))[1]
    if written.get("not_sender") and not deployment.has_principals:
        message = (
            "In this deployment a tenant is a single caller, so only the sender could answer: leave out 'not_sender'."
        )
        yield Problem(point((*pointer, "not_sender")), ConduitStatus.INVALID_ARGUMENT.name, message)
