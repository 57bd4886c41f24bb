"""Users of the system: they send jobs through each door, send them again, read, cancel and redrive them."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from random import Random
from typing import Any

from handler.errors import ConduitError, ConflictError, NotFoundError, UnavailableError
from handler.invocation.time_left import TimeLeft
from handler.jobs.answers import AnswerDesk
from handler.jobs.service import Jobs, Submission
from handler.payload.answer import GivenAnswer
from handler.payload.parse import InvalidPayloadError, parse
from handler.ports import Ports
from infra.jobs.parking import parked
from infra.jobs.records import JobKey
from tests.simulation.flows import questions, random_flow
from tests.simulation.poller import TENANT
from tests.simulation.workload import random_job
from tests.simulation.world import World, caller

TAGS = ("HTTP",)


class Outside:
    """The users of one world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.random: Random = world.random

    def send_random_jobs(self) -> None:
        """Plan everything that users will do."""
        for number in range(self.random.randint(1, 3)):
            at = self._send_one(f"j{number}")
            self._use(f"j{number}", at)
        for _ in range(self.world.profile.bursts):
            self._send_burst()
        if self.random.random() < 0.3:
            self.plan_send(self.random.uniform(0, 60), "queue", self._job(None))

    def _job(self, job_id: str | None, **facts: Any) -> str:
        profile = self.world.profile
        write = random_flow if self.random.random() < profile.flow else random_job
        return write(self.random, job_id, profile, **facts)

    def _send_burst(self) -> None:
        """Send several jobs to the queue at once, with ids and without, so that batches are full."""
        random, at = self.random, self.random.uniform(0, 60)
        name = random.randint(0, 1_000_000)
        for number in range(random.randint(2, 8)):
            job_id = f"b{name}-{number}" if random.random() < 0.7 else None
            body = random_job(random, job_id, self.world.profile)
            self.plan_send(at, "queue", body)
            if job_id is not None and random.random() < self.world.profile.cancel:
                self.world.plan(at + random.choice((0, 0.5, 5)), partial(self.cancel, job_id))

    def _send_one(self, job_id: str) -> float:
        """Send a job, maybe twice, maybe with another of the same id; returns the time of the first sending."""
        profile, random = self.world.profile, self.random
        body = self._job(job_id)
        at, door = random.uniform(0, 60), random.choice(profile.doors)
        self.plan_send(at, door, body)
        if random.random() < profile.twice:
            again = at + random.choice((0, 0, 0.1, 2, 30))
            self.plan_send(again, random.choice((door, door, "http", "queue")), body)
        if random.random() < profile.other:
            other = random_job(random, job_id, replace(profile, killer=0), variant="b")
            self.plan_send(at + random.choice((0, 0.1, 1)), random.choice(("http", "queue")), other)
        return at

    def _use(self, job_id: str, at: float) -> None:
        """Redrive, cancel and read a job at any time after it is sent."""
        profile, random, plan = self.world.profile, self.random, self.world.plan
        for _ in range(3):
            if random.random() < profile.redrive:
                plan(at + random.uniform(20, 400), partial(self.redrive, job_id))
            if random.random() < profile.cancel:
                plan(at + random.choice((0, 0.5, 5, random.uniform(0, 200))), partial(self.cancel, job_id))
        for _ in range(6):
            plan(at + random.uniform(0, 600), partial(self.read, job_id))
        if profile.flow:
            for _ in range(8):
                plan(at + random.uniform(0, 700), partial(self.answer_some, job_id))

    def plan_send(self, when: float, door: str, body: str) -> None:
        self.world.plan(when, lambda: self.send(door, body))

    def send(self, door: str, body: str) -> None:
        """Send a job; over HTTP it is sent again, half of the time, if no answer comes."""
        world = self.world
        if door == "queue":
            group = self.random.choice(("g1", "g2") if world.profile.twice else ("g1",))
            name = world.queue.put(body, group)
            key = JobKey(TENANT, json.loads(body).get("id") or name)
            world.owed.setdefault(key, "a message")
            world.audit.order.sent(group, key)
            return

        async def submit(ports: Ports, lifetime: TimeLeft) -> Submission | None:
            wait = self.random.choice((None, None, 1.0))
            try:
                if door == "direct":
                    view = await Jobs(ports).run(caller(*TAGS), parse(body), lifetime=lifetime)
                    return self._shown(Submission("accepted", view))
                return self._shown(
                    await Jobs(ports).submit(
                        caller(*TAGS), parse(body), lifetime=lifetime, respond_async=door == "async", wait=wait
                    )
                )
            except ConflictError:
                return None
            except UnavailableError:
                again()
                return None

        def again() -> None:
            if world.scheduler.faults and self.random.random() < 0.5:
                self.plan_send(world.scheduler.now - world.began + self.random.choice((0.1, 3, 30)), door, body)

        world.start("http", submit, ended=self.answered, died=again)

    def _shown(self, submission: Submission) -> Submission:
        """Only a release that knows the job's records may show the job."""
        key = JobKey(TENANT, submission.job["id"])
        self.world.releases.read(self.world.scheduler.current, key, self.world.version_of(key))
        return submission

    def answered(self, submission: Submission | None) -> None:
        """Check that the answer to a submission is true."""
        if submission is None:
            return
        audit, job = self.world.audit, submission.job
        stands = audit.job(JobKey(TENANT, job["id"]))
        if stands is None:
            audit.note(f"ANSWERED {submission.kind} for {job['id']}, which does not exist")
        elif submission.kind == "created" and job["status"] not in ("SUCCEEDED", "FAILED", "CANCELLED"):
            audit.note(f"CREATED {job['id']} is {job['status']}")
        self.view(job)

    def view(self, job: dict[str, Any]) -> None:
        """Check that a step's result, once shown, never changes within a run."""
        key = JobKey(TENANT, job["id"])
        for step in job["steps"]:
            if step["status"]["name"] == "NONE" or step["result"] is None:
                continue
            if not step["action"].startswith("SIM."):
                continue
            committed = {
                json.dumps(json.loads(record.result), sort_keys=True)
                for (known, _, index), record in self.world.audit.truth.items()
                if known == key and index == step["position"] - 1 and record.result is not None
            }
            if json.dumps(step["result"], sort_keys=True) not in committed:
                self.world.audit.note(f"SHOWN {job['id']}/{step['position']}: a result that was never committed")

    def read(self, job_id: str) -> None:
        async def get(ports: Ports, _: TimeLeft) -> dict[str, Any] | None:
            try:
                return self._shown(Submission("known", await Jobs(ports).get(caller(*TAGS), job_id))).job
            except (NotFoundError, UnavailableError):
                return None

        def ended(job: dict[str, Any] | None) -> None:
            if job is not None:
                self.world.scheduler.counts["reads"] += 1
                self.view(job)

        self.world.start("control", get, ended=ended)

    def answer_some(self, job_id: str) -> None:
        """Answer the job's questions, present and future; sometimes twice, or just as they time out."""
        job = self.world.audit.job(JobKey(TENANT, job_id))
        payload = None if job is None else self.world.audit.payload(job)
        if job is None or payload is None:
            return
        asked = [path for path in questions(payload) if self.random.random() < 0.3]
        waiting = parked(job)
        if waiting is not None and waiting["for"] == "answer" and self.random.random() < self.world.profile.answered:
            asked.append(waiting["path"])
            if self.random.random() < 0.4:  # at the moment at which it times out
                late = waiting["until"] - self.world.scheduler.now + self.random.uniform(-1.0, 0.5)
                self.world.plan(
                    self.world.scheduler.now - self.world.began + max(0.0, late),
                    partial(self.answer, job_id, waiting["path"]),
                )
        for path in asked:
            for _ in range(self.random.choice((1, 1, 2))):
                self.answer(job_id, path)

    def answer(self, job_id: str, path: str, given: GivenAnswer | None = None) -> None:
        """Answer one step, over HTTP."""
        value, is_yes = self.random.choice((1, {"a": [2]}, None)), self.random.random() < 0.7
        given = given or GivenAnswer(ok=is_yes, value=value, reason="because")

        async def ask(ports: Ports, _: TimeLeft) -> bool:
            try:
                await AnswerDesk(ports).answer(caller(*TAGS), job_id, path, given)
            except (ConduitError, InvalidPayloadError) as error:
                self.world.scheduler.counts[f"answers: {type(error).__name__}"] += 1
                return False
            self.world.scheduler.counts["answers"] += 1
            return True

        def ended(is_accepted: bool) -> None:
            if is_accepted:
                self.world.audit.signals.accepted(JobKey(TENANT, job_id), path, given)

        self.world.start("control", ask, ended=ended)

    def cancel(self, job_id: str) -> None:
        async def ask(ports: Ports, _: TimeLeft) -> None:
            try:
                await Jobs(ports).cancel(caller(*TAGS), job_id)
                self.world.scheduler.counts["cancels"] += 1
            except ConduitError:
                return

        self.world.start("control", ask)

    def redrive(self, job_id: str, *, plainly: bool = False) -> None:
        """Redrive a job: from the step that failed it, from another one, or with other parameters."""
        parameters = {"variant": f"r{self.random.randint(0, 9)}"} if self.random.random() < 0.3 else None
        from_step = "s0" if self.random.random() < 0.3 else None
        if plainly:
            parameters = from_step = None

        async def ask(ports: Ports, _: TimeLeft) -> None:
            try:
                await Jobs(ports).redrive(caller(*TAGS), job_id, from_step=from_step, parameters=parameters)
                self.world.scheduler.counts["redrives"] += 1
            except ConduitError:
                return

        self.world.start("control", ask)
