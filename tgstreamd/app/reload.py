"""Applies a changed configuration to the running daemon, on SIGHUP: pace, log level, alerts, mirrors.

A wrong file is refused and the old configuration stays in force; changes that need a restart are logged and
ignored. No transfer is dropped. Owns nothing but the configuration in force.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from ..config import Config
from ..domain.clock import Clock
from ..domain.errors import ConfigError, TelegramError
from ..domain.ports import Beat
from ..limits.pacer import Pacer
from ..mirrors.admission import Admission
from ..policy.pacing import Pace
from ..system.systemd import Systemd

log = structlog.get_logger()

IDLE = 60.0
#: Tables that only take effect at a start.
AT_START = ("telegram", "stream", "state", "metrics")


class Reload:
    """Reloads the configuration: `ask` is for a signal handler, `run` is the service."""

    def __init__(
        self,
        config: Config,
        reread: Callable[[], Config],
        admission: Admission,
        pacer: Pacer,
        systemd: Systemd,
        clock: Clock,
        *,
        log_as: Callable[[Config], None],
        tell: Callable[[Config], None] = lambda config: None,
    ) -> None:
        """`reread` loads the configuration again, or raises ConfigError; `log_as` configures the log by it;
        `tell` is called with the new configuration for components that read it at run time.
        """
        self.config = config
        self._reread = reread
        self._admission = admission
        self._pacer = pacer
        self._systemd = systemd
        self._clock = clock
        self._log_as = log_as
        self._tell = tell
        self._asked = asyncio.Event()

    def ask(self) -> None:
        self._asked.set()

    async def run(self, beat: Beat) -> None:
        while True:
            beat(IDLE)
            if await self._clock.wait(self._asked, self._clock.monotonic() + IDLE / 2):
                self._asked.clear()
                self._systemd.reloading()
                await self.once()
                self._systemd.ready()

    async def once(self) -> None:
        """Read the file again and apply it, or log why not."""
        try:
            new = self._reread()
        except ConfigError as error:
            log.error("configuration refused, the old one stays in force", why=error.line())
            return
        for table in AT_START:
            if getattr(new, table) != getattr(self.config, table):
                log.warning("this takes effect at the next start", table=table)
        if (new.log, new.alerts) != (self.config.log, self.config.alerts):
            # Alerts as well: the log hides the address of the heartbeat.
            self._log_as(new)
        self._pacer.pace = Pace(interval=new.pace.interval, account_interval=new.pace.account_interval)
        self.config = new
        self._tell(new)
        try:
            await self._admission.reconfigure(new.mirrors)
        except TelegramError as error:
            log.warning("mirrors will be judged within ten minutes", why=error.line())
        log.info("configuration reloaded", mirrors=[mirror.name for mirror in new.mirrors])
