"""Names that are taken: positional parameters with a meaning of their own, and the actions of steps without a block."""

from __future__ import annotations

from typing import Final

JOB: Final = "job__"
"""The positional parameter that receives a `Job`."""
CALL: Final = "call__"
"""The positional parameter that receives a `Call`."""
ACTIONS: Final = frozenset({"FOR_EACH", "WHILE", "CHOOSE", "TRY", "SET", "END", "WAIT", "WAIT_FOR", "OUTPUT"})
"""What records, answers and events show as the action of a step that runs no block."""
