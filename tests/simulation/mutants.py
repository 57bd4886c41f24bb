"""The protocol, broken on purpose, rule by rule: a simulator that misses these would prove nothing.

Each mutant names the kind of world that exposes it. Some broken protocols only cost time, because another rule makes up
for them; such a mutant names that rule and is expected to survive.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Final

from blocks import http
from handler.engine.flow.restore import Restoring
from handler.engine.flow.turns import FlowTurns
from handler.engine.flow.walk import Walk
from handler.invocation.crew import Crew
from handler.jobs.pointers import Pointers
from handler.jobs.queue_worker import Worker
from handler.jobs.submission import NewJob
from handler.recording import commits
from handler.recording.ownership import Ownership, TimeOut
from handler.recording.publisher import Publisher
from handler.recording.recorder import Recorder
from infra.jobs import jobs_table
from infra.jobs.jobs_table import JobsTable
from infra.jobs.records import JobRecord
from tests.simulation import batches, broken, broken_flows, broken_transactions, broken_waits, releases
from tests.simulation.broken import Breakage, replaced
from tests.simulation.crashes import crash_everywhere
from tests.simulation.history import play
from tests.simulation.races import RACES, Found, meet, places
from tests.simulation.sweeps import sweep_crowds
from tests.simulation.table import SimulatedItems, SimulatedTable
from tests.simulation.workload import registered_blocks


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """A broken protocol.

    Attributes:
        name: the rule that is broken.
        apply: breaks the rule while the context is open.
        world: the profile that exposes it.
        sweeping: whether the sweeper runs.
        seed: a seed that exposed it when this was written; the search begins there.
        crashed: whether a job that is killed around each of its writes exposes it, instead of a world; see
            `tests.simulation.crashes`.
        clocked: whether the clock chooses which steps of that job run.
        crowded: whether a sweep over many jobs exposes it, instead of a world; see `tests.simulation.sweeps`.
        race: the meeting that exposes it, instead of a world, and where it did; see `tests.simulation.races`.
        spared: the rule that makes up for it, so that nothing is violated. ``None`` for a mutant that must be found.
    """

    name: str
    apply: Breakage
    world: str = "everything"
    sweeping: bool = True
    seed: int = 0
    race: tuple[str, int, int] | None = None
    crashed: bool = False
    clocked: bool = False
    crowded: bool = False
    spared: str | None = None


MUTANTS: Final[tuple[Mutant, ...]] = (
    Mutant(
        name="a commit ignores the cursor and the attempts",
        seed=0,
        apply=broken.without("cursor", "attempts"),
        world="late packets",
    ),
    Mutant(name="a commit ignores the lease", seed=66, apply=broken.without("lease"), world="relays"),
    Mutant(
        name="a commit ignores the attempts",
        apply=broken.without("attempts"),
        world="late packets",
        spared="they are absolute numbers, so a repeated write counts once anyway",
    ),
    Mutant(name="every claim has the same lease", seed=1, apply=broken.same_fence, world="wild clocks"),
    Mutant(name="the key of a record lacks the lease", seed=3, apply=broken.key_without_lease),
    Mutant(
        name="a block begins without a check of the owner",
        seed=27,
        apply=replaced(JobRecord, "held", lambda *_: False),
        world="one owner",
    ),
    Mutant(name="a record from a refused commit is read", seed=22, apply=broken.read_refused, world="killers"),
    Mutant(name="updates are published before the commit", seed=3, apply=broken.early_commit("publish")),
    Mutant(name="records are put after the commit", apply=broken.early_commit("records")),
    Mutant(
        name="the payload is put after the job",
        seed=103,
        apply=replaced(NewJob, "accept", broken.payload_last),
        world="harsh",
    ),
    Mutant(name="unprocessed items are forgotten", seed=1, apply=replaced(SimulatedItems, "put_all", broken.lose_some)),
    Mutant(
        name="failed entries are ignored",
        seed=18,
        apply=replaced(Publisher, "_send_part", broken.ignore_failures),
        world="harsh",
    ),
    Mutant(name="the outbox is cleared first", seed=67, apply=replaced(Publisher, "settle", broken.clear_first)),
    Mutant(
        name="published is moved in any run",
        seed=26,
        apply=replaced(JobsTable, "mark_published", broken.mark_any_run),
        world="late packets",
    ),
    Mutant(name="there is no sweep", seed=9, apply=nullcontext, sweeping=False),
    Mutant(name="a job's end leaves nothing due", seed=9, apply=replaced(Ownership, "_ended", broken.no_due)),
    Mutant(
        name="only a message keeps track of unpublished updates",
        seed=3,
        apply=broken.only_messages,
        world="dead letters",
    ),
    Mutant(
        name="a message received before runs its job without accepting it",
        seed=3,
        apply=replaced(Worker, "_begin_again", broken.run_unaccepted),
        world="killers",
    ),
    Mutant(name="a claim counts no attempt", seed=6, apply=broken.uncounted, world="killers"),
    Mutant(
        name="attempts have no limit",
        seed=4,
        apply=replaced(Ownership, "outcome_of_crashes", broken.unlimited_blame),
        world="killers",
    ),
    Mutant(name="after a crash steps are committed together", seed=7, apply=broken.careless, world="killers"),
    Mutant(
        name="a release keeps its attempt",
        seed=78,
        apply=replaced(Ownership, "_attempts", broken.no_attempt_back),
        world="hand-overs",
    ),
    Mutant(
        name="a release takes any mark back",
        seed=21,
        apply=replaced(Ownership, "_only_we_marked", broken.take_any_mark_back),
        world="relays",
    ),
    Mutant(
        name="own writes are not recognised", seed=1, apply=broken.answer_all(recognise=False), world="lost replies"
    ),
    Mutant(name="every refusal is treated as an own write", seed=6, apply=broken.answer_all(recognise=True)),
    Mutant(
        name="a hand-over keeps its lease",
        seed=1,
        apply=replaced(Recorder, "release", broken.keep_hold),
        world="hand-overs",
    ),
    Mutant(name="a resumed job has forgotten its variables", apply=broken.forget_variables, world="hand-overs"),
    Mutant(name="a resumed job begins a step too early", apply=broken.resume_early, world="hand-overs"),
    Mutant(name="a claim does not see the cancel", seed=20, apply=broken.blind_to_cancel),
    Mutant(name="a redrive leaves updates behind", seed=4, apply=broken.redrive_over_leftovers, world="late packets"),
    Mutant(name="a redrive keeps the cancel", seed=2, apply=broken.redrive_keeps_cancel, world="late packets"),
    Mutant(name="the rights are not in the payload's hash", seed=6, apply=broken.same_rights),
    Mutant(
        name="the message of a job with another owner is acknowledged",
        seed=36,
        apply=replaced(Worker, "_take", broken.acknowledge_held),
        world="impatient",
    ),
    Mutant(
        name="a transaction ignores a cancel",
        seed=2,
        apply=replaced(SimulatedTable, "put_all_with", broken_transactions.blind),
        world="tight without deaths",
    ),
    Mutant(
        name="a transaction ignores the lease",
        seed=214,
        apply=replaced(SimulatedTable, "put_all_with", broken_transactions.ownerless),
        world="tight",
    ),
    Mutant(
        name="a transaction accepts a job over any other",
        seed=19,
        apply=replaced(SimulatedTable, "put_all_with", broken_transactions.accept_over_any_job),
        world="tight",
    ),
    Mutant(
        name="a transaction writes the job without a record",
        apply=replaced(SimulatedTable, "put_all_with", broken_transactions.records_forgotten),
        world="bursts",
    ),
    Mutant(
        name="an owner gives the job up when a cancel makes its transaction fail",
        seed=2,
        apply=replaced(jobs_table, "is_as_held", broken_transactions.never_as_held),
        world="tight without deaths",
    ),
    Mutant(
        name="a transaction puts its records although `JOB` is refused",
        apply=replaced(SimulatedTable, "put_all_with", broken_transactions.put_refused_records),
        world="tight",
        spared="`JOB` names no lease for them, which also protects the ordinary commit",
    ),
    Mutant(
        name="a repeated transaction is treated as a new one",
        apply=replaced(SimulatedItems, "put_all_with", broken_transactions.tokenless),
        world="tight",
        spared="it is refused, and the refusal shows the owner its own write",
    ),
    Mutant(name="a shared call is applied to one job only", apply=batches.applied_to_one, world="batches"),
    Mutant(
        name="a record left unwritten is blamed on the wrong job",
        apply=batches.records_blamed_on_another,
        world="batches of short jobs",
    ),
    Mutant(name="a job gets the items that another job read", seed=9, apply=batches.read_by_another, world="batches"),
    Mutant(
        name="a failed entry is blamed on the wrong job",
        seed=3,
        apply=batches.entries_blamed_on_another,
        world="batches of short jobs",
    ),
    Mutant(
        name="others have a turn between a step that runs at most once and its record",
        seed=34,
        apply=replaced(Crew, "keep_turn", lambda *_, **__: None),
        world="batches with killers",
    ),
    Mutant(
        name="a job whose owner died runs concurrently with others",
        seed=10,
        apply=batches.concurrent_suspects,
        world="batches with killers",
    ),
    # Rule 11: park.
    Mutant(
        name="a park is accepted although the job was cancelled or answered",
        apply=broken_waits.park_over_any_change,
        race=("answer and park", 0, 3),
    ),
    Mutant(
        name="the `due` of a parked job is not moved",
        seed=9,
        apply=replaced(JobsTable, "mark_parked", broken_waits.leave_due),
        world="prompt",
    ),
    Mutant(
        name="a parked job forgets its unpublished updates",
        seed=9,
        apply=replaced(Publisher, "settle_parked", broken_waits.rest_unpublished),
        world="flows",
    ),
    # Rule 12: answer.
    Mutant(
        name="an answer ignores the run",
        apply=replaced(JobsTable, "answer", broken_waits.answer_without("run")),
        race=("answer and redrive", 4, 3),
    ),
    Mutant(
        name="an answer ignores that the step is over",
        apply=replaced(JobsTable, "answer", broken_waits.answer_without("cursor")),
        race=("answer and time-out", 4, 5),
    ),
    Mutant(
        name="an answer ignores an earlier answer",
        apply=replaced(JobsTable, "answer", broken_waits.answer_without("signals", "woken")),
        race=("two answers", 0, 0),
    ),
    Mutant(name="an answer is named before it is put", apply=broken_waits.name_first, race=("answer and cancel", 0, 0)),
    # Rule 13: decide.
    Mutant(
        name="a step times out although it was answered",
        apply=replaced(commits, "unanswered_of", broken_waits.unanswered_unless(TimeOut)),
        race=("answer and time-out", 5, 1),
    ),
    # Rule 14: cancel.
    Mutant(
        name="the pointer of a cancel has the delay of the retry",
        apply=replaced(Pointers, "send", broken_waits.send_late),
        race=("cancel and park", 0, 2),
    ),
    Mutant(
        name="a parked job sleeps on although it was cancelled or answered",
        apply=broken_waits.sleep_after_any_change,
        race=("answer and cancel", 0, 0),
    ),
    # Rule 15: sweep.
    Mutant(
        name="the sweep wakes queued jobs before those that crashed or wait",
        apply=broken_waits.sweep_in_reverse,
        crowded=True,
    ),
    Mutant(name="the sweep ends with the first page", apply=broken_waits.one_page, crowded=True),
    # Rule 16: FIFO queues.
    Mutant(
        name="a job that is handed over or retried releases its group",
        seed=10,
        apply=broken_waits.release_groups,
        world="in order",
    ),
    Mutant(name="a job that waits holds its group", seed=27, apply=broken_waits.hold_groups, world="in order"),
    # Versions of records.
    Mutant(
        name="a worker takes up a job whose records have a later version",
        apply=releases.take_up_any_version,
        world="two releases",
    ),
    Mutant(
        name="the message of a job of a later version is visible again at once",
        apply=releases.hide_briefly,
        world="two releases",
    ),
    Mutant(
        name="a pointer with an unknown field is rejected",
        seed=2,
        apply=releases.know_every_field,
        world="two releases",
    ),
    # Resume, and the meaning of a record.
    Mutant(name="conditions are evaluated again on resume", seed=10, apply=broken_flows.choose_again, world="flows"),
    Mutant(
        name="lists are evaluated again on resume",
        seed=6,
        apply=replaced(Restoring, "_items", broken_flows.list_again),
        world="flows",
    ),
    Mutant(name="paths are counted instead of recorded", seed=13, apply=broken_flows.count_paths, world="flows"),
    Mutant(name="the place of a wait is decided again", seed=16, apply=broken_flows.forget_place, world="flows"),
    Mutant(
        name="the end of a wait is computed again",
        apply=replaced(FlowTurns, "_wait", broken_flows.wait_again),
        world="prompt",
    ),
    # The same, in jobs that are killed around each of their writes.
    Mutant(name="a condition is evaluated again after a crash", seed=2, apply=broken_flows.choose_again, crashed=True),
    Mutant(
        name="a list is evaluated again after a crash",
        seed=11,
        apply=replaced(Restoring, "_items", broken_flows.list_again),
        crashed=True,
    ),
    Mutant(name="a path is counted after a crash", seed=2, apply=broken_flows.count_paths, crashed=True),
    Mutant(
        name="the end of a wait is computed again after a crash",
        seed=9,
        apply=replaced(FlowTurns, "_wait", broken_flows.wait_again),
        crashed=True,
    ),
    Mutant(
        name="a condition on the clock is evaluated again after a crash",
        seed=1,
        apply=replaced(Walk, "chosen_by_clock", False),
        crashed=True,
        clocked=True,
    ),
    Mutant(
        name="a call of a service has another key after a crash",
        seed=5,
        apply=replaced(http, "_key", broken_flows.key_by_fence),
        world="flows",
    ),
    Mutant(name="a record counts twice", seed=6, apply=broken_flows.judge_items, world="flows"),
    Mutant(
        name="a hand-over sends nothing",
        apply=broken.send_nothing,
        spared="a release sets `due`: the sweeper finds the job a minute later, as after a lost message",
    ),
)
"""Every rule of the protocol, broken."""


def seek(mutant: Mutant, most: int) -> Found | None:
    """The first of at most `most` worlds that exposes the mutant, or ``None``.

    An error of the program does not count as found: it only shows that the code that the mutant replaces has changed.
    """
    with registered_blocks(), mutant.apply():
        if mutant.crowded:
            return sweep_crowds()
        if mutant.race is not None:
            name, *place = mutant.race
            race = RACES[name]
            return meet(race, itertools.chain([(place[0], place[1])], places(race)))
        for seed in (mutant.seed, *range(most)):
            if mutant.crashed:
                history = crash_everywhere(seed, hasty=True, clocked=mutant.clocked)
            else:
                history = play(seed, name=mutant.world, sweeping=mutant.sweeping, hasty=True)
            if not all(violation.startswith(("FAULT", "ERROR")) for violation in history.violations):
                return Found(f"seed {history.seed} in the world {history.profile!r}", history.violations)
    return None


def _seek(place: int, most: int) -> Found | None:
    return seek(MUTANTS[place], most)


def hunt(mutants: Sequence[Mutant], most: int, processes: int) -> tuple[list[str], int]:
    """Search for all mutants; returns the lines of a report, and how many ended otherwise than expected."""
    lines, wrong = list[str](), 0
    with ProcessPoolExecutor(processes) as pool:
        found = pool.map(_seek, range(len(mutants)), [most] * len(mutants))
        for mutant, seen in zip(mutants, found, strict=True):
            if seen is not None:
                end = f"found by {seen.where}: {seen.violations[0][:90]}"
            else:
                end = f"breaks nothing in {most} seeds; expected: {mutant.spared}"
            as_expected = (seen is None) == (mutant.spared is not None)
            wrong += not as_expected
            lines += [f"{'ok  ' if as_expected else 'FAIL'} {mutant.name}", f"       {end}"]
    lines.append(f"{len(mutants)} broken protocols, {wrong} of them with an unexpected outcome")
    return lines, wrong
