"""Finds the secret that signs a hook's calls."""

from __future__ import annotations

from typing import Final

from handler.ports import Ports
from infra.outside.errors import HttpError

SECONDS: Final = 3.0
"""How long reading a secret may take."""


def find_verify_secret(ports: Ports, tenant: str, name: str) -> bytes | None:
    """The value of a tenant's secret, or ``None`` if no secret has that name and the use ``verify``.

    Raises:
        InfraError: AWS failed.
    """
    try:
        secret = ports.secrets_of(tenant).get(name, SECONDS)
    except HttpError:  # the server that provides its value is down, so no call can be verified now
        return None
    return secret.value.encode() if secret is not None and "verify" in secret.uses else None
