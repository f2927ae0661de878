"""Notifies systemd, and feeds its watchdog.

Speaks sd_notify (https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html) over a socket that
it removes from the environment, so that no child can notify for us; without one it sends nothing. Sending
never blocks and never fails. The watchdog is fed only while no service is overdue and the store answers:
never by a bare timer.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Awaitable, Callable, MutableMapping, Sequence

import sdnotify

from ..domain.clock import Clock
from ..domain.escaping import escape_text

#: A service may promise to report again at most this many seconds ahead.
LONGEST_PROMISE = 60.0
#: Seconds between checks of the services where systemd asks for no watchdog.
UNWATCHED_PERIOD = 30.0


class Systemd:
    """A connection to systemd."""

    def __init__(self, clock: Clock, environ: MutableMapping[str, str] = os.environ) -> None:
        self._clock = clock
        address = environ.pop("NOTIFY_SOCKET", "")
        usec, pid = environ.pop("WATCHDOG_USEC", ""), environ.pop("WATCHDOG_PID", "")
        ours = not pid or pid == str(os.getpid())
        #: Seconds after which systemd kills a daemon that was not fed; None where it does not watch.
        self.watchdog: float | None = int(usec) / 1e6 if usec.isdigit() and int(usec) and ours else None
        self._notifier = sdnotify.SystemdNotifier()
        # sdnotify's own socket blocks, and comes from the environment that was just cleaned.
        self._notifier.socket = _connect(address)
        self._status = ""

    def ready(self) -> None:
        self._say("READY=1")

    def reloading(self) -> None:
        """Announce a reload, with the time as `Type=notify-reload` requires; `ready()` ends it."""
        self._say(f"RELOADING=1\nMONOTONIC_USEC={int(self._clock.monotonic() * 1e6)}")

    def stopping(self) -> None:
        self._say("STOPPING=1")

    def status(self, line: str) -> None:
        """Set the line that `systemctl status` shows; sent only when it changes."""
        line = escape_text(" ".join(line.split()))
        if line != self._status:
            self._status = line
            self._say(f"STATUS={line}")

    def extend(self, seconds: float) -> None:
        """Ask for at least `seconds` more to start or stop."""
        self._say(f"EXTEND_TIMEOUT_USEC={int(seconds * 1e6)}")

    def feed(self) -> None:
        self._say("WATCHDOG=1")

    def _say(self, state: str) -> None:
        # sdnotify suppresses errors, also those of an absent or full socket; it encodes Latin-1 where
        # systemd reads UTF-8, hence the detour.
        self._notifier.notify(state.encode().decode("latin-1"))


def _connect(address: str) -> socket.socket | None:
    if not address or address[0] not in "/@":
        return None  # AF_VSOCK is for machines, not for services in them
    line = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
    line.setblocking(False)
    try:
        line.connect("\0" + address[1:] if address[0] == "@" else address)
    except OSError:
        line.close()
        return None
    return line


class Watchdog:
    """Records when each service has promised its next report. Pure but for the clock it reads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._due: dict[str, float] = {}

    def beat(self, name: str) -> Callable[[float], None]:
        """Return the `ports.Beat` of one service, whose first report is due within a minute from now."""

        def beat(seconds: float) -> None:
            self._due[name] = self._clock.monotonic() + min(seconds, LONGEST_PROMISE)

        beat(LONGEST_PROMISE)
        return beat

    def leave(self, name: str) -> None:
        """Remove a service that ended in order."""
        self._due.pop(name, None)

    def overdue(self, now: float) -> list[str]:
        """Return the services whose promised time is before `now`, the longest overdue first."""
        return [name for name, due in sorted(self._due.items(), key=lambda item: item[1]) if due < now]


async def feeder(
    systemd: Systemd,
    watchdog: Watchdog,
    clock: Clock,
    store_answers: Callable[[], Awaitable[object]],
    stuck: Callable[[Sequence[str]], None],
) -> None:
    """Feed systemd's watchdog for ever, as long as every service reports in time.

    `store_answers` returns when the store has answered a no-op; until then, the watchdog is not fed. `stuck`
    is called with the overdue services, once a period.
    """
    # Twice as often as needed, as sd_watchdog_enabled(3) recommends, and a little more often than that.
    period = systemd.watchdog / 2.5 if systemd.watchdog else UNWATCHED_PERIOD
    while True:
        await store_answers()
        late = watchdog.overdue(clock.monotonic())
        if late:
            stuck(late)
        else:
            systemd.feed()
        await clock.sleep_until(clock.monotonic() + period)
