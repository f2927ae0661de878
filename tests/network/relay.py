"""A process between the daemon and the local Telegram that does to the line what a test says.

`python -m tests.network.relay --to 4430 4431` passes two data centres on, prints one JSON line with where it
listens, and takes commands on a loopback socket, as the local Telegram does. Everything but `lose` and the
black hole's silence towards SYN is the same with and without a cable of real packets (`--cable`).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import socket
import struct
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from tests.network.cable import FAR, Cable

#: Without a cable: where the servers listen, before and after they move.
PLACES = ("127.0.0.1", "127.0.0.2")
#: TCP's own first wait before it sends a segment again, and the size of one (RFC 6298, RFC 879).
AGAIN, SEGMENT = 0.2, 1448
RESET = struct.pack("ii", 1, 0)


class Line:
    """One connection through the relay, in both directions."""

    def __init__(self, relay: Relay) -> None:
        self.relay = relay
        #: The client's, then the server's.
        self.ends: list[asyncio.StreamWriter] = []
        #: The server's side is gone and the client does not know: it learns when it says something.
        self.forgotten = False

    async def carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, up: bool = False
    ) -> None:
        due = 0.0
        loop = asyncio.get_running_loop()
        later: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

        async def deliver() -> None:
            while True:
                when, data = await later.get()
                await asyncio.sleep(when - loop.time())
                await self.relay.flows.wait()
                writer.write(data)

        delivering = asyncio.ensure_future(deliver())
        try:
            while data := await reader.read(4096 if self.relay.narrow(up) else 65536):
                if self.forgotten:
                    self.reset(slice(1))
                    return
                # In order, as TCP delivers: what is late holds up what is behind it.
                due = max(
                    due, self.relay.through(len(data), up) + self.relay.delay + self.relay.stall(len(data))
                )
                later.put_nowait((due, data))
                if self.relay.narrow(up) and not self.relay.hides:
                    await asyncio.sleep(due - loop.time())
        finally:
            delivering.cancel()

    def reset(self, ends: slice = slice(None)) -> None:
        for writer in self.ends[ends]:
            line = writer.get_extra_info("socket")
            with contextlib.suppress(OSError):
                line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            writer.transport.abort()


class Relay:
    """Passes on what comes for each of `to` (ports on loopback)."""

    def __init__(self, to: list[int], cable: Cable | None, seed: int, host: str = "127.0.0.1") -> None:
        self.to = to
        #: The address that the servers see clients come from.
        self.host = host
        self.cable = cable
        self.place = 0
        #: Not set in a black hole: what is under way stays where it is.
        self.flows = asyncio.Event()
        self.flows.set()
        self.delay = 0.0
        self.loss = 0.0
        #: Bytes a second that all lines together bring up to the server, and down; 0: as many as they like.
        self.rates = [0.0, 0.0]
        #: Whether it takes everything at once all the same, as a proxy or a bloated buffer does.
        self.hides = False
        self._free = [0.0, 0.0]
        #: Bytes that went up to the server.
        self.sent = 0
        self.lines: set[Line] = set()
        self.ports: list[int] = [0] * len(to)
        self.finished = asyncio.Event()
        self._chance = random.Random(seed)
        self._listening: list[asyncio.Server] = []

    def stall(self, size: int) -> float:
        """Without a cable: how long TCP would take to bring so much over, at this loss."""
        waits = 0.0
        for _ in range(-(-size // SEGMENT)):
            tries = 0
            while self._chance.random() < self.loss and tries < 6:
                waits += AGAIN * 2**tries
                tries += 1
        return waits

    def narrow(self, up: bool) -> bool:
        return self.rates[not up] > 0

    def through(self, size: int, up: bool) -> float:
        """When so many bytes are through the slowest place, where those of all lines stand in a queue."""
        self.sent += size if up else 0
        now = asyncio.get_running_loop().time()
        if self.narrow(up):
            now = self._free[up] = max(now, self._free[up]) + size / self.rates[not up]
        return now

    async def listen(self) -> None:
        places = FAR if self.cable else PLACES
        for number in range(len(self.to)):

            def bound(number: int = number) -> socket.socket:
                made = socket.socket()
                made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if self.rates[0] and not self.hides:
                    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
                made.bind((places[self.place], self.ports[number]))
                return made

            line = self.cable.within(bound) if self.cable else bound()
            self.ports[number] = line.getsockname()[1]

            async def come(
                reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int = number
            ) -> None:
                await self._come(number, reader, writer)

            self._listening.append(await asyncio.start_server(come, sock=line))

    async def _come(self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = Line(self)
        self.lines.add(line)
        line.ends = [writer]
        try:
            there, back = await asyncio.open_connection(
                "127.0.0.1", self.to[number], local_addr=(self.host, 0)
            )
            line.ends.append(back)
            ways = [
                asyncio.ensure_future(line.carry(reader, back, up=True)),
                asyncio.ensure_future(line.carry(there, writer)),
            ]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            await self.flows.wait()  # in a hole one end may be gone, and the other does not learn of it
            if line.forgotten:
                await asyncio.wait(ways[:1])
            for way in ways:
                way.cancel()
        except OSError:
            pass
        finally:
            self.lines.discard(line)
            for end in line.ends:
                end.close()

    @property
    def address(self) -> list[list[Any]]:
        places = FAR if self.cable else PLACES
        return [[places[self.place], port] for port in self.ports]

    # Commands.

    async def do_pass(self) -> None:
        """All is well again."""
        self.flows.set()
        self.delay = self.loss = 0.0
        self.rates = [0.0, 0.0]
        if self.cable:
            self.cable.hole, self.cable.delay, self.cable.loss, self.cable.rate = False, 0.0, 0.0, 0.0
        if not self._listening:
            await self.listen()

    async def do_reset(self) -> int:
        """Every connection gets a RST, once; how many."""
        lines = list(self.lines)
        for line in lines:
            line.reset()
        return len(lines)

    async def do_refuse(self) -> None:
        """Nobody listens any more."""
        for server in self._listening:
            server.close()
        self._listening.clear()
        await self.do_reset()

    async def do_swallow(self) -> None:
        """A black hole: no byte passes, and nobody is told."""
        if self.cable:
            self.cable.hole = True
        else:
            self.flows.clear()

    async def do_half_open(self) -> None:
        """The server's side is gone, and the client is not told: it learns when it says something."""
        if self.cable:
            self.cable.hole = True
        for line in list(self.lines):
            line.forgotten = not self.cable
            line.reset(slice(None) if self.cable else slice(1, None))
        if self.cable:
            await asyncio.sleep(0.2)  # for the resets to fall into the hole
            self.cable.hole = False

    async def do_slow(self, seconds: float) -> None:
        """Latency, there and back together."""
        (self.cable or self).delay = seconds / 2

    async def do_narrow(self, up: float, down: float = 0.0, *, hides: bool = False) -> None:
        """So many bytes a second, all connections together. The cable knows only `up`, and hides nothing.

        Without a cable, connections that are to feel it at once are made after this.
        """
        if self.cable:
            self.cable.rate = up
        else:
            self.rates, self.hides = [up, down], hides
            for server in self._listening:
                server.close()
            self._listening.clear()
            await self.listen()

    async def do_lose(self, share: float) -> None:
        """This share of the packets is lost. Without a cable they are as late as TCP would bring them."""
        (self.cable or self).loss = share

    async def do_move(self) -> list[list[Any]]:
        """The servers go away where they are, and come up on another address of the same port."""
        await self.do_refuse()
        self.place = 1 - self.place
        await self.listen()
        return self.address

    async def do_counted(self) -> dict[str, int]:
        """Packets passed and lost, connections, and bytes that went up to the server."""
        cable = self.cable
        return {
            "passed": cable.passed if cable else 0,
            "lost": cable.lost if cable else 0,
            "lines": len(self.lines),
            "sent": cable.sent if cable else self.sent,
        }

    async def do_stop(self) -> None:
        self.finished.set()

    # The socket for them.

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while line := await reader.readline():
                request = json.loads(line)
                command: Callable[..., Awaitable[Any]] = getattr(self, f"do_{request.pop('do')}")
                writer.write(json.dumps({"ok": True, "result": await command(**request)}).encode() + b"\n")
                await writer.drain()
        # Whoever commanded us is gone: so are we.
        self.finished.set()


async def _main(options: argparse.Namespace, cable: Cable | None) -> None:
    relay = Relay(options.to, cable, options.seed, options.host)
    if cable:
        cable.begin()
    await relay.listen()
    control = await asyncio.start_server(relay.serve, "127.0.0.1", 0)
    ready = {
        "addresses": relay.address,
        "control": control.sockets[0].getsockname()[1],
        "namespace": f"/proc/{os.getpid()}/fd/{cable.near}" if cable else None,
    }
    sys.stdout.write(json.dumps(ready) + "\n")
    sys.stdout.flush()
    await relay.finished.wait()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.network.relay", description=__doc__.split("\n")[0])
    parser.add_argument("--to", type=int, nargs="+", required=True, help="ports of the local Telegram")
    parser.add_argument("--cable", action="store_true", help="real packets (root)")
    parser.add_argument("--host", default="127.0.0.1", help="where its clients seem to come from")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    asyncio.run(_main(options, Cable(random.Random(options.seed)) if options.cable else None))


if __name__ == "__main__":
    main()
