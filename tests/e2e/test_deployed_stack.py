from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

from tests.e2e.conftest import BUILD
from tests.e2e.deployment import PUBLIC_URL, Deployment, deploy

Until = Callable[..., Any]
JOIN = {"action": "TEXT.JOIN", "id": "a", "parameters": {"text1": "Hello", "text2": "World", "join_with": " "}}


def new_id(kind: str) -> str:
    return f"{kind}-{uuid.uuid4().hex[:8]}"


def status_of(deployment: Deployment, job: str, *, as_: str = "acme") -> str | None:
    body = deployment.call("GET", f"/jobs/{job}", as_=as_).body
    return body.get("status") if isinstance(body.get("status"), str) else None


def finished(status: str | None) -> bool:
    return status in {"SUCCEEDED", "FAILED", "CANCELLED"}


def records_of(deployment: Deployment, tenant: str, job: str) -> list[str]:
    """The kinds of a job's items in the table, in their order."""
    return [item["sk"]["S"].split("#")[0] for item in deployment.items(tenant, job)]


def test_a_job_over_http_runs_and_is_recorded(deployment: Deployment) -> None:
    job = new_id("http")
    answer = deployment.call("POST", "/jobs", {"id": job, "steps": [JOIN]})
    assert (answer.status, answer.body["status"], answer.body["steps"][0]["result"]) == (
        201,
        "SUCCEEDED",
        "Hello World",
    )
    assert deployment.call("GET", f"/jobs/{job}").body == answer.body
    assert records_of(deployment, "acme", job) == ["JOB", "PAYLOAD", "STEPS"]


def test_without_a_token_or_with_anothers_no_door_opens(deployment: Deployment) -> None:
    token = deployment.issuer.token("acme", audience="somebody-else")
    for path in ("/jobs", "/blocks", "/docs", "/openapi.json", "/nothing"):
        assert deployment.call("GET", path, as_=None).status == 401, path
        wrong = deployment.call("GET", path, as_=None, headers={"Authorization": f"Bearer {token}"})
        assert wrong.status == 401, path


def test_another_tenants_job_is_not_found(deployment: Deployment) -> None:
    job = new_id("mine")
    assert deployment.call("POST", "/jobs", {"id": job, "steps": [JOIN]}).status == 201
    assert deployment.call("GET", f"/jobs/{job}", as_="someone-else").status == 404
    assert deployment.call("GET", f"/jobs/{job}").status == 200


def test_an_asynchronous_job_runs_in_the_worker(deployment: Deployment, until: Until) -> None:
    job = new_id("async")
    answer = deployment.call("POST", "/jobs", {"id": job, "steps": [JOIN]}, headers={"Prefer": "respond-async"})
    assert answer.status == 202
    assert until(lambda: status_of(deployment, job), finished) == "SUCCEEDED"


def test_a_message_runs_its_job(deployment: Deployment, until: Until) -> None:
    job = new_id("sqs")
    deployment.send({"id": job, "steps": [JOIN]})
    until(lambda: records_of(deployment, "queue", job), lambda kinds: "STEPS" in kinds)
    status = until(lambda: status_of(deployment, job, as_="queue"), finished)
    assert status == "SUCCEEDED"


def test_a_message_that_is_not_a_job_goes_to_the_dead_letters_and_the_others_run(
    deployment: Deployment, until: Until
) -> None:
    job = new_id("beside")
    deployment.send("this is not JSON")
    deployment.send({"id": job, "steps": [JOIN]})
    (dead,) = until(lambda: deployment.take("DeadLetterQueueUrl"))
    assert dead["Body"] == "this is not JSON"
    assert any("JSON" in attribute["StringValue"] for attribute in dead["MessageAttributes"].values())
    assert until(lambda: status_of(deployment, job, as_="queue"), finished) == "SUCCEEDED"


def test_a_failed_job_reaches_the_queue_that_a_rule_on_the_bus_feeds(deployment: Deployment, until: Until) -> None:
    job = new_id("failed")
    answer = deployment.call("POST", "/jobs", {"id": job, "steps": [{"action": "NO.SUCH_BLOCK"}]})
    assert (answer.status, answer.body["status"]) == (201, "FAILED")
    (message,) = until(lambda: deployment.take("FailedJobsQueueUrl"))
    event = json.loads(message["Body"])
    assert (event["source"], event["detail-type"]) == ("conduit", "Job Finished")
    assert event["detail"]["job"]["id"] == job
    assert event["detail"]["job"]["failed_step"]["status"]["name"] == "BLOCK_NOT_FOUND"


def test_a_job_that_is_longer_than_an_invocation_is_handed_over(deployment: Deployment, until: Until) -> None:
    job = new_id("long")
    # A step with a time limit does not begin when the limit exceeds the time left.
    steps = [{"action": "PROBE.WAIT", "parameters": {"seconds": 4}, "timeout": 6} for _ in range(4)]
    deployment.send({"id": job, "steps": steps})
    assert until(lambda: status_of(deployment, job, as_="queue"), finished, within=60) == "SUCCEEDED"
    body = deployment.call("GET", f"/jobs/{job}", as_="queue").body
    assert [step["attempts"] for step in body["steps"]] == [1, 1, 1, 1]


def test_a_job_whose_worker_crashed_is_resumed_where_it_was(deployment: Deployment, until: Until) -> None:
    job, name = new_id("crash"), new_id("name")
    steps = [
        {"action": "PROBE.NOTE", "parameters": {"name": f"{name}-before"}},
        {"action": "PROBE.DIE", "parameters": {"name": name}},
        {"action": "PROBE.NOTE", "parameters": {"name": f"{name}-after"}},
    ]
    deployment.send({"id": job, "steps": steps})
    assert until(lambda: status_of(deployment, job, as_="queue"), finished, within=90) == "SUCCEEDED"
    body = deployment.call("GET", f"/jobs/{job}", as_="queue").body
    assert [(step["result"], step["attempts"]) for step in body["steps"]] == [(1, 1), (2, 2), (1, 1)]


def test_a_cancelled_job_stops_before_its_next_step(deployment: Deployment, until: Until) -> None:
    job = new_id("cancel")
    steps = [{"action": "PROBE.WAIT", "parameters": {"seconds": 2}} for _ in range(4)]
    deployment.call("POST", "/jobs", {"id": job, "steps": steps}, headers={"Prefer": "respond-async"})
    until(lambda: status_of(deployment, job), lambda status: status == "RUNNING")
    assert deployment.call("POST", f"/jobs/{job}/cancel").status == 202
    assert until(lambda: status_of(deployment, job), finished) == "CANCELLED"
    body = deployment.call("GET", f"/jobs/{job}").body
    assert [step["status"]["name"] for step in body["steps"]][-1] == "CANCELLED"
    assert deployment.call("POST", f"/jobs/{job}/cancel").status == 409


def test_the_schedule_sweeps_up_a_job_whose_function_died_under_its_caller(
    deployment: Deployment, until: Until
) -> None:
    job = new_id("sweep")
    answer = deployment.call(
        "POST", "/jobs", {"id": job, "steps": [{"action": "PROBE.DIE", "parameters": {"name": job}}]}
    )
    assert answer.status >= 500
    assert status_of(deployment, job) == "RUNNING"
    # No caller repeats the call: the lease expires, and the stack's rule starts the sweeper within a minute.
    assert until(lambda: status_of(deployment, job), finished, within=150) == "SUCCEEDED"


def test_the_worker_takes_a_job_by_direct_invocation(deployment: Deployment) -> None:
    answer = deployment.client("lambda").invoke(
        FunctionName=deployment.outputs["WorkerFunctionName"], Payload=json.dumps({"steps": [JOIN]})
    )
    assert json.loads(answer["Payload"].read())["status"] == "SUCCEEDED"


def test_a_schedule_is_at_the_scheduler_and_its_firing_starts_the_workflow(
    deployment: Deployment, until: Until
) -> None:
    name = new_id("nightly")
    assert deployment.call("PUT", f"/workflows/{name}", {"steps": [JOIN]}).status == 201
    body = {"workflow": name, "cron": "30 2 * * *", "timezone": "Europe/Berlin"}
    schedule = deployment.call("PUT", f"/schedules/{name}", body)
    assert (schedule.status, len(schedule.body["next"])) == (201, 5)
    scheduler, group = deployment.client("scheduler"), deployment.resources()["ScheduleGroup"]
    (found,) = scheduler.list_schedules(GroupName=group)["Schedules"]
    kept = scheduler.get_schedule(GroupName=group, Name=found["Name"])
    assert (kept["ScheduleExpression"], kept["State"]) == ("cron(30 2 * * ? *)", "ENABLED")
    assert kept["Target"]["Arn"].endswith(deployment.outputs["QueueUrl"].rpartition("/")[2])
    # The emulator does not insert the time into the message, so the test sends the message of AWS.
    firing = kept["Target"]["Input"].replace("<aws.scheduler.scheduled-time>", schedule.body["next"][0])
    deployment.send(firing)
    deployment.send(firing)

    def jobs() -> list[Any]:
        listed = deployment.call("GET", "/jobs?limit=100").body["jobs"]
        return [job for job in listed if (job["workflow"] or {}).get("name") == name]

    (job,) = until(jobs, lambda found: [one["status"] for one in found] == ["SUCCEEDED"])
    assert job["workflow"] == {"name": name, "version": 1}
    assert deployment.call("DELETE", f"/schedules/{name}").status == 204
    assert scheduler.list_schedules(GroupName=group)["Schedules"] == []
    assert deployment.call("DELETE", f"/workflows/{name}").status == 204


def of_public(url: str) -> str:
    """The path of a URL that needs no identity."""
    assert url.startswith(f"{PUBLIC_URL}/")
    return url.removeprefix(PUBLIC_URL)


def test_a_hook_needs_no_token_and_starts_its_workflow(deployment: Deployment, until: Until) -> None:
    name = new_id("hooked")
    workflow = {"steps": [{"id": "got", "action": "OBJECT.COPY", "parameters": {"value": "{< event >}"}}]}
    assert deployment.call("PUT", f"/workflows/{name}", workflow).status == 201
    hook = deployment.call("PUT", f"/hooks/{name}", {"workflow": name, "verify": "none"})
    assert hook.status == 201
    path = of_public(hook.body["url"])
    called = deployment.call("POST", path, {"order": 42}, as_=None)
    assert (called.status, called.body["workflow"]) == (202, {"name": name, "version": 1})
    again = deployment.call("POST", path, {"order": 42}, as_=None)
    assert (again.status, again.body["id"]) == (200, called.body["id"])
    assert until(lambda: status_of(deployment, called.body["id"]), finished) == "SUCCEEDED"
    job = deployment.call("GET", f"/jobs/{called.body['id']}").body
    assert job["steps"][0]["result"]["body"] == {"order": 42}
    assert deployment.call("POST", f"{path}x", {"order": 42}, as_=None).status == 404


def test_a_job_waits_for_an_answer_and_goes_on_in_the_worker(deployment: Deployment, until: Until) -> None:
    job, question = new_id("asked"), {"timeout": 600, "message": "Go on?"}
    url = {"id": "url", "set": {"url": "{% steps.second.callback.url %}"}}
    steps = [url, {"id": "first", "wait_for": question}, {"id": "second", "wait_for": question}, JOIN]
    waiting = deployment.call("POST", "/jobs", {"id": job, "variables": {"url": None}, "steps": steps})
    assert (waiting.status, waiting.body["waiting"]["path"]) == (202, "first")
    assert deployment.call("POST", f"/jobs/{job}/steps/first/answer", {"value": 1}, as_="someone-else").status == 404
    assert deployment.call("POST", f"/jobs/{job}/steps/first/answer", {"value": 1}).status == 200

    def where() -> Any:
        return (deployment.call("GET", f"/jobs/{job}").body["waiting"] or {}).get("path")

    until(where, lambda path: path == "second")
    callback = of_public(waiting.body["variables"]["url"])
    assert deployment.call("POST", callback, {"value": 2}, as_=None).status == 200
    assert until(lambda: status_of(deployment, job), finished) == "SUCCEEDED"
    results = [step["result"] for step in deployment.call("GET", f"/jobs/{job}").body["steps"]]
    assert [result["value"] for result in results[1:3]] == [1, 2]
    assert deployment.call("POST", callback, {"value": 2}, as_=None).status == 200, "the same answer again"
    assert deployment.call("POST", callback, {"value": 3}, as_=None).status == 409


def test_with_gradual_deployment_the_queue_and_the_sweep_call_the_alias(deployment: Deployment, until: Until) -> None:
    shifting = {"GradualDeployment": "AllAtOnce", "Release": "one"}
    deploy(BUILD / "emulated.json", deployment.emulator, deployment.issuer, stack="conduit-gradual", **shifting)
    gradual = Deployment(deployment.emulator, deployment.issuer, stack="conduit-gradual")
    alias = gradual.outputs["WorkerFunctionName"]
    assert alias.endswith(":live")
    (mapping,) = [
        one
        for one in gradual.client("lambda").list_event_source_mappings()["EventSourceMappings"]
        if one["EventSourceArn"] == gradual.outputs["QueueArn"]
    ]
    assert mapping["FunctionArn"] == alias
    (rule,) = [name for key, name in gradual.resources().items() if key == "WorkerFunctionSweep"]
    (target,) = gradual.client("events").list_targets_by_rule(Rule=rule)["Targets"]
    assert target["Arn"] == alias
    job = new_id("gradual")
    gradual.send({"id": job, "steps": [JOIN]})
    until(lambda: records_of(gradual, "queue", job), lambda kinds: "STEPS" in kinds)


def test_an_update_replaces_neither_table_nor_queue_and_forgets_no_job(deployment: Deployment) -> None:
    job = new_id("kept")
    assert deployment.call("POST", "/jobs", {"id": job, "steps": [JOIN]}).status == 201
    before = deployment.resources()
    deploy(BUILD / "emulated.json", deployment.emulator, deployment.issuer, StepLimit="7", MemorySize="512")
    after = deployment.resources()
    kept = ("Table", "Queue", "DeadLetterQueue", "Bus", "Api", "ApiFunction", "WorkerFunction")
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}
    assert deployment.call("GET", f"/jobs/{job}").body["status"] == "SUCCEEDED"
    long = deployment.call("POST", "/jobs", {"steps": [{**JOIN, "id": f"s{n}"} for n in range(8)]})
    assert (long.status, long.body["errors"][0]["code"]) == (422, "STEP_LIMIT_EXCEED")


def test_both_functions_write_to_the_logs_that_the_stack_made(deployment: Deployment, until: Until) -> None:
    logs = deployment.client("logs")
    for group in ("/conduit/conduit-e2e/api", "/conduit/conduit-e2e/worker"):
        until(lambda group=group: logs.describe_log_streams(logGroupName=group)["logStreams"])


def test_a_stack_that_is_deleted_leaves_its_table_and_queues_and_the_stack_beside_it(deployment: Deployment) -> None:
    deploy(BUILD / "emulated.json", deployment.emulator, deployment.issuer, stack="conduit-gone")
    gone = Deployment(deployment.emulator, deployment.issuer, stack="conduit-gone")
    assert set(gone.outputs.values()).isdisjoint(deployment.outputs.values())
    gone.client("cloudformation").delete_stack(StackName="conduit-gone")
    gone.client("cloudformation").get_waiter("stack_delete_complete").wait(
        StackName="conduit-gone", WaiterConfig={"Delay": 1, "MaxAttempts": 30}
    )
    tables = gone.client("dynamodb").list_tables()["TableNames"]
    queues = {url.rpartition("/")[2] for url in gone.client("sqs").list_queues()["QueueUrls"]}
    assert gone.outputs["TableName"] in tables
    assert {gone.outputs[name].rpartition("/")[2] for name in ("QueueUrl", "DeadLetterQueueUrl")} <= queues
    assert gone.outputs["WorkerFunctionName"] not in str(gone.client("lambda").list_functions())
    assert deployment.call("POST", "/jobs", {"steps": [JOIN]}).status == 201
