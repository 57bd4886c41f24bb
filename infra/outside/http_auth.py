"""Credentials of a call: they read the secrets that it names and add them to the request."""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from infra.outside.errors import HttpInvalidError, HttpRefusedError
from infra.outside.http_url import Url
from infra.outside.masking import Mask
from infra.outside.secret import Secret, Secrets, allowed

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Signed:
    """A request with its credentials.

    Attributes:
        url: the URL, with the credentials' parameters.
        headers: the credentials' headers; bytes, since values are UTF-8.
    """

    url: Url
    headers: dict[str, bytes]


class Credentials:
    """The credentials of one call, resolved before anything is sent.

    Args:
        shapes: ``{"bearer": {"secret": name}}`` and so on, as LANGUAGE's section on HTTP lists them.
        secrets: of the tenant.
        mask: receives every value to hide.
        seconds: how long resolving may take.
        host: the host of the call; canonical.

    Raises:
        HttpRefusedError: a secret is unknown, or may not be used for this host or in this way.
        HttpError: a secret has no value now.
    """

    def __init__(
        self, shapes: Sequence[Mapping[str, Any]], secrets: Secrets, mask: Mask, seconds: float, host: str
    ) -> None:
        self._secrets = secrets
        self._mask = mask
        self._values: dict[str, Secret] = {}
        self._parts = [_part(shape) for shape in shapes]
        for _, shape, name in self._parts:
            self._take(allowed(secrets.get(name, seconds), name, "auth", host), shape)

    def _take(self, secret: Secret, shape: Mapping[str, Any]) -> None:
        self._values[secret.name] = secret
        for value in (secret.value, *secret.hidden):
            self._mask.hide(value, shape.get("user"))

    def sign(self, url: Url, body: bytes) -> Signed:
        """The credentials for a request to this URL with this body.

        Raises:
            HttpInvalidError: two of them set the same header.
            HttpRefusedError: a value cannot be in a header, or may not be sent to this host.
        """
        headers: dict[str, bytes] = {}
        for kind, shape, name in self._parts:
            value = allowed(self._values[name], name, "auth", url.host).value
            if kind == "query":
                url = url.with_parameter(shape["name"], value)
                continue
            header, text = _header(kind, shape, value, body)
            if header.lower() in map(str.lower, headers):
                raise HttpInvalidError(f"`auth` sets the header {header} twice")
            if _CONTROL.search(text):
                raise HttpRefusedError(f"the secret `{name}` contains a control character; a header cannot hold it")
            headers[header] = text.encode()
        return Signed(url, headers)

    def renew(self, seconds: float) -> bool:
        """Fetch other values after the service answered 401 to these; return whether there are any."""
        renewed = False
        for _, shape, name in self._parts:
            secret = self._values[name]
            other = self._secrets.renew(secret, seconds) if secret.renewable else None
            if other is not None and other.value != secret.value:
                self._take(other, shape)
                renewed = True
        return renewed


def _part(credential: Mapping[str, Any]) -> tuple[str, Mapping[str, Any], str]:
    """The kind of a credential, its fields, and the name of its secret."""
    [(kind, shape)] = credential.items()
    secret = (
        shape if kind == "bearer" else shape["password" if kind == "basic" else "secret" if kind == "hmac" else "value"]
    )
    return kind, shape, secret["secret"] if isinstance(secret, Mapping) else secret


def _header(kind: str, shape: Mapping[str, Any], value: str, body: bytes) -> tuple[str, str]:
    if kind == "bearer":
        return "Authorization", f"Bearer {value}"
    if kind == "basic":
        return "Authorization", "Basic " + b64encode(f"{shape['user']}:{value}".encode()).decode()
    if kind == "header":
        return shape["name"], value
    digest = hmac.new(value.encode(), body, hashlib.sha256).hexdigest()
    return shape["header"], f"{shape.get('prefix', '')}{digest}"
