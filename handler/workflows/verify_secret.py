"""The secret with which a hook's calls are signed."""

from __future__ import annotations

from typing import Final

from handler.ports import Ports
from infra.http_errors import HttpError

SECONDS: Final = 3.0
"""How long reading a secret may take."""


def find_verify_secret(ports: Ports, tenant: str, name: str) -> bytes | None:
    """The value of a tenant's secret, or ``None`` where there is none of that name, or none with the use ``verify``.

    Raises:
        InfraError: AWS failed.
    """
    try:
        secret = ports.secrets_of(tenant).get(name, SECONDS)
    except HttpError:  # its value comes from a server that is down: nothing can be signed with it now
        return None
    return secret.value.encode() if secret is not None and "verify" in secret.uses else None
