"""The resources of the stack. An update or a deletion loses no data."""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter
from typing import Any

from handler.invocation.metric_table import METRICS
from infra.local import embedded_aws as local
from tests.template.reading import ROOT

Template = dict[str, Any]


def test_the_stack_holds_these_resources_and_no_others(template: Template) -> None:
    kinds = Counter(resource["Type"].removeprefix("AWS::") for resource in template["Resources"].values())
    assert kinds == {
        "DynamoDB::Table": 1,
        "KMS::Key": 1,
        "SQS::Queue": 3,
        "SQS::QueuePolicy": 2,
        "Events::EventBus": 1,
        "Events::Archive": 1,
        "Events::Rule": 2,
        "Serverless::HttpApi": 1,
        "Serverless::Function": 2,
        "Lambda::Permission": 2,
        "Lambda::EventSourceMapping": 1,
        "Lambda::Version": 2,
        "Lambda::Alias": 2,
        "Lambda::EventInvokeConfig": 1,
        "CodeDeploy::Application": 1,
        "CodeDeploy::DeploymentGroup": 2,
        "IAM::Role": 5,
        "IAM::Policy": 2,
        "Scheduler::ScheduleGroup": 1,
        "Logs::LogGroup": 3,
        "CloudWatch::Alarm": 12,
        "CloudWatch::Dashboard": 1,
    }


def test_the_table_is_the_one_that_the_embedded_aws_makes(template: Template) -> None:
    table = template["Resources"]["Table"]["Properties"]
    assert table["TimeToLiveSpecification"] == {"AttributeName": local.TTL_ATTRIBUTE, "Enabled": True}
    assert table["KeySchema"] == local.TABLE["KeySchema"]
    assert table["BillingMode"] == local.TABLE["BillingMode"]
    assert table["GlobalSecondaryIndexes"] == local.TABLE["GlobalSecondaryIndexes"]
    names = {tuple(sorted(definition.items())) for definition in table["AttributeDefinitions"]}
    assert names == {tuple(sorted(definition.items())) for definition in local.TABLE["AttributeDefinitions"]}


def test_jobs_and_messages_outlive_the_stack_and_any_replacement(template: Template) -> None:
    for name in ("Table", "Queue", "DeadLetterQueue"):
        resource = template["Resources"][name]
        assert resource["DeletionPolicy"] == "RetainExceptOnCreate", name
        assert resource["UpdateReplacePolicy"] == "Retain", name


def test_no_parameter_can_replace_the_table_or_the_queue(template: Template) -> None:
    # A change of one of these properties replaces the resource; so would a change of a fixed name.
    table = template["Resources"]["Table"]["Properties"]
    queue = template["Resources"]["Queue"]["Properties"]
    assert {"TableName", "ImportSourceSpecification"}.isdisjoint(table)
    # FIFO is the only choice that cannot be changed in place; the parameter's description says so.
    assert "QueueName" not in queue
    assert queue["FifoQueue"] == {"Fn::If": ["IsFifo", True, {"Ref": "AWS::NoValue"}]}
    assert "before the first deployment" in " ".join(template["Parameters"]["FifoQueue"]["Description"].split())
    assert "Ref" not in str(table["KeySchema"])


def test_the_table_can_be_restored_and_is_not_deleted_by_mistake(template: Template) -> None:
    table = template["Resources"]["Table"]["Properties"]
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["DeletionProtectionEnabled"] == {"Ref": "DeletionProtection"}


def test_a_first_deployment_that_fails_can_be_rolled_back(template: Template) -> None:
    """CloudFormation cannot delete a protected table, and cannot create resources beyond the account's limits."""
    assert template["Parameters"]["DeletionProtection"]["Default"] == "false"
    configuration = tomllib.loads((ROOT / "samconfig.toml").read_text(encoding="utf-8"))
    for environment in ("default", "dev", "prod"):
        overrides = configuration[environment]["deploy"]["parameters"]["parameter_overrides"]
        for name in ("DeletionProtection", "WorkerReserved", "ApiReserved"):
            assert name not in overrides, (environment, name)
    for name in ("WorkerReserved", "ApiReserved"):
        assert template["Parameters"][name]["Default"] == 0


def test_a_fifo_queue_runs_one_message_at_a_time_and_outlives_hand_overs(template: Template) -> None:
    resources = template["Resources"]
    deduplicates = resources["Queue"]["Properties"]["ContentBasedDeduplication"]
    assert deduplicates == {"Fn::If": ["IsFifo", True, {"Ref": "AWS::NoValue"}]}
    assert resources["DeadLetterQueue"]["Properties"]["FifoQueue"] == resources["Queue"]["Properties"]["FifoQueue"]
    redrive = resources["Queue"]["Properties"]["RedrivePolicy"]
    assert redrive["maxReceiveCount"] == {"Fn::If": ["IsFifo", 1000, 20]}
    jobs = resources["WorkerFunctionJobs"]["Properties"]
    assert jobs["BatchSize"] == {"Fn::If": ["IsFifo", 1, {"Ref": "WorkerBatch"}]}


def test_traces_are_allowed_by_the_roles_themselves(template: Template) -> None:
    """A separate policy might be created after the functions, which do not depend on it."""
    apart = {name for name, resource in template["Resources"].items() if resource["Type"] == "AWS::IAM::Policy"}
    assert apart == {"AwsCallDenials", "AwsCallAccess"}  # inline, each would make a cycle of references
    for role in ("ApiRole", "WorkerRole"):
        [conditional] = [p["Fn::If"] for p in template["Resources"][role]["Properties"]["Policies"] if "Fn::If" in p]
        assert (conditional[0], conditional[2]) == ("Traced", {"Ref": "AWS::NoValue"})


def test_lambdas_loop_detection_does_not_stop_a_job_that_is_handed_over(template: Template) -> None:
    worker = template["Resources"]["WorkerFunction"]["Properties"]
    assert worker["RecursiveLoop"] == "Allow"
    alarm = template["Resources"]["DroppedHandOversAlarm"]["Properties"]
    assert alarm["MetricName"] == "RecursiveInvocationsDropped"
    assert template["Parameters"]["MaxHandOvers"]["Default"] > 16


def test_a_sweep_that_fails_is_not_repeated_by_lambda(template: Template) -> None:
    worker = template["Resources"]["WorkerFunction"]["Properties"]
    assert worker["EventInvokeConfig"] == {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60}


def test_no_level_of_the_log_drops_the_metrics(template: Template) -> None:
    """Lambda's filter treats a line without a level as INFO, and metrics have no level."""
    for function in ("ApiFunction", "WorkerFunction"):
        assert template["Resources"][function]["Properties"]["LoggingConfig"]["ApplicationLogLevel"] == "DEBUG"
    variables = template["Globals"]["Function"]["Environment"]["Variables"]
    assert variables["LOG_LEVEL"] == {"Ref": "LogLevel"}


def test_users_mistakes_raise_no_alarm(template: Template) -> None:
    alarm = template["Resources"]["FailedJobsAlarm"]["Properties"]
    assert alarm["MetricName"] == "Faults"
    alarms = [r["Properties"] for r in template["Resources"].values() if r["Type"] == "AWS::CloudWatch::Alarm"]
    assert "Jobs" not in {alarm.get("MetricName") for alarm in alarms}


def test_an_old_message_is_a_reason_to_worry_only_while_messages_wait(template: Template) -> None:
    alarm = template["Resources"]["OldestMessageAlarm"]["Properties"]
    metrics = {metric["Id"]: metric for metric in alarm["Metrics"]}
    assert metrics["waiting"]["Expression"] == "IF(visible > 0, age, 0)"
    assert metrics["visible"]["MetricStat"]["Stat"] == "Minimum"
    assert alarm["EvaluationPeriods"] == 3


def test_the_access_log_names_who_asked_and_needs_no_entry_in_the_accounts_policy(template: Template) -> None:
    group = template["Resources"]["AccessLogs"]["Properties"]["LogGroupName"]["Fn::Sub"]
    assert group.startswith("/aws/vendedlogs/")
    written = template["Resources"]["Api"]["Properties"]["AccessLogSettings"]["Format"]["Fn::Sub"][0]
    fields = json.loads(written)
    assert fields["principal"] == "$context.authorizer.claims.${PrincipalClaim}"
    assert fields["user"] == "$context.identity.userArn"


def test_the_table_is_encrypted_with_a_key_that_costs_nothing(template: Template) -> None:
    assert "SSESpecification" not in template["Resources"]["Table"]["Properties"]


def test_a_message_stays_invisible_a_little_longer_than_its_worker_can_live(template: Template) -> None:
    timeouts = template["Parameters"]["WorkerTimeout"]["AllowedValues"]
    visibility = {int(timeout): entry["Seconds"] for timeout, entry in template["Mappings"]["Visibility"].items()}
    assert sorted(visibility) == sorted(timeouts)
    lease_margin = template["Parameters"]["LeaseMargin"]["Default"]
    for timeout, seconds in visibility.items():
        assert timeout + lease_margin < seconds <= timeout + 30
    queue = template["Resources"]["Queue"]["Properties"]
    assert queue["VisibilityTimeout"] == {"Fn::FindInMap": ["Visibility", {"Ref": "WorkerTimeout"}, "Seconds"]}
    assert template["Resources"]["WorkerFunction"]["Properties"]["Timeout"] == {"Ref": "WorkerTimeout"}


def test_a_poison_message_ends_in_the_dead_letter_queue_but_only_after_the_jobs_own_attempts(
    template: Template,
) -> None:
    redrive = template["Resources"]["Queue"]["Properties"]["RedrivePolicy"]
    assert redrive["deadLetterTargetArn"] == {"Fn::GetAtt": ["DeadLetterQueue", "Arn"]}
    _, fifo, standard = redrive["maxReceiveCount"]["Fn::If"]
    assert fifo > standard > 3 * template["Parameters"]["MaxAttempts"]["Default"]
    retention = {
        name: template["Resources"][name]["Properties"]["MessageRetentionPeriod"]
        for name in ("Queue", "DeadLetterQueue")
    }
    # A message keeps its age when it is moved.
    assert retention["DeadLetterQueue"] > retention["Queue"]


def test_the_worker_reports_each_message_and_is_not_called_more_often_than_it_may_run(template: Template) -> None:
    jobs = template["Resources"]["WorkerFunctionJobs"]["Properties"]
    assert jobs["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert jobs["ScalingConfig"] == {"MaximumConcurrency": {"Ref": "WorkerConcurrency"}}


def test_the_sweep_comes_each_minute(template: Template) -> None:
    sweep = template["Resources"]["WorkerFunctionSweep"]["Properties"]
    assert sweep["ScheduleExpression"] == "rate(1 minute)"
    # Without an input, the event is EventBridge's default: `detail-type` is "Scheduled Event".
    (target,) = sweep["Targets"]
    assert not any(name.startswith("Input") for name in target)
    assert target["RetryPolicy"] == {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60}


def test_every_alarm_can_notify_a_topic(template: Template) -> None:
    alarms = [r["Properties"] for r in template["Resources"].values() if r["Type"] == "AWS::CloudWatch::Alarm"]
    for alarm in alarms:
        assert alarm["AlarmActions"]["Fn::If"][:2] == ["HasAlarmTopic", [{"Ref": "AlarmTopicArn"}]]
        assert alarm["AlarmDescription"].endswith(".")


def test_every_log_is_forgotten_in_time(template: Template) -> None:
    logs = {name: r for name, r in template["Resources"].items() if r["Type"] == "AWS::Logs::LogGroup"}
    for log in logs.values():
        assert log["Properties"]["RetentionInDays"] == {"Ref": "LogRetentionDays"}
    for function in ("ApiFunction", "WorkerFunction"):
        assert template["Resources"][function]["Properties"]["LoggingConfig"]["LogGroup"]["Ref"] in logs
    access = template["Resources"]["Api"]["Properties"]["AccessLogSettings"]["DestinationArn"]
    assert access["Fn::GetAtt"][0] in logs


def test_the_template_uses_no_yaml_that_cloudformation_does_not_read() -> None:
    # CloudFormation does not support aliases; SAM's command line would expand them, other tools would not.
    lines = (ROOT / "template.yaml").read_text(encoding="utf-8").splitlines()
    assert not [line for line in lines if line.rstrip().split(" ")[-1].startswith(("&", "*"))]


def test_an_alarm_on_a_metric_of_ours_sees_every_way_in_which_it_is_counted(template: Template) -> None:
    """CloudWatch does not add metrics up: one with an additional dimension is a different metric."""
    alarms = [r["Properties"] for r in template["Resources"].values() if r["Type"] == "AWS::CloudWatch::Alarm"]
    ours = {alarm["MetricName"]: alarm for alarm in alarms if alarm.get("Namespace") == "Conduit"}
    assert sorted(ours) == ["Faults", "PublishFailures", "ServiceFailures"]
    counted = {metric.name: {*metric.dimensions} for metric in METRICS}
    for metric, alarm in ours.items():
        assert {dimension["Name"] for dimension in alarm["Dimensions"]} == counted[metric] | {"service"}
    assert not [alarm for alarm in alarms if "Conduit" in json.dumps(alarm.get("Metrics", []))]


def test_every_metric_that_is_watched_is_one_that_the_handler_emits(template: Template) -> None:
    widgets = json.loads(template["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"])["widgets"]
    shown = {m[1] for widget in widgets for m in widget["properties"]["metrics"] if m[0] == "Conduit"}
    searched = set(re.findall(r'MetricName="(\w+)"', json.dumps(widgets).replace("\\", "")))
    alarms = [r["Properties"] for r in template["Resources"].values() if r["Type"] == "AWS::CloudWatch::Alarm"]
    parts = [
        part["MetricStat"]["Metric"] for alarm in alarms for part in alarm.get("Metrics", []) if "MetricStat" in part
    ]
    alarmed = {metric["MetricName"] for metric in [*alarms, *parts] if metric.get("Namespace") == "Conduit"}
    emitted = {metric.name for metric in METRICS}
    assert {"Jobs", "Steps", "PublishFailures", "ServiceFailures"} <= shown | searched | alarmed
    assert shown | searched | alarmed <= emitted
