"""Steps that wait for an answer: parked, answered over the API or at their own URL, early, late, twice and in races."""

from __future__ import annotations

from typing import Any

import pytest

from handler.payload.parse import parse
from infra.jobs.jobs_table import JobsTable, Refused
from infra.jobs.records import JobRecord
from tests.handler.conftest import drive
from tests.handler.http.client import Client, expect_problem

ASK: dict[str, Any] = {"id": "ok", "wait_for": {"timeout": 86_400, "message": "Raise the limit to {< limit >}?"}}
CHARGE = {"id": "charge", "action": "PROBE.CHARGE"}
WORK = {"id": "work", "action": "PROBE.WORK"}
TOLD = {"id": "told", "set": {"url": "{% steps.ok.callback.url %}", "token": "{% steps.ok.callback.token %}"}}


@pytest.fixture
def client(world: Any) -> Client:
    world.set(public_routes=True, public_url="https://jobs.example.com/")
    return Client(world)


def ask(world: Any, *steps: dict[str, Any], **options: Any) -> dict[str, Any]:
    job: dict[str, Any] = world.submit(*steps, id="j", parameters={"limit": 500}, **options).job
    return job


def answer(client: Client, body: Any, path: str = "ok") -> Any:
    return client.post(f"/jobs/j/steps/{path}/answer", body)


def step(world: Any, path: str = "ok") -> dict[str, Any]:
    return next(one for one in world.get("j")["steps"] if one["path"] == path)


def test_a_job_parks_for_an_answer_and_goes_on_with_it(world: Any, client: Client) -> None:
    job = ask(world, CHARGE, ASK, WORK)
    assert (job["status"], job["waiting"]["for"], job["waiting"]["path"]) == ("QUEUED", "answer", "ok")
    assert world.queue.sent == [], "nothing runs before the answer"
    world.clock.now += 3600
    taken = answer(client, {"value": {"limit": 500}})
    assert (taken.status, taken.json["path"], taken.json["status"]["name"]) == (200, "ok", "NONE")
    world.drain_queue()
    job = world.get("j")
    assert job["status"] == "SUCCEEDED"
    result = step(world)["result"]
    assert (result["value"], result["by"]) == ({"limit": 500}, "tenant")
    assert result["at"].endswith("Z")
    assert world.record("j").signals == ()
    assert len(world.ran) == 2


@pytest.mark.usefixtures("client")
def test_the_bus_hears_that_a_job_waits_with_the_question(world: Any) -> None:
    ask(world, ASK)
    (waiting,) = [event for event in world.bus.events if event["type"] == "Job Waiting"]
    assert waiting["message"] == "Raise the limit to 500?"
    assert waiting["event_id"] == "tenant/j/1/waiting/ok"
    assert waiting["waiting"] == world.get("j")["waiting"]


def test_a_no_rejects_the_step_with_its_reason(world: Any, client: Client) -> None:
    ask(world, ASK, WORK)
    assert answer(client, {"ok": False, "reason": "Too much."}).status == 200
    world.drain_queue()
    job = world.get("j")
    assert (job["status"], job["failed_step"]["status"]["name"]) == ("FAILED", "REJECTED")
    assert step(world)["error"] == {"type": "Rejected", "message": "Too much."}
    assert answer(client, {"ok": False, "reason": "Too much."}).status == 200
    assert answer(client, {"ok": True}).status == 409


def test_a_step_without_an_answer_times_out(world: Any, client: Client) -> None:
    ask(world, ASK, WORK)
    world.clock.now += 86_401
    expect_problem(answer(client, {}), 410, "gone")
    world.recover()
    assert step(world)["status"]["name"] == "TIME_LIMIT_EXCEED"
    assert step(world)["error"]["type"] == "CallbackTimeout"
    assert world.statuses("j") == ["TIME_LIMIT_EXCEED", "SKIPPED"]
    expect_problem(answer(client, {}), 410, "gone")


def test_the_first_answer_wins_and_its_repetition_is_fine(world: Any, client: Client) -> None:
    ask(world, ASK)
    assert answer(client, {"value": {"a": 1, "b": 2}}).status == 200
    assert answer(client, '{"ok": true, "value": {"b": 2, "a": 1.0}}').status == 200
    expect_problem(answer(client, {"value": 2}), 409, "conflict")
    world.drain_queue()
    assert answer(client, {"value": {"b": 2, "a": 1}}).status == 200
    expect_problem(answer(client, {"ok": False}), 409, "conflict")
    assert step(world)["result"]["value"] == {"a": 1, "b": 2}


@pytest.mark.parametrize("timeout", [1, 60, 61])
def test_a_question_is_published_however_short_its_time_is(world: Any, client: Client, timeout: float) -> None:
    ask(world, {"id": "ok", "wait_for": {"timeout": timeout}})
    assert [event["type"] for event in world.bus.events] == ["Job Waiting"]
    assert world.record("j").due == world.clock.now + timeout
    assert answer(client, {}).status == 200


def test_an_answer_without_a_body_is_a_yes_without_a_value(world: Any, client: Client) -> None:
    ask(world, ASK)
    assert client.post("/jobs/j/steps/ok/answer").status == 200
    world.drain_queue()
    assert (step(world)["status"]["name"], step(world)["result"]["value"]) == ("DONE", None)


def test_an_answer_that_keeps_losing_to_other_writers_is_503(
    world: Any, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(world, ASK)

    async def lose(_: JobsTable, job: JobRecord, *__: Any) -> Refused:
        return Refused(job)

    with monkeypatch.context() as patched:
        patched.setattr(JobsTable, "answer", lose)
        expect_problem(answer(client, {}), 503, "unavailable")
    assert answer(client, {}).status == 200


def test_steps_without_a_wait_and_jobs_of_others_are_not_found(world: Any, client: Client) -> None:
    ask(world, CHARGE, ASK)
    for path in ("charge", "none", "ok.0.x"):
        expect_problem(answer(client, {}, path), 404, "not-found")
    expect_problem(answer(Client(world, tenant="stranger"), {}), 404, "not-found")
    expect_problem(client.post("/jobs/other/steps/ok/answer", {}), 404, "not-found")
    expect_problem(client.post("/jobs/no job/steps/ok/answer", {}), 404, "not-found")


def test_an_invalid_answer_is_refused_and_the_step_waits_on(world: Any, client: Client) -> None:
    form = {"type": "object", "properties": {"limit": {"type": "number"}}, "required": ["limit"]}
    ask(world, {**ASK, "wait_for": {**ASK["wait_for"], "form": form}})
    problem = expect_problem(answer(client, {"value": {"limit": "x"}}), 422, "invalid")
    assert problem["errors"][0]["pointer"] == "/value/limit"
    expect_problem(answer(client, {}), 422, "invalid")
    expect_problem(answer(client, {"ok": "yes"}), 422, "invalid")
    expect_problem(answer(client, {"colour": 1}), 422, "invalid")
    expect_problem(answer(client, "{"), 400, "not-json")
    assert answer(client, {"value": {"limit": 1, "x": "y" * (64 * 1024 - 17)}}).status == 413
    assert world.get("j")["waiting"]["path"] == "ok"
    assert answer(client, {"value": {"limit": 1, "x": "y" * (64 * 1024 - 18)}}).status == 200


def test_an_answer_needs_one_of_the_tags(world: Any, client: Client) -> None:
    ask(world, {**ASK, "wait_for": {**ASK["wait_for"], "tags": ["finance", "boss"]}})
    expect_problem(answer(client, {}), 403, "forbidden")
    assert answer(Client(world, scope="boss"), {}).status == 200
    assert answer(client, {}).status == 200, "any caller may repeat the answer"
    expect_problem(answer(client, {"value": 1}), 403, "forbidden")


@pytest.mark.usefixtures("client")
def test_neither_the_sender_nor_the_redriver_may_answer(world: Any) -> None:
    world.set(tenant_claim="org", principal_claim="sub")
    asked = {**ASK, "wait_for": {**ASK["wait_for"], "not_sender": True}}
    ann, bob, cid = (Person(world, name) for name in ("ann", "bob", "cid"))
    ann.post("/jobs", {"id": "j", "parameters": {"limit": 1}, "steps": [asked]})
    expect_problem(answer(ann, {}), 403, "forbidden")
    assert answer(bob, {"ok": False}).status == 200
    world.drain_queue()
    assert bob.post("/jobs/j/redrive").status == 202
    world.drain_queue()
    expect_problem(answer(ann, {}), 403, "forbidden")
    expect_problem(answer(bob, {}), 403, "forbidden")
    assert answer(cid, {}).status == 200
    world.drain_queue()
    assert step(world)["result"]["by"] == "cid"


class Person(Client):
    """A person of the tenant."""

    def __init__(self, world: Any, name: str) -> None:
        super().__init__(world)
        self.name = name

    def invoke(self, event: dict[str, Any]) -> Any:
        event["requestContext"]["authorizer"]["jwt"]["claims"] = {"sub": self.name, "org": "tenant"}
        return super().invoke(event)


# ---------------------------------------------------------------------- at the step's own URL


def answer_address(world: Any) -> str:
    url: str = world.get("j")["variables"]["url"]
    assert url.startswith("https://jobs.example.com/callbacks/")
    return url.removeprefix("https://jobs.example.com")


TELL = {"variables": {"url": None, "token": None}}


@pytest.mark.usefixtures("client")
def test_an_earlier_step_reads_the_address_which_is_enough_to_answer(world: Any) -> None:
    ask(world, TOLD, ASK, **TELL)
    anonymous = Client(world, tenant="")
    page = anonymous.get(answer_address(world))
    assert (page.status, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "Raise the limit to 500?" in page.body
    assert world.record("j").signals == (), "a request for the page answers nothing"
    assert anonymous.post(answer_address(world), {"value": 1}).status == 200
    world.drain_queue()
    assert step(world)["result"] == {"value": 1, "by": None, "at": step(world)["result"]["at"]}
    assert anonymous.get(answer_address(world)).status == 410
    assert anonymous.post(answer_address(world), {"value": 1}).status == 200
    expect_problem(anonymous.post(answer_address(world), {"value": 2}), 409, "conflict")


@pytest.mark.usefixtures("client")
def test_a_token_with_a_foreign_signature_is_not_found(world: Any) -> None:
    ask(world, TOLD, ASK, **TELL)
    anonymous, url = Client(world, tenant=""), answer_address(world)
    for wrong in (url[:-1] + ("A" if url[-1] != "A" else "B"), "/callbacks/x.y", "/callbacks/none"):
        expect_problem(anonymous.post(wrong, {"value": 1}), 404, "not-found")
        expect_problem(anonymous.get(wrong), 404, "not-found")
    expect_problem(anonymous.post(url, b"x" * (256 * 1024 + 1)), 413, "too-large")


@pytest.mark.usefixtures("client")
def test_an_address_is_the_same_after_a_crash_and_worth_nothing_after_a_redrive(world: Any) -> None:
    ask(world, TOLD, ASK, **TELL)
    first, anonymous = answer_address(world), Client(world, tenant="")
    anonymous.post(first, {"ok": False})
    world.drain_queue()
    drive(world.jobs.redrive(world.caller, "j", from_step="told"))
    world.drain_queue()
    assert answer_address(world) != first
    expect_problem(anonymous.post(first, {}), 410, "gone")
    assert anonymous.post(answer_address(world), {}).status == 200


@pytest.mark.usefixtures("client")
def test_an_address_alone_does_not_suffice_where_the_step_asks_for_tags(world: Any) -> None:
    ask(world, TOLD, {**ASK, "wait_for": {**ASK["wait_for"], "tags": ["finance"]}}, **TELL)
    anonymous = Client(world, tenant="")
    expect_problem(anonymous.post(answer_address(world), {}), 403, "forbidden")
    page = anonymous.get(answer_address(world)).body
    assert "You need credentials to answer" in page
    assert "<button" not in page


@pytest.mark.usefixtures("client")
def test_an_address_takes_json_alone(world: Any) -> None:
    ask(world, TOLD, ASK, **TELL)
    refused = Client(world, tenant="").post(answer_address(world), "yes", content_type="text/plain")
    expect_problem(refused, 415, "wrong-media-type")


def test_without_public_routes_there_is_no_address(world: Any) -> None:
    ask(world, TOLD, ASK, **TELL)
    error = step(world, "told")["error"]
    assert "PUBLIC_URL" in error["message"]
    assert step(world, "told")["status"]["name"] == "INVALID_ARGUMENT"
    assert Client(world, tenant="").post("/callbacks/x.y", {}).status in {401, 404}


# ---------------------------------------------------------------------- early, in loops


def test_an_answer_before_the_steps_turn_is_kept_until_then(world: Any, client: Client) -> None:
    ask(world, {"id": "w", "wait": {"seconds": 600}}, ASK, WORK)
    assert answer(client, {"value": 7}).status == 200
    expect_problem(answer(client, {"value": 8}), 409, "conflict")
    world.recover()
    assert world.get("j")["status"] == "SUCCEEDED"
    assert step(world)["result"]["value"] == 7
    assert world.record("j").signals == ()


LOOP = {
    "id": "each",
    "for_each": ["a", "b"],
    "do": [{"id": "ask", "wait_for": {"timeout": 86_400}}, {"id": "then", "action": "PROBE.WORK"}],
}


def test_items_of_an_open_loop_are_answered_in_any_order(world: Any, client: Client) -> None:
    ask(world, {"id": "w", "wait": {"seconds": 60}}, LOOP)
    expect_problem(answer(client, {}, "each.0.ask"), 404, "not-found")
    world.drain_queue()
    assert world.get("j")["waiting"]["path"] == "each.0.ask"
    assert answer(client, {"value": 2}, "each.1.ask").status == 200
    world.drain_queue()
    assert world.get("j")["waiting"]["path"] == "each.0.ask"
    for path in ("each.2.ask", "each.x.ask", "each.00.ask", "each.0.then"):
        expect_problem(answer(client, {}, path), 404, "not-found")
    assert answer(client, {"value": 1}, "each.0.ask").json["path"] == "each.0.ask"
    world.drain_queue()
    assert world.get("j")["status"] == "SUCCEEDED"
    assert [step(world, f"each.{item}.ask")["result"]["value"] for item in (0, 1)] == [1, 2]


def test_a_hundred_unused_answers_are_enough(world: Any, client: Client) -> None:
    many = [{"id": f"s{number}", "wait_for": {"timeout": 86_400}} for number in range(102)]
    ask(world, *many)
    for number in range(1, 101):
        assert answer(client, {}, f"s{number}").status == 200
    expect_problem(answer(client, {}, "s101"), 409, "conflict")
    assert answer(client, {}, "s0").status == 200, "the waiting step still accepts its answer"
    world.drain_queue()
    assert world.get("j")["waiting"]["path"] == "s101"


# ---------------------------------------------------------------------- races


def at_write(world: Any, number: int, action: Any) -> None:
    """Do something right before the given write of JOB, counted from now."""
    left = [number]

    def before(name: str) -> None:
        if name in {"update_if", "put_all_with"}:
            left[0] -= 1
            if left[0] == 0:
                world.items.before = lambda _: None
                action()

    world.items.before = before


@pytest.mark.parametrize("late", [0.0, -0.5])
def test_a_step_never_times_out_after_its_answer_was_accepted(world: Any, client: Client, late: float) -> None:
    """The answer arrives between the claim of a job whose time is over and the commit that would time it out."""
    ask(world, ASK, WORK)
    job = world.record("j")
    world.clock.now = float(job.resume_at)
    world.sweep()
    statuses: list[int] = []

    def send_answer() -> None:
        now, world.clock.now = world.clock.now, float(job.resume_at) - 1
        statuses.append(answer(client, {"value": late}).status)
        world.clock.now = now

    at_write(world, 2, send_answer)
    world.drain_queue()
    assert statuses == [200]
    assert world.get("j")["status"] == "SUCCEEDED"
    assert step(world)["result"]["value"] == late


def test_an_answer_that_meets_the_park_is_used_in_the_same_run(world: Any, client: Client) -> None:
    def send_answer() -> None:
        assert answer(client, {"value": 1}).status == 200

    at_write(world, 2, send_answer)
    job = ask(world, CHARGE, {**CHARGE, "id": "again"}, ASK, WORK)
    assert job["status"] == "SUCCEEDED"
    assert len(world.ran) == 3


def test_an_answer_to_another_step_leaves_a_retry_its_delay(world: Any, client: Client) -> None:
    """The answer arrives as the job is about to park: the retry's wait is not computed again."""

    def send_answer() -> None:
        assert answer(client, {"value": 1}).status == 200

    at_write(world, 1, send_answer)
    failing = {**CHARGE, "parameters": {"fail": True}, "retry": {"attempts": 3, "delay": 60}}
    job = ask(world, failing, ASK)
    assert (job["status"], job["waiting"]["for"], job["steps"][0]["attempts"]) == ("QUEUED", "retry", 1)
    assert len(world.ran) == 1


def test_a_cancel_that_meets_the_park_of_a_step_in_a_loop_leaves_it_its_record(world: Any) -> None:
    """The step's block has been called, so the item has begun, even if its loop would now decide otherwise."""
    at_write(world, 1, lambda: drive(world.jobs.cancel(world.caller, "j")))
    failing = {**CHARGE, "parameters": {"fail": True}, "retry": {"attempts": 3, "delay": 60}}
    world.submit({"id": "l", "for_each": [1], "do": [failing]}, id="j")
    steps = [(one["path"], one["status"]["name"], one["attempts"]) for one in world.get("j")["steps"]]
    assert steps == [("l", "CANCELLED", 0), ("l.0.charge", "CANCELLED", 1)]


def test_an_answer_that_an_earlier_commit_saw_is_not_parked_over(world: Any, client: Client) -> None:
    def send_answer() -> None:
        assert answer(client, {"value": 1}).status == 200

    at_write(world, 1, send_answer)
    world.submit({"id": "a", "wait": {"seconds": 10}}, CHARGE, ASK, id="j", parameters={"limit": 1})
    world.drain_queue()
    world.items.before = lambda _: None
    world.recover()
    assert world.get("j")["status"] == "SUCCEEDED"


def test_an_answer_to_a_cancelled_job_is_gone(world: Any, client: Client) -> None:
    ask(world, ASK)
    drive(world.jobs.cancel(world.caller, "j"))
    expect_problem(answer(client, {}), 410, "gone")
    world.drain_queue()
    assert world.statuses("j") == ["CANCELLED"]
    expect_problem(answer(client, {}), 410, "gone")


def test_a_lost_reply_is_recognised(world: Any, client: Client) -> None:
    ask(world, ASK)
    world.items.lose_reply_of = set(range(len(world.items.calls), len(world.items.calls) + 50))
    assert answer(client, {"value": 1}).status == 200
    assert world.record("j").woken == 1


def test_a_worker_that_dies_after_the_answer_leaves_it_to_the_next_one(world: Any, client: Client) -> None:
    ask(world, ASK, WORK)
    answer(client, {"value": 1})
    at_write(world, 2, world.crash)
    world.receive(world.message(world.queue.sent.pop()["body"]))
    world.restart()
    world.recover()
    assert step(world)["result"]["value"] == 1


@pytest.mark.usefixtures("client")
def test_a_job_that_times_out_while_it_waits_does_not_wait_for_the_steps_own_time(world: Any) -> None:
    sent = parse({"id": "j", "timeout": 60, "parameters": {"limit": 1}, "steps": [ASK, WORK]})
    drive(world.jobs.submit(world.caller, sent, lifetime=world.lifetime(30.0)))
    world.clock.now += 61
    world.recover()
    assert step(world)["error"]["type"] == "JobTimeout"


# ---------------------------------------------------------------------- changes between reading and writing


def time_out(world: Any) -> None:
    world.clock.now = float(world.record("j").resume_at) + 1
    world.sweep()
    world.drain_queue()


def redrive(world: Any) -> None:
    time_out(world)
    drive(world.jobs.redrive(world.caller, "j"))
    world.drain_queue()


def cancel(world: Any) -> None:
    drive(world.jobs.cancel(world.caller, "j"))


def another(world: Any) -> None:
    assert answer(Client(world), {"value": "first"}).status == 200


def another_step(world: Any) -> None:
    assert answer(Client(world), {"value": "first"}, "later").status == 200


@pytest.mark.parametrize(
    ("between", "status", "ends"),
    [
        (time_out, 410, ["TIME_LIMIT_EXCEED", "NONE"]),
        (redrive, 200, ["DONE", "NONE"]),
        (cancel, 410, ["CANCELLED", "CANCELLED"]),
        (another, 409, ["DONE", "NONE"]),
        (another_step, 200, ["DONE", "DONE"]),
    ],
)
def test_an_answer_counts_only_for_the_job_that_it_was_judged_for(
    world: Any, client: Client, between: Any, status: int, ends: list[str]
) -> None:
    """The job changes after the answer is judged and before JOB names it: the answer is judged again."""
    later = {"id": "later", "wait_for": {"timeout": 86_400}}
    ask(world, {**ASK, "allow_failure": between is time_out}, later)
    at_write(world, 1, lambda: between(world))
    assert answer(client, {"value": "mine"}).status == status
    world.drain_queue()
    assert world.statuses("j") == ends
    value = {200: "mine", 409: "first"}.get(status)
    assert value is None or step(world)["result"]["value"] == value
