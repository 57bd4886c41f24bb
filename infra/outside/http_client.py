"""Makes HTTP calls for jobs: checks each hop, limits time and size, and inserts and masks secrets.

No proxy, ``.netrc`` or cookie is used: urllib3's connections do not support them.
"""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from infra.outside.connections import Connections
from infra.outside.deadline_socket import Now
from infra.outside.errors import HttpError, HttpFailedError, HttpInvalidError, HttpRefusedError, HttpTooLargeError
from infra.outside.hosts import Reach
from infra.outside.http_answer import ENCODINGS, Answer, read_answer
from infra.outside.http_auth import Credentials, Signed
from infra.outside.http_request import Call
from infra.outside.http_url import Url, read_url
from infra.outside.masking import Mask
from infra.outside.pinned_connection import Connection, Opener, Place, reason_of
from infra.outside.secret import Secrets, allowed

_DEFAULTS: Final = {"User-Agent": b"conduit/1", "Accept": b"*/*", "Accept-Encoding": ENCODINGS.encode()}
"""Default headers that users may replace."""
TRY_AGAIN: Final = frozenset({408, 425, 429})
"""Statuses below 500 that ask for a retry."""
_SERVER_ERROR: Final = 500
_UNAUTHORIZED: Final = 401
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_SEE_OTHER: Final = 303
_KEEPING: Final = frozenset({307, 308})
"""Redirects that keep method and body. Other redirects turn a POST into a GET, as in browsers (Fetch, 4.4)."""
_CREDENTIALS: Final = frozenset({"authorization", "cookie"})
_OF_A_BODY: Final = frozenset({"content-type", "content-encoding", "content-language", "content-location"})


class HttpClient:
    """Makes calls.

    Args:
        reach: the hosts and ports that may be called.
        limit: the largest body of an answer, in bytes.
        opener: opens connections.
        now: the clock: seconds since the epoch.
    """

    def __init__(self, reach: Reach, limit: int, opener: Opener, now: Now) -> None:
        self._reach = reach
        self.limit = limit
        self._opener = opener
        self.now = now
        self._connections = Connections(now)

    def close(self) -> None:
        """Close the connections that are kept alive."""
        self._connections.close()

    def send(self, call: Call, secrets: Secrets) -> dict[str, Any]:
        """Make a call; return its answer, ``{"status": 200, "headers": {…}, "body": …}``, with secrets masked.

        Raises:
            HttpError: see `infra.outside.errors`; its secrets are masked, too.
        """
        mask = Mask()
        try:
            return _Exchange(self, call, secrets, mask).run().value(mask)
        except HttpError as error:
            details = mask.tree(dict(error.details)) if error.details is not None else None
            raise type(error)(mask.text(str(error)), details, error.retry_after) from None

    def judged(self, url: Url) -> Place:
        """The place of a URL. Raises an `HttpError` if the URL may not be called."""
        return Place(url.scheme, url.host, url.port, self._reach.judge(*url.origin))

    def request(self, place: Place, method: str, signed: Signed, body: bytes | None, ends_at: float) -> Answer:
        """Send one request and read its answer.

        The service may have closed a kept-alive connection. If it breaks before the first byte of the answer, the
        request is sent again over a new one; the service recognises the repetition by its ``Idempotency-Key``.

        Raises:
            HttpError: no complete answer arrived, or the host has an address that may not be called.
        """
        try:
            connection = self._connections.take(place)
            if connection is not None:
                try:
                    response = self._ask(connection, method, signed, body, ends_at)
                except (ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError):
                    connection = None
            if connection is None:
                connection = self._opener.open(place, ends_at)
                response = self._ask(connection, method, signed, body, ends_at)
        except (OSError, http.client.HTTPException) as error:
            raise HttpFailedError(f"no answer from {place.host}: {reason_of(error)}") from None
        return self._answer(place, connection, response)

    def _ask(
        self, connection: Connection, method: str, signed: Signed, body: bytes | None, ends_at: float
    ) -> http.client.HTTPResponse:
        headers: Any = signed.headers
        try:
            connection.until(ends_at, self.now)
            connection.request(method, signed.url.target, body=body, headers=headers)
            return connection.getresponse()
        except BaseException:
            connection.close()
            raise

    def _answer(self, place: Place, connection: Connection, response: http.client.HTTPResponse) -> Answer:
        whole = False
        try:
            answer = read_answer(response, self.limit)
            whole = not answer.cut and response.isclosed() and connection.sock is not None
        except (OSError, http.client.HTTPException) as error:
            raise HttpFailedError(f"no complete answer from {place.host}: {reason_of(error)}") from None
        finally:
            response.close()
            if not whole:
                connection.close()
        if whole:
            self._connections.keep(place, connection)
        return answer


class _Exchange:
    """One call with all its hops."""

    def __init__(self, client: HttpClient, call: Call, secrets: Secrets, mask: Mask) -> None:
        self._client = client
        self._call = call
        self._mask = mask
        self._ends_at = client.now() + call.seconds
        self._url_secret_hosts: frozenset[str] | None = None
        self._url = self._read(call.url, secrets).with_query(list(call.query))
        client.judged(self._url)  # check it before a token is fetched for it
        self._credentials = Credentials(call.auth, secrets, mask, self._left(), self._url.host)
        self._first = self._url.origin
        self._trusted = True
        self._method, self._body, self._headers = call.method, call.body, dict(call.headers)

    def _left(self) -> float:
        return self._ends_at - self._client.now()

    def _read(self, url: str | Mapping[str, Any], secrets: Secrets) -> Url:
        if isinstance(url, str):
            return read_url(url)
        name = url["secret"]
        secret = allowed(secrets.get(name, self._left()), name, "url", None)
        self._mask.hide(secret.value)
        try:
            read = read_url(secret.value.strip())
        except HttpInvalidError as error:
            raise HttpRefusedError(f"the secret `{name}` is not a URL that can be called: {error}") from None
        for part in read.secret_parts():
            self._mask.hide(part)
        allowed(secret, name, "url", read.host)
        self._url_secret_hosts = secret.hosts
        return read

    def run(self) -> Answer:
        """Make the call; return the expected answer."""
        left = self._call.redirects
        while True:
            answer = self._hop()
            if self._is_expected(answer.status):
                if answer.cut:
                    raise HttpTooLargeError(f"the answer from {self._url.host} is larger than {self._limit_text()}")
                return answer
            location = answer.headers.get("location")
            if answer.status not in _REDIRECTS or location is None or left <= 0:
                raise self._unexpected(answer)
            left -= 1
            self._follow(answer, location)

    def _hop(self) -> Answer:
        place = self._client.judged(self._url)
        answer = self._client.request(place, self._method, self._signed(), self._body, self._ends_at)
        if answer.status == _UNAUTHORIZED and self._trusted and self._credentials.renew(self._left()):
            answer = self._client.request(place, self._method, self._signed(), self._body, self._ends_at)
        return answer

    def _signed(self) -> Signed:
        signed = self._credentials.sign(self._url, self._body or b"") if self._trusted else Signed(self._url, {})
        given = {name.lower() for name in self._headers}
        for name in signed.headers:
            if name.lower() in given:
                raise HttpInvalidError(f"the header {name} is given in `headers` and in `auth`; leave one of them out")
        headers = {name: value for name, value in _DEFAULTS.items() if name.lower() not in given}
        headers |= {name: value.encode("latin-1") for name, value in self._headers.items()}
        return replace(signed, headers=headers | signed.headers)

    def _is_expected(self, status: int) -> bool:
        expect = self._call.expect
        return status in expect if expect is not None else 200 <= status <= 299  # noqa: PLR2004  # HTTP's own

    def _unexpected(self, answer: Answer) -> HttpError:
        message = f"{self._url.host} answered {answer.status} {answer.reason}".rstrip()
        details = answer.details(self._mask)
        if answer.status in TRY_AGAIN or answer.status >= _SERVER_ERROR:
            return HttpFailedError(message, details, answer.retry_after(self._client.now()))
        return HttpRefusedError(message, details)

    def _follow(self, answer: Answer, location: str) -> None:
        """Follow a redirect. Its URL is then checked like the first one."""
        details = answer.details(self._mask)
        try:
            url = self._url.follow(location)
        except HttpError as error:
            message = f"{self._url.host} redirects to a URL that cannot be called: {error}"
            raise HttpRefusedError(message, details) from None
        if self._url.scheme == "https" and url.scheme != "https":
            raise HttpRefusedError(f"{self._url.host} redirects from https to {url.scheme}", details)
        if self._url_secret_hosts is not None and url.host not in self._url_secret_hosts:
            raise HttpRefusedError(f"the secret URL redirects to {url.host}, which is not one of its hosts", details)
        if url.origin != self._first:
            self._trusted = False  # permanently: the user did not write a URL to which another origin redirects
            self._headers = {n: v for n, v in self._headers.items() if n.lower() not in _CREDENTIALS}
        other = self._method not in {"GET", "HEAD"} if answer.status == _SEE_OTHER else self._method == "POST"
        if other and answer.status not in _KEEPING:
            self._method, self._body = "GET", None
            self._headers = {n: v for n, v in self._headers.items() if n.lower() not in _OF_A_BODY}
        self._url = url

    def _limit_text(self) -> str:
        return f"{self._client.limit:,} bytes"
