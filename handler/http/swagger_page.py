"""Swagger UI as one page that fetches nothing: Powertools ships the script and the style."""

from __future__ import annotations

from importlib.resources import files
from typing import Any, Final

from handler.http.reply import Reply
from handler.payload import json_text

ASSETS: Final = "aws_lambda_powertools.event_handler.openapi.swagger_ui"
_POLICY: Final = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def swagger_page(document: dict[str, Any]) -> Reply:
    """The page that shows an OpenAPI document.

    Args:
        document: the document. The page contains it, because a browser could not sign a second request.
    """
    assets = files(ASSETS)
    style = (assets / "swagger-ui.min.css").read_text("utf-8")
    script = (assets / "swagger-ui-bundle.min.js").read_text("utf-8")
    shown = json_text.encode(document).replace("<", "\\u003c")  # nothing in the document can end the script
    page = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>Conduit API</title>\n'
        f'<style>{style}</style>\n</head>\n<body>\n<div id="page"></div>\n<script>{script}</script>\n'
        f'<script>SwaggerUIBundle({{spec: {shown}, dom_id: "#page", validatorUrl: null}});</script>\n</body>\n</html>\n'
    )
    return Reply(200, page, {"Content-Security-Policy": _POLICY}, "text/html; charset=utf-8")
