"""Checks the state twice a minute and sends the heartbeat, alerts and the daily line.

Reported alerts are a fact in the ledger, so that a restart repeats none; an alert counts as reported once a
channel accepted it. Before the daemon runs only the login is checked. The service's own errors are logged at
intervals and are never an alert.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import msgspec
import structlog

from ..config.alerts import Alerts
from ..domain.clock import Clock
from ..domain.errors import StoreError
from ..domain.log_in import UNKNOWN
from ..domain.ports import Beat
from ..ledger import READER, Store
from ..limits.holds import Holds
from ..policy.alert_conditions import Kind, Limits, Motion, Picture, moved, stalled
from ..policy.alert_state import Alert, Known, failed, line, tell
from ..system.log_setup import Repeated
from ..system.resources import free
from .channels import Channels, Send, Tried
from .daily_summary import Daybook
from .heartbeat import Heartbeat
from .picture import Alive, picture

log = structlog.get_logger()

#: Seconds between checks, between heartbeats, and between checks before the daemon runs.
EVERY, BEAT_EVERY = 30.0, 60.0
STARTING_EVERY = 5.0
IDLE = 60.0
#: More alerts than this in one check are reported as one.
SEVERAL = 5
#: The alerts that can be detected before the daemon runs.
AT_START: frozenset[Kind] = frozenset({"login unknown"})
#: The ledger's fact that holds the reported alerts.
KEY = "alerts"


class AlertService:
    """The alert service: `run` is its loop, `step` one check."""

    def __init__(
        self,
        settings: Alerts,
        store: Store,
        clock: Clock,
        *,
        alive: Callable[[], Alive] | None = None,
        send: Send | None = None,
        heartbeat: Heartbeat | None = None,
        directory: Path,
        space: Callable[[Path], int | None] = free,
        log_in: str = UNKNOWN,
    ) -> None:
        """`send(chat, text)` sends a message and returns why that failed; `space` returns the free bytes;
        `log_in` is what to do about an unknown login. `alive` and `send` may be passed later."""
        #: The settings in force; a reload replaces them.
        self.settings = settings
        self._store = store
        self._clock = clock
        self._alive = alive
        self._send = send
        self._heartbeat = heartbeat or Heartbeat()
        self._directory = directory
        self._space = space
        self._log_in = log_in
        self._ways = Channels(clock, self._message)
        self._daybook = Daybook(store, self._keep)
        self._repeated = Repeated(clock, every=3600.0)
        self._known: dict[str, Known] | None = None
        self._running = False
        #: One check at a time: the last one before the daemon runs may still be reporting.
        self._looking = asyncio.Lock()
        self._motions: dict[str, Motion] = {}
        #: The first heartbeat follows a minute after the start, so that a crashing daemon sends none.
        self._beat_at = clock.monotonic() + BEAT_EVERY

    def hand_over(self, *, alive: Callable[[], Alive], send: Send) -> None:
        """Set what becomes available once the daemon is built."""
        self._alive, self._send = alive, send

    async def run_starting(self, unknown: Callable[[], str | None]) -> None:
        """Check only the login until the daemon runs. `unknown` returns a sentence if Telegram does not know
        it, empty if it does, None while it has not been asked."""
        while not self._running:
            await self.step_starting(unknown())
            await self._clock.sleep_until(self._clock.monotonic() + STARTING_EVERY)

    async def step_starting(self, unknown: str | None) -> None:
        """Make one check of the login."""
        if unknown is not None:
            seen = Picture(at=self._clock.now(), unknown=unknown, log_in=self._log_in)
            await self._tell(seen, lambda seconds: None, kinds=AT_START)

    async def run(self, beat: Beat) -> None:
        self._running = True
        while True:
            beat(IDLE)
            await self.step(beat)
            await self._clock.sleep_until(self._clock.monotonic() + EVERY)

    async def step(self, beat: Beat = lambda seconds: None) -> None:
        """Make one check and report its results."""
        assert self._alive is not None, "a look at the mirrors needs a daemon"
        standings, holds = await self._store.standings(), Holds(await self._store.holds(READER))
        alive = self._alive()
        now = self._clock.now()
        space = self._space(self._directory)
        seen = picture(
            standings, holds, alive, now=now, directory=self._directory, free=space, log_in=self._log_in
        )
        late = {view.name: view.late for view in seen.mirrors}
        held = {
            one.mirror.name: bool(one.live or one.backlog)
            and holds.on_messages(one.mirror.id, one.mirror.target, now) is not None
            for one in standings
        }
        await self._daybook.look(standings, late, held, now=now)
        await self._pulse(seen)
        await self._tell(seen, beat)

    # -- the heartbeat --------------------------------------------------------------------------------

    async def _pulse(self, seen: Picture) -> None:
        now = self._clock.monotonic()
        self._motions = moved(self._motions, seen.mirrors, now)
        url = self.settings.heartbeat_url
        if not url or now < self._beat_at:
            return
        if why := stalled(seen, self._motions, now, self.settings.stall):
            self._repeated.trouble("stalled", "heartbeat withheld", why=why)
            return
        self._repeated.recovered("stalled", "heartbeat goes on")
        self._beat_at = now + BEAT_EVERY
        if why := await self._heartbeat.beat(url):
            self._repeated.trouble("heartbeat", "heartbeat did not get through", why=why)
        else:
            self._repeated.recovered("heartbeat", "heartbeat gets through again")

    # -- alerts ---------------------------------------------------------------------------------------

    async def _tell(self, seen: Picture, beat: Beat, *, kinds: Collection[Kind] | None = None) -> None:
        """Report what is new in a picture; `kinds`: the alerts that can be detected in it, if not all."""
        async with self._looking:
            await self._tell_alone(seen, beat, kinds)

    async def _tell_alone(self, seen: Picture, beat: Beat, kinds: Collection[Kind] | None) -> None:
        if self._known is None:
            self._known = _read(await self._store.fact(KEY))
        # Alerts that cannot be checked now keep their state.
        hidden = {key: old for key, old in self._known.items() if kinds is not None and old.kind not in kinds}
        before = {key: old for key, old in self._known.items() if key not in hidden}
        limits = Limits(lag=self.settings.lag, free=self.settings.free_mb * 1_000_000)
        alerts, after = tell(before, seen, limits)
        for alert in alerts:
            known = before.get(alert.key)
            if known is None or not known.tries:  # a further attempt is no news
                _log(alert)
        # Many alerts at once are reported together, by one run of the command.
        for told in [alerts] if len(alerts) > SEVERAL else [[alert] for alert in alerts]:
            tried = await self._ways.tell(self.settings, told, beat)
            # If no channel is configured, the journal entry is the report.
            if tried and all(one.why for one in tried):
                # Alerts reported before count; the rest would fail as well, and delay the heartbeat.
                for alert in alerts[alerts.index(told[0]) :]:
                    after[alert.key] = failed(before.get(alert.key), after[alert.key], alert)
                break
        if after != before:
            self._known = hidden | after
            await self._keep(KEY, msgspec.json.encode(self._known).decode())

    async def _message(self, chat: int | str, text: str) -> str:
        return await self._send(chat, text) if self._send else "no connection to Telegram"

    async def _keep(self, key: str, value: str) -> None:
        """Store a fact in the ledger. A full disk must not end the daemon; a restart then repeats the
        alert."""
        try:
            await self._store.set_fact(key, value)
        except StoreError as error:
            self._repeated.trouble("ledger", "what was told could not be kept", why=error.line())
        else:
            self._repeated.recovered("ledger", "what was told is kept again")

    async def try_out(self) -> dict[str, Any]:
        """Try every configured channel now, for the command `alert`."""
        now = self._clock.now()
        text = "this is a test: whoever reads it will also be told when something is wrong"
        test = Alert(event="test", kind="test", mirror="", text=text, hint="", since=now, at=now)
        tried = await self._ways.tell(self.settings, [test], lambda seconds: None)
        if url := self.settings.heartbeat_url:
            tried.append(Tried(way="heartbeat_url", why=await self._heartbeat.beat(url)))
        return {"ways": [{"way": one.way, "why": one.why, "output": one.output} for one in tried]}


def _read(stored: str) -> dict[str, Known]:
    """Return the reported alerts; none if another version wrote them in a different format."""
    try:
        return msgspec.json.decode(stored, type=dict[str, Known]) if stored else {}
    except msgspec.MsgspecError:
        return {}


def _log(alert: Alert) -> None:
    keys = {"kind": alert.kind, "mirror": alert.mirror or None, "what": line(alert)}
    if alert.event == "alert":
        log.warning("alert", **keys)
    elif alert.event == "reminder":
        log.warning("alert still stands", **keys)
    else:
        log.info("well again", **keys)
