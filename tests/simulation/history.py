"""One history: everything that happens for one seed."""

from __future__ import annotations

import traceback
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from random import Random
from unittest.mock import patch

from handler.recording.call_budget import CallBudget
from tests.simulation.outside import Outside
from tests.simulation.profiles import PROFILES, profile_of
from tests.simulation.world import World


@dataclass(frozen=True, slots=True)
class History:
    """The outcome of a seed.

    Attributes:
        violations: messages; empty for a correct world.
        counts: of faults by kind, of jobs, records, and so on.
    """

    seed: int
    profile: str
    violations: tuple[str, ...]
    counts: Counter[str]


_TOLD = {"HandOvers": "hand-overs", "FencedOut": "fenced out", "Resumes": "resumes", "Swept": "swept"}


def tight() -> AbstractContextManager[object]:
    """No run has a spare call of the table."""
    return patch.object(CallBudget, "allows", lambda *_, **__: False)


def play(
    seed: int,
    *,
    name: str | None = None,
    sweeping: bool = True,
    hasty: bool = False,
    trace: Callable[[str], None] | None = None,
) -> History:
    """Play a seed. Violations and errors of the program are returned, never raised.

    Args:
        seed: decides every choice.
        name: of the profile; without one, the seed decides.
        sweeping: whether the sweeper runs.
        hasty: whether to stop at the first violation.
        trace: called with each line of a trace.
    """
    name = name or profile_of(seed)
    random = Random(seed)  # noqa: S311 (a history, not a secret)
    world = World(random, PROFILES[name], sweeping=sweeping, hasty=hasty, trace=trace)
    Outside(world).send_random_jobs()
    violations: tuple[str, ...]
    try:
        with tight() if world.profile.tight else nullcontext():
            world.run()
        violations = tuple(world.audit.violations)
    except Exception:  # noqa: BLE001 (whatever the program raises is a finding)
        violations = (*world.audit.violations, f"ERROR {traceback.format_exc(limit=-6)}")
    counts = world.scheduler.counts
    counts["worlds"] += 1
    counts["jobs"] += len(world.owed)
    counts["records"] += len(world.audit.truth)
    counts["events"] += sum(sum(contents.values()) for contents in world.bus.events.values())
    for metric, shown in _TOLD.items():
        counts[shown] += int(world.metrics.counted(metric))
    counts["yield points"] += world.scheduler.points
    return History(seed, name, violations, counts)
