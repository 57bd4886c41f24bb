"""Access tokens of OAuth 2, fetched from a token server (RFC 6749, sections 4.4, 5 and 6).

Answers of a token server are never shown: errors contain only its status.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote_plus

from infra.outside.errors import HttpError, HttpFailedError, HttpRefusedError
from infra.outside.secret import NoSecrets

if TYPE_CHECKING:  # imported when a token is first fetched
    from infra.outside.http_client import HttpClient

LASTS: Final = 300.0
"""The assumed lifetime of a token if the server gives none, in seconds. A 401 fetches another token anyway."""
LONGEST_LIFE: Final = 10 * 365 * 86_400.0
MOST_BYTES: Final = 16 * 1024
"""The longest token: servers do not accept longer headers."""
_TOKEN: Final = re.compile(r"[\x21-\x7e]+")
"""The characters that RFC 6750 allows in a bearer token, and a few more; no space, and nothing that ends a header."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """The data with which tokens are requested.

    Attributes:
        token_url: the token server's.
        client_id, client_secret: the client's credentials.
        scope: the requested scope; ``None`` for the server's default.
        refresh_token: ``None`` for the grant of client credentials.
    """

    token_url: str
    client_id: str
    client_secret: str = field(repr=False)
    scope: str | None = None
    refresh_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """The tokens of a token server's answer.

    Attributes:
        access: the access token.
        expires_at: seconds since 1970.
        refresh_token: the new refresh token; ``None`` if the old one stays.
    """

    access: str = field(repr=False)
    expires_at: float
    refresh_token: str | None = field(default=None, repr=False)


class TokenServer:
    """Fetches tokens with the client of HTTP calls, so that the rules of all calls apply.

    Args:
        http: returns the client.
    """

    def __init__(self, http: Callable[[], HttpClient]) -> None:
        self._http = http

    def fetch(self, name: str, grant: Grant, seconds: float) -> Tokens:
        """New tokens.

        The client is named in the form, as most services document it. If the server answers ``invalid_client``, the
        request is repeated with HTTP's Basic scheme, which the RFC requires every server to accept.

        Args:
            name: the secret's name, for messages.
            grant: the data for the server.
            seconds: how long this may take in total.

        Raises:
            HttpFailedError: the server is unreachable, or asks for a retry.
            HttpRefusedError: it refuses, may not be called, or its answer is unusable.
        """
        client = self._http()
        ends_at = client.now() + seconds
        in_form = {"client_id": grant.client_id, "client_secret": grant.client_secret}
        try:
            answer = self._ask(client, grant, in_form, {}, seconds)
        except HttpError as error:
            if not _is_invalid_client(error):
                raise _hidden(name, error) from None
            try:
                answer = self._ask(client, grant, {}, _basic(grant), ends_at - client.now())
            except HttpError as second:
                raise _hidden(name, second) from None
        tokens = _tokens(answer.get("body"), client.now())
        if tokens is None:
            raise HttpRefusedError(f"the token server of the secret `{name}` gave no token that can be used")
        return tokens

    @staticmethod
    def _ask(
        client: HttpClient, grant: Grant, form: Mapping[str, str], headers: Mapping[str, str], seconds: float
    ) -> dict[str, Any]:
        from infra.outside.http_request import make_call  # noqa: PLC0415  # see above

        kind = {"grant_type": "client_credentials"}
        if grant.refresh_token is not None:
            kind = {"grant_type": "refresh_token", "refresh_token": grant.refresh_token}
        scope = {"scope": grant.scope} if grant.scope is not None else {}
        call = make_call(
            method="POST",
            url=grant.token_url,
            headers={"Accept": "application/json", **headers},
            content={"form": {**kind, **scope, **form}},
            expect=[200],
            seconds=seconds,
        )
        return client.send(call, NoSecrets())


def _basic(grant: Grant) -> dict[str, str]:
    """The client in HTTP's Basic scheme; each part is encoded as in a form first (RFC 6749, section 2.3.1)."""
    pair = f"{quote_plus(grant.client_id)}:{quote_plus(grant.client_secret)}"
    return {"Authorization": "Basic " + b64encode(pair.encode()).decode()}


def _is_invalid_client(error: HttpError) -> bool:
    body = _parsed((error.details or {}).get("body", ""))
    return isinstance(body, dict) and body.get("error") == "invalid_client"


def _parsed(text: str) -> Any:
    """The JSON value of a string; ``None`` if the string is not JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _hidden(name: str, error: HttpError) -> HttpError:
    """The error without the server's answer."""
    server = f"the token server of the secret `{name}`"
    status = (error.details or {}).get("status")
    said = f"{server} answered {status}" if status else f"{server} cannot be asked: {error}"
    if isinstance(error, HttpFailedError):  # its message may quote the server, such as an invalid status line
        said = said if status else f"{server} cannot be reached, or gave no complete answer in time"
        return HttpFailedError(said, None, error.retry_after)
    return HttpRefusedError(said)


def _tokens(body: Any, now: float) -> Tokens | None:
    if isinstance(body, str):  # some servers declare the wrong content type
        body = _parsed(body)
    if not isinstance(body, dict):
        return None
    access, refresh = body.get("access_token"), body.get("refresh_token")
    life = _life(body.get("expires_in"))
    kind = body.get("token_type", "bearer")
    usable = _is_token(access) and isinstance(kind, str) and kind.lower() == "bearer"
    if not isinstance(access, str) or not usable or life is None:
        return None
    if refresh is not None and not _is_token(refresh):
        return None
    return Tokens(access=access, expires_at=now + life, refresh_token=refresh)


def _is_token(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= MOST_BYTES and _TOKEN.fullmatch(value) is not None


def _life(value: Any) -> float | None:
    """The lifetime in seconds; some servers write it as a string."""
    if value is None:
        return LASTS
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        seconds = float(value)
    except (ValueError, OverflowError):
        return None
    return seconds if 0 <= seconds <= LONGEST_LIFE else None
