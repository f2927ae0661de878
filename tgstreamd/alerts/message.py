"""Sends an alert as a message by the account itself, at the pace; gives up if its turn is far off.

Never the only channel (the configuration is refused otherwise), since the account may itself have failed. A
hold that Telegram orders in answer applies to all sends, as after any other.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from ..domain.clock import Clock
from ..domain.errors import NotAuthorised, TelegramError, Transient, Unnamed
from ..domain.messages import Draft, Mirror, Piece, Preview
from ..domain.ports import Ids, Target
from ..ledger import Store
from ..limits.pacer import Pacer
from ..mirrors.registry import MirrorRegistry
from ..policy.retry import Hold, HoldAccount, decide

#: Seconds that an alert waits for its turn.
PATIENCE = 30.0
TEXT_MAX = 3500


class Messages:
    """Sends alerts to chats, one after the other."""

    def __init__(
        self,
        target: Target,
        resolve: Callable[[int | str], Awaitable[int]],
        store: Store,
        roster: MirrorRegistry,
        pacer: Pacer,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._target = target
        self._resolve = resolve
        self._store = store
        self._roster = roster
        self._pacer = pacer
        self._clock = clock
        self._ids = ids
        self._chats: dict[int | str, int] = {}
        #: A text of unknown outcome, and the `random_id` that makes a second attempt safe.
        self._again: tuple[str, int] | None = None

    async def send(self, chat: int | str, text: str) -> str:
        """Send the text; return why that failed, empty if it did not."""
        text = text[:TEXT_MAX]
        if not self._target.connected:
            return "no connection to Telegram"
        try:
            return await self._send(chat, text)
        except NotAuthorised:
            raise
        except TelegramError as error:
            return error.line()

    async def _send(self, ref: int | str, text: str) -> str:
        if ref == "me":
            chat = self._roster.writer.id
        else:
            if ref not in self._chats:
                self._chats[ref] = await self._resolve(ref)
            chat = self._chats[ref]
        if any(chat in (mirror.source, mirror.target) for mirror in self._roster.mirrors.values()):
            return "alerts.chat is a mirror's own chat"
        place = Mirror(id=0, name="alerts", source=0, target=chat)
        draft = Draft(pieces=(Piece(source_id=0, text=text),), preview=Preview(mode="none"))
        given_up = self._clock.monotonic() + PATIENCE
        while True:
            await self._pacer.load()
            ahead = self._pacer.not_before(place, False, draft.method) - self._clock.now()
            if ahead <= 0:
                break
            if self._clock.monotonic() + ahead > given_up:
                return f"the pace or a hold keeps it for {ahead:.0f} s"
            await self._clock.sleep_until(self._clock.monotonic() + ahead)
        number = self._again[1] if self._again and self._again[0] == text else self._ids.random_id()
        # Marked before the answer, so that no mirror sends at the same time, and after it, as for every send.
        await self._pacer.charge_message(chat, 1)
        # Kept until the outcome is known, even if the caller gives up waiting.
        self._again = (text, number)
        try:
            await self._target.send(chat, draft, [number], [None])
        except Unnamed:
            pass  # the first attempt had arrived, and its message is deleted already
        except TelegramError as error:
            if not isinstance(error, Transient):
                self._again = None
            await self._record_hold(error, place)
            raise
        self._again = None
        await self._pacer.charge_message(chat, 1)
        return ""

    async def _record_hold(self, error: TelegramError, place: Mirror) -> None:
        """Record a flood wait or a limit for all further sends."""
        said = decide(
            error,
            attempts=1,
            now=self._clock.now(),
            troubled_for=0.0,
            attempted=True,
            unsure=False,
            repeats=1,
            strikes=self._pacer.holds.seen.strikes,
        )
        if isinstance(said, Hold):
            await self._pacer.hold(said, place)
        elif isinstance(said, HoldAccount):
            await self._pacer.holds.hold_account(said)
