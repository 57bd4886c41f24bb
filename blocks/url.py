"""URL: blocks that parse and build addresses."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from blocks.block import Call, Category
from blocks.charges import cost_of_item, cost_of_places, cost_of_strings, cost_of_text
from blocks.messages import shown

if TYPE_CHECKING:
    from urllib.parse import SplitResult

category = Category("URL", effect="none")

VALUE: Final = 3
"""The least that a value of the query takes in JSON: its quotes and a comma."""
PARSED: Final = 60
"""The cost of a field while a query is parsed: a tuple, its place, and a list for its values."""
WRITTEN: Final = 15
ESCAPED: Final = 6
"""The cost of a byte that is escaped to three characters, which are joined twice."""
FIELD: Final = re.compile(r"[^&]+")
REFUSED: Final = re.compile(r"[\x00-\x20\x7f]")
"""Characters that no URL contains; Python's parser would drop some of them silently."""
IN_PATH: Final = "/:@!$&'()*+,;=~-._%"
"""Characters that need no escape in a path."""
LONE_PERCENT: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
KEPT: Final = 1_000
"""Characters of an address that may stay in the cache of `urllib.parse`, which keeps 128 of any size."""
BASE: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]+")


@category.block
def parse(call__: Call, /, *, url: str) -> dict[str, Any]:
    """Split an address into its parts.

    Scheme and host are in lower case; a missing host or port is null, any other missing part is empty. Names and values
    of the query are decoded; the values of a name that occurs several times are a list. User name and password are left
    out. An invalid URL is INVALID_ARGUMENT. `{"url": "https://example.com:8443/a?tag=x&tag=y&page=2#top"}` gives
    `{"scheme": "https", "host": "example.com", "port": 8443, "path": "/a", "query": {"tag": ["x", "y"], "page": "2"}, "fragment": "top"}`.
    """  # noqa: E501  # an example must be on one line
    from urllib.parse import parse_qsl  # noqa: PLC0415  # few jobs need it

    refused = REFUSED.search(url)
    if refused is not None:
        raise ValueError(
            f"`url` holds {refused[0]!r} at position {refused.start()}; write it as %{ord(refused[0]):02X}"
        )
    try:
        parts = _split(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError(f"`url` is not a valid address: {error}") from None
    fields = sum(1 for _ in FIELD.finditer(parts.query))
    call__.charge(
        len(parts.path) + len(parts.fragment) + VALUE * fields,
        cost_of_text(url) + PARSED * fields + 2 * cost_of_strings(2 * fields, 3 * len(parts.query), wide=True),
    )
    query: dict[str, Any] = {}
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        known = query.get(name)
        if known is None:
            query[name] = value
        elif isinstance(known, list):
            known.append(value)
        else:
            query[name] = [known, value]
    named = {"scheme": parts.scheme, "host": host, "port": port, "path": parts.path}
    return {**named, "query": query, "fragment": parts.fragment}


@category.block
def build(
    call__: Call,
    /,
    *,
    base: str,
    path: str | list[str | int] | None = None,
    query: dict[str, Any] | None = None,
) -> str:
    """Build an address: the base, a path below that of the base, and a query after that of the base.

    Characters that the path or the query may not contain are encoded. If the path is a list, each item is one segment,
    in which a slash is encoded too. In the query, a list repeats its name, and null leaves it out.
    `{"base": "https://example.com/v1", "path": ["users", "a/b"], "query": {"page": 2, "tag": ["x", "y"]}}` gives
    `"https://example.com/v1/users/a%2Fb?page=2&tag=x&tag=y"`.
    """
    from urllib.parse import quote  # noqa: PLC0415  # few jobs need it

    if BASE.match(base) is None or REFUSED.search(base) is not None:
        raise ValueError(
            f"`base` is an address with a scheme and a host, such as https://example.com, not {shown(base)}"
        )
    parts = _split(base)
    call__.charge(len(base), 3 * len(base))
    written = []
    for name, value in _fields(query or {}):
        # Of each, before it is built: one name may have many values. A byte may take three characters.
        call__.charge(len(name) + len(value) + 1, WRITTEN + ESCAPED * (cost_of_text(name) + cost_of_text(value)))
        written.append(f"{quote(name, safe='')}={quote(value, safe='')}")
    if isinstance(path, list):
        call__.charge(0, cost_of_places(len(path)) + sum(map(_cost_of_segment, path)))
        path = "/".join(quote(str(segment), safe="") for segment in path)
    elif path:
        call__.charge(len(path), ESCAPED * cost_of_text(path))
        path = quote(LONE_PERCENT.sub("%25", path), safe=IN_PATH)
    whole = f"{parts.path.rstrip('/')}/{path.removeprefix('/')}" if path else parts.path
    return parts._replace(path=whole, query="&".join(filter(None, [parts.query, *written]))).geturl()


def _split(url: str) -> SplitResult:
    """Split an address; a long one is not kept."""
    from urllib.parse import clear_cache, urlsplit  # type: ignore[attr-defined]  # noqa: PLC0415  # few jobs need it

    try:
        return urlsplit(url)
    finally:
        if len(url) > KEPT:
            clear_cache()


def _cost_of_segment(segment: str | int) -> int:
    return ESCAPED * cost_of_item(segment)


def _fields(query: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, values in query.items():
        for value in values if isinstance(values, list) else [values]:
            if isinstance(value, str):
                yield name, value
            elif value is not None:
                yield name, json.dumps(value, ensure_ascii=False, allow_nan=False)
