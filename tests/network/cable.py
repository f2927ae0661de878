"""A cable of real packets between two network namespaces: the kernel's own TCP on both ends, ours in between.

Two TUN devices; what one end sends is written to the other, later (`delay`), or never (`loss`, `hole`), so
that retransmission, timeouts and resets are those of the kernel. Needs root and /dev/net/tun. Nothing of it
is in the namespace of the test: the devices go away with the process that made them.
"""

from __future__ import annotations

import asyncio
import ctypes
import fcntl
import os
import random
import struct
import subprocess
from collections.abc import Callable

CLONE_NEWNET = 0x40000000
TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 0x1, 0x1000
#: The server's end may have several addresses; the client's has one.
NEAR, FAR = "10.77.0.2", ("10.77.0.1", "10.77.0.3")


def possible() -> bool:
    """Whether this process may make namespaces and devices."""
    return os.geteuid() == 0 and os.access("/dev/net/tun", os.W_OK)


#: What a cheap router holds for a slow line.
QUEUE = 64 * 1024


class Cable:
    """Made before the loop runs. `near` and `far` are descriptors of the two namespaces."""

    def __init__(self, chance: random.Random) -> None:
        self.loss = 0.0
        #: Seconds that each packet takes, each way.
        self.delay = 0.0
        #: Bytes a second from the near end to the far one, behind a queue of `QUEUE` bytes; 0: no limit.
        self.rate = 0.0
        self.sent = 0
        self._free = 0.0
        self.hole = False
        self.lost = self.passed = 0
        self._chance = chance
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        self.near, self._ends = _namespace([NEAR])
        self.far, other = _namespace(list(FAR))
        self._ends += other
        os.setns(home, CLONE_NEWNET)
        self._home = home

    def within[T](self, make: Callable[[], T]) -> T:
        """What `make` opens belongs to the server's end of the cable."""
        os.setns(self.far, CLONE_NEWNET)
        try:
            return make()
        finally:
            os.setns(self._home, CLONE_NEWNET)

    def begin(self) -> None:
        loop = asyncio.get_running_loop()
        for end, other in (self._ends, self._ends[::-1]):
            loop.add_reader(end, self._read, end, other)

    def _read(self, end: int, other: int) -> None:
        try:
            packet = os.read(end, 65536)
        except BlockingIOError:
            return
        if self.hole or (self.loss and self._chance.random() < self.loss):
            self.lost += 1
            return
        wait = self.delay
        if end == self._ends[0]:
            now = asyncio.get_running_loop().time()
            if self.rate:
                if (self._free - now) * self.rate > QUEUE:
                    self.lost += 1  # its queue is full
                    return
                self._free = max(now, self._free) + len(packet) / self.rate
                wait += self._free - now
            self.sent += len(packet)
        self.passed += 1
        if wait:
            asyncio.get_running_loop().call_later(wait, self._write, other, packet)
        else:
            self._write(other, packet)

    def _write(self, end: int, packet: bytes) -> None:
        try:
            os.write(end, packet)
        except OSError:
            self.lost += 1  # its queue is full, as on any line


def _namespace(addresses: list[str]) -> tuple[int, list[int]]:
    """A new network with one device; the namespace's descriptor and the device's. We are in it then."""
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "no namespace can be made")
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", b"line0", IFF_TUN | IFF_NO_PI))
    for address in addresses:
        _ip("addr", "add", f"{address}/24", "dev", "line0")
    for link in ("lo", "line0"):
        _ip("link", "set", link, "up")
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY), [device]


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)
