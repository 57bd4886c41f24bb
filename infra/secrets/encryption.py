"""Encryption of tenants' secrets with the stack's KMS key.

KMS encrypts at most 4,096 bytes at once. Longer strings, such as some access tokens, are encrypted piece by piece.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Final

from infra.aws.clients import KeyClient
from infra.errors import translated

MOST_BYTES: Final = 4_096
"""The most bytes of one Encrypt call (https://docs.aws.amazon.com/kms/latest/APIReference/API_Encrypt.html)."""
_BETWEEN: Final = "."
"""Separates the pieces; it is not a letter of base64."""


class Encryption:
    """Encrypts strings so that they can be decrypted only for the same stack, tenant and name.

    Stack, tenant and name are the encryption context: KMS compares it and writes it to CloudTrail; it is not secret.

    Args:
        client: returns the client; called for each call, so that it is built at the first.
        key: the id or ARN of the key.
        stack: the deployment's name.
    """

    def __init__(self, client: Callable[[], KeyClient], key: str, stack: str) -> None:
        self._client = client
        self._key = key
        self._stack = stack

    def encrypt(self, tenant: str, name: str, text: str) -> str:
        """The encrypted string, as ASCII.

        Raises:
            InfraError: see `infra.errors`.
        """
        data = text.encode()
        context = self._context(tenant, name)
        pieces = []
        for first in range(0, max(len(data), 1), MOST_BYTES):
            with translated("Encrypt with the key of secrets"):
                answer = self._client().encrypt(
                    KeyId=self._key, Plaintext=data[first : first + MOST_BYTES], EncryptionContext=context
                )
            pieces.append(b64encode(answer["CiphertextBlob"]).decode())
        return _BETWEEN.join(pieces)

    def decrypt(self, tenant: str, name: str, encrypted: str) -> str:
        """The plaintext of a string that `encrypt` returned.

        Raises:
            InfraError: see `infra.errors`; also if the string was encrypted for another tenant or name, or with another
                key.
        """
        context = self._context(tenant, name)
        data = b""
        for piece in encrypted.split(_BETWEEN):
            with translated("Decrypt with the key of secrets"):
                data += self._client().decrypt(
                    KeyId=self._key, CiphertextBlob=b64decode(piece), EncryptionContext=context
                )["Plaintext"]
        return data.decode()

    def _context(self, tenant: str, name: str) -> dict[str, str]:
        return {"stack": self._stack, "tenant": tenant, "name": name}
