"""Interprets login codes: how Telegram sent one, how it is entered, and which method comes next.

Pure, about `auth.SentCode` (https://core.telegram.org/type/auth.SentCode) and its types. TDLib's AuthManager
and SendCodeHelper show how a client handles each.
"""

from __future__ import annotations

import re
from typing import Any, Final

from telethon.tl import types

from ..domain.errors import Rejected
from ..domain.escaping import escape_text
from .error_messages import EMAIL, NO_CODE

#: Longest pattern, address or prefix from Telegram that is shown, in characters.
PART_MAX: Final = 100
#: Errors that say that the code was wrong, with the text for the user.
AGAIN: Final = {
    "PHONE_CODE_INVALID": "that is not the code",
    "CODE_INVALID": "that is not the code",
    "PHONE_CODE_EMPTY": "no code was given",
}
_NEXT: Final = {
    types.auth.CodeTypeSms: "sends it by SMS",
    types.auth.CodeTypeCall: "calls that number and tells it",
    types.auth.CodeTypeFlashCall: "calls that number: the code is the caller's",
    types.auth.CodeTypeMissedCall: "calls that number: the code is the end of the caller's",
    types.auth.CodeTypeFragmentSms: "sends it to fragment.com",
}


def refuse(sent: Any) -> None:
    """Raise Rejected if no code was sent and none can be obtained here."""
    if isinstance(sent, types.auth.SentCodePaymentRequired):
        what = "Telegram wants a login with this phone number to be paid for, in an official app"
        raise Rejected(what, error="SENT_CODE_PAYMENT_REQUIRED", hint=NO_CODE)
    if isinstance(sent.type, types.auth.SentCodeTypeSetUpEmailRequired):
        what = "Telegram sends no code before this account has an e-mail address for logins"
        raise Rejected(what, error="EMAIL_SETUP_REQUIRED", hint=EMAIL)


def sent_where(sent: Any) -> str:
    """Return where to look for the code and, on a second line, what to do if it does not arrive."""
    return "\n".join(filter(None, (f"{_where(sent.type)}.", _otherwise(sent))))


def _where(kind: Any) -> str:
    if isinstance(kind, types.auth.SentCodeTypeApp):
        return "Telegram sent a code to the apps where this account is logged in"
    if isinstance(kind, types.auth.SentCodeTypeCall):
        return "Telegram calls that number and tells the code"
    if isinstance(kind, types.auth.SentCodeTypeFlashCall):
        pattern = _part(kind.pattern)
        return f"Telegram calls that number from one like {pattern}: the code is the number that calls"
    if isinstance(kind, types.auth.SentCodeTypeMissedCall):
        return (
            f"Telegram calls that number from one that begins with {_part(kind.prefix)}: the code is its "
            f"last {kind.length} digits"
        )
    if isinstance(kind, types.auth.SentCodeTypeEmailCode):
        return f"Telegram sent a code by e-mail to {_part(kind.email_pattern)}"
    if isinstance(kind, types.auth.SentCodeTypeFragmentSms):
        return f"the code is at {_part(kind.url)}"
    if isinstance(kind, types.auth.SentCodeTypeSmsWord):
        return f"Telegram sent a word by SMS{_beginning(kind)}"
    if isinstance(kind, types.auth.SentCodeTypeSmsPhrase):
        return f"Telegram sent some words by SMS, to be given as they are{_beginning(kind)}"
    return "Telegram sent a code by SMS"


def _beginning(kind: Any) -> str:
    return f', beginning with "{_part(kind.beginning)}"' if kind.beginning else ""


def _part(text: str) -> str:
    """Sanitise a text from Telegram for use within one line."""
    return escape_text(text, PART_MAX)


def _otherwise(sent: Any) -> str:
    way = next_way(sent)
    if not way:
        return ""
    time = f" within {sent.timeout} s" if sent.timeout else ""
    return f"No code{time}: press Enter alone, and Telegram {way}."


def next_way(sent: Any) -> str:
    """Return how Telegram would send the code if asked to resend it; empty if it cannot be asked."""
    if sent.next_type is None and isinstance(sent.type, types.auth.SentCodeTypeFirebaseSms):
        return _NEXT[types.auth.CodeTypeSms]
    return _NEXT.get(type(sent.next_type), "sends it another way") if sent.next_type is not None else ""


def given(sent: Any, text: str) -> dict[str, Any]:
    """Return the fields of `auth.signIn` for a code as the user typed it."""
    kind = sent.type
    if isinstance(kind, types.auth.SentCodeTypeSmsWord | types.auth.SentCodeTypeSmsPhrase):
        return {"phone_code": text.strip()}
    # Users group digits, and copy them with surrounding text.
    digits = re.sub(r"[\s\-‐-―+().]", "", text)
    if isinstance(kind, types.auth.SentCodeTypeEmailCode):
        return {"email_verification": types.EmailVerificationCode(digits)}
    return {"phone_code": digits}
