"""The script with which a shell completes commands, options and the names of blocks."""

from __future__ import annotations

import argparse
from typing import Final

BASH: Final = """\
_conduit() {{
    local current="${{COMP_WORDS[COMP_CWORD]}}" command="${{COMP_WORDS[1]}}"
    if [ "$COMP_CWORD" -eq 1 ]; then
        COMPREPLY=($(compgen -W "{commands}" -- "$current"))
        return
    fi
    case "$command" in
{cases}
    esac
    [ ${{#COMPREPLY[@]}} -gt 0 ] || COMPREPLY=($(compgen -f -- "$current"))
}}
complete -o filenames -F _conduit conduit
"""
ZSH: Final = "autoload -U +X bashcompinit && bashcompinit\n"
SHELLS: Final = ("bash", "zsh")


def completion_script(parser: argparse.ArgumentParser, shell: str) -> str:
    """The script for a shell's start-up file to evaluate.

    Args:
        parser: the parser of the whole command.
        shell: one of `SHELLS`.
    """
    commands = _choices(parser)
    cases = "\n".join(
        f'        {name}) COMPREPLY=($(compgen -W "{" ".join(_words(command))}" -- "$current")) ;;'
        for name, command in commands.items()
    )
    script = BASH.format(commands=" ".join(commands), cases=cases)
    return ZSH + script if shell == "zsh" else script


def _choices(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    for action in parser._actions:  # noqa: SLF001  # argparse has no public way to list what it takes
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001  # as above
            return dict(action.choices)
    return {}


def _words(command: argparse.ArgumentParser) -> list[str]:
    options = [option for action in command._actions for option in action.option_strings]  # noqa: SLF001  # as above
    return [*_choices(command), *(option for option in options if option.startswith("--"))]
