"""Determines the kind of an event and checks that it is well-formed.

The first matching mark of a source decides the kind: an HTTP request whose body looks like a batch is an HTTP request.
Malformed events are refused here, so that a door can rely on the types of all fields that it reads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

Kind = Literal["http", "sqs", "schedule", "direct"]
"""``schedule`` is the sweep's timer."""

_STRINGS_OF_REQUEST: Final = ("rawPath", "rawQueryString", "path", "body")
_MAPPINGS_OF_REQUEST: Final = (
    "headers",
    "queryStringParameters",
    "multiValueHeaders",
    "multiValueQueryStringParameters",
)
_STRINGS_OF_RECORD: Final = ("messageId", "receiptHandle", "body")


class UnknownEventError(Exception):
    """The event is malformed, of a kind that this function does not handle, or from an untrusted source."""


def kind_of(event: Any) -> Kind:
    """The kind of a well-formed event.

    Raises:
        UnknownEventError: the kind is unknown, or the event is malformed. The message quotes no value of the event.
    """
    if isinstance(event, Mapping):
        for kind, is_marked, is_well_formed in _KINDS:
            if is_marked(event):
                if is_well_formed(event):
                    return kind
                raise UnknownEventError(f"This event looks like the kind {kind!r}, but it is malformed.")
    raise UnknownEventError(
        "This function takes HTTP requests, SQS batches, the sweep's scheduled events, and jobs (an object with "
        "`steps`, or a `workflow`)."
    )


def _is_request(event: Mapping[str, Any]) -> bool:
    return "requestContext" in event


def _is_request_well_formed(event: Mapping[str, Any]) -> bool:
    context = event["requestContext"]
    if not isinstance(context, Mapping):
        return False
    http = context.get("http")
    method = http.get("method", "GET") if isinstance(http, Mapping) else event.get("httpMethod")
    return (
        isinstance(method, str)
        and all(event.get(name) is None or isinstance(event[name], str) for name in _STRINGS_OF_REQUEST)
        and all(event.get(name) is None or isinstance(event[name], Mapping) for name in _MAPPINGS_OF_REQUEST)
        and all(context.get(name) is None or isinstance(context[name], str) for name in ("stage", "path", "domainName"))
        and _are_lists(event.get("multiValueHeaders"))
        and _are_lists(event.get("multiValueQueryStringParameters"))
    )


def _are_lists(values: Mapping[str, Any] | None) -> bool:
    return values is None or all(value is None or isinstance(value, list) for value in values.values())


def _is_batch(event: Mapping[str, Any]) -> bool:
    return "Records" in event


def _is_batch_well_formed(event: Mapping[str, Any]) -> bool:
    records = event["Records"]
    return isinstance(records, list) and all(map(_is_message, records))


def _is_message(record: Any) -> bool:
    if not isinstance(record, Mapping) or record.get("eventSource") != "aws:sqs":
        return False
    attributes = record.get("attributes")
    if attributes is None:
        attributes = {}
    return (
        all(isinstance(record.get(name), str) for name in _STRINGS_OF_RECORD)
        and isinstance(record.get("eventSourceARN", ""), str)
        and isinstance(attributes, Mapping)
        and _is_count(attributes.get("ApproximateReceiveCount", "1"))
        and isinstance(attributes.get("MessageGroupId", ""), str)
    )


def _is_count(value: Any) -> bool:
    return isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10  # noqa: PLR2004  # SQS's


def _is_timer(event: Mapping[str, Any]) -> bool:
    # The source decides, not the detail type: only AWS can put an event with an `aws.` source on a bus.
    return event.get("source") == "aws.events" and event.get("detail-type") == "Scheduled Event"


def _is_job(event: Mapping[str, Any]) -> bool:
    return "steps" in event or "workflow" in event


def _always(_: Mapping[str, Any]) -> bool:
    return True


_Check = Callable[[Mapping[str, Any]], bool]
_KINDS: Final[tuple[tuple[Kind, _Check, _Check], ...]] = (
    ("http", _is_request, _is_request_well_formed),
    ("sqs", _is_batch, _is_batch_well_formed),
    ("schedule", _is_timer, _always),
    ("direct", _is_job, _always),
)
"""Each kind with its mark, and a check of the types that its door relies on."""
