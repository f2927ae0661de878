"""What a person does for a login that counts: the command, or the variable that wins over what it stores.

Pure. A hint is written with `COMMAND`; `remedy` makes of it one that works for the configuration at hand.
"""

from __future__ import annotations

from typing import Final

COMMAND: Final = "tgstreamd login"
#: The same where `TG_SESSION` gives the session: it wins over whatever the command stores.
VARIABLE: Final = "put the string of a new session into TG_SESSION, or take TG_SESSION away and: "
#: What there is to do while Telegram does not know a login.
UNKNOWN: Final = f"a fault of Telegram's passes by itself; for a new login stop tgstreamd, then: {COMMAND}"


def remedy(hint: str, *, by_variable: bool, option: str = "") -> str:
    """The hint with a command that works. `option`: what the command needs to mean this configuration."""
    if by_variable and COMMAND in hint and VARIABLE not in hint:
        # Quoted or not, the command ends a sentence of its own now.
        before, _, after = hint.partition(COMMAND)
        quote = "`" if before.endswith("`") else ""
        before = before.removesuffix("sudo ").removesuffix("`")
        hint = f"{before}{VARIABLE}{quote}{COMMAND}{after}"
    advised = COMMAND + option
    return hint if advised in hint else hint.replace(COMMAND, advised)
