"""Access: no route is open, and no role allows more than its function needs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tests.template.reading import ROOT

Template = dict[str, Any]

# Each "*" in the template, by its place; the template has the reason next to it.
STARS = {
    ("QueuePolicy", "Principal"),
    ("QueuePolicy", "Action"),
    ("FailedJobsPolicy", "Principal"),
    ("FailedJobsPolicy", "Action"),
    ("ApiRole", "Resource"),
    ("WorkerRole", "Resource"),
    ("SecretsKey", "Action"),
    ("SecretsKey", "Resource"),
    ("AwsCallRole", "Action"),
    ("AwsCallRole", "Resource"),
    ("AwsCallDenials", "Action"),
    ("ReleaseRole", "Resource"),
}
SERVICES = {
    **dict.fromkeys(
        ("get_item", "put_item", "update_item", "delete_item", "batch_write_item", "transact_write_items", "query"),
        "dynamodb",
    ),
    "batch_get_item": "dynamodb",
    **dict.fromkeys(("create_schedule", "update_schedule", "delete_schedule"), "scheduler"),
    **dict.fromkeys(("send_message", "change_message_visibility"), "sqs"),
    **dict.fromkeys(("encrypt", "decrypt"), "kms"),
    "put_events": "events",
}
TABLE_ACTIONS = {
    "dynamodb:GetItem",
    "dynamodb:BatchGetItem",
    "dynamodb:PutItem",
    "dynamodb:UpdateItem",
    "dynamodb:BatchWriteItem",
    "dynamodb:Query",
}


def statements(template: Template) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, resource in template["Resources"].items():
        properties = resource["Properties"]
        policies = [policy["Fn::If"][1] if "Fn::If" in policy else policy for policy in properties.get("Policies", [])]
        documents = [
            properties.get("KeyPolicy"),
            properties.get("PolicyDocument"),
            *(policy["PolicyDocument"] for policy in policies),
        ]
        for document in filter(None, documents):
            yield from ((name, statement) for statement in document["Statement"])


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def allowed(template: Template, role: str) -> set[str]:
    return {a for name, s in statements(template) if name == role for a in listed(s["Action"])}


def operations(template: Template) -> Iterator[tuple[str, dict[str, Any]]]:
    """The routes that exist with any parameters."""
    for path, methods in template["Resources"]["Api"]["Properties"]["DefinitionBody"]["paths"].items():
        if "Fn::If" not in methods:
            yield from ((f"{method} {path}", operation) for method, operation in methods.items())


def open_routes(template: Template) -> dict[str, str]:
    """The routes without an authorizer, each with the condition under which it exists."""
    found = {}
    for path, methods in template["Resources"]["Api"]["Properties"]["DefinitionBody"]["paths"].items():
        if "Fn::If" in methods:
            condition, there, otherwise = methods["Fn::If"]
            assert otherwise == {"Ref": "AWS::NoValue"}
            found |= {f"{method} {path}": condition for method, of in there.items() if not of.get("security")}
    return found


def test_no_route_is_open_unless_a_parameter_says_so(template: Template) -> None:
    assert open_routes(template) == {
        "options /{proxy+}": "HasCors",
        "get /": "OpensPage",
        "post /hooks/{token}": "HasPublicRoutes",
        "get /callbacks/{token}": "HasPublicRoutes",
        "post /callbacks/{token}": "HasPublicRoutes",
    }
    assert template["Conditions"]["HasPublicRoutes"] == {"Fn::Equals": [{"Ref": "PublicRoutes"}, "true"]}
    assert template["Parameters"]["PublicRoutes"]["Default"] == "false"
    assert template["Conditions"]["HasCors"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "CorsOrigins"}, ""]}]}
    assert template["Parameters"]["CorsOrigins"]["Default"] == ""


def test_every_route_has_an_authorizer_whichever_is_chosen(template: Template) -> None:
    schemes = template["Resources"]["Api"]["Properties"]["DefinitionBody"]["components"]["securitySchemes"]
    condition, with_jwt, with_iam = schemes["Fn::If"]
    assert condition == "UsesJwt"
    assert with_jwt["Jwt"]["x-amazon-apigateway-authorizer"]["type"] == "jwt"
    assert with_iam["Iam"]["x-amazon-apigateway-authtype"] == "awsSigv4"
    routes = list(operations(template))
    assert routes
    for route, operation in routes:
        assert operation["security"] == [{"Fn::If": ["UsesJwt", {"Jwt": []}, {"Iam": []}]}], route


def test_an_open_route_exists_only_where_a_parameter_opens_it(template: Template) -> None:
    paths = template["Resources"]["Api"]["Properties"]["DefinitionBody"]["paths"]
    conditional = {path: item["Fn::If"] for path, item in paths.items() if "Fn::If" in item}
    assert conditional["/"][0] == "OpensPage"
    assert all(otherwise == {"Ref": "AWS::NoValue"} for _, _, otherwise in conditional.values())
    assert template["Conditions"]["OpensPage"]["Fn::And"][0] == {"Condition": "UsesJwt"}
    assert template["Parameters"]["Page"]["Default"] == "false"


def test_no_other_door_to_the_functions_is_declared(template: Template) -> None:
    for name, resource in template["Resources"].items():
        if resource["Type"] != "AWS::Serverless::Function":
            continue
        assert "FunctionUrlConfig" not in resource["Properties"], name
        assert "Events" not in resource["Properties"], name
    permissions = {
        resource["Properties"]["Principal"]: resource["Properties"]["SourceArn"]
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::Lambda::Permission"
    }
    assert sorted(permissions) == ["apigateway.amazonaws.com", "events.amazonaws.com"]
    assert permissions["events.amazonaws.com"] == {"Fn::GetAtt": ["WorkerFunctionSweep", "Arn"]}
    sources = [r["Properties"] for r in template["Resources"].values() if r["Type"].endswith("EventSourceMapping")]
    assert [source["EventSourceArn"] for source in sources] == [{"Fn::GetAtt": ["Queue", "Arn"]}]


def test_each_star_in_a_policy_has_its_reason_beside_it(template: Template) -> None:
    found = {
        (name, key)
        for name, statement in statements(template)
        for key in ("Principal", "Action", "Resource")
        if any(isinstance(value, str) and "*" in value for value in listed(statement.get(key)))
    }
    assert found == STARS
    lines = (ROOT / "template.yaml").read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines):
        if re.search(r'(Principal|Resource): "\*"', line):
            assert any('"*"' in before and "#" in before for before in lines[number - 6 : number]), line


def test_a_star_allows_only_tracing_and_reading_alarms_and_denies_only_plain_text(
    template: Template,
) -> None:
    for name, statement in statements(template):
        if name == "SecretsKey":
            continue  # in a key's own policy, "*" means the key
        if statement.get("Resource") == "*" and statement["Effect"] == "Allow":
            harmless = ("xray:Put", "cloudwatch:DescribeAlarms")
            assert all(action.startswith(harmless) for action in listed(statement["Action"]))
        elif "*" in str(statement.get("Principal")):
            assert statement["Effect"] == "Deny"
            assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_each_function_has_a_role_of_its_own(template: Template) -> None:
    functions = [r for r in template["Resources"].values() if r["Type"] == "AWS::Serverless::Function"]
    roles = [function["Properties"]["Role"]["Fn::GetAtt"][0] for function in functions]
    assert sorted(roles) == ["ApiRole", "WorkerRole"]
    assert not any("Policies" in function["Properties"] for function in functions)


def test_no_role_may_scan_the_table_and_only_the_api_deletes_from_it(template: Template) -> None:
    further = {"ApiRole": {"dynamodb:DeleteItem"}, "WorkerRole": set()}
    for role, more in further.items():
        assert {action for action in allowed(template, role) if action.startswith("dynamodb:")} == TABLE_ACTIONS | more


def test_schedules_may_send_to_the_one_queue_and_only_the_api_makes_them(template: Template) -> None:
    assert allowed(template, "ScheduleRole") == {"sqs:SendMessage"}
    (send,) = [statement for name, statement in statements(template) if name == "ScheduleRole"]
    assert send["Resource"] == {"Fn::GetAtt": ["Queue", "Arn"]}
    trust = template["Resources"]["ScheduleRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"][0]
    assert trust["Principal"] == {"Service": "scheduler.amazonaws.com"}
    assert trust["Condition"]["StringEquals"]["aws:SourceArn"] == {"Fn::GetAtt": ["ScheduleGroup", "Arn"]}
    (passing,) = [s for _, s in statements(template) if s["Action"] == "iam:PassRole"]
    assert passing["Resource"] == {"Fn::GetAtt": ["ScheduleRole", "Arn"]}
    assert passing["Condition"] == {"StringEquals": {"iam:PassedToService": "scheduler.amazonaws.com"}}
    assert not any(action.startswith(("scheduler:", "iam:")) for action in allowed(template, "WorkerRole"))


def test_only_the_two_roles_may_use_the_key_of_secrets_and_only_for_this_stack(template: Template) -> None:
    found = [(name, s) for name, s in statements(template) if str(s["Action"]).count("kms:") and name != "SecretsKey"]
    assert sorted(name for name, _ in found) == ["ApiRole", "WorkerRole"]
    for _, statement in found:
        assert statement["Action"] == ["kms:Encrypt", "kms:Decrypt"]
        assert statement["Resource"] == {"Fn::GetAtt": ["SecretsKey", "Arn"]}
        context = {"kms:EncryptionContext:stack": {"Ref": "AWS::StackName"}}
        assert statement["Condition"] == {"StringEquals": context}
    key = template["Resources"]["SecretsKey"]
    assert (key["DeletionPolicy"], key["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")
    assert key["Properties"]["EnableKeyRotation"] is True
    (account,) = key["Properties"]["KeyPolicy"]["Statement"]
    assert account["Principal"] == {"AWS": {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}}


def test_calls_of_aws_have_a_role_of_their_own_to_which_the_stacks_resources_are_denied(template: Template) -> None:
    ours = {name: s for name, s in statements(template) if name in ("AwsCallRole", "AwsCallDenials", "AwsCallAccess")}
    assert {name: s["Effect"] for name, s in ours.items() if name != "AwsCallAccess"} == {
        "AwsCallRole": "Deny",
        "AwsCallDenials": "Deny",
    }
    denied = str([s["Resource"] for name, s in statements(template) if name.startswith("AwsCall")])
    for resource in ("Table", "Queue", "DeadLetterQueue", "Bus", "SecretsKey", "ApiFunction", "WorkerFunction"):
        assert f"['{resource}', 'Arn']" in denied, resource
    assert ours["AwsCallAccess"]["Action"] == "sts:AssumeRole"
    assert ours["AwsCallAccess"]["Resource"] == {"Fn::GetAtt": ["AwsCallRole", "Arn"]}
    for name in ("AwsCallRole", "AwsCallDenials", "AwsCallAccess"):
        assert template["Resources"][name]["Condition"] == "CallsAws"
    assert template["Conditions"]["CallsAws"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "AwsCalls"}, ""]}]}
    assert template["Parameters"]["AwsCalls"]["Default"] == ""


def test_each_open_route_has_a_throttle_of_its_own(template: Template) -> None:
    condition, settings, otherwise = template["Resources"]["Api"]["Properties"]["RouteSettings"]["Fn::If"]
    assert (condition, otherwise) == ("HasPublicRoutes", {"Ref": "AWS::NoValue"})
    opened = {route for route, needs in open_routes(template).items() if needs == condition}
    assert {route.replace(route.split()[0], route.split()[0].lower()) for route in settings} == opened
    for route in settings.values():
        assert route["ThrottlingRateLimit"] == {"Ref": "PublicThrottlingRate"}


def test_no_token_is_written_to_the_access_log(template: Template) -> None:
    text, names = template["Resources"]["Api"]["Properties"]["AccessLogSettings"]["Format"]["Fn::Sub"]
    assert "$context.path" not in text
    assert names == {"Path": {"Fn::If": ["HasPublicRoutes", "routeKey", "path"]}}


def test_only_the_worker_takes_messages(template: Template) -> None:
    taking = {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes"}
    assert {action for action in allowed(template, "ApiRole") if action.startswith("sqs:")} == {"sqs:SendMessage"}
    assert {action for action in allowed(template, "WorkerRole") if action.startswith("sqs:")} == {
        "sqs:SendMessage",
        *taking,
    }


def test_events_can_be_put_on_our_bus_alone_and_in_our_name_alone(template: Template) -> None:
    puts = [statement for _, statement in statements(template) if statement["Action"] == "events:PutEvents"]
    assert len(puts) == 2
    for statement in puts:
        assert statement["Resource"] == {"Fn::GetAtt": ["Bus", "Arn"]}
        assert statement["Condition"] == {"StringEquals": {"events:source": "conduit"}}


def test_the_roles_allow_exactly_the_calls_that_infra_makes(template: Template) -> None:
    called = {
        f"{SERVICES[name]}:{''.join(word.title() for word in name.split('_'))}"
        for path in (ROOT / "infra").rglob("*.py")
        if path.parent.name not in {"local", "remote"}  # they run on a developer's machine
        for name in re.findall(r"_client\(\)\.(\w+)", path.read_text(encoding="utf-8"))
    }
    called.discard("dynamodb:TransactWriteItems")  # not a right: each of its actions needs the right of its own call
    roles = allowed(template, "ApiRole") | allowed(template, "WorkerRole")
    # Calls of Lambda's pollers and log agent on behalf of the function.
    roles -= {"iam:PassRole"}  # not a call: CreateSchedule needs it to pass the role of schedules
    for_lambda = {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}
    assert called == {action for action in roles if not action.startswith(("logs:", "xray:"))} - for_lambda
