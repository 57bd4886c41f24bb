"""`conduit new`: starts a user's own project, outside this repository."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from handler.console.errors import InputError
from handler.console.project_files import FILES, FILLED

NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,62}")
"""A name that is valid for a CloudFormation stack and for a folder on every system."""


class ProjectError(InputError):
    """The project cannot be made. The message says why."""


def make_project(folder: Path, checkout: Path) -> list[Path]:
    """Write the files of a new project.

    Args:
        folder: where to write; its last part is the project's name. It must be absent or empty.
        checkout: the checkout of this repository that the project builds on.

    Returns:
        The files that were written.

    Raises:
        ProjectError: the name cannot be used, or the folder is not empty. Nothing was written.
    """
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
