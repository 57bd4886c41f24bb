"""A caller of the HTTP API, whose requests arrive as API Gateway would pass them on."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from handler.engine import ConduitStatus
from handler.http.api import answer
from handler.payload.problem import CODES

JOIN = {"action": "TEXT.JOIN", "parameters": {"text1": "Hello", "text2": "World"}}
FAIL = {"action": "LOGIC.ASSERT", "parameters": {"value": False}}


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: str

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Client:
    """Sends requests as an HTTP API of AWS does, with the path decoded."""

    world: Any
    tenant: str = "tenant"
    scope: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    stage: str = "$default"
    life: float = 30.0

    def send(self, method: str, target: str, body: Any = None, **headers: str) -> Answer:
        path, _, query = target.partition("?")
        path = unquote(path)
        event: dict[str, Any] = {
            "version": "2.0",
            "rawPath": path,
            "rawQueryString": query,
            "headers": {**self.headers, **{name.replace("_", "-"): value for name, value in headers.items()}},
            "requestContext": {
                "http": {"method": method, "path": path},
                "stage": self.stage,
                "authorizer": {"jwt": {"claims": {"sub": self.tenant, "scope": self.scope}}},
            },
            "isBase64Encoded": isinstance(body, bytes),
        }
        if isinstance(body, bytes):
            event["body"] = base64.b64encode(body).decode()
        elif body is not None:
            event["body"] = body if isinstance(body, str) else json.dumps(body)
        return self.invoke(event)

    def invoke(self, event: dict[str, Any]) -> Answer:
        response = answer(event, self.world.ports, self.world.lifetime(self.life))
        json.dumps(response)  # Lambda must be able to serialize it
        return Answer(response["statusCode"], response["headers"], response["body"])

    def post(self, target: str, body: Any = None, **headers: str) -> Answer:
        return self.send("POST", target, body, **headers)

    def get(self, target: str, **headers: str) -> Answer:
        return self.send("GET", target, **headers)


def expect_problem(answer: Answer, status: int, kind: str) -> dict[str, Any]:
    assert (answer.status, answer.headers["Content-Type"]) == (status, "application/problem+json")
    problem: dict[str, Any] = answer.json
    assert problem["type"] == f"urn:conduit:problem:{kind}"
    assert problem["status"] == status
    assert problem["title"]
    for error in problem.get("errors", []):
        assert set(error) == {"pointer", "code", "message"}
        assert error["code"] in {*ConduitStatus.__members__, *CODES}
    return problem
