"""`lambda_handler`: determines the kind of an event and passes it to its door. Doors are imported on first use."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from handler import cold_start
from handler.invocation.event_kind import Kind, UnknownEventError, kind_of
from handler.invocation.event_loop import run_coroutine
from handler.invocation.hard_stop import HardStop
from handler.invocation.time_left import TimeLeft
from handler.ports import Ports
from handler.settings import Settings
from handler.wiring import CLOCK, LOG, wire

LONGEST_INVOCATION: Final = 900.0
"""Seconds assumed if the context has no remaining time: Lambda's maximum."""


class InvocationError(Exception):
    """A `BaseException` that is not an `Exception` reached the handler.

    Lambda's runtime client catches only `Exception`. Anything else would end the process, and its batch with it.
    """


@dataclass(frozen=True, slots=True)
class Invocation:
    """One call by Lambda.

    Attributes:
        event: the event.
        context: Lambda's context; ``None`` if the function is called without one.
        ports: the use cases' ports.
        lifetime: the time that the invocation has.
    """

    event: Mapping[str, Any]
    context: Any
    ports: Ports
    lifetime: TimeLeft


_LONGEST_NAME: Final = 200
_MOST_NAMES: Final = 3

Door = Callable[[Invocation], Any]

_seen_before = False


def lambda_handler(event: Mapping[str, Any], context: Any = None) -> Any:
    """Handle one event: an HTTP request, a batch of messages, a schedule, or a job (direct invocation).

    Args:
        event: of API Gateway, a function URL, a load balancer, SQS or EventBridge; or a payload with ``steps``.
        context: Lambda's context.

    Returns:
        The answer for the event's source: an HTTP response, a partial batch response, a count of swept jobs, or the
        job.

    Raises:
        UnknownEventError: the event is malformed or of an unknown kind, or its kind, API or queue is not in `DOORS`,
            `API_IDS` or `QUEUE_ARNS`.
        InvocationError: something other than an `Exception` was raised.
        Exception: a direct invocation's payload is not a job, or its job's id is taken.
    """
    CLOCK.restart()
    remaining = _remaining_seconds(context)
    try:
        with HardStop(remaining):
            return _handle(event, context, TimeLeft.starting(CLOCK(), remaining * 1000))
    except Exception:
        raise
    except BaseException as error:
        raise InvocationError(f"{type(error).__name__}: {error}") from error


def _handle(event: Mapping[str, Any], context: Any, lifetime: TimeLeft) -> Any:
    global _seen_before  # noqa: PLW0603  # the process is new only once
    settings = Settings.from_environment(os.environ)
    ports = wire(settings)
    LOG.begin(context, settings.log_level)
    if not _seen_before:
        _seen_before = True
        ports.metrics.count("ColdStarts")
    try:
        kind = kind_of(event)
        if kind not in settings.doors:
            raise UnknownEventError(f"This function does not handle {kind!r} events; DOORS lists the kinds it handles.")
        return DOORS[kind](Invocation(event, context, ports, lifetime))
    finally:
        ports.metrics.flush()


def _remaining_seconds(context: Any) -> float:
    ask = getattr(context, "get_remaining_time_in_millis", None)
    return ask() / 1000 if ask is not None else LONGEST_INVOCATION


# ---------------------------------------------------------------------- the doors


def _answer_request(invocation: Invocation) -> Any:
    from handler.http.api import answer  # noqa: PLC0415  # a worker never loads the API

    believed = invocation.ports.settings.api_ids
    api = invocation.event["requestContext"].get("apiId")
    if believed and api not in believed:
        raise UnknownEventError(f"a request of the API {_shorten(api)}; API_IDS names {sorted(believed)}")
    return answer(invocation.event, invocation.ports, invocation.lifetime)


def _receive_batch(invocation: Invocation) -> Any:
    from handler.doors.sqs import receive  # noqa: PLC0415  # the API function never receives messages

    believed = invocation.ports.settings.queue_arns
    if believed:
        strangers = {record.get("eventSourceARN") for record in invocation.event["Records"]} - set(believed)
        if strangers:
            names = ", ".join(sorted(map(_shorten, strangers))[:_MOST_NAMES])
            raise UnknownEventError(f"messages of {names}; QUEUE_ARNS names {sorted(believed)}")
    return run_coroutine(receive(invocation.event, invocation.ports, invocation.lifetime))


def _shorten(name: Any) -> str:
    """Quote an unchecked name from an event, for an error."""
    return repr(name)[:_LONGEST_NAME]


def _sweep(invocation: Invocation) -> Any:
    from handler.doors.schedule import run_sweep  # noqa: PLC0415  # used once a minute

    return run_coroutine(run_sweep(invocation.ports, invocation.lifetime))


def _run_job(invocation: Invocation) -> Any:
    from handler.doors.direct import run_job  # noqa: PLC0415  # rare

    request_id = re.sub(r"[^A-Za-z0-9_-]", "-", str(getattr(invocation.context, "aws_request_id", "") or ""))[:64]
    return run_coroutine(run_job(invocation.event, invocation.ports, invocation.lifetime, request_id=request_id))


DOORS: Final[Mapping[Kind, Door]] = {
    "http": _answer_request,
    "sqs": _receive_batch,
    "schedule": _sweep,
    "direct": _run_job,
}
"""The door of each kind of event."""

cold_start.finish()
