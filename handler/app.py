"""`lambda_handler`: sees what kind of event came and hands it to its door, imported when it is first needed."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from handler import cold_start
from handler.invocation.event_loop import run_coroutine
from handler.invocation.hard_stop import HardStop
from handler.invocation.time_left import TimeLeft
from handler.ports import Ports
from handler.settings import Settings
from handler.wiring import CLOCK, LOG, wire

LONGEST_INVOCATION: Final = 900.0
"""Seconds: what is assumed of a context that does not tell its time. Lambda gives no more to any function."""


class UnknownEventError(Exception):
    """Unsupported event type."""


class InvocationError(Exception):
    """Something that is no `Exception` came up to the handler.

    Lambda's runtime client reports exceptions only; what else leaves the handler ends the process, and with it whatever
    batch it was working on.
    """


@dataclass(frozen=True, slots=True)
class Invocation:
    """One call by Lambda.

    Attributes:
        event: what it was called with.
        context: Lambda's context; ``None`` where someone calls the function by hand.
        ports: the world.
        lifetime: until when it lives.
    """

    event: Mapping[str, Any]
    context: Any
    ports: Ports
    lifetime: TimeLeft


Door = Callable[[Invocation], Any]

_seen_before = False


def lambda_handler(event: Mapping[str, Any], context: Any = None) -> Any:
    """Handle one event: an HTTP request, a batch of messages, a schedule, or a job (direct invocation).

    Args:
        event: of API Gateway, a function URL, a load balancer, SQS or EventBridge; or a payload with ``steps``.
        context: Lambda's context.

    Returns:
        What the event's source expects: an HTTP response, a partial batch response, a count of jobs swept, or the job.

    Raises:
        UnknownEventError: the event is of no kind that has a door.
        InvocationError: see there.
        Exception: a direct invocation's payload is no job, or its job's id is taken.
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
    global _seen_before  # noqa: PLW0603  # whether the process is new is a fact about the process
    ports = wire(Settings.from_environment(os.environ))
    LOG.begin(context)
    if not _seen_before:
        _seen_before = True
        ports.metrics.count("ColdStarts")
    try:
        return _door_of(event)(Invocation(event, context, ports, lifetime))
    finally:
        ports.metrics.flush()


def _remaining_seconds(context: Any) -> float:
    ask = getattr(context, "get_remaining_time_in_millis", None)
    return ask() / 1000 if ask is not None else LONGEST_INVOCATION


# ---------------------------------------------------------------------- the doors


def _door_of(event: Mapping[str, Any]) -> Door:
    if isinstance(event, Mapping):
        for recognizes, door in DOORS:
            if recognizes(event):
                return door
    raise UnknownEventError(
        "This function takes HTTP requests, SQS batches, scheduled events, and jobs (an object with `steps`)."
    )


def _is_request(event: Mapping[str, Any]) -> bool:
    context = event.get("requestContext")
    return isinstance(context, Mapping) and (isinstance(context.get("http"), Mapping) or "httpMethod" in event)


def _is_batch(event: Mapping[str, Any]) -> bool:
    records = event.get("Records")
    return isinstance(records, list) and all(
        isinstance(record, Mapping) and record.get("eventSource") == "aws:sqs" for record in records
    )


def _is_schedule(event: Mapping[str, Any]) -> bool:
    return event.get("detail-type") == "Scheduled Event"


def _is_job(event: Mapping[str, Any]) -> bool:
    return "steps" in event


def _answer_request(invocation: Invocation) -> Any:
    from handler.http.api import answer  # noqa: PLC0415  # a worker never pays for the API

    return answer(invocation.event, invocation.ports, invocation.lifetime)


def _receive_batch(invocation: Invocation) -> Any:
    from handler.doors.sqs import receive  # noqa: PLC0415  # the API function never receives one

    believed = invocation.ports.settings.queue_arns
    if believed:
        strangers = {record.get("eventSourceARN") for record in invocation.event["Records"]} - set(believed)
        if strangers:
            raise UnknownEventError(f"messages of {sorted(map(str, strangers))}; QUEUE_ARNS names {sorted(believed)}")
    return run_coroutine(receive(invocation.event, invocation.ports, invocation.lifetime))


def _sweep(invocation: Invocation) -> Any:
    from handler.doors.schedule import run_sweep  # noqa: PLC0415  # one invocation a minute needs it

    return run_coroutine(run_sweep(invocation.ports, invocation.lifetime))


def _run_job(invocation: Invocation) -> Any:
    from handler.doors.direct import run_job  # noqa: PLC0415  # rare

    request_id = re.sub(r"[^A-Za-z0-9_-]", "-", str(getattr(invocation.context, "aws_request_id", "") or ""))[:64]
    return run_coroutine(run_job(invocation.event, invocation.ports, invocation.lifetime, request_id=request_id))


DOORS: Final[tuple[tuple[Callable[[Mapping[str, Any]], bool], Door], ...]] = (
    (_is_request, _answer_request),
    (_is_batch, _receive_batch),
    (_is_schedule, _sweep),
    (_is_job, _run_job),
)
"""Who recognizes an event, and who takes it: the first that does. An HTTP body that looks like a batch is a body."""

cold_start.finish()
