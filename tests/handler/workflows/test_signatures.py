"""Signatures by the vendors' rules. A vector is one that the vendor published, with its source, if there is one."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler.workflows.signatures import Scheme, Verification

# https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
GITHUB_SECRET = b"It's a Secret to Everybody"
GITHUB_BODY = b"Hello, World!"
GITHUB_SIGNATURE = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"

# https://docs.slack.dev/authentication/verifying-requests-from-slack, the request and the secret of its walkthrough
SLACK_SECRET = b"8f742231b10e8888abcd99yyyzzz85a5"
SLACK_TIME = "1531420618"
SLACK_BODY = (
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
    b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
    b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
    b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
)
SLACK_SIGNATURE = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"

# RFC 4231, 4.3 (test case 2), because a plain HMAC has no vendor.
PLAIN_SECRET = b"Jefe"
PLAIN_BODY = b"what do ya want for nothing?"
PLAIN_SIGNATURE = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"

GITHUB = Verification("github", "s")
STRIPE = Verification("stripe", "s")
SLACK = Verification("slack", "s")
PLAIN = Verification("hmac", "s", header="x-signature", prefix="sha256:")


def test_github_as_published() -> None:
    headers = {"x-hub-signature-256": GITHUB_SIGNATURE}
    assert GITHUB.holds(GITHUB_SECRET, GITHUB_BODY, headers, now=0.0)
    assert not GITHUB.holds(GITHUB_SECRET, GITHUB_BODY + b" ", headers, now=0.0)
    assert not GITHUB.holds(GITHUB_SECRET + b"!", GITHUB_BODY, headers, now=0.0)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-hub-signature-256": ""},
        {"x-hub-signature-256": GITHUB_SIGNATURE.removeprefix("sha256=")},
        {"x-hub-signature-256": "sha256="},
        {"x-hub-signature-256": "sha1=" + hmac.digest(GITHUB_SECRET, GITHUB_BODY, "sha1").hex()},
        {"x-hub-signature": "sha1=" + hmac.digest(GITHUB_SECRET, GITHUB_BODY, "sha1").hex()},
        {"x-hub-signature-256": "sha256=ü"},
        {"x-hub-signature-256": "sha256=\ud800"},
        {"x-hub-signature-256": f"{GITHUB_SIGNATURE}, {GITHUB_SIGNATURE}"},
    ],
)
def test_github_without_a_right_signature(headers: dict[str, str]) -> None:
    assert not GITHUB.holds(GITHUB_SECRET, GITHUB_BODY, headers, now=0.0)


def test_slack_as_published() -> None:
    headers = {"x-slack-signature": SLACK_SIGNATURE, "x-slack-request-timestamp": SLACK_TIME}
    assert SLACK.holds(SLACK_SECRET, SLACK_BODY, headers, now=float(SLACK_TIME))
    assert not SLACK.holds(SLACK_SECRET, SLACK_BODY + b"&", headers, now=float(SLACK_TIME))


def test_slack_signs_the_time_too() -> None:
    headers = {"x-slack-signature": SLACK_SIGNATURE, "x-slack-request-timestamp": "1531420619"}
    assert not SLACK.holds(SLACK_SECRET, SLACK_BODY, headers, now=float(SLACK_TIME))


def _stripe_header(body: bytes, secret: bytes, time: int) -> str:
    """By the rule of https://docs.stripe.com/webhooks#verify-manually; Stripe publishes no vector."""
    return f"t={time},v1={hmac.new(secret, f'{time}.'.encode() + body, hashlib.sha256).hexdigest()}"


def test_stripe_signs_time_and_body() -> None:
    headers = {"stripe-signature": _stripe_header(b"{}", b"whsec_secret", 1000)}
    assert STRIPE.holds(b"whsec_secret", b"{}", headers, now=1000.0)
    assert not STRIPE.holds(b"whsec_secret", b"{ }", headers, now=1000.0)
    assert not STRIPE.holds(b"whsec_other", b"{}", headers, now=1000.0)
    later = {"stripe-signature": headers["stripe-signature"].replace("t=1000", "t=1001")}
    assert not STRIPE.holds(b"whsec_secret", b"{}", later, now=1000.0)


def test_stripe_sends_a_signature_for_each_secret_of_a_rotation_and_old_schemes_beside_them() -> None:
    right = _stripe_header(b"{}", b"whsec_secret", 1000).partition(",")[2]
    headers = {"stripe-signature": f"t=1000,v1={'0' * 64},{right},v0={'1' * 64}"}
    assert STRIPE.holds(b"whsec_secret", b"{}", headers, now=1000.0)
    old = {"stripe-signature": f"t=1000,{right.replace('v1', 'v0')}"}
    assert not STRIPE.holds(b"whsec_secret", b"{}", old, now=1000.0)


def test_stripe_with_two_times_is_refused() -> None:
    headers = {"stripe-signature": "t=999," + _stripe_header(b"{}", b"whsec_secret", 1000)}
    assert not STRIPE.holds(b"whsec_secret", b"{}", headers, now=1000.0)


@pytest.mark.parametrize(("now", "holds"), [(699.9, False), (700, True), (1300, True), (1300.1, False)])
@pytest.mark.parametrize("scheme", ["stripe", "slack"])
def test_a_time_stamp_lies_within_five_minutes_of_now_before_or_after(scheme: Scheme, now: float, holds: bool) -> None:
    signature = "v0=" + hmac.digest(b"secret", b"v0:1000:{}", "sha256").hex()
    headers = {
        "stripe-signature": _stripe_header(b"{}", b"secret", 1000),
        "x-slack-signature": signature,
        "x-slack-request-timestamp": "1000",
    }
    assert Verification(scheme, "s").holds(b"secret", b"{}", headers, now=now) is holds


@pytest.mark.parametrize("time", ["", "now", "-1000", "1000.0", "\u0661\u0660\u0660\u0660", "1" * 40, "0x3e8"])
def test_a_malformed_time_stamp_is_refused(time: str) -> None:
    signature = "v0=" + hmac.digest(b"secret", f"v0:{time}:{{}}".encode(), "sha256").hex()
    headers = {"x-slack-signature": signature, "x-slack-request-timestamp": time}
    assert not SLACK.holds(b"secret", b"{}", headers, now=1000.0)


def test_a_plain_hmac_is_looked_for_in_its_header_behind_its_prefix() -> None:
    assert PLAIN.holds(PLAIN_SECRET, PLAIN_BODY, {"x-signature": f"sha256:{PLAIN_SIGNATURE}"}, now=0.0)
    assert PLAIN.holds(PLAIN_SECRET, PLAIN_BODY, {"x-signature": f"sha256:{PLAIN_SIGNATURE.upper()}"}, now=0.0)
    assert not PLAIN.holds(PLAIN_SECRET, PLAIN_BODY, {"x-signature": PLAIN_SIGNATURE}, now=0.0)
    assert not PLAIN.holds(PLAIN_SECRET, PLAIN_BODY, {"x-other": f"sha256:{PLAIN_SIGNATURE}"}, now=0.0)


@given(
    st.sampled_from([GITHUB, STRIPE, SLACK, PLAIN]),
    st.binary(max_size=20),
    st.dictionaries(
        st.sampled_from(
            ["x-hub-signature-256", "stripe-signature", "x-slack-signature", "x-slack-request-timestamp", "x-signature"]
        ),
        st.text(max_size=80),
    ),
)
def test_no_header_that_a_stranger_writes_is_a_signature_or_an_error(
    verification: Verification, body: bytes, headers: dict[str, str]
) -> None:
    assert not verification.holds(b"a secret that nobody knows", body, headers, now=1000.0)
