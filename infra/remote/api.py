"""Calls the HTTP API of a stack: with a bearer token, signed with SigV4, or without credentials."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any, Final
from urllib.parse import urlsplit

TIMEOUT: Final = 35.0
"""Seconds. The API answers within 29."""
_REGION_OF_HOST: Final = re.compile(r"\.execute-api\.([a-z0-9-]+)\.amazonaws\.com")


class UnreachableApiError(Exception):
    """There was no answer, or one that is not JSON. The message names the address and the reason."""


@dataclass(frozen=True, slots=True)
class RemoteAnswer:
    """An answer of the API: status, headers in lower case, and the body as JSON."""

    status: int
    headers: Mapping[str, str]
    body: Any


class RemoteApi:
    """Calls one API.

    Args:
        url: the API's address, stage included, such as ``https://abc.execute-api.eu-central-1.amazonaws.com``.
        token: a bearer token. Without one, requests to an address of API Gateway are signed with the credentials of the
            AWS environment; requests to any other address are sent without credentials.
    """

    def __init__(self, url: str, token: str | None = None) -> None:
        if not _is_address(url):
            raise UnreachableApiError(f"{url!r} is not the URL of an API, such as http://127.0.0.1:8080.")
        self._url = url.rstrip("/")
        self._token = token

    def call(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> RemoteAnswer:
        """Send one request.

        Args:
            method: the HTTP method.
            path: the path from the API's root, with the query.
            body: sent as JSON; bytes are sent unchanged; ``None`` for no body.
            headers: further headers.

        Raises:
            UnreachableApiError: there was no answer, or one that is not JSON.
        """
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        sent = {"Accept": "application/json", **({"Content-Type": "application/json"} if data is not None else {})}
        request = urllib.request.Request(  # noqa: S310  # the scheme was checked
            self._url + path, data=data, headers={**sent, **(headers or {})}, method=method
        )
        self._authorize(request)
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:  # noqa: S310  # as above
                return _read(answer.status, answer.headers, answer.read(), self._url)
        except urllib.error.HTTPError as error:
            with error:
                return _read(error.code, error.headers, error.read(), self._url)
        except (OSError, HTTPException) as error:  # HTTPException: a port that does not speak HTTP
            reason = getattr(error, "reason", error)
            raise UnreachableApiError(f"{self._url} does not answer: {reason}") from None

    def _authorize(self, request: urllib.request.Request) -> None:
        if self._token:
            request.add_header("Authorization", f"Bearer {self._token}")
        elif region := _REGION_OF_HOST.search(self._url):
            _sign(request, region[1])


def _is_address(url: str) -> bool:
    try:
        place = urlsplit(url)
        has_host = bool(place.hostname) and (place.port is None or place.port > 0)
    except ValueError:  # the port is not a number, or a bracket is missing
        return False
    return has_host and place.scheme in {"http", "https"} and not re.search(r"\s", url)


def _sign(request: urllib.request.Request, region: str) -> None:
    """Add the headers of SigV4, with the credentials that the AWS CLI would use."""
    from botocore.auth import SigV4Auth  # noqa: PLC0415  # only a signed call needs it
    from botocore.awsrequest import AWSRequest  # noqa: PLC0415  # as above
    from botocore.session import Session  # noqa: PLC0415  # as above

    credentials = Session().get_credentials()
    if credentials is None:
        raise UnreachableApiError("This API needs signed requests, but there are no AWS credentials. Pass --token.")
    signed = AWSRequest(request.get_method(), request.full_url, headers=dict(request.headers), data=request.data)
    SigV4Auth(credentials, "execute-api", region).add_auth(signed)
    for name, value in signed.headers.items():
        request.add_header(name, value)


def _read(status: int, headers: Any, text: bytes, url: str) -> RemoteAnswer:
    try:
        body = json.loads(text) if text else None
    except ValueError:
        raise UnreachableApiError(f"{url} answered {status} with something that is not JSON: {text[:200]!r}") from None
    return RemoteAnswer(status, {name.lower(): value for name, value in headers.items()}, body)
