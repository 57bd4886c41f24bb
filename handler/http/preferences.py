"""The caller's preferences: the ``Prefer`` header of RFC 7240."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_WORD: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PREFERENCE: Final = re.compile(rf'\s*({_WORD})\s*(?:=\s*("(?:[^"\\]|\\.)*"|{_WORD})?)?\s*((?:;[^,]*)?)(?:,|$)')
LONGEST_HEADER: Final = 1000
"""The most characters of the header that are parsed: the pattern's cost grows with the square of the length."""
_SECONDS: Final = re.compile(r"[0-9]{1,6}")


@dataclass(frozen=True, slots=True)
class Preferences:
    """The preferences that this API can honour.

    Attributes:
        respond_async: whether to reply 202 instead of making the caller wait.
        wait: the longest time that the caller will wait, in seconds; ``None`` without this preference.
        strict: whether to refuse a job for which ``POST /jobs/validate`` reports an error.
    """

    respond_async: bool = False
    wait: int | None = None
    strict: bool = False

    @property
    def at_once(self) -> bool:
        """Whether to reply before the job runs. With ``wait``, the reply waits that long first (RFC 7240, 4.3)."""
        return self.respond_async and not self.wait

    @property
    def applied(self) -> str | None:
        """The value of ``Preference-Applied``, or ``None`` if no preference was sent."""
        names = []
        if self.respond_async:
            names.append("respond-async")
        if self.wait is not None:
            names.append(f"wait={self.wait}")
        if self.strict:
            names.append("handling=strict")
        return ", ".join(names) or None


def read_preferences(header: str | None) -> Preferences:
    """The preferences in a ``Prefer`` header. Unknown or malformed ones are ignored, as RFC 7240 requires."""
    found: dict[str, str] = {}
    for match in _PREFERENCE.finditer((header or "")[:LONGEST_HEADER]):
        value = match[2] or ""
        found.setdefault(match[1].lower(), value[1:-1] if value.startswith('"') else value)  # the first one counts
    wait = found.get("wait", "")
    return Preferences(
        respond_async="respond-async" in found,
        wait=int(wait) if _SECONDS.fullmatch(wait) else None,
        strict=found.get("handling", "").lower() == "strict",
    )
