"""Reserved names: positional parameters with a special meaning, and the actions of steps without a block."""

from __future__ import annotations

from typing import Final

JOB: Final = "job__"
"""The positional parameter that receives a `Job`."""
CALL: Final = "call__"
"""The positional parameter that receives a `Call`."""
ACTIONS: Final = frozenset({"FOR_EACH", "WHILE", "CHOOSE", "TRY", "SET", "END", "WAIT", "WAIT_FOR", "OUTPUT"})
"""The action of a step without a block in records, answers and events."""
