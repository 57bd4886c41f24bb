"""A call of a hook's public address: verifies it and finds the job that it starts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from handler.caller import Caller
from handler.errors import NotFoundError
from handler.payload import json_text
from handler.payload.parse import JobPayload
from handler.payload.values import ID_PATTERN
from handler.ports import Ports
from handler.workflows.hook import TOKEN, Hook
from handler.workflows.origin import Origin
from handler.workflows.signatures import SIGNATURE_HEADERS, Verification
from handler.workflows.start import StartRequest, find_job
from handler.workflows.tokens import read_token
from handler.workflows.verify_secret import find_verify_secret

LEFT_OUT: Final = frozenset({"authorization", "cookie", "proxy-authorization", "x-amz-security-token"})
"""Headers that are not passed to the job, besides those of signatures."""
MAX_TENANT: Final = 250
"""The longest tenant in a token, in characters; a longer one is not looked up."""
_ID: Final = re.compile(ID_PATTERN)
_AROUND: Final = 3
"""Levels of nesting around a call's body: the job's parameters, the event, the body."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HookCall:
    """A call as it was received.

    Attributes:
        token: the token in the address.
        headers: by lower-case name; the values of a repeated header are joined with commas.
        header_lists: the same, with all values that the front door distinguishes.
        query: parameters, each with all its values.
        body: the body in bytes.
    """

    token: str
    headers: Mapping[str, str]
    header_lists: Mapping[str, tuple[str, ...]]
    query: Mapping[str, tuple[str, ...]]
    body: bytes


@dataclass(frozen=True, slots=True)
class Started:
    """The job that a call starts.

    Attributes:
        caller: the caller whose rights the job has.
        job_id: the job's id.
        respond: the kind of reply to the sender.
        request: the start of the workflow.
    """

    caller: Caller
    job_id: str
    respond: Literal["accepted", "output"]
    request: StartRequest


@dataclass(frozen=True, slots=True)
class Challenge:
    """A call that only checks that the address works (Slack's ``url_verification``).

    Attributes:
        text: the string that the reply repeats.
    """

    text: str


class WrongSignatureError(Exception):
    """The call has no signature, a wrong one, or one that is too old."""


async def receive_call(ports: Ports, call: HookCall) -> Started | Challenge:
    """Verify a call, and return the job that it starts or the challenge.

    Raises:
        NotFoundError: the token belongs to no hook.
        WrongSignatureError: the hook verifies calls, and this call's signature is not valid.
        InfraError: AWS failed.
    """
    hook = await _find_hook(ports, call.token)
    verification = hook.verification
    if verification is not None:
        _verify(ports, hook, verification, call)
    body = _read_body(call.body, ports.settings.nesting_limit)
    if verification is not None and verification.scheme == "slack" and _is_challenge(body):
        return Challenge(body["challenge"])
    hidden = LEFT_OUT | (verification.header_names if verification is not None else SIGNATURE_HEADERS)
    event = {
        "body": body,
        "headers": {name: _one_or_all(values) for name, values in call.header_lists.items() if name not in hidden},
        "query": {name: _one_or_all(values) for name, values in call.query.items()},
    }
    return Started(
        caller=hook.author.caller(hook.tenant, ports.settings),
        job_id=hook.job_id(call.headers, call.body),
        respond=hook.respond,
        request=StartRequest(hook.workflow, None, {"event": event}, {}, None),
    )


async def find_hook_job(ports: Ports, started: Started) -> tuple[JobPayload, Origin]:
    """The job of a call that has no job yet, with its id.

    Raises:
        NotFoundError: the hook's workflow no longer exists.
        InvalidPayloadError: the call does not fit the workflow's inputs.
        InfraError: AWS failed.
    """
    payload, origin = await find_job(ports, started.caller, started.request)
    return payload.with_id(started.job_id), Origin(origin.workflow, origin.version, None)


async def _find_hook(ports: Ports, text: str) -> Hook:
    token = read_token(TOKEN, text)
    named = token.names if token is not None else ()
    if token is not None and len(named) == 2 and len(named[0]) <= MAX_TENANT and _ID.fullmatch(named[1]):  # noqa: PLR2004
        document = await ports.documents.read(named[0], "hook", named[1])
        hook = Hook.decode(document) if document is not None else None
        if token.is_genuine(hook.secret_key if hook is not None else None) and hook is not None:
            return hook
    raise NotFoundError("There is nothing at this address.")


def _verify(ports: Ports, hook: Hook, verification: Verification, call: HookCall) -> None:
    secret = find_verify_secret(ports, hook.tenant, verification.secret)
    if secret is None:
        ports.log.error(
            "A hook's secret does not exist; its calls are refused",
            extra={"tenant": hook.tenant, "hook": hook.name, "secret": verification.secret},
        )
    if secret is None or not verification.holds(secret, call.body, call.headers, ports.now()):
        raise WrongSignatureError("The signature of this call is missing, wrong or too old.")


def _read_body(body: bytes, nesting: int) -> Any:
    """The body as JSON, or as a string if it is not JSON that a job can contain."""
    try:
        return json_text.read(body, nesting=max(1, nesting - _AROUND))
    except json_text.InvalidJsonTextError:
        return body.decode("utf-8", "replace")


def _is_challenge(body: Any) -> bool:
    return isinstance(body, dict) and body.get("type") == "url_verification" and isinstance(body.get("challenge"), str)


def _one_or_all(values: tuple[str, ...]) -> str | list[str]:
    return values[0] if len(values) == 1 else list(values)
