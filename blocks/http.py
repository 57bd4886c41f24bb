"""HTTP: blocks that call other services.

The deployment has the secrets and decides which calls are allowed: the global value ``http`` is its client.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import sha256
from math import inf
from typing import Annotated, Any, Final, Literal, NotRequired, Protocol

from pydantic import ConfigDict, Field
from typing_extensions import TypedDict

from blocks.block import ABSENT, Call, Category

category = Category("HTTP")

SECONDS: Final = 30
"""Seconds that a call may take if its step has no `timeout`.

This is not the block's `timeout`: a step does not start if its invocation has less time left than that, and most calls
take a fraction of it.
"""
MOMENT: Final = 0.25
"""Seconds before the step's limit at which a call ends, to leave time for its error; a tenth of a short limit."""
_INDEX: Final = re.compile(r"0|[1-9][0-9]{0,8}")
_CLOSED: Final = ConfigDict(extra="forbid")

Scalar = str | bool | int | float | None


class SecretName(TypedDict):
    """A secret by its name."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]  # pydantic's documented place for it
    secret: str


class BasicAuth(TypedDict):
    """A user and a password, as HTTP's Basic scheme sends them."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]  # as above
    user: str
    password: SecretName


class NamedValue(TypedDict):
    """A secret under a name: of a header, or in the query."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]  # as above
    name: str
    value: SecretName


class HmacAuth(TypedDict):
    """A header with the HMAC-SHA-256 of the raw body, in hexadecimal digits."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]  # as above
    secret: SecretName
    header: str
    prefix: NotRequired[str]


class Credential(TypedDict, total=False):
    """A credential: exactly one of these fields."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]  # as above
    bearer: SecretName
    basic: BasicAuth
    header: NamedValue
    hmac: HmacAuth
    query: NamedValue


Method = Literal["POST", "PUT", "PATCH", "DELETE", "GET", "HEAD", "OPTIONS"]
Address = Annotated[str | SecretName, Field(description="The URL, or the name of a secret that holds it.")]
Query = Annotated[
    dict[str, Scalar | list[Scalar]] | None,
    Field(description="Names and values to add to the URL. A list repeats its name, null leaves it out."),
]
Headers = Annotated[dict[str, Scalar] | None, Field(description="At most 32 headers. Null leaves one out.")]
Auth = Annotated[Credential | list[Credential] | None, Field(description="Credentials, by the names of secrets.")]
Expect = Annotated[
    list[Annotated[int, Field(ge=100, le=599)]] | None, Field(description="Statuses that are DONE; else 200 to 299.")
]
Redirects = Annotated[int, Field(ge=0, le=10, description="How many redirects to follow.")]
Keep = Annotated[list[str] | None, Field(description='Paths to keep of the result, such as `"body.id"`.')]
Form = Annotated[dict[str, Scalar | list[Scalar]] | None, Field(description="A body as an HTML form sends it.")]


class Client(Protocol):
    """The deployment's client."""

    def send(self, *, method: str, url: Any, seconds: float, **more: Any) -> dict[str, Any]:
        """Make a call and return ``{"status", "headers", "body"}``.

        Args:
            method: such as GET.
            url: a URL or ``{"secret": name}``.
            seconds: the time limit of the whole call.
            more: ``query``, ``headers``, ``auth``, ``expect`` and ``redirects`` from the user; ``content``: the body by
                its kind; ``idempotency_key``.

        Raises:
            CallFailedError, CallRefusedError, BudgetExceededError, ValueError: see the docs of HTTP.
        """


@category.block(effect="none")
def get(
    http__: Client,
    call__: Call,
    /,
    *,
    url: Address,
    query: Query = None,
    headers: Headers = None,
    auth: Auth = None,
    expect: Expect = None,
    redirects: Redirects = 3,
    keep: Keep = None,
) -> dict[str, Any]:
    """Read from a URL. Returns `{"status", "headers", "body"}`; the body is JSON if the content type says so.

    `{"url": "https://api.example.com/rates", "query": {"base": "EUR"}, "keep": ["body.rates.USD"]}` gives
    `{"body": {"rates": {"USD": 1.08}}}`.

    A body that is not JSON is a string, or `{"base64": "…"}` if it is not text. No answer, 408, 425, 429 and 5xx are
    CALL_FAILED, which `retry` tries again; any other unexpected answer, and an address that is not allowed, are
    CALL_REFUSED. The error's `details` have `status` and the first 1,000 characters of the body. An answer of more than
    200 KB is RESULT_LIMIT_EXCEED; an invalid URL or header is INVALID_ARGUMENT. A call may take 30 seconds, or the
    step's `timeout`.
    """
    result = http__.send(
        method="GET",
        url=url,
        query=query,
        headers=headers,
        auth=auth,
        expect=expect,
        redirects=redirects,
        seconds=_seconds(call__),
    )
    return result if keep is None else _kept(result, keep)


@category.block(effect="at_least_once")
def request(
    http__: Client,
    call__: Call,
    /,
    *,
    url: Address,
    method: Method = "POST",
    query: Query = None,
    json: Any = ABSENT,
    form: Form = None,
    text: str | None = None,
    base64: str | None = None,
    headers: Headers = None,
    auth: Auth = None,
    expect: Expect = None,
    redirects: Redirects = 0,
    keep: Keep = None,
) -> dict[str, Any]:
    """Send a request, with a body as `json`, `form`, `text` or `base64`. Returns the same as HTTP.GET.

    `{"url": "https://api.example.com/charges", "json": {"cents": 1200}, "auth": {"bearer": {"secret": "payments"}}}`
    charges 12.00 with a secret that the job never sees.

    It sends an `Idempotency-Key`, the same in every try of this step and after a crash, unless `headers` has one: a
    service that supports the header acts only once. Redirects are not followed unless `redirects` says so. The method
    is POST unless `method` says otherwise. Errors are those of HTTP.GET; two bodies, or one of more than 256 KB, are
    INVALID_ARGUMENT.
    """
    content = {"form": form, "text": text, "base64": base64}
    given = {kind: value for kind, value in content.items() if value is not None}
    result = http__.send(
        method=method,
        url=url,
        query=query,
        headers=headers,
        content=given if json is ABSENT else {"json": json, **given},
        auth=auth,
        expect=expect,
        redirects=redirects,
        seconds=_seconds(call__),
        idempotency_key=_key(call__),
    )
    return result if keep is None else _kept(result, keep)


def _key(call: Call) -> str:
    """Return the key of this step's call: a digest of tenant, job, run and path, which shows none of them."""
    run = call.idempotency_key.rpartition("/")[0]
    return sha256(f"{run}/{call.path}".encode()).hexdigest()


def _seconds(call: Call) -> float:
    """Return the seconds that the call may take: those of its step, less a moment to report a timeout."""
    if call.limit_left == inf and call.timeout is not None:
        return call.timeout  # the invocation ends first, and the step does not fail
    left = call.limit_left if call.timeout is not None else min(call.limit_left, SECONDS)
    return left - min(MOMENT, left / 10)


def _kept(result: dict[str, Any], paths: Sequence[str]) -> dict[str, Any]:
    """Return the parts of a result that the paths name, nested as before. A path that does not exist is ignored."""
    wanted: dict[str, Any] = {}
    for path in paths:
        first, *rest = path.split(".")
        if first not in result:
            raise ValueError(f"`keep` names {path!r:.80}; paths begin with status, headers or body")
        node = wanted
        for key in (first, *rest[:-1]) if rest else ():
            node = node.setdefault(key, {})
            if node is None:
                break
        else:
            node[rest[-1] if rest else first] = None
    return _selected(result, wanted)  # type: ignore[no-any-return]  # a dictionary, as it was


def _selected(value: Any, wanted: dict[str, Any] | None) -> Any:
    if wanted is None:
        return value
    if isinstance(value, list):
        if all(map(_INDEX.fullmatch, wanted)):
            places = sorted(int(key) for key in wanted)
            return [_selected(value[place], wanted[str(place)]) for place in places if place < len(value)]
        return [found for item in value if (found := _selected(item, wanted)) is not ABSENT]
    if not isinstance(value, dict):
        return ABSENT
    found = {key: _selected(value[key], inner) for key, inner in wanted.items() if key in value}
    return {key: item for key, item in found.items() if item is not ABSENT}
