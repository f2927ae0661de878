"""How much of what we send the next machine has confirmed: the kernel knows it of each TCP connection.

The next machine is Telegram's, or a proxy's. Where the kernel does not say (no socket, another system),
everything that was given to it counts as confirmed. Changes nothing.
"""

from __future__ import annotations

import asyncio
import fcntl
import sys
import termios


def unconfirmed(transport: asyncio.WriteTransport) -> int:
    """Bytes given to a transport that the next machine has not confirmed (SIOCOUTQ, tcp(7))."""
    try:
        queued = fcntl.ioctl(transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, bytes(4))
    except (AttributeError, OSError, ValueError):
        queued = b""
    return transport.get_write_buffer_size() + int.from_bytes(queued, sys.byteorder)
