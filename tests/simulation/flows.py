"""Random jobs with loops, choices, waits and questions.

The result of a step contains what it read: the variables, its item, and a digest of an earlier result. So
`tests.simulation.replay` notices a step that continued from another place, list or branch than the records say.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from tests.simulation.profiles import Profile

Step = dict[str, Any]
DEEPEST: Final = 3
"""Levels of nested step lists."""
LONG_LIST: Final = 60
"""Items of a large list."""
SERVICE: Final = "https://service.example/call"
MONTH: Final = 28 * 86_400.0 - 3_600.0
"""The longest wait that a job's records allow, less an hour in which it must begin. The records are kept for 30 days
from the job's acceptance, and a wait must end two days before that."""


def random_flow(random: Random, job_id: str | None, profile: Profile, *, variant: str = "a") -> str:
    """A job as a user would send it, as JSON."""
    writer = _Writer(random, profile)
    steps = writer.write_list(random.randint(2, 4), 0)
    if profile.month:
        steps.insert(random.randint(0, len(steps)), {"id": "month", "wait": {"seconds": MONTH}})
    job: dict[str, Any] = {"parameters": {"variant": variant}, "variables": {"count": 0, "n": 0}, "steps": steps}
    if random.random() < 0.5:
        job["output"] = {"count": "{# count #}", "n": "{= variables.n =}"}
    if job_id is not None:
        job["id"] = job_id
    return json.dumps(job)


def ask_clock(body: str) -> str:
    """The same job, with a condition on the clock in its blocks and `while` loops that is false half of the time."""

    def visit(steps: list[Step]) -> None:
        for step in steps:
            if "while" in step:
                step["while"] = step["while"].replace("{=", "{= epoch(now()) % 120 < 80 and (").replace("=}", ") =}")
            elif str(step.get("action")).startswith("SIM.") and "if" not in step:
                step["if"] = "{= epoch(now()) % 120 < 80 =}"
            lists = [step.get(name, []) for name in ("do", "try", "catch", "else")]
            for inner in lists + [branch["do"] for branch in step.get("choose", [])]:
                visit(inner)

    job = json.loads(body)
    visit(job["steps"])
    return json.dumps(job)


@dataclass(slots=True)
class _Writer:
    """Writes the steps of one job.

    Attributes:
        depth: of the step list, counted from the job's own.
        loops: number of loops around the step that is written.
        latest: paths that a later step of the same list can read.
    """

    random: Random
    profile: Profile
    number: int = 0
    loops: int = 0
    latest: list[str] = field(default_factory=list)

    def write_list(self, count: int, depth: int) -> list[Step]:
        outer, self.latest = self.latest, list(self.latest)
        steps = [self._step(depth) for _ in range(count)]
        self.latest = outer
        return steps

    def _step(self, depth: int) -> Step:
        kinds: dict[str, Callable[[int], Step]] = {
            "block": self._block,
            "http": self._http,
            "poll": self._poll,
            "set": self._set,
            "wait": self._wait,
            "wait_for": self._wait_for,
        }
        if depth < DEEPEST:
            kinds |= {"for_each": self._for_each, "while": self._while, "choose": self._choose, "try": self._try}
        if self.loops:
            kinds |= {"end": self._end}
        weights = [self.profile.kinds.get(kind, 0) for kind in kinds]
        (kind,) = self.random.choices(list(kinds), weights)
        step = kinds[kind](depth)
        self.latest.append(step["id"])
        return step

    def _name(self, letter: str) -> str:
        self.number += 1
        return f"{letter}{self.number}"

    # ------------------------------------------------------------------ steps that run a block

    def _block(self, _: int) -> Step:
        random, profile = self.random, self.profile
        fails = random.choices(("never", "first run", "now and then", "always"), (80, 8, 8, 4))[0]
        step = self._call(f"SIM.{random.choice(profile.actions)}", fails)
        if random.random() < profile.timed:
            step["timeout"] = 6
        if random.random() < 0.06:
            step["forced"] = True
        if random.random() < 0.15:
            step["allow_failure"] = True
        if random.random() < 0.15:
            step["if"] = random.choice(("{= variables.count % 3 != 0 =}", False))
        if random.random() < profile.retried:
            step["retry"] = {
                "attempts": random.choice((2, 6)),
                "delay": random.choice((0.1, 2.0, *profile.delays)),
                "backoff": 1,
            }
        return step

    def _call(self, action: str, fails: str = "never") -> Step:
        parameters = {
            "previous": None,
            "seconds": self.random.choice((0.0, 0.0, 0.01, 0.1, 1.0)),
            "fails": fails,
            "kills": "no",
            "variant": "{< variant >}",
            "echo": self._echo(),
        }
        return {"id": self._name("b"), "action": action, "parameters": parameters}

    def _echo(self) -> Any:
        """The values that the step copies into its result."""
        seen: dict[str, Any] = {"n": "{# n #}"}
        if self.latest:
            seen["seen"] = _seen_of(self.random.choice(self.latest))
        if self.loops:
            seen["index"] = "{% loop.index %}"
        return seen

    def _http(self, _: int) -> Step:
        name = self._name("h")
        loops = ["{% loop.index %}", "{% loop.outer.index %}", "{% loop.outer.outer.index %}"][: self.loops]
        place = ".".join(("{% job.id %}", name, *reversed(loops)))
        step: Step = {"id": name, "action": "HTTP.REQUEST", "parameters": {"url": SERVICE, "query": {"place": place}}}
        if self.random.random() < 0.4:
            step["retry"] = {"attempts": 3, "delay": self.random.choice((0.1, 20.0)), "backoff": 1}
        if self.random.random() < 0.3:
            step["allow_failure"] = True
        return step

    def _poll(self, _: int) -> Step:
        step = self._call(f"SIM.{self.random.choice(('PURE', 'CHARGE'))}")
        step["parameters"]["fails"] = "not ready"
        step["allow_failure"] = True
        step["poll"] = {
            "until": "{= result.ready =}",
            "every": self.random.choice((0.5, 20.0, *self.profile.delays)),
            "max": self.random.randint(1, 4),
        }
        return step

    # ------------------------------------------------------------------ steps without a block

    def _set(self, _: int) -> Step:
        return {"id": self._name("v"), "set": {"n": "{= variables.count * 10 + variables.n % 10 + 1 =}"}}

    def _wait(self, _: int) -> Step:
        step: Step = {"id": self._name("w"), "wait": {"seconds": self.random.choice(self.profile.waits)}}
        if self.random.random() < 0.2:
            step["if"] = "{= variables.count % 2 == 0 =}"
        return step

    def _wait_for(self, _: int) -> Step:
        step: Step = {"id": self._name("q"), "wait_for": {"timeout": self.random.choice(self.profile.timeouts)}}
        if self.random.random() < 0.5:
            step["wait_for"]["message"] = "{# count #}?"
        if self.random.random() < 0.6:
            step["allow_failure"] = True
        return step

    def _end(self, _: int) -> Step:
        what = self.random.choice(("item", "loop"))
        return {"id": self._name("e"), "end": what, "if": "{= variables.count % 4 == 3 =}", "message": "{# count #}"}

    # ------------------------------------------------------------------ steps with step lists

    def _for_each(self, depth: int) -> Step:
        random, name = self.random, self._name("l")
        lists: list[Any] = [
            list(range(random.randint(0, 3))),
            ["{# count #}", "{= variables.n =}"],
            "{= [k * 10 for k in range(variables.count % 3 + 1)] =}",  # the loop's own steps change the value
        ]
        if depth == 0 and random.random() < 0.15:
            lists = [list(range(LONG_LIST))]
        lists += [f"{{: {block}.list :}}" for block in self.latest if block.startswith("b")][:1]
        step: Step = {"id": name, "for_each": random.choice(lists)}
        if len(step["for_each"]) == LONG_LIST or random.random() < 0.2:
            short = self._call("SIM.PURE")
            short["parameters"] |= {"seconds": 0.0, "echo": "{% item %}"}
            return {**short, **step}
        if random.random() < 0.3:
            step["tolerate"] = random.choice(({"count": 1}, {"percent": 50}))
        self.loops += 1
        step["do"] = self.write_list(random.randint(1, 3), depth + 1)
        self.loops -= 1
        return step

    def _while(self, depth: int) -> Step:
        name, rounds = self._name("r"), self.random.randint(1, 3)
        condition = self.random.choice(
            (
                f"{{= loop.index < {rounds} =}}",
                f"{{= loop.index < {rounds} and variables.count % 5 != 4 =}}",
                "{= loop.index == 0 or variables.count % 3 != 0 =}",
            )
        )
        self.loops += 1
        do = self.write_list(self.random.randint(1, 2), depth + 1)
        self.loops -= 1
        return {"id": name, "while": condition, "max": rounds + 1, "do": do, "allow_failure": True}

    def _choose(self, depth: int) -> Step:
        """The steps of a branch change what its condition reads."""
        branches = [
            {
                "if": f"{{= variables.count % 3 == {rest} =}}",
                "do": self.write_list(self.random.randint(1, 2), depth + 1),
            }
            for rest in range(self.random.randint(1, 2))
        ]
        step: Step = {"id": self._name("c"), "choose": branches}
        if self.random.random() < 0.6:
            step["else"] = self.write_list(1, depth + 1)
        return step

    def _try(self, depth: int) -> Step:
        step: Step = {"id": self._name("t"), "try": self.write_list(self.random.randint(1, 2), depth + 1)}
        if self.random.random() < 0.7:
            step["catch"] = self.write_list(1, depth + 1)
        return step


def _seen_of(path: str) -> str:
    """An expression for the part of an earlier step's result that differs between executions."""
    if path.startswith("l"):
        return f"{{= [get(k, 'token') for k in default(steps.{path}.result, [])] =}}"
    key = {"c": "branch", "t": "failed", "q": "value", "v": "n", "h": "body.number"}.get(path[0], "token")
    return f"{{= get(steps.{path}.result, '{key}') =}}"


def written_steps(payload: dict[str, Any]) -> dict[str, Step]:
    """Every step of a payload by its id, at any depth: the ids of these jobs are unique."""
    found: dict[str, Step] = {}

    def visit(steps: list[Step]) -> None:
        for index, step in enumerate(steps):
            found[step.get("id", str(index + 1))] = step
            for inner in ("do", "try", "catch", "else"):
                visit(step.get(inner, []))
            for branch in step.get("choose", []):
                visit(branch["do"])

    visit(payload["steps"])
    return found


def questions(payload: dict[str, Any]) -> list[str]:
    """Ids of the steps of a job that wait for an answer."""
    return [name for name, step in written_steps(payload).items() if "wait_for" in step]
