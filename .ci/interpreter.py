"""Find an interpreter of the version that Lambda runs; `python .ci/interpreter.py 3.13` prints its path."""

# ruff: noqa: INP001, T201 (a script that prints what it found, not a package)

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path


def find_python(version: str) -> str | None:
    """An interpreter of this version that can be run, or `None`.

    Candidates are the value of ``PYTHON313`` (for 3.13), the running interpreter, those on the path, and pyenv's: on
    many machines the path has pyenv's shims for versions that they cannot start.
    """
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    candidates = [
        os.environ.get(f"PYTHON{version.replace('.', '')}"),
        sys.executable,
        shutil.which(f"python{version}"),
        *(str(path) for path in sorted(pyenv.glob(f"{version}.*/bin/python{version}"))),
    ]
    return next((candidate for candidate in candidates if candidate and _version_of(candidate) == version), None)


def _version_of(interpreter: str) -> str | None:
    question = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        answer = subprocess.run([interpreter, "-c", question], capture_output=True, text=True, check=False)  # noqa: S603 (named by the person who builds)
    except OSError:
        return None
    return answer.stdout.strip()


if __name__ == "__main__":
    found = find_python(sys.argv[1])
    if found is None:
        sys.exit(f"There is no Python {sys.argv[1]} here.")
    print(found)
