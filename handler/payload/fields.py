"""The one table of a job's fields: their names, places, types, meanings and defaults.

The check of a payload, its messages, the JSON Schema, ``docs/job-fields.md`` and a payload's meaning are derived from
this table. A field that is not in it does not exist.

See docs/decisions/016-one-table-of-fields.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from handler.payload import values
from handler.payload.groups import BRANCH, POLL, RETRY, TOLERATE, WAIT, WAIT_FOR, group
from handler.payload.table import Branches, Field, Kind, KindName, Steps

_LOOP_BODY: Final = Steps(most=values.MAX_INNER_STEPS, loop=True)

ID: Final = Field(
    "id",
    values.STEP_ID,
    "The name of the step in tags and expressions: `{: id :}` is its result. Without one, the id of a top-level step "
    "is its place in the list, from 1; inner steps need one.",
    nullable=True,
)
IF: Final = Field(
    "if",
    values.CONDITION,
    "Run the step only if this is true: a string with a single tag or expression, or a list of such strings, which "
    "must all be true.",
    nullable=True,
    tags=True,
)
FORCED: Final = Field("forced", values.BOOLEAN, "Run even after an earlier step failed.", default=False)
ALLOW_FAILURE: Final = Field(
    "allow_failure", values.BOOLEAN, "Whether the job continues if this step fails.", default=False
)
ACTION: Final = Field("action", values.ACTION, "The block to run, in upper or lower case.", required=True)
PARAMETERS: Final = Field(
    "parameters",
    values.OBJECT,
    "The block's parameters. Tags and expressions are read in every string.",
    default={},
    tags=True,
)
STEP_RETRY: Final = Field("retry", RETRY, "When and how often to try again after a failure.", nullable=True)
STEP_POLL: Final = Field("poll", POLL, "Call the block again until a condition holds.", nullable=True)
TIMEOUT: Final = Field(
    "timeout", values.SECONDS, "Seconds that one try of the block may take; for a loop, the whole loop.", nullable=True
)


def _kind(name: KindName, key: str, action: str | None, about: str, *fields: Field) -> Kind:
    return Kind(name, key, action, about, {one.name: one for one in fields})


def _optional(one: Field) -> Field:
    return Field(one.name, one.holds, one.about, nullable=one.nullable, default=one.default, tags=one.tags)


KINDS: Final[Mapping[KindName, Kind]] = {
    kind.name: kind
    for kind in (
        _kind(
            "block",
            "action",
            None,
            "Runs a block.",
            *(ID, ACTION, PARAMETERS, IF, FORCED, TIMEOUT, STEP_RETRY, ALLOW_FAILURE, STEP_POLL),
        ),
        _kind(
            "for_each",
            "for_each",
            "FOR_EACH",
            "Runs steps, or one block, for each item of a list.",
            ID,
            Field(
                "for_each",
                values.ANY,
                "The list, or a tag or an expression for one. An object counts as a list of `{key, value}`.",
                required=True,
                tags=True,
            ),
            Field(
                "as",
                values.ITEM_NAME,
                "The name of the item in tags and expressions: `{% item %}`.",
                nullable=True,
                default="item",
            ),
            Field(
                "tolerate",
                TOLERATE,
                "How many items may fail before the loop fails.",
                nullable=True,
                default={"count": 0},
            ),
            Field("do", _LOOP_BODY, "The steps to run for each item."),
            *(_optional(ACTION), PARAMETERS, IF, FORCED, TIMEOUT, STEP_RETRY, ALLOW_FAILURE, STEP_POLL),
        ),
        _kind(
            "while",
            "while",
            "WHILE",
            "Runs steps as long as a condition holds.",
            ID,
            Field(
                "while",
                values.CONDITION,
                "The condition, evaluated before each round like `if`.",
                required=True,
                tags=True,
            ),
            Field(
                "max",
                values.ROUNDS,
                "Maximum number of rounds; after that the loop is STEP_LIMIT_EXCEED.",
                required=True,
            ),
            Field("do", _LOOP_BODY, "The steps of one round.", required=True),
            *(IF, FORCED, TIMEOUT, ALLOW_FAILURE),
        ),
        _kind(
            "choose",
            "choose",
            "CHOOSE",
            "Runs the steps of the first branch whose condition holds.",
            ID,
            Field("choose", Branches(BRANCH), "The branches, checked in this order.", required=True),
            Field("else", Steps(least=0), "The steps to run if no branch is taken.", nullable=True, default=[]),
            *(IF, FORCED),
        ),
        _kind(
            "try",
            "try",
            "TRY",
            "Runs steps, and other steps if one of them fails.",
            ID,
            Field("try", Steps(), "The steps to run.", required=True),
            Field(
                "catch",
                Steps(least=0),
                "The steps to run if one of `try` fails.",
                nullable=True,
                default=[],
            ),
            *(IF, FORCED),
        ),
        _kind(
            "set",
            "set",
            "SET",
            "Sets variables.",
            ID,
            Field(
                "set",
                values.OBJECT,
                "The variables with their values, set in this order: later values can read earlier ones.",
                required=True,
                tags=True,
            ),
            *(IF, FORCED, ALLOW_FAILURE),
        ),
        _kind(
            "end",
            "end",
            "END",
            "Ends the job, the loop or the item early, as a success.",
            ID,
            Field("end", values.END, 'What to end: "job", "loop" or "item".', required=True),
            Field("message", values.STRING, "The step's result.", nullable=True, tags=True),
            *(IF, FORCED),
        ),
        _kind(
            "wait",
            "wait",
            "WAIT",
            "Waits for a time. A waiting job costs nothing.",
            ID,
            Field("wait", WAIT, "How long, or until when.", required=True),
            *(IF, FORCED, ALLOW_FAILURE),
        ),
        _kind(
            "wait_for",
            "wait_for",
            "WAIT_FOR",
            "Waits for a person's answer.",
            ID,
            Field("wait_for", WAIT_FOR, "The question, and the rules for its answer.", required=True),
            *(IF, FORCED, ALLOW_FAILURE),
        ),
    )
}
"""Every kind of step by its name."""

KEYS: Final = tuple(kind.key for kind in KINDS.values())
"""The fields that identify kinds."""

OUTPUT_ID: Final = "output"
"""The id of the implicit last step of a job with an ``output``."""


OWNERS: Final[Mapping[str, tuple[str, ...]]] = {
    name: tuple(kind.key for kind in KINDS.values() if name in kind.fields)
    for name in dict.fromkeys(name for kind in KINDS.values() for name in kind.fields)
}
"""The keys of the kinds that have a field, by the field's name."""

JOB: Final = group(
    "A job",
    Field("$schema", values.ANY, "Accepted and ignored, so that editors can find the schema.", nullable=True),
    Field(
        "id",
        values.JOB_ID,
        "The job's id; generated if omitted. The same job with the same id is not run again.",
        nullable=True,
    ),
    Field("name", values.NAME, "A name for people to read.", nullable=True),
    Field("timeout", values.SECONDS, "Seconds from the start of the run, waits included.", nullable=True),
    Field("parameters", values.OBJECT, "Values that no step changes: `{< name >}`.", default={}),
    Field("local_values", values.OBJECT, "The library's name for `parameters`."),
    Field("variables", values.OBJECT, "Values that steps read and change: `{# name #}`.", default={}),
    Field("steps", Steps(least=0), "The steps, in the order in which they run.", required=True),
    Field(
        "output",
        values.ANY,
        "The job's result: any JSON with tags and expressions, evaluated as the last step, whose id is `output`.",
        nullable=True,
        tags=True,
    ),
)

RESERVED: Final = frozenset(
    {
        "tags",
        "global_values",
        "globals",
        "step_limit",
        "block_limit_overrides",
        "blocks",
        "on_step_update",
        "on_job_finish",
    }
)
"""Keys that the library accepted in a job and that users must never set."""
