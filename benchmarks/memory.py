"""The peak memory of a process, in MiB."""

from __future__ import annotations

import resource
import sys
from pathlib import Path


def peak() -> dict[str, float]:
    """The most memory this process held at once: ``{"peak_mb": ...}``.

    On Linux, a child inherits the peak that ``getrusage`` reports, so a large parent would be counted too; the
    process's own peak is in ``/proc``, if that exists.
    """
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        return {"peak_mb": next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024}
    except (OSError, StopIteration):
        unit = 2**20 if sys.platform == "darwin" else 2**10  # macOS reports bytes, Linux KiB
        return {"peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit}
