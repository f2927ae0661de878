"""Documents the configuration from one list of keys: the page, tgstreamd.toml(5), the packaged example."""

from __future__ import annotations

import re

from tgstreamd.config import render, schema

RELOADED = (
    "`systemctl reload tgstreamd` applies `[pace]`, `[log]`, `[alerts]` and the mirrors; "
    "the rest counts at the next start.\n"
    "A wrong file is refused, and the old one stays in force."
)


def page() -> str:
    """Return docs/reference/configuration.md."""
    parts = [
        "# Configuration",
        "The file is TOML: `/etc/tgstreamd/config.toml`, or what `--config` names.\n"
        "What is unknown, of the wrong type or impossible is refused with the key's path and the reason.\n"
        + RELOADED,
        "`tgstreamd init` writes a file with your answers, "
        "and `tgstreamd config show` says what is in force and where it comes from.",
    ]
    for table in schema.tables():
        parts += [f"## `{table.heading}`", table.text]
        for key in table.keys:
            facts = f"{key.kind}; required" if key.required else f"{key.kind}; default {key.default}"
            parts += [f"### `{key.path}` {{ #{anchor(key.path)} }}", f"*{facts}*", key.text]
    parts += [ENVIRONMENT]
    return "\n\n".join(parts) + "\n"


def anchor(path: str) -> str:
    return path.replace(".", "-").replace("_", "-")


ENVIRONMENT = """\
## Environment and credentials

These variables are laid over the file, and are enough without any file for one mirror:
`TG_API_ID`, `TG_API_HASH`, `SOURCE_CHAT`, `TARGET_CHAT`, `SOURCE_TOPIC`, `TARGET_TOPIC`.
`TG_SESSION` is a session string of Telethon's, for machines where nobody can log in.
The service reads them from `/etc/default/tgstreamd`.
The same names are read as systemd credentials, which win over both; [Installing](../install.md) shows how."""


# The man page


def man() -> str:
    """Return packaging/man/tgstreamd.toml.5."""
    parts = [MAN_HEAD]
    for table in schema.tables():
        parts.append(f'.SH "{table.heading}"')
        parts.append(roff(table.text))
        for key in table.keys:
            text = key.text
            if not key.required and key.default != "–":
                text += f"\nDefault: {key.default}."
            if key.name == "kinds":
                text += f"\nOne of {key.kind.removeprefix('list of ').replace(' or ', ', ')}."
            parts += [".TP", f".B {roff(key.name)}", roff(text)]
    parts.append(MAN_FOOT)
    return "\n".join(parts) + "\n"


def roff(text: str) -> str:
    """Convert simple Markdown to roff; a line that begins with a full stop or apostrophe is escaped."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    text = re.sub(r"<(https?:[^>]+)>", r"\1", text)
    text = re.sub(r"`([^`]+)`", r"\\fB\1\\fR", text)
    return "\n".join(f"\\&{line}" if line.startswith((".", "'")) else line for line in text.split("\n"))


MAN_HEAD = """\
.\\" Made by `make reference` from tgstreamd/config/descriptions.py.
.TH TGSTREAMD.TOML 5 "" "tgstreamd" "File Formats"
.SH NAME
tgstreamd.toml \\- configuration of tgstreamd
.SH SYNOPSIS
.I /etc/tgstreamd/config.toml
.br
.I /etc/tgstreamd/NAME.toml
.SH DESCRIPTION
A TOML file.
What is unknown, of the wrong type or impossible is refused with the key's path and the reason.
.B systemctl reload tgstreamd
applies
.BR [pace] ", " [log] ", " [alerts]
and the mirrors; the rest counts at the next start.
A wrong file is refused, and the old one stays in force.
.PP
An example with every key is
.IR /usr/share/doc/tgstreamd/examples/config.toml ."""

MAN_FOOT = """\
.SH "SEE ALSO"
.BR tgstreamd (1)"""


# The example

EXAMPLE_HEAD = """\
# tgstreamd: every key, with its default. `tgstreamd init` writes a file like this one from your answers, and
# `tgstreamd check` says whether a start would succeed with it.
# Installed: /etc/tgstreamd/config.toml, root:tgstreamd, mode 0640. What is unknown or impossible is refused.
# `systemctl reload tgstreamd` applies [pace], [log], [alerts] and the mirrors; the rest counts at a start.
# Made by `make reference`."""
#: The keys that are not commented out.
EXAMPLE = {
    "telegram.api_id": 123456,
    "telegram.api_hash": "0123456789abcdef0123456789abcdef",
    "mirror.name": "main",
    "mirror.source": -1001234567890,
    "mirror.target": -1009876543210,
}


def example() -> str:
    """Return packaging/config.toml: valid as it is, every key shown with its default."""
    return render.written(EXAMPLE_HEAD, EXAMPLE)
