"""The limits of a stranger's job, through `lambda_handler`; docs/hostile.md lists the promise that each test checks."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from blocks.block import REGISTRY, Block
from handler.app import lambda_handler
from handler.console.local.lambda_event import HttpRequest, Identity, http_event
from handler.engine import Conduit, ConduitStatus, Limits, Runtime
from handler.http.identity import identify
from handler.invocation.event_kind import UnknownEventError
from handler.settings import Settings
from infra.local import EmbeddedAws
from tests.hostile.strike import RECORD

pytestmark = pytest.mark.usefixtures("aws")


def ask(method: str, target: str, body: Any = None, **event: Any) -> tuple[int, Any]:
    sent = None if body is None else json.dumps(body, ensure_ascii=False).encode()
    request = HttpRequest(method=method, target=target, headers={"content-type": "application/json"}, body=sent)
    made = http_event(request, Identity(), request_id="r", at=time.time())
    answer = lambda_handler(made | event)
    return answer["statusCode"], json.loads(answer["body"])


def join(**more: Any) -> dict[str, Any]:
    return {"action": "TEXT.JOIN", "parameters": {"text1": "a", "text2": "b"} | more}


def errors_of(answer: Any) -> list[dict[str, Any]]:
    return [step["error"] for step in answer["steps"] if step["error"]]


def size_of(error: Any) -> int:
    return len(json.dumps(error, ensure_ascii=False, separators=(",", ":")).encode())


LONG = "é" * 100_000
USER_CHOSEN = {
    "a parameter's name": join(**{LONG: 1}),
    "a tag": join(text1="{< " + LONG + " >}"),
    "a message": {"action": "LOGIC.FAIL", "parameters": {"message": LONG}},
    "a message of four bytes each": {"action": "LOGIC.FAIL", "parameters": {"message": "\U0001f600" * 50_000}},
    "a key": {"action": "DICTIONARY.GET", "parameters": {"key": LONG, "dictionary": {}}},
    "a condition": {**join(), "if": "x {< a >} " + LONG},
    "a pattern": {"action": "REGEX.MATCH", "parameters": {"text": "a", "pattern": "(" + "é" * 9_000}},
    "an address": {"action": "URL.BUILD", "parameters": {"base": LONG}},
    "a secret": {"action": "HTTP.GET", "parameters": {"url": {"secret": LONG}}},
    "a header": {"action": "HTTP.GET", "parameters": {"url": "https://a.example", "headers": {LONG: "x"}}},
    "a time": {"action": "TIME.PARSE", "parameters": {"text": LONG}},
    "the first row of a table": {"action": "CSV.PARSE", "parameters": {"text": f"{LONG[:50_000]},{LONG[:50_000]}\n1"}},
    "200 names": join(**{f"{at}" + "é" * 300: 1 for at in range(200)}),
    "30 short names": join(**{f"n{at}": 1 for at in range(30)}),
    "300 wrong items": {"action": "TEXT.JOIN_LIST", "parameters": {"list": [1] * 300}},
}


@pytest.mark.parametrize("name", USER_CHOSEN)
def test_an_error_has_at_most_4_kilobytes_and_20_details(name: str) -> None:
    job = {"id": "j", "steps": [USER_CHOSEN[name]]}
    status, answer = ask("POST", "/jobs", job)
    (error,) = errors_of(answer)
    assert (status, answer["status"]) == (201, "FAILED")
    assert size_of(error) <= 4_096
    assert len(error.get("details") or []) <= 20
    message = {**RECORD, "messageId": "m", "body": json.dumps(job | {"id": "k"}, ensure_ascii=False)}
    assert lambda_handler({"Records": [message]}) == {"batchItemFailures": []}, "every delivery succeeds"


def test_an_error_names_the_parameter_by_its_beginning() -> None:
    _, answer = ask("POST", "/jobs", {"steps": [join(**{LONG: 1})]})
    (error,) = errors_of(answer)
    assert "é" * 90 in error["message"]
    assert "é" * 110 not in error["message"]
    assert max(len(detail["parameter"]) for detail in error["details"]) <= 100


def test_errors_count_in_the_budget_for_results(run: Any) -> None:
    fail = {"action": "LOGIC.FAIL", "parameters": {"message": "x" * 1_900}, "allow_failure": True}
    limits = Limits(results=10_000)
    job = run({"steps": [*[fail] * 20, join()]}, Runtime(limits=limits))
    assert sum(size_of(step.error) for step in job.steps if step.error) < limits.results + 20 * 300
    assert all(step.error["message"].startswith("x" * 50) for step in job.steps[:20])


def test_errors_of_steps_that_do_not_run_count_as_they_do_when_they_are_read_again(run: Any) -> None:
    unknown = {"action": "NO.SUCH", "allow_failure": True}
    loop = {"id": "l", "for_each": [1], "do": [{"id": "f", "action": "LOGIC.FAIL", "parameters": {"message": "x"}}]}
    job = run({"steps": [unknown, unknown, {**loop, "allow_failure": True}]})
    inner = size_of({"type": "AssertionError", "message": "x"})
    assert job.store.results_size >= sum(size_of(step.error) for step in job.steps) + inner


def test_a_cancelled_job_counts_the_errors_of_the_steps_that_it_does_not_run() -> None:
    import asyncio  # noqa: PLC0415  # as below

    job = Conduit.from_dict({"steps": [join(), join()]})
    job.cancel()
    asyncio.run(job.run())
    assert job.store.results_size == sum(size_of(step.error) for step in job.steps) > 0


def test_what_a_failed_step_keeps_of_its_exception_is_as_short_as_its_error(run: Any) -> None:
    job = run(
        {
            "parameters": {"s": "x" * 100_000},
            "steps": [join(), {"action": "LOGIC.FAIL", "parameters": {"message": "{< s >}!"}}],
        }
    )
    assert isinstance(job[2].return_value, AssertionError)
    assert len(str(job[2].return_value)) < 2_100


def test_the_arguments_of_a_failed_step_do_not_wait_for_the_collector() -> None:
    import asyncio  # noqa: PLC0415  # as above
    import gc  # noqa: PLC0415  # as above
    import tracemalloc  # noqa: PLC0415  # as above

    wrong = {"action": "TEXT.COUNT", "parameters": {"text": "{< l >}"}, "allow_failure": True}
    job = Conduit.from_dict({"parameters": {"l": [1] * 50_000}, "steps": [wrong] * 20})
    gc.disable()
    tracemalloc.start()
    try:
        asyncio.run(job.run())
        held = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
        gc.enable()
    assert held < 2 * 8 * 50_000, "twenty copies of the list would take 8 MB"


@pytest.fixture
def run() -> Any:
    import asyncio  # noqa: PLC0415  # of these few tests only

    def run_job(data: Any, runtime: Runtime | None = None, **options: Any) -> Conduit:
        job = Conduit.from_dict(data, **options)
        asyncio.run(job.run(runtime))
        return job

    return run_job


def test_a_block_that_runs_out_of_memory_ends_in_a_status(monkeypatch: pytest.MonkeyPatch) -> None:
    def swell() -> None:
        raise MemoryError

    block = Block(swell, name="SWELL", private=True)
    monkeypatch.setitem(REGISTRY._blocks, "SWELL", block)
    answer = lambda_handler({"steps": [{"action": "SWELL"}, join()]})
    assert [step["status"]["name"] for step in answer["steps"]] == ["UNHANDLED_EXCEPTION", "SKIPPED"]


PAIRS = "{= sum(x * y for x in parameters.l for y in parameters.l) > 0 =}"


@pytest.mark.parametrize(
    "step",
    [
        {"action": "LISTS.CREATE", "parameters": {"value1": [PAIRS] * 25}},
        {"action": "TEXT.JOIN", "parameters": {"text1": "a", "text2": "b"}, "if": [PAIRS] * 25},
        {"action": "LISTS.CREATE", "parameters": {"value1": "{= matches('" + "a" * 250 + "!', '(a+)+$') =}"}},
    ],
    ids=["expressions", "conditions", "patterns"],
)
def test_the_time_limit_of_a_step_covers_its_tags_and_expressions(run: Any, step: dict[str, Any]) -> None:
    class Fast:
        """A clock that runs ten times as fast as CPU time."""

        def __call__(self) -> float:
            return 1e9 + 10 * time.process_time()

    job = run({"parameters": {"l": list(range(130))}, "steps": [{**step, "timeout": 0.3}]}, Runtime(now=Fast()))
    assert job[1].status is ConduitStatus.TIME_LIMIT_EXCEED


# ---------------------------------------------------------------------- rights


@pytest.mark.parametrize("claim", ["queue", ":queue", "%3Aqueue", "queue ", "QUEUE", ":queue\x00"])
def test_no_claim_encodes_to_the_tenant_of_the_queue(aws: EmbeddedAws, claim: str) -> None:
    message = {**RECORD, "messageId": "m", "body": json.dumps({"id": "secret", "steps": [join()]})}
    assert lambda_handler({"Records": [message]}) == {"batchItemFailures": []}
    context = {"http": {"method": "GET"}, "authorizer": {"jwt": {"claims": {"sub": claim}}}}
    event = {"version": "2.0", "rawPath": "/jobs/secret", "requestContext": context, "headers": {}}
    caller = identify(event, Settings.from_environment(aws.environment))
    assert caller is None or caller.tenant != Settings.from_environment(aws.environment).queue_tenant
    assert lambda_handler(event)["statusCode"] in {401, 404}


def test_a_forged_request_context_is_an_unknown_event_where_the_function_takes_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    context = {"http": {"method": "GET"}, "apiId": "forged", "authorizer": {"jwt": {"claims": {"sub": "victim"}}}}
    event = {"version": "2.0", "rawPath": "/jobs", "requestContext": context, "headers": {}}
    assert lambda_handler(event)["statusCode"] == 200, (
        "without settings, every caller that may invoke the function is trusted"
    )
    monkeypatch.setenv("API_IDS", "ours")
    with pytest.raises(UnknownEventError):
        lambda_handler(event)
    monkeypatch.delenv("API_IDS")
    monkeypatch.setenv("DOORS", "sqs,schedule")
    with pytest.raises(UnknownEventError):
        lambda_handler(event)
    with pytest.raises(UnknownEventError):
        lambda_handler({"steps": [join()]})


@pytest.mark.parametrize("event", [{"source": "aws.scheduler"}, {"source": "mine"}, {}, {"source": ["aws.events"]}])
def test_a_timer_is_known_by_its_source(event: dict[str, Any]) -> None:
    assert lambda_handler({"source": "aws.events", "detail-type": "Scheduled Event"}) == {"swept": 0}
    with pytest.raises(UnknownEventError):
        lambda_handler({"detail-type": "Scheduled Event", **event})


def test_a_cancel_that_is_repeated_sends_one_message(aws: EmbeddedAws) -> None:
    wait = {"id": "w", "wait": {"seconds": 86_400}}
    assert ask("POST", "/jobs", {"id": "j", "steps": [wait]})[0] == 202
    for _ in range(5):
        assert ask("POST", "/jobs/j/cancel")[0] == 202
    event = aws.receive()
    assert len(event["Records"]) == 1, "only the write that set the flag is followed by a message"
    assert lambda_handler(event) == {"batchItemFailures": []}
    assert ask("GET", "/jobs/j")[1]["status"] == "CANCELLED"


def test_more_than_1_000_written_steps_are_an_invalid_payload_at_every_door(aws: EmbeddedAws) -> None:
    job = {"id": "j", "steps": [join()] * 999, "output": 1}
    assert ask("POST", "/jobs/validate", job)[1]["valid"]
    job["steps"] = [join()] * 1_000  # the output is one more
    status, answer = ask("POST", "/jobs", job)
    assert (status, answer["errors"][0]["code"]) == (422, "STEP_LIMIT_EXCEED")
    message = {**RECORD, "messageId": "m", "body": json.dumps(job)}
    assert lambda_handler({"Records": [message]}) == {"batchItemFailures": []}
    assert len(aws.dead_letters()) == 1
    with pytest.raises(Exception, match="steps"):
        lambda_handler(job)


@pytest.mark.parametrize(
    "body",
    [
        '{"steps": [], "SECRET": 1}',
        '{"steps": [{"action": "TEXT.JOIN", "SECRET": 1}]}',
        '{"steps": [{"action": "TEXT.JOIN", "id": "SECRET."}]}',
        '{"steps": [], "SECRET": 1, "SECRET": 2}',
        '{"workflow": "SECRET"}',
        "SECRET",
    ],
)
def test_the_log_of_a_rejected_message_holds_nothing_that_its_sender_wrote(
    aws: EmbeddedAws, body: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert lambda_handler({"Records": [{**RECORD, "messageId": "m", "body": body}]}) == {"batchItemFailures": []}
    logged = capsys.readouterr().out
    assert '"A message can never succeed"' in logged
    assert '"codes":"' in logged
    assert "SECRET" not in logged
    assert len(aws.dead_letters()) == 1
