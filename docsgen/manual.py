"""Builds tgstreamd(1): the commands from the program's own parser, the rest from `tgstreamd.1.in`."""

from __future__ import annotations

from pathlib import Path

from .verbs import choices, rows, usage

FRAME = Path(__file__).with_name("tgstreamd.1.in")


def page() -> str:
    """Return packaging/man/tgstreamd.1."""
    parts = [".SH VERBS"]
    for name, line, verb in choices():
        parts += [f".SS {_roff(name)}", f".B {_roff(usage(name, verb))}", ".PP"]
        parts.append(_roff(verb.description or line))
        for option, text in rows(verb):
            parts += [".TP", f".B {_roff(option)}", _roff(text)]
        if verb.epilog:
            # Preformatted, line by line.
            parts += [".PP", ".nf", *(_roff(one) for one in verb.epilog.splitlines()), ".fi"]
    return FRAME.read_text().replace("@VERBS@", "\n".join(parts) + "\n")


def _roff(text: str) -> str:
    """Escape a line so that roff shows it as it is."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{text}" if text.startswith((".", "'")) else text
