"""Finds text that resembles a tag but is not one, and suggests what to write."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from handler.engine.language.tags import parse

_CLOSERS: Final = {"%": "%}", ":": ":}", "#": "#}", "<": ">}"}
_ROOTS: Final = {"<": "parameters", "#": "variables"}
_MOST: Final = 20
"""The largest number of look-alikes that are reported for one string."""

_FORMS: Final = re.compile(
    r"""(?P<escaped>\\\{[%:#<=]\ )
      | \{\{\s*(?P<braces>[^{}\n]{1,100}?)\s*\}\}
      | \$\{\s*(?P<dollar>[^{}\n]{1,100}?)\s*\}
      | \{(?P<sigil>[%:#<])(?P<inner>[^{}\n]{1,200}?)(?P<closer>[%:#>])\}
      | \{=(?P<expression>[^\n]{1,2000}?)=\}
      | \{(?P<open>[%:#<=])\ (?P<rest>[^}\n]{0,40})
    """,
    re.VERBOSE,
)
_PATH: Final = re.compile(r"[\w.:-]+")
_NAME: Final = re.compile(r"[A-Za-z_][\w-]*(?:\.[\w-]+)*")


@dataclass(frozen=True, slots=True)
class LookAlike:
    """Text that resembles a tag.

    Attributes:
        column: where it begins, from 1.
        found: its text.
        write: the suggestion if a tag is meant, or ``None``.
    """

    column: int
    found: str
    write: str | None

    @property
    def message(self) -> str:
        """In a sentence."""
        advice = (
            f"write `{self.write}` for a value" if self.write else "a tag is `{< name >}`, an expression `{= a + b =}`"
        )
        return f"`{self.found}` looks like a tag but is plain text: {advice}"


def find_look_alikes(text: str) -> list[LookAlike]:
    """The parts of a string that resemble tags but are not. Tags, expressions and escaped openers do not count."""
    if "{" not in text:
        return []
    found: list[LookAlike] = []
    for piece, start in _plain_parts(text):
        for form in _FORMS.finditer(piece):
            if form["escaped"] is None and (write := _advise(form)) != "":
                found.append(LookAlike(start + form.start() + 1, _shorten(form[0]), write))
                if len(found) == _MOST:
                    return found
    return found


def _plain_parts(text: str) -> Iterator[tuple[str, int]]:
    """The parts of a string that are neither tags nor expressions, as written, with their places."""
    begin = 0
    for piece in parse(text):
        if isinstance(piece, str):
            continue
        written = getattr(piece, "written", None) or _find_tag(text, piece, begin)
        start = text.find(written, begin)
        if start < 0:
            break
        if start > begin:
            yield text[begin:start], begin
        begin = start + len(written)
    if begin < len(text):
        yield text[begin:], begin


def _find_tag(text: str, tag: object, begin: int) -> str:
    sigil, path = getattr(tag, "sigil", ""), getattr(tag, "path", "")
    found = re.compile(rf"(?<!\\)\{{{re.escape(sigil)} +{re.escape(path)} +{re.escape(_CLOSERS[sigil])}").search(
        text, begin
    )
    return found[0] if found else "\0"


def _advise(form: re.Match[str]) -> str | None:
    """The spelling to suggest for a look-alike; empty if the text is not a look-alike."""
    if (name := form["braces"] or form["dollar"]) is not None:
        return _advise_name(name)
    if form["sigil"] is not None:
        return _advise_tag(form["sigil"], form["inner"].strip(), form["closer"])
    if form["expression"] is not None:
        inner = form["expression"].strip()
        return f"{{= {inner} =}}" if inner and inner.count("'") % 2 == 0 and inner.count('"') % 2 == 0 else None
    rest = form["rest"].strip()
    if form["open"] == "=":
        return f"{{= {rest} =}}" if rest and rest.count("'") % 2 == 0 and rest.count('"') % 2 == 0 else None
    path = rest.split(" ")[0]
    return _tag(form["open"], path) if _PATH.fullmatch(path) else None


def _advise_name(name: str) -> str | None:
    if name[:1] in "%:#<=" and len(name) > 1:
        return (
            _advise_tag(name[0], name[1:].strip(" %:#>="), "") if name[0] != "=" else f"{{= {name[1:].strip(' =')} =}}"
        )
    bare = name.removeprefix("parameters.").removeprefix("params.").removeprefix("inputs.").removeprefix("$")
    if _NAME.fullmatch(bare):
        if bare.startswith(("steps.", "job.", "loop.")):
            return _tag("%", bare)
        return _tag("#", bare.removeprefix("variables.")) if bare.startswith("variables.") else _tag("<", bare)
    return f"{{= {name} =}}" if re.search(r"[-+*/<>=(]", name) else None


def _advise_tag(sigil: str, path: str, closer: str) -> str | None:
    if not path:
        return ""
    if _PATH.fullmatch(path):
        return _tag(sigil, path)
    if closer and closer != _CLOSERS[sigil][0]:
        return None
    if sigil in _ROOTS and re.fullmatch(r"[\w .-]+", path):
        first, *others = path.split(".")
        keys = "".join(f'["{key.strip()}"]' for key in (first, *others))
        return f"{{= {_ROOTS[sigil]}{keys} =}}"
    return None


def _tag(sigil: str, path: str) -> str:
    return f"{{{sigil} {path} {_CLOSERS[sigil]}"


def _shorten(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:60]}…"  # noqa: PLR2004  # the most characters in a message
