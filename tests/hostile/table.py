"""The table of attacks: every known one, and the door it is sent to."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

from tests.hostile import combinations, jobs, work
from tests.hostile.attack import Attack, Door

EVENTS: Final = Path(__file__).parent / "lambda_events.json"

BY_THE_QUEUE: Final = (
    "a long string 10,000 times in a list",
    "twenty long integers 1,000 times",
    "a parameter name of 70,000 letters",
    "an action of 200 KB",
)
"""Attacks on a run that are also sent as messages and over HTTP: these doors store what a direct run only returns."""


def cursor(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


TARGETS: Final[dict[str, tuple[str, str]]] = {
    "a line feed after a cancel": ("POST", "/jobs/x/cancel%0A"),
    "a line feed after jobs": ("GET", "/jobs%0A"),
    "a line feed in an id": ("GET", "/jobs/a%0Ab"),
    "a line feed after validate": ("POST", "/jobs/validate%0A"),
    "a line feed after an answer": ("POST", "/jobs/x/steps/a/answer%0A"),
    "a line feed after a redrive": ("POST", "/jobs/x/redrive%0A"),
    "a line feed before a path": ("GET", "/%0Ajobs"),
    "a line feed after a workflow": ("PUT", "/workflows/a%0A"),
    "a carriage return in a step": ("GET", "/jobs/x/steps/%0D%0A"),
    "a NUL in an id": ("GET", "/jobs/%00"),
    "half a percent escape": ("GET", "/jobs/%"),
    "bytes that are not UTF-8 in an id": ("GET", "/jobs/%ff%fe"),
    "a way up": ("GET", "/jobs/../../etc/passwd"),
    "an encoded `..`": ("GET", "/jobs/..%2f..%2fetc"),
    "an id of 100,000 letters": ("GET", "/jobs/" + "a" * 100_000),
    "100,000 slashes": ("GET", "/" * 100_000),
    "a step of 100,000 letters": ("GET", "/jobs/x/steps/" + "é" * 50_000),
    "a method that does not exist": ("BREW", "/jobs"),
    "an invalid cursor": ("GET", "/jobs?cursor=x"),
    "a cursor of brackets": ("GET", "/jobs?cursor=" + cursor([[[[]]]])),
    "a cursor of numbers": ("GET", "/jobs?cursor=" + cursor({"PK": 1, "SK": 2})),
    "a cursor of a huge number": ("GET", "/jobs?cursor=" + base64.urlsafe_b64encode(b'["a",1e300]').decode()),
    "a cursor of an overflow": ("GET", "/jobs?cursor=" + base64.urlsafe_b64encode(b'{"a":1e999}').decode()),
    "a cursor of another tenant": ("GET", "/jobs?cursor=" + cursor({"PK": {"S": "TENANT#b"}, "SK": {"S": "x"}})),
    "a cursor of 100,000 letters": ("GET", "/jobs?cursor=" + "A" * 100_000),
    "a cursor of NaN": ("GET", "/jobs?cursor=" + base64.urlsafe_b64encode(b'["a",NaN]').decode()),
    "a cursor of 4,400 digits": (
        "GET",
        "/jobs?cursor=" + base64.urlsafe_b64encode(b'["a",' + b"9" * 4_400 + b"]").decode(),
    ),
    "a cursor of 1e300 for items": ("GET", "/jobs/x/steps/a/items?cursor=" + cursor(["a", 1e300])),
    "a time after the last year": ("GET", "/jobs?created_after=99999-01-01T00:00:00Z"),
    "a limit that is huge": ("GET", "/jobs?limit=" + "9" * 5_000),
    "a limit of other digits": ("GET", "/jobs?limit=%D9%A3"),
    "50,000 times the same filter": ("GET", "/jobs?" + "a=1&" * 50_000),
    "5,000 filters": ("GET", "/jobs?" + "&".join(f"a{at}=1" for at in range(5_000))),
    "a status that does not exist": ("GET", "/jobs?status=" + "é" * 5_000),
    "a filter by a lone surrogate": ("GET", "/jobs?status=%ED%A0%80"),
}


def _requests() -> Iterator[Attack]:
    for name, (method, target) in TARGETS.items():
        yield _attack(name, "http", lambda method=method, target=target: (method, target, None))
    for name, body in jobs.BODIES.items():
        for door in ("validate", "queue"):
            # A message is a string, so bytes that are not UTF-8 cannot be sent.
            if door == "validate" or _is_utf8(body):
                yield _attack(f"a body: {name}", door, lambda body=body: body)
        yield _attack(f"a body: {name}", "http", lambda body=body: ("POST", "/jobs", body))
        yield _attack(f"a schedule: {name}", "http", lambda body=body: ("PUT", "/schedules/x", body))


def _runs() -> Iterator[Attack]:
    for name, make in (jobs.RUN | combinations.RUN | work.RUN).items():
        yield _attack(name, "direct", make)
        if name in BY_THE_QUEUE:
            yield _attack(name, "queue", lambda make=make: _encode(make()))
            yield _attack(name, "http", lambda make=make: ("POST", "/jobs", _encode(make())))


def _validations() -> Iterator[Attack]:
    for name, make in (jobs.VALIDATE | combinations.VALIDATE).items():
        yield _attack(name, "validate", lambda make=make: _encode(make()))


def _strings() -> Iterator[Attack]:
    for value in jobs.NAUGHTY:
        for what, make in (("names", jobs.naughty), ("an id", jobs.naughty_id)):
            job = partial(make, value)
            name = f"as {what}: {value[:24]!a}"
            yield _attack(name, "http", lambda job=job: ("POST", "/jobs", _encode(job())))
            # All doors parse the names in a job alike. The id also becomes a key, so it is sent as a message too.
            door: Door = "queue" if make is jobs.naughty_id else "validate"
            yield _attack(name, door, lambda job=job: _encode(job()))


def _events() -> Iterator[Attack]:
    for name, event in json.loads(EVENTS.read_text()).items():
        yield _attack(name, "event", lambda event=event: event)


def _encode(job: Any) -> bytes:
    return json.dumps(job).encode()


def _is_utf8(body: bytes) -> bool:
    try:
        return bool(body.decode()) and len(body) < 1_000_000
    except UnicodeDecodeError:
        return False


def _attack(name: str, door: Door, make: Callable[[], Any]) -> Attack:
    return Attack(name, door, make)


ATTACKS: Final = (*_runs(), *_validations(), *_requests(), *_strings(), *_events())
