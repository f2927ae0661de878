"""Builds the remedy for a login: the command, or the variable that overrides the stored session.

Pure. A hint is written with `COMMAND`; `remedy` turns it into one that works for the given configuration.
"""

from __future__ import annotations

from typing import Final

COMMAND: Final = "tgstreamd login"
#: The same where `TG_SESSION` gives the session: it overrides the session that the command stores.
VARIABLE: Final = "put the string of a new session into TG_SESSION, or take TG_SESSION away and: "
#: The remedy while Telegram does not know a login.
UNKNOWN: Final = f"a fault of Telegram's passes by itself; for a new login stop tgstreamd, then: {COMMAND}"


def remedy(hint: str, *, by_variable: bool, option: str = "") -> str:
    """Return the hint with a command that works. `option`: the option that names the configuration."""
    if by_variable and COMMAND in hint and VARIABLE not in hint:
        # With or without backticks, the command ends its own sentence now.
        before, _, after = hint.partition(COMMAND)
        quote = "`" if before.endswith("`") else ""
        before = before.removesuffix("sudo ").removesuffix("`")
        hint = f"{before}{VARIABLE}{quote}{COMMAND}{after}"
    advised = COMMAND + option
    return hint if advised in hint else hint.replace(COMMAND, advised)
