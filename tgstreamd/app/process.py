"""Runs the process around the daemon: its lock, ledger, connection, signals and end.

`run` implements `tgstreamd run`. Whatever ends the daemon passes through here; everything that was opened is
closed in reverse order, within seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog

from ..alerts.service import AlertService
from ..config import Config
from ..control import control_socket
from ..control.startup import Reception
from ..domain.clock import Clock, SystemClock
from ..domain.errors import TgstreamdError
from ..domain.log_in import UNKNOWN
from ..ledger import Store
from ..limits.login_grace import StoredLoginPatience
from ..limits.wall_clock import WallClock
from ..system import lock
from ..system.systemd import Systemd
from ..telegram.connect import connect
from .daemon import Daemon
from .reload import Reload
from .settings import pace, settings

if TYPE_CHECKING:
    from ..web.reading import Meter

log = structlog.get_logger()


async def run(config: Config, reread: Callable[[], Config], log_as: Callable[[Config], None]) -> int:
    """Run the daemon until SIGTERM or SIGINT (then return 0), or until something raises.

    On SIGHUP, `reread` loads the configuration again and `log_as` configures the log by it.
    """
    clock = SystemClock()
    systemd = Systemd(clock)
    loop = asyncio.get_running_loop()
    me = asyncio.current_task()
    assert me is not None
    stopped = False

    def stop() -> None:
        nonlocal stopped
        if not stopped:
            stopped = True
            systemd.stopping()
            log.info("stopping")
            me.cancel()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    # Ignored until there is a daemon to reload; by default it would kill the process.
    loop.add_signal_handler(signal.SIGHUP, lambda: None)
    try:
        await _run(config, clock, systemd, reread, log_as)
    except BaseExceptionGroup as errors:
        raise first(errors) from errors
    except asyncio.CancelledError:
        if not stopped:
            raise
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
    log.info("stopped")
    return 0


async def _run(
    config: Config,
    clock: Clock,
    systemd: Systemd,
    reread: Callable[[], Config],
    log_as: Callable[[Config], None],
) -> None:
    async with contextlib.AsyncExitStack() as stack:
        held = await lock.take(config.paths.lock, "tgstreamd run", clock)
        stack.callback(held.release)
        store = await Store.open(config.paths.ledger)
        stack.push_async_callback(store.close)

        def waiting(seconds: float, why: TgstreamdError) -> None:
            # systemd must not take a wait for a hang: the extension is renewed at least every 30 s.
            systemd.extend(60.0)
            reception.note = f"{why.line()}; next try in {seconds:.0f} s"
            systemd.status(f"starting: {reception.note}")

        wall = WallClock(store, clock)
        unknown = config.login_remedy(UNKNOWN)
        patience = StoredLoginPatience(store, clock, wall, hint=unknown)
        folder = config.paths.ledger.parent
        watch = AlertService(config.alerts, store, clock, directory=folder, log_in=unknown)
        reception = Reception(
            store, pace=pace(config), now=clock.now, configured=[mirror.name for mirror in config.mirrors]
        )
        group = await stack.enter_async_context(asyncio.TaskGroup())
        answering = control_socket.serve(config.paths.socket, reception.answer)
        stack.callback(group.create_task(answering, name="control").cancel)
        starting = watch.run_starting(lambda: patience.sentence)
        stack.callback(group.create_task(starting, name="watch the start").cancel)
        meter = await _show(config, reception, clock, stack) if config.metrics.listen else None
        connection = await connect(settings(config), clock=clock, waiting=waiting, patience=patience)
        stack.push_async_callback(connection.close)
        daemon = await Daemon.build(
            config, clock, systemd, store, connection, waiting, wall=wall, watch=watch
        )
        daemon.reread = reread
        reception.hand_over(daemon.desk)
        if meter:
            meter.hand_over(connection, daemon.watchdog.overdue)
        reload = Reload(
            config,
            reread,
            daemon.admission,
            daemon.pacer,
            systemd,
            clock,
            log_as=log_as,
            tell=daemon.reconfigured,
        )
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGHUP, reload.ask)
        stack.callback(loop.remove_signal_handler, signal.SIGHUP)
        await daemon.serve(waiting, reload)


async def _show(
    config: Config, reception: Reception, clock: Clock, stack: contextlib.AsyncExitStack
) -> Meter:
    """Serve metrics at the configured port, from now until the end."""
    # Imported only if configured: HTTP and metrics cost memory and time.
    from ..config.metrics import address
    from ..web.reading import Meter
    from ..web.routes import answers
    from ..web.server import listening

    meter = Meter(
        config.paths.ledger,
        lambda: reception.answer({"verb": "status"}),
        clock,
        remedy=config.login_remedy,
    )
    app = answers(meter, page=config.metrics.page, hosts=config.metrics.hosts)
    await stack.enter_async_context(listening(address(config.metrics.listen), app))
    return meter


def first(errors: BaseExceptionGroup) -> BaseException:
    """Return the first real error of a group: the others were cancelled because of it."""
    for error in errors.exceptions:
        return first(error) if isinstance(error, BaseExceptionGroup) else error
    return errors
