"""Converts between a job's JSON and botocore's values: bytes and times."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from infra.outside.errors import HttpInvalidError

Read = Callable[[Any], bytes]
"""A function that reads a streamed body."""
_BASE64: Final = {"base64"}


def sendable(value: Any, shape: Any) -> Any:
    """The parameters in botocore's form, with bytes where the operation expects them.

    Args:
        value: the JSON value.
        shape: botocore's description of the value, or ``None``.

    Raises:
        HttpInvalidError: bytes are given in an unknown form.
    """
    kind = getattr(shape, "type_name", None)
    if kind == "blob":
        return _bytes(value)
    if kind == "structure" and isinstance(value, dict) and not getattr(shape, "is_document_type", False):
        return {name: sendable(item, shape.members.get(name)) for name, item in value.items()}
    if kind == "map" and isinstance(value, dict):
        return {name: sendable(item, shape.value) for name, item in value.items()}
    if kind == "list" and isinstance(value, list):
        return [sendable(item, shape.member) for item in value]
    return value


def _bytes(value: Any) -> Any:
    try:
        if isinstance(value, str):
            return value.encode()
        if isinstance(value, dict) and set(value) == _BASE64 and isinstance(value["base64"], str):
            return b64decode(value["base64"], validate=True)
        if isinstance(value, (dict, list)):
            return json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except ValueError as error:  # includes half of a surrogate pair
        raise HttpInvalidError(f"these bytes cannot be sent: {type(error).__name__}") from None
    return value


def shown(value: Any, read: Read) -> Any:
    """A response as JSON.

    Args:
        value: botocore's result.
        read: see `Read`.
    """
    if isinstance(value, dict):
        return {str(name): shown(item, read) for name, item in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [shown(item, read) for item in value]
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, (bytes, bytearray)):
        return _shown_bytes(bytes(value))
    if hasattr(value, "read"):
        return _shown_bytes(read(value))
    return value


def _shown_bytes(data: bytes) -> Any:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return {"base64": b64encode(data).decode()}
    try:
        return json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return text


def _refuse(word: str) -> Any:
    raise ValueError(word)
