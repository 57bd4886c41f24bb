"""A description of the machine and the versions of the figures; it never contains the machine's name."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = (
    "pydantic",
    "boto3",
    "aws-lambda-powertools",
    "pyconduit",
    "aws-durable-execution-sdk-python",
    "moto",
    "dbos",
)


def memory() -> str:
    """The machine's memory in GiB, as the system reports it."""
    try:
        size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return "an unknown amount of"
    return f"{size / 2**30:.0f} GiB of"


def processor() -> str:
    """The processor's model if the system reports it, else its architecture."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{models[0]} ({platform.machine()})" if models else platform.machine()


def describe() -> str:
    """One sentence on the machine."""
    return (
        f"{os.cpu_count()} cores of {processor()}, {memory()} memory, {platform.system()}, "
        f"{platform.python_implementation()} {platform.python_version()}"
    )


def versions() -> dict[str, str]:
    """The versions of the measured packages that are installed."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
