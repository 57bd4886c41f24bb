"""Detects violations of the protocol: at each write, at each start of a block, and at the end of the world."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from infra.jobs.job_items import JOB, PAYLOAD, job_record, partition
from infra.jobs.parking import is_asleep, parked
from infra.jobs.records import JobKey, JobRecord, StepRecord
from infra.jobs.steps_item import STEPS, counting, step_records
from infra.table.items import Item
from tests.simulation.bus import SimulatedBus
from tests.simulation.flows import written_steps
from tests.simulation.order_audit import OrderAudit
from tests.simulation.releases import NEWS
from tests.simulation.replay import Replay
from tests.simulation.service import SimulatedService
from tests.simulation.signals_audit import SignalsAudit
from tests.simulation.table import SimulatedTable
from tests.simulation.workload import Execution

_MAY_DIFFER = {"expires_at": 0, **dict.fromkeys(NEWS)}
"""Attributes that may differ when an item that is written once is written again, by another sender or release."""
Spot = tuple[JobKey, int, int]
"""A job, a run of it, and the index of a step in it."""


@dataclass(slots=True)
class Audit:
    """The judge of one world.

    Attributes:
        max_attempts: how often a step may be claimed.
        now: the true time.
        exclusive: no clock is off and no sandbox freezes, so no worker may start a step that another worker holds.
        gentle: no worker dies, so no step may be blamed for a death.
        exact: only steps that kill their worker cause deaths, so no other step may be blamed for one.
        violations: messages, one for each.
        cancelled: jobs and runs for which a cancel was requested, and since when.
        unheeded: steps marked as started by a write that returned a cancel, with their fence: none may begin.
        doomed: jobs claimed after a cancel, with their cursor: if steps are left, they must end CANCELLED.
        prompt: nothing is lost or late, so each job continues as soon as its wait is over.
        ordered: the queue is a FIFO queue that loses nothing, so no job overtakes another.
    """

    table: SimulatedTable
    bus: SimulatedBus
    service: SimulatedService
    max_attempts: int
    now: Callable[[], float]
    exclusive: bool = False
    gentle: bool = False
    exact: bool = False
    prompt: bool = False
    ordered: bool = False
    violations: list[str] = field(default_factory=list)
    truth: dict[Spot, StepRecord] = field(default_factory=dict)
    ends: dict[tuple[JobKey, int], JobRecord] = field(default_factory=dict)
    kept: dict[tuple[JobKey, int], int] = field(default_factory=dict)
    cancelled: dict[tuple[JobKey, int], float] = field(default_factory=dict)
    doomed: dict[tuple[JobKey, int], int] = field(default_factory=dict)
    claimed: dict[tuple[JobKey, int], float] = field(default_factory=dict)
    unheeded: set[tuple[Spot, int]] = field(default_factory=set)
    claims: defaultdict[Spot, set[str]] = field(default_factory=lambda: defaultdict(set))
    executions: Counter[tuple[str, str]] = field(default_factory=Counter)
    begun: dict[tuple[JobKey, int, int], str] = field(default_factory=dict)
    """Paths of the steps with an effect whose blocks began, by job, run and index of the record."""
    writes_while_waiting: Counter[tuple[JobKey, str]] = field(default_factory=Counter)
    truth_of_wait: dict[Spot, str] = field(default_factory=dict)
    end_of_wait: dict[Spot, float] = field(default_factory=dict)
    _parsed: dict[tuple[str, str], tuple[Item, list[StepRecord]]] = field(default_factory=dict)
    _payloads: dict[str, dict[str, Any]] = field(default_factory=dict)
    signals: SignalsAudit = field(init=False)
    order: OrderAudit = field(init=False)

    def __post_init__(self) -> None:
        self.signals = SignalsAudit(self.table, self.note, self.now, prompt=self.prompt)
        self.order = OrderAudit(self.note, self.now, applies=self.ordered)

    def note(self, violation: str) -> None:
        self.violations.append(violation)

    # ------------------------------------------------------------------ each write

    def watch(self, before: Item | None, after: Item) -> None:
        """Judge a write to the table."""
        if after["sk"] != JOB:
            if before is not None and {**before, **_MAY_DIFFER} != {**after, **_MAY_DIFFER}:
                self.note(f"OVERWRITTEN {after['pk']} {after['sk']}")
            return
        job = job_record(after)
        old = job_record(before) if before else None
        if old is not None and job.run != old.run:
            self.kept[job.key, job.run] = job.cursor
        if self.payload(job) is None:
            self.note(f"PAYLOAD of {job.key.job_id} is missing: the job cannot be run")
        self._watch_records(job)
        self._watch_progress(old, job)
        self._watch_owner(old, job)
        self._watch_waits(old, job)
        self.signals.watch(old, job, self.truth)
        self.order.watch(job)

    def _watch_records(self, job: JobRecord) -> None:
        """Every step before the cursor has one record, which never changes and is made from the previous record."""
        previous: StepRecord | None = None
        records = self.records(job)
        for index in range(job.cursor):
            record = records.get(index)
            spot = (job.key, job.run, index)
            if record is None:
                self.note(f"MISSING the record of {job.key.job_id}/{index}")
                return
            known = self.truth.setdefault(spot, record)
            if known != record:
                self.note(f"CHANGED the record of {job.key.job_id}/{index} in run {job.run}")
            if known is record:
                self._watch_new(job, record, previous)
            previous = record

    def _watch_new(self, job: JobRecord, record: StepRecord, previous: StepRecord | None) -> None:
        if self.is_flow(job):
            return  # the whole job is replayed at its end
        result = json.loads(record.result) if record.result is not None else None
        if result is None:
            return
        before = json.loads(previous.result) if previous is not None and previous.result is not None else None
        if result["previous"] != (before["token"] if before else None):
            self.note(f"MIXED: {job.key.job_id}/{record.index} was made from another execution of the step before")
        done = sum(self.truth[job.key, job.run, index].status == "DONE" for index in range(record.index + 1))
        if result["count"] != done:
            self.note(f"VARIABLES of {job.key.job_id}/{record.index}: {result['count']} instead of {done}")
        if record.index >= self.kept.get((job.key, job.run), 0):
            accepted = self.payload(job)
            if accepted is not None and result["variant"] != accepted["parameters"]["variant"]:
                self.note(f"FOREIGN: {job.key.job_id}/{record.index} was run from another payload")

    def _watch_progress(self, old: JobRecord | None, job: JobRecord) -> None:
        name, place = job.key.job_id, (job.key, job.run)
        if job.finished:
            self.ends.setdefault(place, job)
            if job.status == "CANCELLED" and place not in self.cancelled:
                self.note(f"CANCELLED {name} without a cancel in this run")
            if not self.is_flow(job) and job.cursor < self.length(job):
                self.note(f"ENDED {name} before its last step")
        elif job.due is None:
            self.note(f"UNCOVERED {name}: it is unfinished and has no due time")
        if old is None:
            return
        if job.cancel and not old.cancel:
            self.cancelled.setdefault(place, self.now())
        if job.run == old.run:
            if job.cursor < old.cursor:
                self.note(f"BACK: the cursor of {name}")
            if old.finished and (job.status, job.finished_at) != (old.status, old.finished_at):
                self.note(f"UNFINISHED {name}: it was {old.status}")
            if job.published < old.published:
                self.note(f"BACK: the published of {name}")
            return
        if job.run != old.run + 1 or old.status not in ("FAILED", "CANCELLED"):
            self.note(f"RUN {name}: {old.run} {old.status} became {job.run}")
        for index in range(job.cursor):
            if self.truth[job.key, job.run, index] != self.truth.get((job.key, old.run, index)):
                self.note(f"REDRIVE changed the record of {name}/{index}")

    def _watch_owner(self, old: JobRecord | None, job: JobRecord) -> None:
        name, spot = job.key.job_id, (job.key, job.run, job.cursor)
        owner = job.lease or (old.lease if old is not None else "late")
        if owner is not None and job.attempts:
            self.claims[spot].add(owner)
        if job.attempts > len(self.claims[spot]):
            self.note(f"COUNTED TWICE: {job.attempts} attempts of {name}/{job.cursor}")
        if old is None:
            return
        if job.cancel and job.started and not (old.started and old.cursor == job.cursor):
            self.unheeded.add((spot, job.fence))
        if old.cancel and job.lease not in (None, old.lease):
            self.doomed.setdefault((job.key, job.run), job.cursor)
        if old.run == job.run and job.cursor > old.cursor and job.lease_of(job.cursor - 1) != old.lease:
            self.note(f"STALE OWNER: {name} moved to {job.cursor} by {job.lease_of(job.cursor - 1)}, not {old.lease}")
        if job.fence < old.fence:
            self.note(f"BACK: the fence of {name}")
        if old.run == job.run and old.lease != job.lease and old.lease and job.lease and job.fence == old.fence:
            self.note(f"SAME FENCE for two claims of {name}")

    def _watch_waits(self, old: JobRecord | None, job: JobRecord) -> None:
        """A parked job rests only once everything is published; its next record is that of the step that waits."""
        name, waiting = job.key.job_id, parked(job)
        if old is not None and (was := parked(old)) is not None and old.run == job.run:
            spot = (job.key, job.run, old.cursor)
            self.truth_of_wait[spot] = was["path"]
            ends = was.get("ends") or was.get("answer_by")
            if ends is not None and ends != self.end_of_wait.setdefault(spot, ends):
                self.note(f"MOVED: {name} waited at {was['path']} until {self.end_of_wait[spot]}, and now until {ends}")
            if waiting is not None and job.published == old.published and not job.cancel and job.woken == old.woken:
                self.writes_while_waiting[job.key, job.waiting or ""] += 1
        for index in range(old.cursor if old is not None and old.run == job.run else 0, job.cursor):
            path, record = self.truth_of_wait.get((job.key, job.run, index)), self.truth.get((job.key, job.run, index))
            if path is not None and record is not None and record.path != path:
                self.note(f"ELSEWHERE: {name} waited at {path}, and continued at {record.path}")
        if waiting is None or job.due is None or job.due <= self.now() + 75.0 or not is_asleep(job, self.now() + 15.0):
            return  # the sweep looks soon, or the job has been sent to the queue
        if job.sweeps:
            return  # the sweep looks again, later each time: the bus may be down for a long time
        missing = self.unpublished(job)
        if waiting["for"] == "answer":
            event = f"{job.key.tenant}/{name}/{job.run}/waiting/{waiting['path']}"
            missing += [] if self.bus.events.get(event) else [event]
        if missing:
            self.note(f"ASLEEP {name}: it rests until {job.due}, and {', '.join(missing)} was not published")

    # ------------------------------------------------------------------ each start of a block

    def began(self, execution: Execution, *, alone: bool) -> None:
        """Judge the start of a block.

        Args:
            execution: the start.
            alone: whether its worker was never frozen.
        """
        tenant, job_id, run, position = execution.key.split("/")
        key, index = JobKey(tenant, job_id), int(position) - 1
        self.order.began(key)
        job = self.job(key)
        if job is not None and job.run == int(run):
            rights = json.loads(self.item(job, "rights") or "{}")
            if execution.effect != "none" and execution.tags != frozenset(rights["tags"]):
                self.note(f"RIGHTS of {job_id} are not those it was accepted with")
        if execution.effect == "none":
            return
        self.executions[execution.key, execution.effect] += 1
        self.begun[key, int(run), index] = execution.path
        times = self.executions[execution.key, execution.effect]
        if job is None:
            self.note(f"UNACCEPTED: an effect of {job_id} ran")
            return
        if execution.effect == "at_most_once" and times > 1:
            self.note(f"AT MOST ONCE: {execution.key} ran {times} times")
        if times > self._most(job, execution.path):
            self.note(f"TOO OFTEN: {execution.key} ran {times} times")
        if self.exclusive and job.ends_at < self.now() - 1.0:
            self.note(f"LATE: {execution.key} began after the job's last moment")
        if self.exclusive and alone and (job.fence, job.run, job.cursor) != (execution.fence, int(run), index):
            self.note(f"NOT THE OWNER: {execution.key} under fence {execution.fence}; the job is at {job.fence}")
        asked, claimed = self.cancelled.get((key, int(run))), self.claimed.get((key, execution.fence))
        late = asked is not None and claimed is not None and claimed > asked
        if late or ((key, int(run), index), execution.fence) in self.unheeded:
            self.note(f"AFTER CANCEL: {execution.key}")

    def _most(self, job: JobRecord, path: str) -> int:
        """How often a step with an effect may run: all tries of its retry, and all of them again for each death."""
        steps = self.steps(job)
        step = steps[next(name for name in reversed(path.split(".")) if name in steps)]
        tries: int = step.get("retry", {}).get("attempts", 1) * step.get("poll", {}).get("max", 1)
        if self.gentle:
            return tries
        return self.max_attempts if tries == 1 else (self.max_attempts + 1) * tries

    # ------------------------------------------------------------------ the end

    def close(self, owed: Mapping[JobKey, str]) -> None:
        """Judge the final state, when nothing more can happen."""
        for key, why in owed.items():
            job = self.job(key)
            if job is None:
                self.note(f"LOST {key.job_id}, sent by {why}")
            elif not job.finished:
                self.note(f"STUCK {key.job_id}: {job.status} at {job.cursor} of {self.length(job)}, due {job.due}")
            elif job.due is not None:
                self.note(f"DUE FOR EVER: {key.job_id}, {job.published} of {job.cursor + 1} published")
        for (key, run, index), record in self.truth.items():
            if record.phase == "open":
                continue
            first = min(r for k, r, i in self.truth if (k, i) == (key, index) and self.truth[k, r, i] == record)
            self._judge_event(f"{key.tenant}/{key.job_id}/{first}/{index + 1}", record, run)
        for (key, run), job in self.ends.items():
            at = self.doomed.get((key, run))
            if at is not None and job.status != "CANCELLED" and self._has_steps(key, run, at):
                self.note(f"RAN ON: {key.job_id} was cancelled before it was claimed, and ended {job.status}")
            self._judge_end(f"{key.tenant}/{key.job_id}/{run}/end", job)
            if self.is_flow(job):
                self._judge_flow(key, run, job)
        self._judge_calls()
        self._judge_writes_while_waiting()
        self._judge_waits()
        self.signals.close(self.truth, self.ends)
        self.order.close()
        known = {f"{k.tenant}/{k.job_id}/{r}/{i + 1}" for k, r, i in self.truth}
        known |= {f"{k.tenant}/{k.job_id}/{r}/end" for k, r in self.ends}
        for event in self.bus.events:
            if event not in known and "/waiting/" not in event:
                self.note(f"INVENTED event {event}: it was never committed")
        for place, path in self.begun.items():
            found = self.truth.get(place)
            if found is None or found.status == "CANCELLED":  # a cancel adds no record for an item that had none
                continue
            if found.path != path or found.status in ("IF_CONDITION_FAILED", "SKIPPED"):
                self.note(f"LEFT OUT {place[0].job_id}/{place[2]}: {path} began, and {found.path} is {found.status}")
        for (key, run, index), record in self.truth.items():
            if record.status in ("INTERRUPTED", "TIME_LIMIT_EXCEED") and (self.gentle or self.exact):
                end = self.ends.get((key, run))
                step = {} if end is None else self.step_of(end, index)
                if "action" not in step or "poll" in step or record.phase == "close":
                    continue  # it may have timed out
                if self.gentle or ("timeout" in step and step["parameters"]["kills"] == "no"):
                    self.note(f"BLAMED {key.job_id}/{index}: {record.status}, but no worker died in it")

            if self.gentle and record.status == "CANCELLED" and self._ran(key, run, index):
                self.note(f"FORGOTTEN {key.job_id}/{index}: its effect happened, and it is CANCELLED")

    def _has_steps(self, key: JobKey, run: int, at: int) -> bool:
        """Whether a run has records, from index `at` on, that a cancel would have changed."""
        records = (self.truth.get((key, run, index)) for index in range(at, self.ends[key, run].cursor))
        return any(record is not None and record.phase == "step" for record in records)

    def _judge_flow(self, key: JobKey, run: int, job: JobRecord) -> None:
        """Every record follows from the earlier ones, as in a run without interruptions."""
        payload = self.payload(job)
        if payload is None:
            return
        records = [self.truth[key, run, index] for index in range(job.cursor)]
        replay = Replay({**payload, "id": key.job_id}, records, f"{key.tenant}/{key.job_id}/{run}")
        for problem in replay.run():
            self.note(f"STRAYED {key.job_id} in run {run}: {problem}")
        if not replay.problems and not replay.has_ended:
            self.note(f"ENDED {key.job_id} before its last step")
        failed = json.loads(job.failed_step)["path"] if job.failed_step else None
        if not replay.problems and failed != replay.failed_path:
            self.note(f"STRAYED {key.job_id}: {failed} failed it, and uninterrupted it would be {replay.failed_path}")

    def _judge_calls(self) -> None:
        """A service recognises a repeated call by its idempotency key, which is the same for one step in one run."""
        owners: defaultdict[str, set[str]] = defaultdict(set)
        runs: Counter[str] = Counter()
        for key, _ in self.ends:
            runs[key.job_id] += 1
        for place, keys in self.service.keys.items():
            if len(keys) > max(1, runs[place.partition(".")[0]]):
                self.note(f"ANOTHER KEY for the same call: {place} came with {len(keys)}")
            for name in keys:
                owners[name].add(place)
        for name, places in owners.items():
            if len(places) > 1:
                self.note(f"ANOTHER KEY: {name} is that of {places}")

    def _judge_writes_while_waiting(self) -> None:
        """A job that waits costs nothing: two writes when it parks, and none until it continues."""
        most = 2 if self.prompt else 12
        for (key, waiting), writes in self.writes_while_waiting.items():
            if writes > most:
                self.note(f"RESTLESS {key.job_id}: {writes} writes while it waited: {waiting}")

    def _judge_waits(self) -> None:
        """A wait ends at its time, and not earlier."""
        for (key, run, index), record in self.truth.items():
            end = self.ends.get((key, run))
            if record.action != "WAIT" or record.status != "DONE" or record.started_at is None or end is None:
                continue
            seconds = self.step_of(end, index)["wait"]["seconds"]
            late = (record.finished_at or 0.0) - record.started_at - seconds
            if self.exclusive and late < -0.001:
                self.note(f"EARLY: {key.job_id}/{record.path} ended {-late} s before its time")
            if self.prompt and late > (20.0 if seconds <= 900.0 else 120.0):
                self.note(f"SLOW: {key.job_id}/{record.path} ended {late} s after its time")

    def _ran(self, key: JobKey, run: int, index: int) -> bool:
        """Whether a step with an effect began and was not due for another try."""
        step = self.step_of(self.ends[key, run], index) if (key, run) in self.ends else {}
        name = f"{key.tenant}/{key.job_id}/{run}/{index + 1}"
        return (
            "retry" not in step
            and "poll" not in step
            and any(self.executions[name, effect] for effect in ("at_least_once", "at_most_once"))
        )

    def unpublished(self, job: JobRecord) -> list[str]:
        """Updates of a finished job that never reached the bus."""
        first = self.kept.get((job.key, job.run), 0)
        shown = [i for i in range(first, job.cursor) if self.truth[job.key, job.run, i].phase != "open"]
        steps = [f"{index + 1}" for index in shown]
        names = [*steps, "end"] if job.finished else steps
        events = (f"{job.key.tenant}/{job.key.job_id}/{job.run}/{name}" for name in names)
        return [event for event in events if not self.bus.events.get(event)]

    def _judge_event(self, event: str, record: StepRecord, run: int) -> None:
        detail = self._only_content(event, f" (run {run})")
        if detail is None:
            return
        step, expected = detail["step"], json.loads(record.result) if record.result is not None else None
        loops = ("FOR_EACH", "WHILE")  # their results are built from those of their items
        if step["status"]["name"] != record.status or (record.action not in loops and step["result"] != expected):
            self.note(f"DIFFERENT: event {event} is not its record")

    def _judge_end(self, event: str, job: JobRecord) -> None:
        detail = self._only_content(event)
        if detail is not None and detail["job"]["status"] != job.status:
            self.note(f"DIFFERENT: event {event} is not its record")

    def _only_content(self, event: str, where: str = "") -> dict[str, Any] | None:
        contents = self.bus.events.get(event)
        if not contents:
            self.note(f"UNPUBLISHED {event}{where}")
            return None
        if len(contents) > 1:
            self.note(f"TWO CONTENTS for {event}")
        detail: dict[str, Any] = json.loads(next(iter(contents)))
        return detail

    # ------------------------------------------------------------------ reading

    def job(self, key: JobKey) -> JobRecord | None:
        item = self.table.items.get((partition(key), JOB))
        return job_record(item) if item else None

    def records(self, job: JobRecord) -> dict[int, StepRecord]:
        """The valid records, by their index."""
        found: dict[int, StepRecord] = {}
        pk = partition(job.key)
        for key, item in self.table.items.items():
            if key[0] == pk and key[1].startswith(STEPS):
                for record in counting(job, self._read(job, key, item)):
                    if record.index in found:
                        self.note(f"DOUBLE: two records of {job.key.job_id}/{record.index} count")
                    found[record.index] = record
        return found

    def _read(self, job: JobRecord, key: tuple[str, str], item: Item) -> list[StepRecord]:
        known = self._parsed.get(key)
        if known is None or known[0] is not item:
            known = self._parsed[key] = (item, step_records(job.key, item))
        return known[1]

    def is_flow(self, job: JobRecord) -> bool:
        """Whether the job has any step other than blocks in a row."""
        steps = self.steps(job).values()
        return any("echo" in step.get("parameters", ()) or "SIM." not in step.get("action", "") for step in steps)

    def steps(self, job: JobRecord) -> dict[str, dict[str, Any]]:
        """The steps of the payload, by their ids."""
        payload = self.payload(job)
        return {} if payload is None else written_steps(payload)

    def step_of(self, job: JobRecord, index: int) -> dict[str, Any]:
        """The payload's step for a record."""
        return self.steps(job).get(self.truth[job.key, job.run, index].step_id, {})

    def length(self, job: JobRecord) -> int:
        """The number of records of a finished job."""
        return len((self.payload(job) or {"steps": ()})["steps"])

    def item(self, job: JobRecord, name: str) -> str | None:
        """An attribute of the item that was written when the job was accepted."""
        item = self.table.items.get((partition(job.key), PAYLOAD + job.payload))
        return str(item[name]) if item else None

    def payload(self, job: JobRecord) -> dict[str, Any] | None:
        text = self.item(job, "payload")
        if not text:
            return None
        if text not in self._payloads:
            self._payloads[text] = json.loads(text)
        return self._payloads[text]
