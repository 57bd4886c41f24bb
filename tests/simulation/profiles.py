"""Kinds of worlds, each with its own rates of faults, so that no kind of fault hides another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from tests.simulation.faults import NONE, Rates

KINDS: Final[Mapping[str, float]] = {
    "block": 8,
    "http": 2,
    "poll": 1,
    "set": 1.5,
    "wait": 2,
    "wait_for": 1.5,
    "for_each": 2.5,
    "while": 1.5,
    "choose": 2.5,
    "try": 1.5,
    "end": 0.7,
}
"""Kinds of steps and their relative frequencies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One kind of world.

    Attributes:
        lives: seconds that an invocation may live; one is drawn for each.
        actions: blocks of the steps; the frequent ones are listed more than once.
        brisk: share of jobs without spare calls: short steps, every other one with an effect.
        tight: whether no run has a spare call, so that every commit that can be a transaction is one.
        retried: share of steps with a retry.
        timed: share of steps with a timeout, which fits every invocation.
        killer: share of jobs with a step that kills its sandbox whenever it runs.
        redrive, cancel, twice: shares of jobs that are redriven, cancelled, or sent twice.
        other: share of jobs whose id another job has too.
        doors: through which jobs are sent; the frequent ones are listed more than once.
        outage: share of worlds in which a service is unreachable for a while.
        fifo: whether the queue is a FIFO queue.
        batch: the most messages in an invocation.
        bursts: how often several jobs are sent at the same time.
        job_seconds: how long a job may take.
        flush_interval: as the setting: 0 commits after each step.
        max_receives: receives after which a message becomes a dead letter.
        flow: share of jobs with loops, choices, waits and questions; see `tests.simulation.flows`.
        kinds: kinds of their steps and their relative frequencies.
        waits: seconds of their waits; the frequent ones are listed more than once.
        delays: further seconds between tries and polls.
        timeouts: seconds for which questions wait for an answer.
        month: whether each job waits for 28 days.
        answered: share of questions that are answered; as many of these are answered again, and then once more.
        trouble: seconds during which faults happen; then the world must come to rest by itself.
        rest: seconds that it may take to come to rest.
        step_events: as the setting.
        releases: whether workers of an earlier release run at the same time as those of a later one.
        exclusive, gentle, exact, prompt, ordered: the rules that the audit checks; see `Audit`.
    """

    rates: Rates
    lives: tuple[float, ...] = (12.0, 30.0)
    actions: tuple[str, ...] = ("PURE", "PURE", "PURE", "CHARGE", "CHARGE", "ONCE")
    brisk: float = 0.2
    tight: bool = False
    retried: float = 0.2
    timed: float = 1.0
    killer: float = 0.08
    redrive: float = 0.5
    cancel: float = 0.2
    twice: float = 0.35
    other: float = 0.15
    exclusive: bool = False
    gentle: bool = False
    exact: bool = False
    prompt: bool = False
    ordered: bool = False
    flow: float = 0.0
    kinds: Mapping[str, float] = field(default_factory=lambda: KINDS)
    waits: tuple[float, ...] = (0.5, 3.0, 20.0, 200.0)
    delays: tuple[float, ...] = ()
    timeouts: tuple[float, ...] = (1.0, 8.0, 30.0, 200.0)
    month: bool = False
    answered: float = 0.7
    trouble: float = 900.0
    rest: float = 19_100.0
    step_events: str = "all"
    doors: tuple[str, ...] = ("http", "http", "async", "queue", "queue", "direct")
    outage: float = 0.0
    fifo: bool = False
    batch: int = 1
    bursts: int = 0
    job_seconds: float = 50_000.0
    flush_interval: float = 1.0
    max_receives: int = 20
    releases: bool = False


ASKING: Final[Mapping[str, float]] = {**KINDS, "wait_for": 7, "wait": 4}
_BASE: Final = Rates()
_KIND: Final = replace(
    _BASE, crash=0, freeze=0, late_packet=0, lost_receive=0, skew=0, throttled=0, timed_out=0, send_failed=0
)
"""No worker dies and no clock is off, but messages and replies are still lost."""

PROFILES: Final[dict[str, Profile]] = {
    "everything": Profile(rates=_BASE, timed=0.7, batch=3, flow=0.3),
    "flows": Profile(rates=_BASE, timed=0.7, lives=(9.0, 12.0, 30.0), flow=1.0, rest=60_000.0),
    "flows without deaths": Profile(
        rates=_KIND, lives=(9.0, 12.0), flow=1.0, killer=0, gentle=True, exclusive=True, step_events="grouped"
    ),
    "questions": Profile(
        rates=replace(_BASE, freeze=0.02), lives=(9.0, 12.0), flow=1.0, kinds=ASKING, cancel=0.3, redrive=0.9
    ),
    "prompt": Profile(
        rates=replace(NONE, lost_reply=0.1, conflict=0.05),
        lives=(300.0,),
        flow=1.0,
        kinds=ASKING,
        cancel=0.5,
        delays=(60.0,),
        waits=(0.5, 20.0, 1_000.0),
        timeouts=(8.0, 200.0, 2_000.0),
        killer=0,
        gentle=True,
        exclusive=True,
        prompt=True,
        rest=200_000.0,
    ),
    "long waits": Profile(rates=replace(_BASE, crash=0.01), flow=1.0, month=True, redrive=0, trouble=28.2 * 86_400.0),
    "lost replies": Profile(
        rates=replace(_KIND, lost_reply=0.15), lives=(300.0,), killer=0, gentle=True, exclusive=True
    ),
    "hand-overs": Profile(rates=_KIND, lives=(9.0, 12.0), killer=0, gentle=True, exclusive=True),
    "killers": Profile(
        rates=_KIND, timed=0.7, killer=0.8, lives=(30.0,), redrive=0, cancel=0, exclusive=True, exact=True
    ),
    "late packets": Profile(rates=replace(_BASE, late_packet=0.15, lost_reply=0.15), redrive=0.9),
    "one owner": Profile(rates=replace(_BASE, freeze=0, late_packet=0, skew=0), exclusive=True),
    "first in, first out": Profile(rates=_BASE, fifo=True, batch=3),
    "in order": Profile(
        rates=replace(_KIND, lost_acknowledgement=0, lost_message=0),
        lives=(9.0, 12.0),
        flow=0.5,
        retried=0.4,
        delays=(40.0,),
        waits=(3.0, 20.0, 300.0),
        timeouts=(8.0, 300.0),
        killer=0,
        twice=0,
        other=0,
        cancel=0,
        fifo=True,
        max_receives=1_000,
        doors=("queue",),
        ordered=True,
    ),
    "outages": Profile(rates=_BASE, outage=1.0, batch=2),
    "dead letters": Profile(rates=replace(_KIND, crash=0.002, entry_failed=0.8, bus_down=0.1), max_receives=4),
    "standstills": Profile(rates=replace(_BASE, crash=0.001, freeze=0.02), lives=(9.0, 12.0), timed=0.7),
    "relays": Profile(
        rates=replace(_BASE, crash=0.001, freeze=0.04),
        lives=(2.3, 3.0, 9.0),
        actions=("ONCE", "CHARGE", "PURE"),
        retried=0.4,
        timed=0.3,
    ),
    "wild clocks": Profile(rates=replace(_BASE, skew=12.0)),
    "bursts": Profile(rates=replace(_BASE, lost_reply=0.1, late_packet=0.05, conflict=0.1), brisk=1.0, cancel=0.5),
    "tight": Profile(
        rates=replace(_BASE, crash=0.001, freeze=0.03, lost_reply=0.1, conflict=0.1),
        lives=(2.3, 3.0, 9.0),
        actions=("ONCE", "CHARGE", "PURE"),
        brisk=0.3,
        tight=True,
        timed=0.3,
        cancel=0.4,
        other=0.4,
    ),
    "tight without deaths": Profile(
        rates=replace(_KIND, lost_reply=0.15, conflict=0.05),
        lives=(300.0,),
        killer=0,
        tight=True,
        cancel=0.6,
        gentle=True,
        exclusive=True,
    ),
    "impatient": Profile(
        rates=replace(_KIND, crash=0.02, early=0.7, entry_failed=0.3, lost_acknowledgement=0),
        lives=(30.0,),
        brisk=0,
        fifo=True,
        killer=0,
        redrive=0,
        cancel=0,
        twice=0,
        exclusive=True,
    ),
    "batches": Profile(rates=_BASE, timed=0.7, batch=10, bursts=2, flow=0.3),
    "batches of short jobs": Profile(
        rates=replace(_BASE, entry_failed=0.3, throttled=0.05), batch=10, bursts=2, brisk=0.5, timed=0.3
    ),
    "batches without deaths": Profile(
        rates=_KIND, lives=(9.0, 12.0), killer=0, gentle=True, exclusive=True, batch=10, bursts=2
    ),
    "batches with killers": Profile(
        rates=_KIND,
        timed=0.7,
        killer=0.3,
        lives=(30.0,),
        redrive=0,
        cancel=0,
        exclusive=True,
        exact=True,
        batch=10,
        bursts=2,
    ),
    "two releases": Profile(
        rates=replace(_BASE, crash=0.002, freeze=0), flow=0.4, redrive=0.3, twice=0.6, releases=True, rest=60_000.0
    ),
    "short jobs": Profile(rates=_BASE, timed=0.5, job_seconds=90.0),
    "harsh": Profile(
        rates=replace(
            _BASE,
            crash=0.02,
            freeze=0.01,
            lost_reply=0.1,
            entry_failed=0.3,
            duplicate=0.2,
            throttled=0.05,
            timed_out=0.03,
        )
    ),
}
QUIET: Final = Profile(rates=NONE, killer=0, redrive=0, cancel=0, twice=0, other=0, exclusive=True, gentle=True)
"""No faults except those that a test adds."""


def profile_of(seed: int) -> str:
    """The name of the seed's profile. Every third world has all faults; the others take turns."""
    names = list(PROFILES)
    return names[0] if seed % 3 == 0 else names[1 + (seed - seed // 3) % (len(names) - 1)]
