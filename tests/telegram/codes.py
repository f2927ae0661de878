"""How a login code is sent, and what follows where it does not come: scripted by tests, way after way.

Speaks the TL of `auth.SentCode` and nothing else. Sources: https://core.telegram.org/type/auth.SentCode,
https://core.telegram.org/api/auth, and what TDLib's AuthManager makes of each.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from telethon.tl import types

from .dispatch import RpcError

#: What comes in place of a code: the e-mail address to be set up, money, the login itself, the password.
WITHOUT_A_CODE = ("email-setup", "payment", "success", "password")
#: Codes that are words.
WORDS = ("word", "phrase")


@dataclass(frozen=True)
class Sent:
    """One way. `code` empty: the account's own; `then` is what `auth.resendCode` would do, empty for none."""

    kind: str = "app"
    code: str = ""
    then: str = "sms"
    timeout: int | None = 60
    #: The begin of a word or phrase; the e-mail's pattern; the number, or its begin, from which it is called.
    hint: str = ""

    def answer(self, code_hash: str, length: int) -> Any:
        """`auth.SentCode` or the one for who must pay."""
        if self.kind == "payment":
            return types.auth.SentCodePaymentRequired(
                "store", code_hash, "help@example.org", "code", 7, "USD", 99
            )
        then = {
            "": None,
            "sms": types.auth.CodeTypeSms(),
            "call": types.auth.CodeTypeCall(),
            "flashcall": types.auth.CodeTypeFlashCall(),
            "missed": types.auth.CodeTypeMissedCall(),
            "fragment": types.auth.CodeTypeFragmentSms(),
        }[self.then]
        return types.auth.SentCode(self._type(length), code_hash, next_type=then, timeout=self.timeout)

    def _type(self, length: int) -> Any:
        match self.kind:
            case "app":
                return types.auth.SentCodeTypeApp(length)
            case "sms":
                return types.auth.SentCodeTypeSms(length)
            case "firebase":
                return types.auth.SentCodeTypeFirebaseSms(length)
            case "call":
                return types.auth.SentCodeTypeCall(length)
            case "flashcall":
                return types.auth.SentCodeTypeFlashCall(self.hint)
            case "missed":
                return types.auth.SentCodeTypeMissedCall(self.hint, length)
            case "email":
                return types.auth.SentCodeTypeEmailCode(self.hint or "m**@e***.org", length)
            case "email-setup":
                return types.auth.SentCodeTypeSetUpEmailRequired()
            case "fragment":
                return types.auth.SentCodeTypeFragmentSms("https://fragment.com/login", length)
            case "word":
                return types.auth.SentCodeTypeSmsWord(self.hint or None)
            case "phrase":
                return types.auth.SentCodeTypeSmsPhrase(self.hint or None)
        raise ValueError(f"unknown kind of code {self.kind!r}")

    def given(self, request: Any) -> str:
        """The code in an `auth.signIn`: an e-mailed one comes by a field of its own (TDLib: AuthManager)."""
        verification = request.email_verification
        if self.kind == "email":
            if not isinstance(verification, types.EmailVerificationCode):
                raise RpcError(400, "PHONE_CODE_INVALID")
            return str(verification.code)
        return request.phone_code or ""


#: What happens where a test has scripted nothing.
USUAL = (Sent("app"), Sent("sms", then="call"), Sent("call", then=""))
