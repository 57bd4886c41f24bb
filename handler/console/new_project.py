"""Creates a user's own project outside this repository, for `conduit new`."""

from __future__ import annotations

import json
import re
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit
from urllib.request import url2pathname

from handler.console.errors import InputError
from handler.console.project_files import FILES, FILLED

TEMPLATE: Final = "template.yaml"
DISTRIBUTION: Final = "conduit-lambda"
NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,62}")
"""A name that is valid for a CloudFormation stack and as a folder on every system."""


class ProjectError(InputError):
    """The project cannot be created. The message says why."""


def find_checkout(here: Path, given: str | None) -> Path:
    """Find the checkout of this repository: the given one, else the running one, else the source of pip's installation.

    Args:
        here: the folder that contains this `handler`.
        given: the user's choice, or ``None``.

    Raises:
        ProjectError: no checkout was found, or the given folder is not one.
    """
    if given is not None:
        folder = Path(given).resolve()
        if not (folder / TEMPLATE).is_file():
            raise ProjectError(f"{given!r} is not a checkout of Conduit: it has no {TEMPLATE}.")
        return folder
    for folder in (here, *_installed_from()):
        if (folder / TEMPLATE).is_file():
            return folder
    raise ProjectError("The checkout from which Conduit was installed is missing; name one with --checkout FOLDER.")


def _installed_from() -> list[Path]:
    """The folder from which pip installed this package, according to pip's own record (PEP 610)."""
    try:
        noted = json.loads(distribution(DISTRIBUTION).read_text("direct_url.json") or "{}")
    except PackageNotFoundError:
        return []
    address = urlsplit(noted.get("url", ""))
    return [Path(url2pathname(address.path))] if address.scheme == "file" else []


def make_project(folder: Path, checkout: Path) -> list[Path]:
    """Write the files of a new project.

    Args:
        folder: the target folder; its last part is the project's name. It must be absent or empty.
        checkout: the checkout of this repository that the project builds on.

    Returns:
        The files that were written.

    Raises:
        ProjectError: the name cannot be used, the folder is not empty, or a file cannot be written.
    """
    try:
        return _make_files(folder, checkout)
    except OSError as error:
        raise ProjectError(f"{error.filename or folder}: {error.strerror or error}") from None


def _make_files(folder: Path, checkout: Path) -> list[Path]:
    if not NAME.fullmatch(folder.name):
        raise ProjectError(f"{folder.name!r} is not a name: use a-z, 0-9 and -, beginning with a letter.")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ProjectError(f"{str(folder)!r} already exists and is not an empty folder.")
    written: list[Path] = []
    for name, text in FILES.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        filled = text.replace("{name}", folder.name).replace("{checkout}", str(checkout)) if name in FILLED else text
        file.write_text(filled, encoding="utf-8")
        written.append(file)
    return written
