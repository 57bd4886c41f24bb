"""ENCODE: blocks that encode strings for other formats, and decode them.

A string with half of a surrogate pair, which UTF-8 cannot hold, is INVALID_ARGUMENT.
"""

from __future__ import annotations

import re
from typing import Final

from blocks.block import Call, Category

category = Category("ENCODE", effect="none")

PLAIN: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
"""Characters that a URL contains unescaped."""
PIECES: Final = 3
"""The cost of a byte that is written as a part of a URL: the parts are joined from a list."""
ESCAPE: Final = re.compile(rb"%([0-9A-Fa-f]{2})")
SPACE: Final = dict.fromkeys(map(ord, " \t\r\n"))
ENTITIES: Final[dict[str, str | int | None]] = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;"}


@category.block
def base64(call__: Call, /, *, text: str) -> str:
    """Encode a string's UTF-8 bytes in base64. `{"text": "héllo"}` gives `"aMOpbGxv"`."""
    import binascii  # noqa: PLC0415  # few jobs need it

    data = text.encode()
    size = 4 * -(-len(data) // 3)
    call__.charge(size, size + len(data))
    return binascii.b2a_base64(data, newline=False).decode()


@category.block
def decode_base64(*, text: str) -> str:
    """Decode base64, with the alphabet of URLs (`-` and `_`) too, to the string with those UTF-8 bytes.

    The padding may be missing, and white space (some services break the lines) is ignored. Invalid base64, or bytes
    that are not UTF-8, are INVALID_ARGUMENT. `{"text": "aMOpbGxv"}` gives `"héllo"`.
    """
    import binascii  # noqa: PLC0415  # few jobs need it

    if not text.isascii():
        raise ValueError("`text` is not valid base64: it holds characters that are not ASCII")
    text = text.translate(SPACE)
    padded = text if text.endswith("=") else text + "=" * (-len(text) % 4)
    try:
        data = binascii.a2b_base64(padded.translate({ord("-"): "+", ord("_"): "/"}), strict_mode=True)
    except ValueError as error:
        raise ValueError(f"`text` is not valid base64: {error}") from None
    return _decode(data)


@category.block
def url(call__: Call, /, *, text: str) -> str:
    """Encode a string as a part of a URL: all but letters, digits and `-._~` as a percent sign and two digits.

    `{"text": "a b/é"}` gives `"a%20b%2F%C3%A9"`.
    """
    from urllib.parse import quote_from_bytes  # noqa: PLC0415  # few jobs need it

    data = text.encode()
    size = len(data) + 2 * len(data.translate(None, PLAIN))
    call__.charge(size, PIECES * size)
    return quote_from_bytes(data, safe="")


@category.block
def decode_url(call__: Call, /, *, text: str) -> str:
    """Decode a part of a URL: each percent sign with its two digits is a byte of UTF-8.

    Bytes that are not UTF-8 are INVALID_ARGUMENT. A plus sign stays a plus sign. `{"text": "a%20b%2F%C3%A9"}` gives
    `"a b/é"`.
    """
    data = text.encode()
    call__.charge(0, 2 * len(data))
    read, end = bytearray(), 0
    for escape in ESCAPE.finditer(data):
        read += data[end : escape.start()]
        read.append(int(escape[1], 16))
        end = escape.end()
    return _decode(bytes(read + data[end:]))


@category.block
def html(call__: Call, /, *, text: str) -> str:
    """Encode a string as text or as an attribute of HTML: `&`, `<`, `>` and both quotes as entities.

    `{"text": "<b>Tom & Ann</b>"}` gives `"&lt;b&gt;Tom &amp; Ann&lt;/b&gt;"`.
    """
    size = len(text) + sum(text.count(sign) * (len(str(entity)) - 1) for sign, entity in ENTITIES.items())
    call__.charge(size, 2 * size)
    return text.translate(str.maketrans(ENTITIES))


def _decode(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise ValueError("the bytes of `text` are not valid UTF-8, so they cannot become a string") from None
