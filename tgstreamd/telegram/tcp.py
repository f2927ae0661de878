"""Reads from the kernel how much of the sent data the TCP peer has confirmed.

The peer is Telegram's server or a proxy. If the kernel does not say (no socket, another system), everything
given to it counts as confirmed. Changes nothing.
"""

from __future__ import annotations

import asyncio
import fcntl
import sys
import termios


def unconfirmed(transport: asyncio.WriteTransport) -> int:
    """Return the bytes given to a transport that the TCP peer has not confirmed (SIOCOUTQ, tcp(7))."""
    try:
        queued = fcntl.ioctl(transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, bytes(4))
    except (AttributeError, OSError, ValueError):
        queued = b""
    return transport.get_write_buffer_size() + int.from_bytes(queued, sys.byteorder)
