"""Judges a finished run by the table, the bus and the ledger, which records what really happened."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from infra.jobs.job_items import JOB, job_record
from infra.jobs.records import JobRecord, StepRecord
from infra.jobs.steps_item import STEPS, counting, step_records
from infra.table.items import Item
from tests.chaos.workload import Expected, Sent

PROMISES: Final = (
    "lost",
    "recorded twice",
    "not recorded",
    "wrong result",
    "unpublished",
    "two contents for one event",
    "invented event",
    "at-most-once effects repeated",
    "repeated without a crash",
    "run again after it was recorded",
    "blamed without a crash",
    "wrong answer",
    "another key for the same call",
    "left over",
)
"""The counts that must be 0."""
BLAMED: Final = frozenset({"INTERRUPTED", "TIME_LIMIT_EXCEED"})


class Audit:
    """The judge of a run.

    Args:
        owed: the jobs that were sent, by id.
        dead: the processes that died.
        ledger: all of its lines.
    """

    def __init__(self, owed: Mapping[str, Sent], dead: Iterable[str], ledger: Iterable[dict[str, Any]]) -> None:
        self._owed = owed
        self._dead = frozenset(dead)
        self._executions: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        self._calls: defaultdict[str, list[str]] = defaultdict(list)
        for line in ledger:
            if line["what"] == "execution":
                self._executions[line["key"]].append(line)
            elif line["what"] == "call":
                self._calls[line["call"]].append(line["key"])
        self._jobs: dict[str, JobRecord] = {}
        self._steps: dict[tuple[str, int], list[StepRecord]] = {}
        self._blamed: Counter[str] = Counter()
        self.figures: Counter[str] = Counter()
        self.violations: list[tuple[str, str]] = []

    def note(self, promise: str, what: str) -> None:
        """Record a violation."""
        self.violations.append((promise, what))

    def judge(self, items: Iterable[Item], events: Iterable[Mapping[str, Any]]) -> None:
        """Judge the table and the bus."""
        self._read(items)
        contents = self._contents(events)
        for job_id in self._owed:
            job = self._jobs.get(job_id)
            if job is None or not job.finished:
                self.note("lost", f"{job_id}: {job.status if job else 'not in the table'}")
                continue
            self.figures[f"jobs {job.status}"] += 1
            self._judge_job(job, contents)
        for job_id in self._jobs.keys() - self._owed.keys():
            self.note("left over", f"the job {job_id}, which was never sent")
        for event_id in contents:
            self.note("invented event", event_id)
        self._judge_executions()
        self._judge_calls()

    # ------------------------------------------------------------------ reading

    def _read(self, items: Iterable[Item]) -> None:
        stretches: list[tuple[str, Item]] = []
        for item in items:
            job_id = str(item["pk"]).partition("#")[2]
            if item["sk"] == JOB:
                self._jobs[job_id] = job_record(item)
            elif str(item["sk"]).startswith(STEPS):
                stretches.append((job_id, item))
        for job_id, item in stretches:
            job = self._jobs.get(job_id)
            if job is None:
                self.figures["commits refused"] += 1
                continue
            records = step_records(job.key, item)
            committed = counting(job, records)
            self.figures["records never committed"] += len(records) - len(committed)
            for record in committed:
                self._steps.setdefault((job_id, record.index), []).append(record)

    def _contents(self, events: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
        """The content of each event; copies, which consumers drop by their id, are counted."""
        contents: dict[str, dict[str, Any]] = {}
        for event in events:
            self.figures["events"] += 1
            detail = event["detail"]
            event_id = detail["event_id"]
            if event_id in contents:
                self.figures["events repeated"] += 1
                if contents[event_id] != detail:
                    self.note("two contents for one event", event_id)
            contents[event_id] = detail
        return contents

    # ------------------------------------------------------------------ a job

    def _judge_job(self, job: JobRecord, contents: dict[str, dict[str, Any]]) -> None:
        job_id, sent = job.key.job_id, self._owed[job.key.job_id]
        if job.due is not None:
            self.note("left over", f"{job_id} is finished and due")
        firsts = [first for first, _ in job.leases]
        if firsts != sorted(set(firsts)):
            self.note("recorded twice", f"{job_id}: {job.leases}")
        name = f"{job.key.tenant}/{job_id}/{job.run}"
        found = [self._steps.get((job_id, index), []) for index in range(job.cursor)]
        for index, records in enumerate(found):
            if len(records) != 1:
                self.note("recorded twice" if records else "not recorded", f"{job_id}/{index + 1}")
                continue
            self.figures["steps"] += 1
            self.figures[f"steps {records[0].status}"] += 1
            self._judge_event(f"{name}/{index + 1}", records[0], contents)
        if all(len(records) == 1 for records in found):
            self._judge_records(name, [records[0] for records in found], sent.expected)
        end = contents.pop(f"{name}/end", None)
        if end is None or end["job"]["status"] != job.status:
            self.note("unpublished", f"{name}/end: {end}")

    def _judge_event(self, event_id: str, record: StepRecord, contents: dict[str, dict[str, Any]]) -> None:
        """Judge an event; that of a loop is published when the loop ends."""
        if record.phase == "open":
            return
        event = contents.pop(event_id, None)
        if event is None or not _says(event["step"], record):
            self.note("unpublished", f"{event_id}: {event}")

    def _judge_records(self, name: str, records: Sequence[StepRecord], expected: Sequence[Expected]) -> None:
        """Compare the records with those expected, up to the step that was blamed for crashes, if there is one."""
        for index, record in enumerate(records):
            key = f"{name}/{index + 1}"
            executions = self._executions.get(key, [])
            fence = int(record.lease.partition("-")[0])
            if any(execution["fence"] > fence for execution in executions):
                self.note("run again after it was recorded", f"{key}: fence {fence}, {executions}")
            if index >= len(expected) or not _is_place_of(record, expected[index]):
                self.note("not recorded", f"{key} is {record.path}; expected {expected[index : index + 1]}")
                return
            if record.status in BLAMED:
                self._blamed[key] += 1
                if record.action != "CHAOS.FIRE":  # not a tolerated failure: later steps are skipped, loops end early
                    return
            elif record.phase != "open" and record.status != "DONE":
                self.note("wrong result", f"{key} is {record.status}: {record.error}")
                return
            else:
                self._judge_result(key, record, expected[index], fence)
        if len(records) < len(expected):
            self.note("not recorded", f"{name}: {len(records)} of {len(expected)} records")

    def _judge_result(self, key: str, record: StepRecord, expected: Expected, fence: int) -> None:
        result = json.loads(record.result or "null")
        if expected.call is not None:
            if result["body"]["key"] not in self._calls[expected.call]:
                self.note("wrong result", f"{key}: no call came with {result}")
            return
        if not record.action.startswith("CHAOS."):
            if expected.result is not None and result != expected.result:
                self.note("wrong result", f"{key}: {result}, expected {expected.result}")
            return
        token = result if record.action == "CHAOS.FIRE" else result["token"]
        executions = self._executions.get(key, [])
        if not any(execution["token"] == token and execution["fence"] == fence for execution in executions):
            self.note("wrong result", f"{key}: no execution of fence {fence} gave {token}")
        if expected.total is not None and (result["total"], result["count"]) != expected.total:
            self.note("wrong result", f"{key}: {result}, expected {expected.total}")

    # ------------------------------------------------------------------ executions

    def _judge_executions(self) -> None:
        for key, executions in self._executions.items():
            self.figures["executions"] += len(executions)
            self.figures["repeats"] += len(executions) - 1
            if executions[0]["effect"] == "at_most_once" and len(executions) > 1:
                self.note("at-most-once effects repeated", f"{key}: {executions}")
            alive = [execution for execution in executions if execution["who"] not in self._dead]
            if executions[0]["effect"] == "none":
                continue  # may run any number of times: a job that is sent twice at once runs twice until accepted
            # Each repetition needs a crash: a process that survived never runs a step that another process ran too.
            if len(executions) > 1 + len({execution["who"] for execution in executions} & self._dead) or len(alive) > 1:
                self.note("repeated without a crash", f"{key}: {executions}")
        if sum(self._blamed.values()) > len(self._dead):
            self.note("blamed without a crash", f"{dict(self._blamed)}")

    def _judge_calls(self) -> None:
        """A service recognises a repeated call only by its key, which belongs to exactly one step."""
        owners: defaultdict[str, set[str]] = defaultdict(set)
        for call, keys in self._calls.items():
            self.figures["calls"] += len(keys)
            self.figures["calls repeated"] += len(keys) - 1
            for key in keys:
                owners[key].add(call)
            if len(set(keys)) != 1:
                self.note("another key for the same call", f"{call}: {keys}")
        for key, calls in owners.items():
            if len(calls) != 1:
                self.note("another key for the same call", f"{key} is that of {calls}")

    def judge_answers(self, answers: Iterable[Mapping[str, Any]]) -> None:
        """Judge the answers to senders over HTTP."""
        for answer in answers:
            self.figures[f"answers {answer['status']}"] += 1
            if answer["status"] in {429, 503}:
                continue
            got = json.loads(answer["body"])
            job = self._jobs.get(got.get("id"))
            if job is None or (answer["status"] == 201 and (got["status"], got["success"]) != _outcome(job)):
                self.note("wrong answer", f"{answer['status']} {got}, became {job}")

    def judge_letters(self, letters: Iterable[Mapping[str, Any]]) -> None:
        """Judge the dead-letter queue: no message is there for being invalid, only for being received too often.

        SQS moves a message there after twenty receives, which happens if a loaded machine gives no invocation enough
        time. The sweeper must then have finished its job, which `judge` checks.
        """
        for letter in letters:
            self.figures["dead letters"] += 1
            if "problem" in letter["attributes"]:
                self.note("wrong answer", f"rejected: {letter}")


def _outcome(job: JobRecord) -> tuple[str, bool]:
    return job.status, job.status == "SUCCEEDED"


def _is_place_of(record: StepRecord, expected: Expected) -> bool:
    return (record.path, record.action, record.phase == "open") == (expected.path, expected.action, expected.is_open)


def _says(step: Mapping[str, Any], record: StepRecord) -> bool:
    """Whether an event agrees with the record."""
    result = json.loads(record.result) if record.result is not None else None
    return bool(step["status"]["name"] == record.status and step["result"] == result and step["id"] == record.step_id)
