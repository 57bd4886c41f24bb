"""The page at `/`: constant, self-contained, and open only if the deployment allows it."""

from __future__ import annotations

import base64
import hashlib
import re
from importlib.resources import files
from typing import Any

import pytest

from tests.handler.http.client import Client

PAGE = (files("handler.http") / "page.html").read_text("utf-8")


def test_the_policy_allows_the_pages_own_script_and_style_and_no_other(client: Client) -> None:
    answer = open_page(client, opened=True).get("/")
    policy = answer.headers["Content-Security-Policy"]
    for element in ("script", "style"):
        (content,) = re.findall(f"<{element}>(.*?)</{element}>", PAGE, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{element}-src 'sha256-{digest}'" in policy
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy


def test_the_page_names_no_outside_address_and_writes_no_markup() -> None:
    assert not re.search(r"https?://", PAGE)
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", PAGE)


@pytest.mark.parametrize("opened", [True, False])
def test_the_page_needs_no_identity_but_a_deployment_that_opens_it(client: Client, opened: Any) -> None:
    stranger = {"http": {"method": "GET", "path": "/"}, "stage": "$default"}
    event = {"version": "2.0", "rawPath": "/", "rawQueryString": "", "headers": {}, "requestContext": stranger}
    assert open_page(client, opened=opened).invoke(event).status == (200 if opened else 401)


def open_page(client: Client, *, opened: bool) -> Client:
    client.world.set(page=opened)
    return client
