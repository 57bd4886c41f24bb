"""HASH: blocks that compute the digests of strings, with or without a key."""

from __future__ import annotations

from typing import Annotated, Final, Literal, Protocol

from pydantic import Field

from blocks.block import Call, Category

category = Category("HASH", effect="none")

SECONDS: Final = 10
"""Seconds that reading a secret may take."""

Algorithm = Literal["sha256", "sha512", "sha1", "md5"]


class Signer(Protocol):
    """The signer that the deployment provides. It never hands out the secrets."""

    def hmac(self, secret: str, data: bytes, algorithm: str, seconds: float) -> bytes:
        """The HMAC of the data with the tenant's secret of that name.

        Raises:
            CallRefusedError: the secret does not exist, or is for another use.
            CallFailedError: it cannot be read now.
        """


@category.block
def digest(*, text: str, algorithm: Algorithm) -> str:
    """Return the digest of a string's UTF-8 bytes in hexadecimal digits.

    sha1 and md5 are for identifiers, not for security. `{"text": "abc", "algorithm": "md5"}` gives
    `"900150983cd24fb0d6963f7d28e17f72"`.
    """
    import hashlib  # noqa: PLC0415  # it loads OpenSSL

    return hashlib.new(algorithm, text.encode(), usedforsecurity=False).hexdigest()


@category.block
def hmac(
    signer__: Signer,
    call__: Call,
    /,
    *,
    text: str,
    secret: Annotated[str, Field(description="The name of a secret with the use `hmac`.")],
    algorithm: Algorithm = "sha256",
    encoding: Literal["hex", "base64"] = "hex",
) -> str:
    """Sign a string: return the HMAC of its UTF-8 bytes, with a secret as the key.

    `{"text": "{: order.body :}", "secret": "partner"}` gives 64 hexadecimal digits. `PUT /secrets/partner` stores the
    secret with the use `hmac`; no job sees it. An unknown secret, or one without that use, is CALL_REFUSED.
    """
    digest = signer__.hmac(secret, text.encode(), algorithm, min(call__.limit_left, SECONDS))
    if encoding == "hex":
        return digest.hex()
    from base64 import b64encode  # noqa: PLC0415  # few need it

    return b64encode(digest).decode()
