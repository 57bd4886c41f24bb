"""Reads an answer, up to a limit, as JSON, text or bytes."""

from __future__ import annotations

import http.client
import json
import re
import zlib
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, Final, NoReturn

from infra.outside.errors import HttpFailedError
from infra.outside.masking import Mask

PIECE: Final = 64 * 1024
"""How many bytes are read and decompressed at once."""
HEADERS_LIMIT: Final = 64 * 1024
"""The largest total of an answer's headers, in bytes."""
SHOWN: Final = 1_000
"""Characters of a body that an error shows."""
_CHARSETS: Final = re.compile(
    r"(utf-?8|utf-?16(-?[lb]e)?|utf-?32(-?[lb]e)?|(us-)?ascii|latin-?1|iso-?8859-?\d{1,2}|windows-?125\d|cp125\d"
    r"|shift[_-]?jis|euc-?jp|euc-?kr|gb2312|gbk|gb18030|big5|koi8-[ru])"
)
"""The accepted text encodings. Python has others, but some take quadratic time."""
_HALF_PAIR: Final = re.compile(r"\\u[dD][89a-fA-F]")
_WINDOW: Final = {"gzip": 16 + zlib.MAX_WBITS, "x-gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}
_GZIP: Final = b"\x1f\x8b"
ENCODINGS: Final = "gzip, deflate"
"""The value of `Accept-Encoding`."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer of a service.

    Attributes:
        status: such as 200.
        reason: the words after it.
        headers: by their names in lower case; repeated ones joined by a comma.
        body: decompressed, as far as it was read.
        cut: whether the body exceeded the limit.
    """

    status: int
    reason: str
    headers: dict[str, str]
    body: bytes
    cut: bool

    def retry_after(self, now: float) -> float | None:
        """Seconds that the service asks to wait (RFC 9110, 10.2.3), with 429 and 503."""
        text = self.headers.get("retry-after", "").strip()
        if self.status not in {429, 503} or not text:
            return None
        if re.fullmatch("[0-9]{1,9}", text):
            return float(text)
        try:
            return max(0.0, parsedate_to_datetime(text).timestamp() - now)
        except (ValueError, OverflowError):
            return None

    def value(self, mask: Mask) -> dict[str, Any]:
        """``{"status", "headers", "body"}`` as JSON."""
        headers = {mask.text(name): mask.text(text) for name, text in self.headers.items()}
        return {"status": self.status, "headers": headers, "body": self._body(mask)}

    def details(self, mask: Mask) -> dict[str, Any]:
        """The details of an error: the status and the beginning of the body."""
        text = mask.text(self._decoded(self.body, errors="replace") or "")
        if self.cut and mask.longest:
            text = text[: -mask.longest]  # the end may hold a part of a value, which the mask cannot find
        return {"status": self.status, "body": text[:SHOWN]}

    def _body(self, mask: Mask) -> Any:
        text = self._decoded(self.body)
        if text is None:
            return {"base64": b64encode(mask.data(self.body)).decode()}
        if self._is_json():
            try:
                return mask.tree(_parse(text))
            except (ValueError, RecursionError):
                pass  # it is marked as JSON but is not: return its text
        return mask.text(text)

    def _is_json(self) -> bool:
        kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        return kind == "application/json" or kind.endswith("+json")

    def _decoded(self, body: bytes, errors: str = "strict") -> str | None:
        found = re.search(r";\s*charset=\"?([^\s\";]+)", self.headers.get("content-type", ""), re.IGNORECASE)
        charset = found[1].lower() if found else "utf-8"
        if not _CHARSETS.fullmatch(charset):
            charset = "utf-8"
        try:
            return body.decode("utf-8-sig" if charset in {"utf-8", "utf8"} else charset, errors)
        except (UnicodeError, LookupError):
            return None


def _parse(text: str) -> Any:
    value = json.loads(text, parse_constant=_refuse, parse_float=_finite)
    if _HALF_PAIR.search(text):
        json.dumps(value, ensure_ascii=False).encode()  # a ValueError for half of a surrogate pair
    return value


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if number in {float("inf"), float("-inf")}:
        raise ValueError("the number is past the largest")
    return number


def read_answer(response: http.client.HTTPResponse, limit: int) -> Answer:
    """Read an answer to its end or to the limit.

    Args:
        response: the response, whose head has been read.
        limit: the largest body, in decompressed bytes.

    Raises:
        HttpFailedError: the answer ended early, or its compression is damaged.
        OSError, http.client.HTTPException: the connection broke.
    """
    headers: dict[str, str] = {}
    for name, value in response.headers.items():
        known = headers.get(name.lower())
        headers[name.lower()] = value if known is None else f"{known}, {value}"
    size = sum(len(name) + len(value) for name, value in headers.items())
    if size > HEADERS_LIMIT:
        return Answer(response.status, response.reason or "", {}, b"", cut=True)
    body, cut = bytearray(), False
    try:
        for piece in _decompressed(_pieces(response, 2 * limit + PIECE), headers.get("content-encoding", "")):
            body += piece
            if cut := len(body) > limit:
                break
    except _TooMuchError:
        cut = True
    return Answer(response.status, response.reason or "", headers, bytes(body[:limit]), cut)


class _TooMuchError(Exception):
    """The limit is exceeded; the rest of the body is not read."""


def _pieces(response: http.client.HTTPResponse, most: int) -> Iterator[bytes]:
    """The body as sent, up to `most` bytes: a longer one is also too large after decompression."""
    read = 0
    while piece := response.read(PIECE):
        yield piece
        read += len(piece)
        if read > most:
            raise _TooMuchError
    if response.length:
        raise HttpFailedError(f"the connection closed {response.length:,} bytes before the end of the answer")


def _decompressed(pieces: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    """The decompressed body, a piece at a time. A body of an unknown encoding is not changed."""
    kind = encoding.strip().lower()
    if kind not in _WINDOW:
        yield from pieces
        return
    try:
        yield from _inflated(pieces, kind)
    except zlib.error:
        raise HttpFailedError("the compression of the answer is damaged") from None


def _inflated(pieces: Iterator[bytes], kind: str) -> Iterator[bytes]:
    made = None
    for received in pieces:
        piece = received
        if made is None:
            raw = kind == "deflate" and not _has_zlib_header(piece)  # many servers omit the header
            made = zlib.decompressobj(-zlib.MAX_WBITS if raw else _WINDOW[kind])
        while piece:
            if made.eof:  # gzip may have several members; anything else after the end is padding
                if kind == "deflate" or not piece.startswith(_GZIP):
                    break
                made = zlib.decompressobj(_WINDOW[kind])
            yield made.decompress(piece, PIECE)
            piece = made.unconsumed_tail or made.unused_data
    if made is not None and not made.eof:
        raise HttpFailedError("the compression of the answer ends early")


def _has_zlib_header(data: bytes) -> bool:
    return len(data) > 1 and data[0] & 0x0F == zlib.DEFLATED and (data[0] << 8 | data[1]) % 31 == 0
