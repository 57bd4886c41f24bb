"""Reads a file of secrets for the embedded AWS: an object of names and bodies of ``PUT /secrets/{name}``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, unquote

from handler.console.errors import InputError

_EXAMPLE = '{"payments": {"value": "…", "hosts": ["api.example.com"]}}'


def read_secrets(file: str | None) -> dict[str, str]:
    """The requests that store the secrets: each body as JSON text, by the path of its request.

    Args:
        file: the file's name; ``None`` for no secrets.

    Raises:
        InputError: the file cannot be read, or is not an object of names and bodies. No message quotes the file.
    """
    if file is None:
        return {}
    try:
        secrets = json.loads(Path(file).read_text("utf-8"))
    except OSError as error:
        raise InputError(f"{file}: {error.strerror or error}") from None
    except ValueError:
        raise InputError(f"{file}: not JSON in UTF-8; write secrets as {_EXAMPLE}") from None
    if not isinstance(secrets, Mapping) or not all(isinstance(secret, Mapping) for secret in secrets.values()):
        raise InputError(f"{file}: write an object with an object for each secret, such as {_EXAMPLE}")
    return {f"/secrets/{quote(name, safe='')}": json.dumps(secret) for name, secret in secrets.items()}


def refuse_secret(path: str, why: str) -> InputError:
    """The error to raise when the API refused a secret."""
    name = unquote(path.rpartition("/")[2])
    return InputError(f"The API refused the secret {name!r}: {why}")
