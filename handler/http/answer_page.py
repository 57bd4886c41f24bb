"""The page at a callback URL: the question, and buttons that answer it. Loading it changes nothing."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from html import escape
from typing import Final

from handler.http.reply import Reply
from handler.jobs.answers import Question

_STYLE: Final = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:36rem;margin:3rem auto;padding:0 1rem}"
    "h1{font-size:1.3rem;white-space:pre-wrap}textarea{width:100%;box-sizing:border-box}"
    "button{font:inherit;padding:.4rem 1.2rem;margin:.8rem .5rem 0 0}"
)
_SCRIPT: Final = """
const said = document.getElementById("said");
async function answer(ok) {
  const value = document.getElementById("value").value.trim();
  const body = {ok};
  if (ok && value) { try { body.value = JSON.parse(value); } catch { body.value = value; } }
  if (!ok && value) body.reason = value;
  try {
    const reply = await fetch(location.href, {
      method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify(body)
    });
    const answer = await reply.json();
    const why = (answer.errors || []).map(one => one.pointer + ": " + one.message);
    said.textContent = reply.ok ? "Thank you. Your answer has been recorded." : [answer.detail, ...why].join(" ");
  } catch { said.textContent = "The answer could not be sent; try again."; }
}
document.getElementById("yes").addEventListener("click", () => answer(true));
document.getElementById("no").addEventListener("click", () => answer(false));
"""


def question_page(question: Question) -> Reply:
    """The page with the question."""
    until = f"<p>Please answer by {escape(question.until)}.</p>" if question.until else ""
    if question.needs_identity:
        form = "<p>You need credentials to answer: use the API or the page of your jobs.</p>"
    else:
        label = "The value of the answer, as JSON" if question.has_form else "A value, or a reason for a no (optional)"
        form = (
            f'<p><label for="value">{label}</label><textarea id="value" rows="3"></textarea></p>'
            '<button id="yes">Yes</button><button id="no">No</button><p id="said" role="status"></p>'
            f"<script>{_SCRIPT}</script>"
        )
    asked = escape(question.message or "Do you agree?")
    whose = f"<p>Job {escape(question.job)}, step {escape(question.path)}</p>"
    return _page(200, f"<h1>{asked}</h1>{whose}{until}{form}")


def over_page(why: str) -> Reply:
    """The page for a question that can no longer be answered."""
    return _page(410, f"<h1>{escape(why)}</h1>")


def _page(status: int, body: str) -> Reply:
    text = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>A question</title>'
        '<meta name="viewport" content="width=device-width"><meta name="robots" content="noindex">'
        f"<style>{_STYLE}</style></head><body>{body}</body></html>"
    )
    headers = {"Content-Security-Policy": _policy(), "Referrer-Policy": "no-referrer"}
    return Reply(status, text, headers, "text/html; charset=utf-8")


@cache
def _policy() -> str:
    return (
        f"default-src 'none'; script-src {_source(_SCRIPT)}; style-src {_source(_STYLE)}; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _source(content: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"
