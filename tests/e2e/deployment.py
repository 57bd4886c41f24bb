"""Builds the stack, deploys it to the emulator with SAM's command line, and talks to it from outside.

Parts of the template that the emulator does not accept are changed in a copy, and listed in README.md in this folder.
"""

from __future__ import annotations

import http.client
import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.e2e.emulator import REGION, ROOT, Emulator, clean_environment
from tests.e2e.issuer import AUDIENCE, Issuer
from tests.template.reading import read_template

SAM = ROOT / ".venv-sam" / "bin" / "sam"
PROBES = ROOT / "tests" / "artifact" / "probes"
STACK = "conduit-e2e"
FUNCTIONS = ("ApiFunction", "WorkerFunction")
UNKNOWN_TYPES = {"AWS::Events::Archive", "AWS::CodeDeploy::Application", "AWS::CodeDeploy::DeploymentGroup"}
"""Resource types that the emulator refuses."""
WORKER_CONCURRENCY = 5
PUBLIC_URL = "https://conduit.example"
"""The address in the URLs of hooks and callbacks; no server answers there."""
OPENED = {"HasPublicRoutes"}
"""Conditions of routes that the parameters of `deploy` enable."""


@dataclass(frozen=True)
class Answer:
    status: int
    body: Any
    headers: Mapping[str, str]


def build(folder: Path) -> Path:
    """Run `sam build` for this machine and add the probe blocks as a deployment adds its own; returns the template."""
    run_sam("build", "--build-dir", str(folder), env={"HOST_PYTHON": "{}.{}".format(*sys.version_info[:2])})
    for function in FUNCTIONS:
        shutil.copytree(PROBES, folder / function, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    template = folder / "emulated.json"
    template.write_text(json.dumps(as_the_emulator_takes_it(read_template(folder / "template.yaml"))), encoding="utf-8")
    return template


def as_the_emulator_takes_it(template: dict[str, Any]) -> dict[str, Any]:
    """The template without the parts that the emulator refuses; README.md lists each change."""
    resources = {name: resource for name, resource in template["Resources"].items() if not _refused(resource)}
    scaling = resources["WorkerFunctionJobs"]["Properties"]["ScalingConfig"]
    scaling["MaximumConcurrency"] = WORKER_CONCURRENCY
    for resource in resources.values():
        resource.pop("UpdatePolicy", None)  # it refers to CodeDeploy, which is left out
    return {**template, "Resources": resources}


def _refused(resource: dict[str, Any]) -> bool:
    reckons = resource["Type"] == "AWS::CloudWatch::Alarm" and "Metrics" in resource["Properties"]
    return reckons or resource["Type"] in UNKNOWN_TYPES


def deploy(template: Path, emulator: Emulator, issuer: Issuer, *, stack: str = STACK, **parameters: str) -> str:
    """Run `sam deploy`; returns its output."""
    chosen = {
        "Authorizer": "JWT",
        "JwtIssuer": issuer.url,
        "JwtAudience": AUDIENCE,
        "QueueTenant": "queue",
        "WorkerTimeout": "15",
        "WorkerBatch": "5",
        "PublicRoutes": "true",
        "PublicUrl": PUBLIC_URL,
        **parameters,
    }
    return run_sam(
        *("deploy", "--template", str(template), "--stack-name", stack, "--resolve-s3", "--region", REGION),
        *("--capabilities", "CAPABILITY_IAM", "--no-confirm-changeset", "--no-fail-on-empty-changeset"),
        *("--parameter-overrides", *(f"{name}={value}" for name, value in chosen.items())),
        env=emulator.environment,
    )


def run_sam(*arguments: str, env: Mapping[str, str]) -> str:
    """Run SAM's command line at the root of the repository.

    Raises:
        RuntimeError: it failed; the message contains its output.
    """
    answer = subprocess.run(  # noqa: S603 (our own arguments)
        [SAM, *arguments], cwd=ROOT, env=clean_environment(env), capture_output=True, text=True, check=False
    )
    if answer.returncode != 0:
        raise RuntimeError(f"sam {arguments[0]}: {answer.stdout[-4000:]}\n{answer.stderr[-4000:]}")
    return answer.stdout


class Deployment:
    """A stack deployed to the emulator: its outputs, its resources, its API."""

    def __init__(self, emulator: Emulator, issuer: Issuer, *, stack: str = STACK) -> None:
        self.emulator = emulator
        self.issuer = issuer
        self.stack = stack
        found = self.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
        self.outputs = {output["OutputKey"]: output["OutputValue"] for output in found["Outputs"]}
        self._api = urlsplit(self.outputs["ApiUrl"]).netloc.split(".")[0]

    def client(self, service: str) -> Any:
        return self.emulator.client(service)

    def resources(self) -> dict[str, str]:
        """The physical id of each resource."""
        found = self.client("cloudformation").list_stack_resources(StackName=self.stack)["StackResourceSummaries"]
        return {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in found}

    def add_routes(self) -> None:
        """Add the routes of the template's OpenAPI body, as API Gateway does and the emulator does not."""
        template = self.client("cloudformation").get_template(StackName=self.stack, TemplateStage="Processed")
        text = template["TemplateBody"]
        processed = json.loads(text) if isinstance(text, str) else text
        body = processed["Resources"]["Api"]["Properties"]["Body"]
        authorizer = self._add_authorizer(body["components"]["securitySchemes"]["Fn::If"][1]["Jwt"])
        function = self.client("lambda").get_function(FunctionName=self.outputs["ApiFunctionName"])
        gateway = self.client("apigatewayv2")
        for path, methods in body["paths"].items():
            condition, opened, _ = methods.get("Fn::If", (None, methods, None))
            if condition is not None and condition not in OPENED:
                continue  # enabled by a parameter that these tests do not set
            for method, operation in opened.items():
                wanted = operation["x-amazon-apigateway-integration"]
                integration = gateway.create_integration(
                    ApiId=self._api,
                    IntegrationType=wanted["type"].upper(),
                    IntegrationUri=function["Configuration"]["FunctionArn"],
                    PayloadFormatVersion=wanted["payloadFormatVersion"],
                    TimeoutInMillis=wanted["timeoutInMillis"],
                )
                verified = [{"Fn::If": ["UsesJwt", {"Jwt": []}, {"Iam": []}]}]
                assert operation["security"] == ([] if condition else verified)
                who: dict[str, Any] = {"AuthorizationType": "JWT", "AuthorizerId": authorizer}
                gateway.create_route(
                    ApiId=self._api,
                    RouteKey=path.lstrip("/") if operation.get("isDefaultRoute") else f"{method.upper()} {path}",
                    Target=f"integrations/{integration['IntegrationId']}",
                    **({"AuthorizationType": "NONE"} if condition else who),
                )

    def _add_authorizer(self, scheme: dict[str, Any]) -> str:
        wanted = scheme["x-amazon-apigateway-authorizer"]
        made = self.client("apigatewayv2").create_authorizer(
            ApiId=self._api,
            Name="Jwt",
            AuthorizerType=wanted["type"].upper(),
            IdentitySource=[wanted["identitySource"]],
            JwtConfiguration={"Issuer": self.issuer.url, "Audience": [AUDIENCE]},
        )
        return str(made["AuthorizerId"])

    def call(
        self, method: str, path: str, body: Any = None, *, as_: str | None = "acme", headers: Mapping[str, str] = {}
    ) -> Answer:
        """One request to the API by the caller whose subject is `as_`; without a token for `None`."""
        connection = http.client.HTTPConnection(urlsplit(self.emulator.url).netloc, timeout=60)
        sent = {"Host": f"{self._api}.execute-api.localhost", "Content-Type": "application/json", **headers}
        if as_ is not None:
            sent["Authorization"] = f"Bearer {self.issuer.token(as_)}"
        try:
            connection.request(method, path, None if body is None else json.dumps(body), sent)
            answer = connection.getresponse()
            text = answer.read().decode()
            return Answer(answer.status, json.loads(text) if text else None, dict(answer.getheaders()))
        finally:
            connection.close()

    def send(self, body: Any) -> str:
        """Send a message to the queue; returns its id."""
        text = body if isinstance(body, str) else json.dumps(body)
        return str(self.client("sqs").send_message(QueueUrl=self.outputs["QueueUrl"], MessageBody=text)["MessageId"])

    def take(self, output: str) -> list[dict[str, Any]]:
        """Take the messages of the queue of an output."""
        sqs, url = self.client("sqs"), self.outputs[output]
        answer = sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=10,
            MessageAttributeNames=["All"],
            AttributeNames=["All"],
            WaitTimeSeconds=1,
        )
        messages: list[dict[str, Any]] = answer.get("Messages", [])
        for message in messages:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return messages

    def items(self, tenant: str, job: str) -> list[dict[str, Any]]:
        """The items of a job in the table."""
        answer = self.client("dynamodb").query(
            TableName=self.outputs["TableName"],
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": f"{tenant}#{job}"}},
        )
        items: list[dict[str, Any]] = answer["Items"]
        return items
