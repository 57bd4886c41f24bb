"""Reading the requests of each of AWS's front doors, and writing the answers that each expects."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from handler.http.reply import Reply, lambda_response
from handler.http.request import UnreadableRequestError, read_request

EVENTS = Path(__file__).parent.parent.parent / "events"
REQUESTS = sorted(path.stem for path in EVENTS.glob("*.json"))


def event(name: str, **changes: Any) -> dict[str, Any]:
    return {**json.loads((EVENTS / f"{name}.json").read_text()), **changes}


@pytest.mark.parametrize("name", REQUESTS)
def test_every_front_door_gives_the_same_request(name: str) -> None:
    request = read_request(event(name))
    assert (request.method, request.path, request.body) == ("GET", "/jobs/order-42", b"")
    assert request.query["b"] == ("x y",)
    assert request.headers["accept"] == "application/json"


@pytest.mark.parametrize("name", ["http_jwt", "rest_cognito", "balancer_multi_value"])
def test_a_query_parameter_that_comes_twice_keeps_both_values(name: str) -> None:
    assert read_request(event(name)).query["a"] == ("1", "2")


@pytest.mark.parametrize(("name", "base"), [("http_jwt", ""), ("http_iam", "/prod"), ("rest_cognito", "/prod")])
def test_the_stage_is_part_of_the_address_but_not_of_the_path(name: str, base: str) -> None:
    assert read_request(event(name)).base == base


def test_a_custom_domain_hides_the_stage() -> None:
    request = read_request(event("http_iam", rawPath="/jobs"))
    assert (request.path, request.base) == ("/jobs", "")


STEP = "/jobs/a/steps/50%25%2Foff"


@pytest.mark.parametrize(
    ("name", "path", "at"),
    [
        ("http_jwt", "/jobs/a/steps/50%/off", "rawPath"),
        ("http_iam", "/prod/jobs/a/steps/50%/off", "rawPath"),
        ("function_url_iam", STEP, "rawPath"),
        ("rest_cognito", STEP, "path"),
        ("balancer", STEP, "path"),
    ],
)
def test_a_path_is_decoded_once_whichever_side_of_the_door_does_it(name: str, path: str, at: str) -> None:
    assert read_request(event(name, **{at: path})).path == "/jobs/a/steps/50%/off"


def test_a_path_that_still_looks_encoded_after_the_gateway_decoded_it_is_unchanged() -> None:
    assert read_request(event("http_jwt", rawPath="/jobs/a/steps/%41")).path == "/jobs/a/steps/%41"
    assert read_request(event("rest_cognito", path="/jobs/a/steps/%2541")).path == "/jobs/a/steps/%41"


@pytest.mark.parametrize(
    ("path", "stage", "read", "base"),
    [
        ("/prod/jobs/order-42", "prod", "/jobs/order-42", "/prod"),
        ("/prod", "prod", "/", "/prod"),
        ("/production/jobs", "prod", "/production/jobs", ""),
        ("/jobs/order-42", "prod", "/jobs/order-42", ""),
        ("/jobs/order-42", "$default", "/jobs/order-42", ""),
        ("/prod/jobs/a/steps/%41", "prod", "/jobs/a/steps/%41", "/prod"),
    ],
)
def test_an_http_api_with_the_older_format_has_the_stage_in_its_path(
    path: str, stage: str, read: str, base: str
) -> None:
    older = event("rest_cognito", version="1.0", path=path)
    older["requestContext"] = {**older["requestContext"], "stage": stage, "path": path}
    request = read_request(older)
    assert (request.path, request.base) == (read, base)


@pytest.mark.parametrize("name", ["http_jwt", "rest_cognito", "balancer"])
def test_a_body_in_base64_is_decoded(name: str) -> None:
    encoded = base64.b64encode("é".encode()).decode()
    assert read_request(event(name, body=encoded, isBase64Encoded=True)).body == "é".encode()


@pytest.mark.parametrize("body", ["not base64!", "abc", "é"])
def test_a_body_that_only_claims_to_be_base64_is_unreadable(body: str) -> None:
    with pytest.raises(UnreadableRequestError):
        read_request(event("http_jwt", body=body, isBase64Encoded=True))


@pytest.mark.parametrize("name", REQUESTS)
def test_headers_and_query_may_be_missing_altogether(name: str) -> None:
    bare = {
        key: value
        for key, value in event(name).items()
        if key in ("requestContext", "rawPath", "path", "httpMethod", "version")
    }
    request = read_request(bare)
    assert (request.headers, request.query, request.body) == ({}, {}, b"")


def test_header_names_ignore_case() -> None:
    request = read_request(event("rest_cognito", multiValueHeaders=None, headers={"PREFER": "a", "Prefer": "b"}))
    assert request.headers["prefer"] == "a, b"


def rendered_for(status: int, asked: dict[str, Any]) -> dict[str, Any]:
    """An answer in the form of the request's front door."""
    return lambda_response(Reply(status, "{}"), read_request(asked))


def test_a_load_balancer_is_answered_with_a_reason() -> None:
    rendered = rendered_for(201, event("balancer"))
    assert (rendered["statusDescription"], rendered["headers"]["Content-Type"]) == ("201 Created", "application/json")


def test_a_load_balancer_with_lists_of_headers_is_answered_with_lists() -> None:
    rendered = rendered_for(200, event("balancer_multi_value"))
    assert rendered["multiValueHeaders"]["Content-Type"] == ["application/json"]
    assert "headers" not in rendered


@pytest.mark.parametrize("name", ["rest_cognito", "balancer"])
def test_an_answer_to_head_has_no_body_and_the_length_of_the_body_it_would_have(name: str) -> None:
    answer = rendered_for(200, event(name, httpMethod="HEAD"))
    assert (answer["body"], answer["headers"]["Content-Length"]) == ("", "2")


def test_no_answer_is_to_be_stored_or_guessed_at() -> None:
    headers = rendered_for(200, event("http_jwt"))["headers"]
    assert (headers["Cache-Control"], headers["X-Content-Type-Options"]) == ("no-store", "nosniff")
