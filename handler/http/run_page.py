"""The page of jobs and runs: a constant file without data, which calls this API with the user's token."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from importlib.resources import files
from typing import Final

from handler.http.reply import Reply
from handler.http.request import Request

FILE: Final = "page.html"
PATH: Final = "/"


def is_page_request(request: Request) -> bool:
    """Whether a browser requests the page itself."""
    return request.path == PATH and request.method in {"GET", "HEAD"}


@cache
def run_page() -> Reply:
    """The page, with a content security policy that allows only its own script and style, and calls of this API."""
    text = (files("handler.http") / FILE).read_text("utf-8")
    policy = "; ".join(
        (
            "default-src 'none'",
            f"script-src {_hash_of(text, 'script')}",
            f"style-src {_hash_of(text, 'style')}",
            "connect-src 'self'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )
    return Reply(
        200, text, {"Content-Security-Policy": policy, "Referrer-Policy": "no-referrer"}, "text/html; charset=utf-8"
    )


def _hash_of(text: str, element: str) -> str:
    """The CSP source that allows the page's one inline `element`."""
    content = re.findall(rf"<{element}>(.*?)</{element}>", text, re.DOTALL)
    if len(content) != 1:
        raise ValueError(f"{FILE} has {len(content)} <{element}> elements; the policy allows one")
    digest = base64.b64encode(hashlib.sha256(content[0].encode()).digest()).decode()
    return f"'sha256-{digest}'"
