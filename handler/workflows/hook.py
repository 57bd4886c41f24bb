"""A hook: a public address whose calls start a workflow."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Literal, NotRequired, get_args

from pydantic import ConfigDict, TypeAdapter
from typing_extensions import TypedDict

from handler.payload.body import check_fields
from handler.payload.parse import InvalidPayloadError
from handler.payload.problem import Problem
from handler.payload.values import ID_PATTERN
from handler.workflows.author import Author
from handler.workflows.signatures import Scheme, Verification
from handler.workflows.start import Name
from handler.workflows.tokens import make_token
from infra.table.documents import Document

TOKEN: Final = "hook"  # noqa: S105  # the kind of a token, which is not a secret
JOB_PREFIX: Final = "__h-"
"""The prefix of the ids of jobs that hooks start."""
_HEADER: Final = re.compile(r"[A-Za-z0-9-]{1,64}")
_NAME: Final = re.compile(ID_PATTERN)
_MAX_PREFIX: Final = 64


class HookShape(TypedDict):
    """The workflow that calls of a public address start, and how the calls are verified."""

    __pydantic_config__ = ConfigDict(extra="forbid", strict=True)  # type: ignore[misc] # pydantic's documented place
    workflow: Name
    verify: Literal["none"] | dict[str, Any]
    id_from: NotRequired[str | None]
    respond: NotRequired[Literal["accepted", "output"]]
    rotate: NotRequired[bool]


EXPECTED: Final = {
    "workflow": "the name of a stored workflow",
    "verify": '"none", or an object with one of github, stripe, slack and hmac',
    "id_from": "the place of a call's id, such as header X-GitHub-Delivery",
    "respond": 'either "accepted" or "output"',
    "rotate": "true or false",
}


@cache
def _shape() -> TypeAdapter[Any]:
    return TypeAdapter(HookShape)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """A stored hook.

    Attributes:
        tenant, name: the tenant and the hook's name.
        workflow: the workflow that its calls start.
        verification: how calls are verified; ``None`` if they are not.
        verify: the same, as it was sent.
        id_header: the header that identifies a call, in lower case; ``None`` if the body identifies it.
        id_from: the same, as it was sent.
        respond: the kind of reply to the sender of a call.
        key: the key of its token, hexadecimal.
        author: the author, whose rights its jobs have.
    """

    tenant: str
    name: str
    workflow: str
    verify: str | Mapping[str, Any]
    id_from: str | None
    respond: Literal["accepted", "output"]
    key: str
    author: Author

    def encode(self) -> str:
        """Return the hook as JSON."""
        fields = {
            "workflow": self.workflow,
            "verify": self.verify,
            "id_from": self.id_from,
            "respond": self.respond,
            "key": self.key,
            "author": self.author.encode(),
        }
        return json.dumps(fields, separators=(",", ":"))

    @classmethod
    def decode(cls, document: Document) -> Hook:
        """The hook in a document."""
        fields = json.loads(document.body)
        author = Author.decode(fields.pop("author"))
        return cls(tenant=document.tenant, name=document.name, author=author, **fields)

    @property
    def verification(self) -> Verification | None:
        if isinstance(self.verify, str):
            return None
        scheme: Any
        ((scheme, fields),) = self.verify.items()
        header, prefix = str(fields.get("header", "")).lower(), str(fields.get("prefix", ""))
        return Verification(scheme, fields["secret"], header, prefix)

    @property
    def id_header(self) -> str | None:
        return self.id_from.split()[1].lower() if self.id_from is not None else None

    @property
    def secret_key(self) -> bytes:
        """The key of its token."""
        return bytes.fromhex(self.key)

    def view(self, public_url: str) -> dict[str, Any]:
        """The hook in the form for replies.

        Args:
            public_url: the API's public URL; if empty, the address is only a path.
        """
        token = make_token(TOKEN, (self.tenant, self.name), self.secret_key)
        return {
            "name": self.name,
            "workflow": self.workflow,
            "verify": self.verify,
            "id_from": self.id_from,
            "respond": self.respond,
            "url": f"{public_url.rstrip('/')}/hooks/{token}",
        }

    def job_id(self, headers: Mapping[str, str], body: bytes) -> str:
        """The id of the job that a call starts: the same for the same call.

        Args:
            headers: by lower-case name.
            body: the body as received; it identifies the call if no header does.
        """
        value = headers.get(self.id_header) if self.id_header is not None else None
        named = b"header\n" + value.encode("utf-8", "surrogatepass") if value is not None else b"body\n" + body
        return JOB_PREFIX + hashlib.sha256(self.name.encode() + b"\n" + named).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class HookBody:
    """The content of a body: fields of `Hook`, and whether the token changes."""

    workflow: str
    verify: str | dict[str, Any]
    id_from: str | None
    respond: Literal["accepted", "output"]
    rotate: bool


def read_hook(value: Mapping[str, Any]) -> HookBody:
    """Parse the body of a hook.

    Raises:
        InvalidPayloadError: the body is not valid; all its problems are listed.
    """
    fields = check_fields(_shape(), value, EXPECTED)
    verify, id_from = fields["verify"], fields.get("id_from")
    problems = _problems_of_verify(verify) if isinstance(verify, dict) else []
    if id_from is not None:
        problems += _problems_of_id_from(id_from, verify)
    if problems:
        raise InvalidPayloadError(problems)
    return HookBody(
        fields["workflow"], verify, id_from, fields.get("respond", "accepted"), bool(fields.get("rotate", False))
    )


def _problems_of_verify(verify: dict[str, Any]) -> list[Problem]:
    schemes = get_args(Scheme)
    if len(verify) != 1 or next(iter(verify)) not in schemes:
        message = f"'verify' must be {EXPECTED['verify']}."
        return [Problem("/verify", "INVALID_FIELD", message)]
    ((scheme, fields),) = verify.items()
    pointer = f"/verify/{scheme}"
    if not isinstance(fields, dict):
        return [Problem(pointer, "INVALID_FIELD", f"{scheme!r} is an object with the name of a secret.")]
    checks = {"secret": (_is_name, "the name of a secret")}
    if scheme == "hmac":
        checks["header"] = (_is_header, "the name of the header that has the signature")
    problems = [
        Problem(f"{pointer}/{name}", "MISSING_FIELD" if name not in fields else "INVALID_FIELD", f"{name!r} is {what}.")
        for name, (holds, what) in checks.items()
        if not holds(fields.get(name))
    ]
    prefix = fields.get("prefix", "") if scheme == "hmac" else ""
    if not isinstance(prefix, str) or len(prefix) > _MAX_PREFIX:
        message = f"'prefix' must be a string of at most {_MAX_PREFIX} characters."
        problems.append(Problem(f"{pointer}/prefix", "INVALID_FIELD", message))
    known = {*checks, "prefix"} if scheme == "hmac" else set(checks)
    return problems + [
        Problem(f"{pointer}/{name[:64]}", "UNKNOWN_FIELD", f"{scheme!r} has the fields {', '.join(sorted(known))}.")
        for name in fields
        if name not in known
    ]


def _problems_of_id_from(id_from: str, verify: Any) -> list[Problem]:
    words = id_from.split(" ")
    form = 2
    if len(words) != form or words[0] != "header" or not _is_header(words[1]):
        return [Problem("/id_from", "INVALID_FIELD", f"'id_from' must be {EXPECTED['id_from']}.")]
    if verify == "none":
        message = "Without a signature, any caller could choose the header; leave 'id_from' out, or verify calls."
        return [Problem("/id_from", "CONFLICTING_FIELDS", message)]
    return []


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and _NAME.fullmatch(value) is not None


def _is_header(value: Any) -> bool:
    return isinstance(value, str) and _HEADER.fullmatch(value) is not None
