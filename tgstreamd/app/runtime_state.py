"""Collects the state that only the running daemon knows, for `status` and the alerts.

Reads the components' memory on request. Keeps nothing, waits for nothing, changes nothing.
"""

from __future__ import annotations

from ..alerts.picture import Alive, moving
from ..control.status import Live, State, Unborn
from ..control.throughput import Rates
from ..ingest.updates import Capture
from ..limits.pacer import Pacer
from ..mirrors.admission import Admission
from ..mirrors.registry import MirrorRegistry
from ..system.resources import resident
from ..telegram.connect import Connection
from ..transfer.pipe import Pipe
from ..transfer.prefetch import Prefetcher


class Vitals:
    """Reads the components' state."""

    def __init__(
        self,
        connection: Connection,
        roster: MirrorRegistry,
        admission: Admission,
        capture: Capture,
        rates: Rates,
        pacer: Pacer,
        staging: Prefetcher,
        pipe: Pipe,
    ) -> None:
        self._connection = connection
        self._roster = roster
        self._admission = admission
        self._capture = capture
        self._rates = rates
        self._pacer = pacer
        self._staging = staging
        self._pipe = pipe

    def alive(self) -> Alive:
        """Return the state for the alerts."""
        mirrors = self._roster.mirrors
        return Alive(
            connected=self._connection.connected,
            frozen=self._roster.frozen,
            unknown=unknown.what if (unknown := self._connection.unknown_login) else "",
            mirrors=mirrors,
            unread=frozenset(id for id, mirror in mirrors.items() if self._capture.behind(mirror.source)),
            unborn={mirror.name: why for mirror, why in self._admission.unborn()},
            incoming=self._rates.incoming(),
            moving=moving(((one.mirror, one.transferred) for one in self._staging.transfers()), mirrors),
            pace=self._pacer.pace,
        )

    def live(self, state: State) -> Live:
        """Return the state for `status`."""
        return Live(
            state=state,
            account=self._roster.reader,
            transfers=tuple(self._staging.transfers()),
            window=self._pipe.window,
            buffer_parts=self._pipe.buffer_parts,
            memory_rss=resident(),
            note=unknown.line() if (unknown := self._connection.unknown_login) else "",
            incoming=self._rates.incoming(),
            outgoing=self._rates.outgoing(),
            refusals=dict(self._connection.tally.refusals),
            unborn=tuple(
                Unborn(
                    name=mirror.name,
                    source=mirror.source,
                    target=mirror.target,
                    source_topic=mirror.source_topic,
                    target_topic=mirror.target_topic,
                    why=why,
                )
                for mirror, why in self._admission.unborn()
            ),
        )
