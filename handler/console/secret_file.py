"""A file of secrets for the embedded AWS: an object that has, for each name, the body of ``PUT /secrets/{name}``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, unquote

from handler.console.errors import InputError

_EXAMPLE = '{"payments": {"value": "…", "hosts": ["api.example.com"]}}'


def read_secrets(file: str | None) -> dict[str, str]:
    """The bodies of the requests that put the secrets, as JSON text, by the paths of the requests.

    Args:
        file: its name; ``None`` has no secrets.

    Raises:
        InputError: it cannot be read, or is not such an object. No message shows what the file holds.
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
    """What to raise when the API did not take a secret."""
    name = unquote(path.rpartition("/")[2])
    return InputError(f"The secret {name!r} was not taken: {why}")
