"""Generates completions for bash, zsh and fish from the program's own parser: commands, options, values.

Names of mirrors come from `tgstreamd status`, if it answers; Telegram is not asked.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from .verbs import choices

FROM = "Written by `make reference` from the program's own parser: do not edit."
#: Values proposed where any text is allowed.
PROPOSED = {"history": ("all", "none", "90d")}
MIRRORS = (
    "tgstreamd status --json 2>/dev/null"
    ' | sed -n \'/^  "mirrors": \\[/,/^  \\]/s/^      "name": "\\(.*\\)",\\{0,1\\}$/\\1/p\''
)
BASH_FILES = 'compopt -o filenames; mapfile -t COMPREPLY < <(compgen -{} -- "$word")'
#: Options of every command, besides its own.
EVERYWHERE = (("config", "the configuration", "FILE"), ("help", "what a verb takes", ""))


def options(verb: argparse.ArgumentParser) -> Iterator[tuple[str, str, str, tuple[str, ...]]]:
    """Yield a command's own options: name without dashes, help, kind of value (empty: none), proposals."""
    for action in verb._actions:
        if not action.option_strings or action.dest in ("help", "config"):
            continue
        name = action.option_strings[-1].removeprefix("--")
        takes = "" if action.nargs == 0 else str(action.metavar or action.dest.upper())
        proposals = tuple(map(str, action.choices)) if action.choices else PROPOSED.get(name, ())
        yield name, (action.help or "").replace("%%", "%"), takes, proposals


def places(verb: argparse.ArgumentParser) -> tuple[str, tuple[str, ...]]:
    """Return the command's positional argument: its kind (MIRROR, FILE, or empty), and fixed values."""
    for action in verb._actions:
        if not action.option_strings:
            words = tuple(map(str, action.choices)) if action.choices else ()
            return str(action.metavar or "") if not words else "", words
    return "", ()


def bash() -> str:
    names = [name for name, _, _ in choices()]
    values, words, behind = [], [], []
    for name, _, verb in choices():
        own = list(options(verb))
        for option, _, takes, proposals in own:
            if proposals:
                values.append(f"        {name}:--{option}) words=$'{_lines(proposals)}' ;;")
            elif takes == "DIR":
                values.append(f"        {name}:--{option}) {BASH_FILES.format('d')}; return ;;")
            elif takes:
                values.append(f"        {name}:--{option}) return ;;")
        kind, after = places(verb)
        listed = _lines(
            (*(f"--{option}" for option, *_ in own), *(f"--{o}" for o, _, _ in EVERYWHERE), *after)
        )
        words.append(f"        {name}) words=$'{listed}' ;;")
        if kind == "MIRROR":
            behind.append(name)
    files = "|".join(name for name, _, verb in choices() if places(verb)[0] == "FILE")
    top = _lines((*names, "--config", "--help", "--version"))
    return f"""\
# Completion for bash. {FROM}

_tgstreamd_mirrors() {{
    {MIRRORS}
}}

_tgstreamd() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD - 1]}} verb="" words="" part
    local IFS=$'\\n'
    for part in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
        case $part in
            {"|".join(names)}) verb=$part; break ;;
        esac
    done
    COMPREPLY=()
    case $verb:$before in
        *:--config) {BASH_FILES.format("f")}; return ;;
{chr(10).join(values)}
    esac
    if [[ -z $words ]]; then
        case $verb in
        "") words=$'{top}' ;;
{chr(10).join(words)}
        esac
        case $verb in
            {"|".join(behind)}) words+=$'\\n'$(_tgstreamd_mirrors) ;;
            {files}) {BASH_FILES.format("f")} ;;
        esac
    fi
    mapfile -t -O "${{#COMPREPLY[@]}}" COMPREPLY < <(compgen -W "$words" -- "$word")
}}

complete -F _tgstreamd tgstreamd
"""


def zsh() -> str:
    verbs = "\n".join(f'  {name}\\:"{_bare(line)}"' for name, line, _ in choices())
    cases = []
    for name, _, verb in choices():
        parts = ["$common"]
        for option, line, takes, proposals in options(verb):
            value = f":{takes.lower()}:{_zsh_value(takes, proposals)}" if takes else ""
            parts.append(f"'--{option}[{_bare(line)}]{value}'")
        kind, words = places(verb)
        if kind == "MIRROR":
            parts.append("'1:mirror:_tgstreamd_mirrors'")
        elif kind == "FILE":
            parts.append("'1:file:_files'")
        elif words:
            parts.append(f"'1:what:({' '.join(words)})'")
        cases.append(f"  {name})\n    _arguments {f' {chr(92)}{chr(10)}      '.join(parts)} ;;")
    return f"""\
#compdef tgstreamd
# Completion for zsh. {FROM}

local -a common
common=('--config[the configuration]:file:_files' '--help[what a verb takes]')

_tgstreamd_mirrors() {{
  local -a names
  names=(${{(f)"$({MIRRORS})"}})
  compadd -a names
}}

_arguments -C $common '--version[the version]' '1:verb:((
{verbs}))' '*::arg:->rest' && return

case $words[1] in
{chr(10).join(cases)}
esac
"""


def fish() -> str:
    names = [name for name, _, _ in choices()]
    lines = [
        f"# Completion for fish. {FROM}",
        f"set -l verbs {' '.join(names)}",
        'set -l none "not __fish_seen_subcommand_from $verbs"',
        "complete -c tgstreamd -f",
        "complete -c tgstreamd -l config -r -F -d 'the configuration'",
        "complete -c tgstreamd -l help -d 'what a verb takes'",
        "complete -c tgstreamd -n $none -l version -d 'the version'",
    ]
    for name, line, _ in choices():
        lines.append(f"complete -c tgstreamd -n $none -a {name} -d {_quoted(line)}")
    for name, _, verb in choices():
        seen = f'complete -c tgstreamd -n "__fish_seen_subcommand_from {name}"'
        for option, line, takes, proposals in options(verb):
            value = " -x" if takes and takes != "DIR" else " -r -F" if takes else ""
            value += f" -a '{' '.join(proposals)}'" if proposals else ""
            lines.append(f"{seen} -l {option}{value} -d {_quoted(line)}")
        kind, words = places(verb)
        if words:
            lines.append(f"{seen} -a '{' '.join(words)}'")
        elif kind == "FILE":
            lines.append(f"{seen} -F")
        elif kind == "MIRROR":
            quoted = MIRRORS.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")
            lines.append(f'{seen} -a "({quoted})"')
    return "\n".join(lines) + "\n"


def _lines(words: tuple[str, ...]) -> str:
    return "\\n".join(words)


def _zsh_value(takes: str, proposals: tuple[str, ...]) -> str:
    if proposals:
        return f"({' '.join(proposals)})"
    return "_directories" if takes == "DIR" else "_files" if takes == "FILE" else " "


def _bare(text: str) -> str:
    """Remove characters that have a meaning in zsh's _arguments."""
    return "".join(c for c in text.replace("[", "(").replace("]", ")").replace(":", ";") if c not in "'`\\")


def _quoted(text: str) -> str:
    return '"' + "".join(c for c in text if c not in '`\\"$') + '"'
