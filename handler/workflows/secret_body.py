"""The body that stores a secret: its value or the data to fetch one, its hosts, and its uses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, Literal, NotRequired, get_args

from pydantic import ConfigDict, TypeAdapter
from typing_extensions import TypedDict

from handler.payload.body import check_fields
from handler.payload.parse import InvalidPayloadError
from handler.payload.problem import Problem, point
from infra.outside.errors import HttpError
from infra.outside.hosts import canonical_host
from infra.outside.http_url import read_url
from infra.outside.secret import Use

SHORTEST: Final = 8
LONGEST: Final = 4_096
"""The shortest value in bytes. A shorter one could not be masked: it would match unrelated text."""
MOST_HOSTS: Final = 50
MOST_NAME: Final = 1_000
"""The longest client id or scope, in characters."""
_BOUND: Final = frozenset({"auth", "url"})
"""Uses that send a secret to a host."""
_GRANT: Final = "client_credentials"


class OAuthShape(TypedDict):
    """The data for fetching access tokens from a token server."""

    __pydantic_config__ = ConfigDict(extra="forbid", strict=True)  # type: ignore[misc] # pydantic's documented place
    token_url: str
    client_id: str
    client_secret: str
    scope: NotRequired[str]
    refresh_token: NotRequired[str]
    grant: NotRequired[Literal["client_credentials"]]


class SecretShape(TypedDict):
    """A secret: one of ``value`` and ``oauth2`` is given."""

    __pydantic_config__ = ConfigDict(extra="forbid", strict=True)  # type: ignore[misc] # as above
    value: NotRequired[str]
    oauth2: NotRequired[dict[str, Any]]
    hosts: NotRequired[list[str]]
    uses: NotRequired[list[Use]]


EXPECTED: Final = {
    "value": f"a string of {SHORTEST} to {LONGEST:,} bytes of UTF-8",
    "oauth2": "an object with token_url, client_id, client_secret and either refresh_token or grant",
    "hosts": "a list of host names, such as api.example.com",
    "uses": f"a list of {', '.join(get_args(Use))}",
}
EXPECTED_OF_OAUTH: Final = {
    "token_url": "a URL",
    "client_id": "a string",
    "client_secret": "a string",
    "scope": "a string",
    "refresh_token": "a string",
    "grant": f'"{_GRANT}"; give either it or refresh_token',
}


@cache
def _shape() -> TypeAdapter[Any]:
    return TypeAdapter(SecretShape)


@cache
def _oauth_shape() -> TypeAdapter[Any]:
    return TypeAdapter(OAuthShape)


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuthBody:
    """The data for fetching access tokens; the fields are those of a request to a token server."""

    token_url: str
    client_id: str
    client_secret: str = field(repr=False)
    scope: str | None
    refresh_token: str | None = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretBody:
    """A secret as it was sent.

    Attributes:
        value: ``None`` if `oauth2` is given.
        oauth2: the data for fetching a value, or ``None``.
        hosts: canonical names, without duplicates.
        uses: without duplicates.
    """

    value: str | None = field(repr=False)
    oauth2: OAuthBody | None
    hosts: tuple[str, ...]
    uses: tuple[str, ...]


def read_secret(body: Mapping[str, Any]) -> SecretBody:
    """Parse the body of a secret.

    Raises:
        InvalidPayloadError: the body is not valid; all its problems are listed. No message contains the value.
    """
    fields = check_fields(_shape(), body, EXPECTED)
    given = [name for name in ("value", "oauth2") if name in fields]
    if len(given) != 1:
        code = "CONFLICTING_FIELDS" if given else "MISSING_FIELD"
        pointer = "/oauth2" if given else "/value"
        raise InvalidPayloadError([Problem(pointer, code, "A secret has either a value or oauth2.")])
    if "value" in fields:
        _check_size(("value",), fields["value"], SHORTEST)
    uses = tuple(dict.fromkeys(fields.get("uses", ["auth"])))
    oauth2 = _read_oauth(fields["oauth2"]) if "oauth2" in fields else None
    _check_uses(uses, oauth=oauth2 is not None)
    hosts = _read_hosts(fields.get("hosts", []))
    if not hosts and _BOUND & set(uses):
        code = "INVALID_FIELD" if "hosts" in fields else "MISSING_FIELD"
        message = "Name the hosts that it may be sent to; only secrets for hmac and verify need none."
        raise InvalidPayloadError([Problem("/hosts", code, message)])
    return SecretBody(value=fields.get("value"), oauth2=oauth2, hosts=hosts, uses=uses)


def _check_uses(uses: Sequence[str], *, oauth: bool) -> None:
    if not uses:
        raise InvalidPayloadError([Problem("/uses", "INVALID_FIELD", "Name at least one use.")])
    if oauth and set(uses) != {"auth"}:
        message = "A secret with oauth2 may only have the use auth, because its value changes every hour or so."
        raise InvalidPayloadError([Problem("/uses", "INVALID_FIELD", message)])


def _read_hosts(hosts: Sequence[str]) -> tuple[str, ...]:
    if len(hosts) > MOST_HOSTS:
        message = f"A secret may have {MOST_HOSTS} hosts; this one has {len(hosts)}."
        raise InvalidPayloadError([Problem("/hosts", "INVALID_FIELD", message)])
    found, problems = [], []
    for place, host in enumerate(hosts):
        try:
            found.append(canonical_host(host.strip("[]") if ":" in host else host))
        except (HttpError, UnicodeError):
            message = "Not a host; write its exact name, without scheme, port, path or *, such as api.example.com."
            problems.append(Problem(point(["hosts", place]), "INVALID_FIELD", message))
    if problems:
        raise InvalidPayloadError(problems)
    return tuple(dict.fromkeys(found))


def _read_oauth(value: Mapping[str, Any]) -> OAuthBody:
    try:
        fields = check_fields(_oauth_shape(), value, EXPECTED_OF_OAUTH)
    except InvalidPayloadError as error:
        inner = [Problem(f"/oauth2{found.pointer}", found.code, found.message) for found in error.problems]
        raise InvalidPayloadError(inner) from None
    if ("refresh_token" in fields) == ("grant" in fields):
        code = "CONFLICTING_FIELDS" if "grant" in fields else "MISSING_FIELD"
        pointer = "/oauth2/grant" if "grant" in fields else "/oauth2/refresh_token"
        message = f'Give either a refresh_token or "grant": "{_GRANT}".'
        raise InvalidPayloadError([Problem(pointer, code, message)])
    try:
        read_url(fields["token_url"])
    except HttpError as error:
        message = f"This token_url cannot be called: {error}."
        raise InvalidPayloadError([Problem("/oauth2/token_url", "INVALID_FIELD", message)]) from None
    for name, most in (("client_id", MOST_NAME), ("scope", MOST_NAME)):
        _check_size(("oauth2", name), fields.get(name, "-"), 1, most)
    for name in ("client_secret", "refresh_token"):
        _check_size(("oauth2", name), fields.get(name, "-"), 1)
    return OAuthBody(
        token_url=fields["token_url"],
        client_id=fields["client_id"],
        client_secret=fields["client_secret"],
        scope=fields.get("scope"),
        refresh_token=fields.get("refresh_token"),
    )


def _check_size(path: Sequence[str], text: str, least: int, most: int = LONGEST) -> None:
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        message = "This string contains half of a surrogate pair, which is not valid Unicode."
        raise InvalidPayloadError([Problem(point(path), "INVALID_FIELD", message)]) from None
    if not least <= size <= most:
        message = f"This string may have {least} to {most:,} bytes of UTF-8; it has {size:,}."
        raise InvalidPayloadError([Problem(point(path), "INVALID_FIELD", message)])
