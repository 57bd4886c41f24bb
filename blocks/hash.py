"""HASH: blocks that give the digests of strings."""

from __future__ import annotations

from typing import Literal

from blocks.block import Category

category = Category("HASH", effect="none")

Algorithm = Literal["sha256", "sha512", "sha1", "md5"]


@category.block
def digest(*, text: str, algorithm: Algorithm) -> str:
    """Give the digest of a string's UTF-8 bytes in hexadecimal digits.

    sha1 and md5 name things; they prove nothing about who made them. `{"text": "abc", "algorithm": "md5"}` gives
    `"900150983cd24fb0d6963f7d28e17f72"`.
    """
    import hashlib  # noqa: PLC0415  # it loads OpenSSL

    return hashlib.new(algorithm, text.encode(), usedforsecurity=False).hexdigest()
