"""The decisions that `retry` may reach after an error, as values. They decide nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Literal

from ..domain.errors import TgstreamdError
from ..domain.messages import Mirror, Value
from ..domain.refusals import Cure as Cure

Side = Literal["source", "target"]


class Confirmation(Value, frozen=True, kw_only=True):
    """A chat's answer to the question whether it is lost: it is not, unless a field says so."""

    #: The reason why the mirror cannot run; empty where it can.
    lost: str = ""
    #: The reason why there was no answer; empty where the chat has answered.
    unanswered: str = ""
    #: Valid until this unix time: the chat is not asked again before.
    until: float = 0.0


#: Asks one side of a mirror whether it is lost, where an error says so of it.
Confirm = Callable[[Mirror, Side], Awaitable[Confirmation]]


class Again(Value, frozen=True, kw_only=True):
    """Try again at `at`. `fresh`: nothing was carried out, so payload and floor id may be new."""

    at: float
    fresh: bool = True


class Unknown(Value, frozen=True, kw_only=True):
    """The call may have been carried out: find out from `at` on, before anything else is sent there.

    `search`: search first, even though the `random_id` is young. `last`: park if the search finds nothing.
    `was`: the call was answered as carried out, so if nothing is found, the message was deleted since.
    """

    at: float
    search: bool = False
    last: bool = False
    was: bool = False
    reason: str = ""


class Hold(Value, frozen=True, kw_only=True):
    """Wait until `until`; this call was not carried out. `widen`: the backlog is too fast.

    `unsure`: an earlier call may have been carried out: its outcome stays unknown, and is searched for after
    the hold. `counts`: the error's name is undocumented, so the wait counts as the job's own failure.
    """

    scope: Literal["method", "chat", "account"]
    method: str
    until: float
    reason: str
    widen: bool = False
    unsure: bool = False
    counts: bool = False


class HoldAccount(Value, frozen=True, kw_only=True):
    """Send nothing from this account until then; `until` is infinite where only a person can help.

    `unsure`: as in `Hold`.
    """

    until: float
    reason: str
    unsure: bool = False


class Refresh(Value, frozen=True, kw_only=True):
    """Fetch the media's reference again, then repeat the call at `at` (usually at once)."""

    at: float


class Resend(Value, frozen=True, kw_only=True):
    """Upload these parts again, or, where `parts` is empty, the whole file under a new `file_id`."""

    parts: tuple[int, ...]
    at: float


class Degrade(Value, frozen=True, kw_only=True):
    """Send the same message differently: it was refused for a reason with a known cure."""

    what: Cure
    reason: str


class Park(Value, frozen=True, kw_only=True):
    """Set the job aside with the reason; the queue continues. `blamed`: for a refusal that its chat denies.

    `unpaid`: for a price that the chat does not name, and that cannot be this message's own.
    """

    reason: str
    blamed: bool = False
    unpaid: bool = False


class Skip(Value, frozen=True, kw_only=True):
    """Copy nothing: there is nothing to copy."""

    reason: str


class AskChat(Value, frozen=True, kw_only=True):
    """Ask the chat, then decide: the error says that this side is lost, but may concern only the message."""

    side: Side


class WaitForChat(Value, frozen=True, kw_only=True):
    """Pause the mirror until then: it is unknown whether a chat is lost. `unsure`: as in `Hold`."""

    until: float
    reason: str
    unsure: bool = False


class PauseMirror(Value, frozen=True, kw_only=True):
    """Pause this mirror: one of its sides is out of reach. Others continue. `unsure`: as in `Hold`."""

    reason: str
    unsure: bool = False


class Stop(Value, frozen=True, kw_only=True):
    """Raise the error: the process cannot continue."""

    error: TgstreamdError


Decision = (
    Again
    | Unknown
    | Hold
    | HoldAccount
    | Refresh
    | Resend
    | Degrade
    | Park
    | Skip
    | AskChat
    | WaitForChat
    | PauseMirror
    | Stop
)
