"""Reads a tenant's stored documents page by page, in the order of their names."""

from __future__ import annotations

import base64
import json
import re
from typing import Final

from handler.errors import ConflictError, InvalidRequestError
from handler.payload.values import ID_PATTERN
from handler.ports import Ports
from infra.table.documents import Document, Kind

PAGE: Final = 100
"""The largest number of entries of a page."""
ENTRIES: Final = 20
"""The default number of entries of a page."""


async def read_page(
    ports: Ports, tenant: str, kind: Kind, *, limit: int, cursor: str | None
) -> tuple[list[Document], str | None]:
    """A page of documents, and the cursor of the next one.

    Raises:
        InvalidRequestError: the limit is not from 1 to 100, or the cursor is not valid.
    """
    if not 1 <= limit <= PAGE:
        raise InvalidRequestError("/limit", f"A limit must be a whole number from 1 to {PAGE}.")
    after = _decode(cursor) if cursor is not None else None
    found = await ports.documents.list_after(tenant, kind, after, limit=limit + 1)
    page = found[:limit]
    return page, _encode(page[-1].name) if len(found) > limit else None


async def read_all(ports: Ports, tenant: str, kind: Kind, most: int) -> list[Document]:
    """All documents of a kind, at most `most`."""
    return await ports.documents.list_after(tenant, kind, None, limit=most)


async def check_space(ports: Ports, tenant: str, kind: Kind, most: int) -> None:
    """Refuse another document when the tenant has reached its limit.

    Two documents that are stored at the same moment may both be accepted as the last one. The limit prevents a tenant
    from filling the table; one extra document does no harm.

    Raises:
        ConflictError: there are already `most` documents.
    """
    if len(await read_all(ports, tenant, kind, most)) >= most:
        raise ConflictError(f"There are {most} {kind}s, which is the limit; delete one that is no longer needed.")


def _encode(name: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([name]).encode()).decode().rstrip("=")


def _decode(cursor: str) -> str:
    try:
        (name,) = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
        if isinstance(name, str) and re.fullmatch(ID_PATTERN, name):
            return name
    except (ValueError, TypeError, RecursionError):
        pass
    raise InvalidRequestError("/cursor", "Invalid cursor: pass the `cursor` of the previous page unchanged.")
