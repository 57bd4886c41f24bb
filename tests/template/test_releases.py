"""Gradual deployment: with the parameter, every caller reaches an alias; without it, the alias does not exist."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from graphlib import TopologicalSorter
from typing import Any

import pytest

Template = dict[str, Any]
ALIASES = {"ApiFunction": "ApiAlias", "WorkerFunction": "WorkerAlias"}
OF_RELEASES = (
    "ApiVersion",
    "WorkerVersion",
    "ApiAlias",
    "WorkerAlias",
    "WorkerAliasInvokeConfig",
    "Releases",
    "ApiReleases",
    "WorkerReleases",
    "ReleaseRole",
)


def properties(template: Template, name: str) -> dict[str, Any]:
    found: dict[str, Any] = template["Resources"][name]["Properties"]
    return found


def either(function: str) -> list[dict[str, Any]]:
    """How a caller refers to the function: by its alias, if there is one."""
    return [
        {"Fn::If": ["ShiftsGradually", {"Ref": ALIASES[function]}, plain]}
        for plain in ({"Ref": function}, {"Fn::GetAtt": [function, "Arn"]})
    ]


def test_gradual_deployment_is_off_unless_a_parameter_turns_it_on(template: Template) -> None:
    assert template["Parameters"]["GradualDeployment"]["Default"] == "none"
    assert template["Conditions"]["ShiftsGradually"] == {
        "Fn::Not": [{"Fn::Equals": [{"Ref": "GradualDeployment"}, "none"]}]
    }
    conditional = [name for name, one in template["Resources"].items() if one.get("Condition") == "ShiftsGradually"]
    assert sorted(conditional) == sorted(OF_RELEASES)
    for name, one in template["Resources"].items():
        if re.match(r"AWS::(CodeDeploy|Lambda::(Version|Alias))", one["Type"]):
            assert name in OF_RELEASES


def test_every_caller_of_a_function_calls_the_alias_where_there_is_one(template: Template) -> None:
    assert properties(template, "ApiPermission")["FunctionName"] in either("ApiFunction")
    assert properties(template, "WorkerFunctionJobs")["FunctionName"] in either("WorkerFunction")
    assert properties(template, "WorkerFunctionSweepPermission")["FunctionName"] in either("WorkerFunction")
    (target,) = properties(template, "WorkerFunctionSweep")["Targets"]
    assert target["Arn"] in either("WorkerFunction")
    assert template["Outputs"]["WorkerFunctionName"]["Value"] in either("WorkerFunction")


def integrations(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        if "x-amazon-apigateway-integration" in value:
            yield value["x-amazon-apigateway-integration"]["uri"]
        for inner in value.values():
            yield from integrations(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from integrations(inner)


def test_every_route_of_the_api_calls_the_alias_where_there_is_one(template: Template) -> None:
    found = list(integrations(properties(template, "Api")["DefinitionBody"]))
    assert len(found) == 6
    for uri in found:
        text, names = uri["Fn::Sub"]
        assert text.endswith("/functions/${Function}/invocations")
        assert names["Function"] in either("ApiFunction")


def test_nothing_else_invokes_a_function_by_its_own_name(template: Template) -> None:
    """A caller that was added later without the alias would run code that is not released yet."""
    known = {*OF_RELEASES, "Api", "ApiPermission", "WorkerFunctionJobs", "WorkerFunctionSweep"}
    known |= {"WorkerFunctionSweepPermission", "AwsCallDenials", "Dashboard"}
    for name, resource in template["Resources"].items():
        if resource["Type"] == "AWS::CloudWatch::Alarm":
            continue  # these alarms cover all versions of the function together
        refers = set(references(resource)) & set(ALIASES)
        assert not refers or name in known, name


def test_a_release_has_a_version_of_its_own_and_never_the_configuration_of_another(template: Template) -> None:
    for function, version in (("ApiFunction", "ApiVersion"), ("WorkerFunction", "WorkerVersion")):
        made = template["Resources"][version]
        assert made["Properties"] == {"FunctionName": {"Ref": function}, "Description": {"Ref": "Release"}}
        assert made["UpdateReplacePolicy"] == "Retain"
        assert "${Release}" in properties(template, function)["Description"]["Fn::Sub"]
    for alias, version in (("ApiAlias", "ApiVersion"), ("WorkerAlias", "WorkerVersion")):
        assert properties(template, alias)["FunctionVersion"] == {"Fn::GetAtt": [version, "Version"]}


def test_a_gradual_deployment_without_the_name_of_a_release_is_refused(template: Template) -> None:
    rule = template["Rules"]["GradualDeploymentNeedsARelease"]
    assert rule["RuleCondition"] == template["Conditions"]["ShiftsGradually"]
    (assertion,) = rule["Assertions"]
    assert assertion["Assert"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "Release"}, ""]}]}
    assert template["Parameters"]["Release"]["Default"] == ""


@pytest.mark.parametrize(
    ("alias", "group", "errors"),
    [("ApiAlias", "ApiReleases", "ApiErrorsAlarm"), ("WorkerAlias", "WorkerReleases", "WorkerErrorsAlarm")],
)
def test_calls_move_as_the_parameter_says_and_back_when_an_alarm_fires(
    template: Template, alias: str, group: str, errors: str
) -> None:
    policy = template["Resources"][alias]["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]
    assert policy == {"ApplicationName": {"Ref": "Releases"}, "DeploymentGroupName": {"Ref": group}}
    made = properties(template, group)
    assert made["DeploymentConfigName"] == {"Fn::Sub": "CodeDeployDefault.Lambda${GradualDeployment}"}
    assert made["AutoRollbackConfiguration"]["Enabled"] is True
    assert {"DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM"} <= {*made["AutoRollbackConfiguration"]["Events"]}
    alarms = [alarm["Name"]["Ref"] for alarm in made["AlarmConfiguration"]["Alarms"]]
    assert alarms == [errors, "FailedJobsAlarm", "ServiceFailuresAlarm"]
    assert made["AlarmConfiguration"]["Enabled"] is True
    assert all(template["Resources"][name]["Type"] == "AWS::CloudWatch::Alarm" for name in alarms)


def test_the_ways_to_shift_are_those_that_codedeploy_has(template: Template) -> None:
    allowed = template["Parameters"]["GradualDeployment"]["AllowedValues"]
    assert allowed[:2] == ["none", "AllAtOnce"]
    canaries = [f"Canary10Percent{minutes}Minutes" for minutes in (5, 10, 15, 30)]
    lines = ["Linear10PercentEvery1Minute", *(f"Linear10PercentEvery{minutes}Minutes" for minutes in (2, 3, 10))]
    assert allowed[2:] == canaries + lines


def test_a_sweep_that_fails_is_not_repeated_where_the_alias_is_called(template: Template) -> None:
    made = dict(properties(template, "WorkerAliasInvokeConfig"))
    assert (made.pop("FunctionName"), made.pop("Qualifier")) == ({"Ref": "WorkerFunction"}, "live")
    assert made == properties(template, "WorkerFunction")["EventInvokeConfig"]
    assert properties(template, "WorkerAlias")["Name"] == "live"


def references(value: Any) -> Iterator[str]:
    """The names that a value refers to."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in ("Ref", "DependsOn") and isinstance(inner, str):
                yield inner
            elif key == "Fn::GetAtt":
                yield inner[0]
            elif key == "Fn::Sub":
                text = inner if isinstance(inner, str) else inner[0]
                yield from (name.split(".")[0] for name in re.findall(r"\$\{([\w.]+)\}", text))
                yield from references(inner)
            else:
                yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def test_no_resources_wait_for_each_other(template: Template) -> None:
    """CloudFormation refuses a dependency cycle, with any parameters; an update policy counts as a dependency."""
    names = template["Resources"].keys()
    graph = {name: {*references(resource)} & names for name, resource in template["Resources"].items()}
    order = list(TopologicalSorter(graph).static_order())
    assert order.index("ApiAlias") > order.index("ApiReleases") > order.index("ApiErrorsAlarm")
    assert json.dumps(template["Resources"]["ServerErrorsAlarm"]).count("Api") > 0
