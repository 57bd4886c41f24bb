"""The conductor: keeps processes running, sends jobs, kills processes, and waits until everything is at rest."""

from __future__ import annotations

import multiprocessing
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.context import ForkProcess
from random import Random
from typing import Any, Final, cast

from handler.invocation.event_loop import run_coroutine
from infra.jobs.records import JobKey, JobRecord
from tests.chaos.ledger import Ledger
from tests.chaos.processes import TENANT, Sandbox, run_request, run_sweeper, run_worker
from tests.chaos.workload import Sent, random_job
from tests.chaos.world import jobs_table

FORK: Final = multiprocessing.get_context("fork")
WORKERS: Final = 5
GENTLE_WORKERS: Final = 3
YOUNG: Final = 6.0
"""Seconds: an older job waits for a lease, a redelivery or the sweeper, and keeps no worker busy."""
BUSY: Final = 12
GENTLE_BUSY: Final = 6
"""The most young jobs at once."""
SEND_AGAIN: Final = frozenset({429, 503})
"""Answers after which a sender sends the same job again, as it does without an answer."""
AT_REST_WITHIN: Final = 300.0
"""Seconds after the last kill. After a crash, the protocol waits for at most a minute."""


@dataclass(eq=False, slots=True)
class Request:
    """A `POST /jobs` in progress, and the time of its process's death, if one is planned."""

    process: ForkProcess
    sent: Sent
    dies_at: float | None


class Conductor:
    """Runs the chaos.

    Args:
        sandbox: the environment of the processes.
        ledger: the lines that they write.
        random: decides which jobs are sent and which process dies when, but not how the system schedules them.
        gentle: send fewer jobs to fewer workers, and all by the queue, so that no crash needs the sweeper's minute.
    """

    def __init__(self, sandbox: Sandbox, ledger: Ledger, random: Random, *, gentle: bool) -> None:
        self._sandbox, self._ledger, self._random, self._gentle = sandbox, ledger, random, gentle
        self._most_workers, self._most_busy = (GENTLE_WORKERS, GENTLE_BUSY) if gentle else (WORKERS, BUSY)
        self._table = jobs_table(sandbox.aws)
        self._workers: list[ForkProcess] = []
        self._sweeper: ForkProcess | None = None
        self._requests: list[Request] = []
        self._started = 0
        self._polled = 0.0
        self.owed: dict[str, Sent] = {}
        """All jobs that were sent, by their ids. A sender without an answer sends again, so each of them must run."""
        self.pending: dict[str, float] = {}
        """Jobs that have not been seen at rest, and when they were sent."""
        self.dead: dict[str, str] = {}
        """Processes that died, and the cause of each death."""
        self.answers: dict[str, dict[str, Any]] = {}
        """Answers to senders over HTTP, by the process that answered."""
        self.counts: Counter[str] = Counter()

    def run(self, kills: int) -> bool:
        """Kill `kills` processes, then wait; returns whether everything came to rest."""
        try:
            self._kill(kills)
            return self._rest()
        finally:
            for process in [*self._workers, *filter(None, [self._sweeper]), *(r.process for r in self._requests)]:
                process.kill()
                process.join()

    # ------------------------------------------------------------------ the two phases

    def _kill(self, kills: int) -> None:
        next_kill = time.monotonic() + 1.0
        while self._killed < kills:
            self._tend()
            if self._young() < self._most_busy:
                self._send(dies=False)
            now = time.monotonic()
            if now >= next_kill:
                self._strike(self._killed + sum(r.dies_at is not None for r in self._requests) < kills)
                next_kill = now + self._random.uniform(0.1, 0.6)
            time.sleep(0.01)

    def _rest(self) -> bool:
        ends, reported = time.monotonic() + AT_REST_WITHIN, time.monotonic()
        while time.monotonic() < ends:
            self._tend()
            if not self.pending and not self._requests and not self._waiting_messages():
                return True
            if time.monotonic() - reported > 10:
                reported = time.monotonic()
                sys.stderr.write(f"  {len(self.pending)} jobs not at rest yet\n")
            time.sleep(0.25)
        return False

    @property
    def _killed(self) -> int:
        return sum(cause == "killed" for cause in self.dead.values())

    def _strike(self, more: bool) -> None:
        """Kill a worker, sometimes the sweeper, or send a job over HTTP and kill its process before the answer."""
        if not more:
            return
        dice = self._random.random()
        if dice < 0.05 and self._sweeper is not None:
            self._end(self._sweeper)
        elif dice < 0.3 and not self._gentle:
            self._send(dies=True)
        elif self._workers:
            self._end(self._random.choice(self._workers))

    def _end(self, process: ForkProcess) -> None:
        process.kill()
        process.join()
        if process.exitcode and process.exitcode < 0:
            self.dead[process.name] = "killed"
            self.counts[f"killed: {process.name.split('-')[0]}"] += 1

    # ------------------------------------------------------------------ processes

    def _start(self, role: str, target: Callable[..., None], *facts: Any) -> ForkProcess:
        self._started += 1
        name = f"{role}-{self._started}"
        process = FORK.Process(target=target, args=(self._sandbox, name, *facts), name=name, daemon=True)
        process.start()
        return process

    def _tend(self) -> None:
        """Restart dead processes, kill those that are due, collect answers, and check the jobs once a second."""
        for process in [*self._workers, *filter(None, [self._sweeper])]:
            if not process.is_alive():
                self._buried(process)
        self._workers = [process for process in self._workers if process.is_alive()]
        while len(self._workers) < self._most_workers:
            self._workers.append(self._start("worker", run_worker))
        if self._sweeper is None or not self._sweeper.is_alive():
            self._sweeper = self._start("sweeper", run_sweeper)
        self._tend_requests()
        if time.monotonic() - self._polled > 1:
            self._polled = time.monotonic()
            self.pending = {job_id: at for job_id, at in self.pending.items() if not self._at_rest(job_id)}

    def _buried(self, process: ForkProcess) -> None:
        process.join()
        if process.name not in self.dead:  # it ended by itself: at the hard stop, as Lambda would have ended it
            self.dead[process.name] = f"exit {process.exitcode}"
            self.counts[f"ended by itself: {process.name.split('-')[0]}"] += 1

    def _tend_requests(self) -> None:
        now = time.monotonic()
        for request in self._requests:
            if request.dies_at is not None and now >= request.dies_at and request.process.is_alive():
                self._end(request.process)
        over = [request for request in self._requests if not request.process.is_alive()]
        self._requests = [request for request in self._requests if request not in over]
        self.answers.update((line["who"], line) for line in self._ledger.follow() if line["what"] == "answer")
        for request in over:
            request.process.join()
            if request.process.exitcode:
                self._buried(request.process)
            answer = self.answers.get(request.process.name)
            if answer is None or answer["status"] in SEND_AGAIN:
                self.counts["sent again"] += 1
                self._post(request.sent, dies=False)

    # ------------------------------------------------------------------ jobs

    def _young(self) -> int:
        now = time.monotonic()
        return sum(now - at < YOUNG for at in self.pending.values())

    def _send(self, *, dies: bool) -> None:
        dice = self._random.random()
        sent = random_job(self._random, None if dice < 0.1 and not dies else f"job-{len(self.owed) + 1}")
        if dies or (dice > 0.7 and not self._gentle):
            self._owe(sent.payload["id"], sent)
            self._post(sent, dies=dies)
            if self._random.random() > 0.1:
                return  # one in ten is sent to the queue as well
        queue = cast("Any", self._sandbox.aws.clients.sqs())
        answer = queue.send_message(QueueUrl=self._sandbox.aws.queue_url, MessageBody=sent.body)
        self._owe(sent.payload.get("id") or answer["MessageId"], sent)
        self.counts["sent by the queue"] += 1

    def _owe(self, job_id: str, sent: Sent) -> None:
        self.owed[job_id] = sent
        self.pending.setdefault(job_id, time.monotonic())

    def _post(self, sent: Sent, *, dies: bool) -> None:
        respond_async = self._random.random() < 0.3
        process = self._start("http", run_request, sent.body, respond_async)
        dies_at = time.monotonic() + self._random.uniform(0.02, 0.8) if dies else None
        self._requests.append(Request(process, sent, dies_at))
        self.counts["sent over HTTP"] += 1

    def job(self, job_id: str) -> JobRecord | None:
        """The job's current state."""
        return run_coroutine(self._table.read(JobKey(TENANT, job_id), time.time()))

    def _at_rest(self, job_id: str) -> bool:
        job = self.job(job_id)
        return job is not None and job.finished and job.due is None

    def _waiting_messages(self) -> int:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        queue = cast("Any", self._sandbox.aws.clients.sqs())
        answer = queue.get_queue_attributes(
            QueueUrl=self._sandbox.aws.queue_url, AttributeNames=[*names, "ApproximateNumberOfMessagesDelayed"]
        )
        return sum(map(int, answer["Attributes"].values()))
