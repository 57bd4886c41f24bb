"""Fields of the objects inside steps: `retry`, `poll`, `tolerate`, `wait`, `wait_for`, and branches of a choice.

This is a part of the table of fields; see `handler.payload.fields`.
"""

from __future__ import annotations

from typing import Final

from handler.payload import values
from handler.payload.table import Field, Group, Steps


def group(owner: str, *fields: Field, one_of: tuple[str, ...] = ()) -> Group:
    return Group(owner, {one.name: one for one in fields}, one_of)


RETRY: Final = group(
    "retry",
    Field("attempts", values.TRIES, "Tries in total, including the first.", default=3),
    Field("delay", values.DELAY, "Seconds before the second try.", default=1.0),
    Field("backoff", values.FACTOR, "Each further delay is the previous one multiplied by this.", default=2.0),
    Field("max_delay", values.DELAY, "The longest delay, in seconds.", default=30.0),
    Field(
        "jitter",
        values.BOOLEAN,
        "Wait a random part of the delay, at least half of it, so that jobs do not all retry at the same time.",
        default=True,
    ),
    Field(
        "on",
        values.RETRY_ON,
        "The failures after which to try again: statuses, or `http` statuses and `code`s in the error's details.",
        default=["UNHANDLED_EXCEPTION", "CALL_FAILED"],
    ),
)

POLL: Final = group(
    "poll",
    Field(
        "until",
        values.CONDITION,
        "Call the block again until this holds. `result` is the block's last result.",
        required=True,
        tags=True,
    ),
    Field("every", values.PACE, "Seconds between the end of a call and the next one.", required=True),
    Field("max", values.CALLS, "Maximum number of calls; after that the step is TIME_LIMIT_EXCEED.", required=True),
)

TOLERATE: Final = group(
    "tolerate",
    Field("count", values.COUNT, "Items that may fail."),
    Field("percent", values.PERCENT, "Share of the whole list that may fail."),
    one_of=("count", "percent"),
)

WAIT: Final = group(
    "wait",
    Field("seconds", values.WAIT_SECONDS, "How long to wait.", tags=True),
    Field("until", values.MOMENT, "When to continue: a time with its offset.", tags=True),
    one_of=("seconds", "until"),
)

WAIT_FOR: Final = group(
    "wait_for",
    Field("timeout", values.SECONDS, "Seconds from the step's turn in which the answer must come.", required=True),
    Field("message", values.STRING, "The question to the person.", nullable=True, tags=True),
    Field("tags", values.CALLER_TAGS, "Tags of which the answering person needs one.", nullable=True, default=[]),
    Field(
        "not_sender",
        values.BOOLEAN,
        "Whether the sender of the job may not answer.",
        nullable=True,
        default=False,
    ),
    Field(
        "form",
        values.FORM,
        "A schema for the answer's `value`: JSON Schema with the keywords `type`, `properties`, `required`, "
        "`items`, `enum`, `default`, `minimum`, `maximum`, `minLength`, `maxLength` and `description`.",
        nullable=True,
    ),
)

BRANCH: Final = group(
    "A branch",
    Field(
        "if",
        values.CONDITION,
        "The branch is taken if this holds and no earlier branch is taken.",
        required=True,
        tags=True,
    ),
    Field("do", Steps(most=values.MAX_INNER_STEPS), "The steps of the branch.", required=True),
)
