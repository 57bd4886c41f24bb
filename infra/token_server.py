"""Access tokens of OAuth 2, fetched from a token server (RFC 6749, sections 4.4, 5 and 6).

What a token server answers is never shown: errors name its status and nothing else.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote_plus

from infra.http_errors import HttpError, HttpFailedError, HttpRefusedError
from infra.secret import NoSecrets

if TYPE_CHECKING:  # imported when a token is first fetched
    from infra.http_client import HttpClient

LASTS: Final = 300.0
"""Seconds that a token is taken to last whose server does not say: such a token is recommended to have an
``expires_in``, and another one is fetched after a 401 anyway."""
LONGEST_LIFE: Final = 10 * 365 * 86_400.0
MOST_BYTES: Final = 16 * 1024
"""Of a token. No header that is longer arrives."""
_TOKEN: Final = re.compile(r"[\x21-\x7e]+")
"""What RFC 6750 lets a bearer token consist of, and a little more; no space, and nothing that ends a header."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What gives a right to tokens.

    Attributes:
        token_url: the token server's.
        client_id, client_secret: of the client that it knows.
        scope: what the token is to allow; ``None`` for what the server gives by itself.
        refresh_token: ``None`` for the grant of client credentials.
    """

    token_url: str
    client_id: str
    client_secret: str = field(repr=False)
    scope: str | None = None
    refresh_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """What a token server gave.

    Attributes:
        access: the access token.
        expires_at: seconds since 1970.
        refresh_token: the one that takes the place of the one that was sent; ``None`` where that stays.
    """

    access: str = field(repr=False)
    expires_at: float
    refresh_token: str | None = field(default=None, repr=False)


class TokenServer:
    """Fetches tokens by the client of HTTP calls, so that the same rules hold as for any call.

    Args:
        http: gives the client.
    """

    def __init__(self, http: Callable[[], HttpClient]) -> None:
        self._http = http

    def fetch(self, name: str, grant: Grant, seconds: float) -> Tokens:
        """New tokens.

        A client is named in the form, as most services document it. A server that does not take that
        (``invalid_client``) is asked once more by HTTP's Basic scheme, which the RFC lets every server take.

        Args:
            name: of the secret, for messages.
            grant: what is shown to the server.
            seconds: how long it may take in all.

        Raises:
            HttpFailedError: the server cannot be reached, or says to try again.
            HttpRefusedError: it refuses, may not be called, or answers what cannot be used.
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
        from infra.http_request import make_call  # noqa: PLC0415  # see above

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
    """The JSON that a string holds; ``None`` if it holds none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _hidden(name: str, error: HttpError) -> HttpError:
    """The error without what the server answered."""
    server = f"the token server of the secret `{name}`"
    status = (error.details or {}).get("status")
    said = f"{server} answered {status}" if status else f"{server} cannot be asked: {error}"
    if isinstance(error, HttpFailedError):  # its words may be the server's own, such as a line that is no status line
        said = said if status else f"{server} cannot be reached, or gave no complete answer in time"
        return HttpFailedError(said, None, error.retry_after)
    return HttpRefusedError(said)


def _tokens(body: Any, now: float) -> Tokens | None:
    if isinstance(body, str):  # some say that it is text
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
    """Seconds; some servers write them as a string."""
    if value is None:
        return LASTS
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        seconds = float(value)
    except (ValueError, OverflowError):
        return None
    return seconds if 0 <= seconds <= LONGEST_LIFE else None
