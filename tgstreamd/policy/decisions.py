"""What may follow an error: the verdicts that `retry` reaches, as values. They decide nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Literal

from ..domain.errors import TgstreamdError
from ..domain.messages import Mirror, Value
from ..domain.refusals import Cure as Cure

Side = Literal["source", "target"]


class Confirmation(Value, frozen=True, kw_only=True):
    """What a chat, asked whether it is really lost, has said: nothing of the kind, unless a field says so."""

    #: Why the mirror cannot run; empty where it can.
    lost: str = ""
    #: Why nobody could say; empty where the chat has answered.
    unanswered: str = ""
    #: Until when it counts (unix time): the chat is not asked again before.
    until: float = 0.0


#: Asks one side of a mirror whether it is lost, where an error says so of it.
Confirm = Callable[[Mirror, Side], Awaitable[Confirmation]]


class Again(Value, frozen=True, kw_only=True):
    """Try again at `at`. `fresh`: nothing was carried out, so that payload and floor id may be new."""

    at: float
    fresh: bool = True


class Unknown(Value, frozen=True, kw_only=True):
    """It may have been carried out: from `at` on, find out, before anything else goes there.

    `search`: look first, even though the `random_id` is young. `last`: park if the search is empty.
    `was`: it was answered as carried out, so an empty search means that it was deleted since.
    """

    at: float
    search: bool = False
    last: bool = False
    was: bool = False
    reason: str = ""


class Hold(Value, frozen=True, kw_only=True):
    """Not before `until`; this call was not carried out. `widen`: the backlog is too fast.

    `unsure`: an earlier call may have been: the outcome stays unknown, and is searched for after the hold.
    `counts`: by a name that nobody has heard of, so that the wait is the job's own trouble.
    """

    scope: Literal["method", "chat", "account"]
    method: str
    until: float
    reason: str
    widen: bool = False
    unsure: bool = False
    counts: bool = False


class HoldAccount(Value, frozen=True, kw_only=True):
    """The account sends nothing until then; `until` is infinite where only a person can help.

    `unsure`: as in `Hold`.
    """

    until: float
    reason: str
    unsure: bool = False


class Refresh(Value, frozen=True, kw_only=True):
    """Fetch the reference of the media again, then the same at `at` (mostly: at once)."""

    at: float


class Resend(Value, frozen=True, kw_only=True):
    """Upload these parts again, or, where none is named, the whole file under a new `file_id`."""

    parts: tuple[int, ...]
    at: float


class Degrade(Value, frozen=True, kw_only=True):
    """Refused for a reason with a known cure: the same message, differently."""

    what: Cure
    reason: str


class Park(Value, frozen=True, kw_only=True):
    """Set it aside with the reason; the queue goes on. `blamed`: for what its chat denies having said.

    `unpaid`: for a price that the chat does not name, and that can be no message's own.
    """

    reason: str
    blamed: bool = False
    unpaid: bool = False


class Skip(Value, frozen=True, kw_only=True):
    """There is nothing to copy."""

    reason: str


class AskChat(Value, frozen=True, kw_only=True):
    """The error says that this side is lost, and may be the message's all the same: ask, and decide then."""

    side: Side


class WaitForChat(Value, frozen=True, kw_only=True):
    """Nobody knows whether a chat is lost: the mirror sends nothing until then. `unsure`: as in `Hold`."""

    until: float
    reason: str
    unsure: bool = False


class PauseMirror(Value, frozen=True, kw_only=True):
    """One side of the mirror is out of reach; the others go on. `unsure`: as in `Hold`."""

    reason: str
    unsure: bool = False


class Stop(Value, frozen=True, kw_only=True):
    """The process cannot go on: raise the error."""

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
